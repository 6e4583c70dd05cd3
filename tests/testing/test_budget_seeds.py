"""Faults by which Beacon does more than ask and read, or tells its key: found, and named."""

import pytest
from kling26.testing.conformance import budgets

USES = "no_flow_uses_more_than_its_replies"
LONG = "no_flow_computes_for_long"
KEY = "nothing_tells_the_key"
POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
SUBMIT = 'reply = yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)'
CHECK = 'if options.strength is not None and options.look == "plain":'
PRICE = "return round(0.05"
READ = "answer = self.read_call(body, Reply)"
CLASS = "class Beacon(Provider[BeaconOptions]):"
BALANCE = "    def balance(self)"


def first(old: str, *lines: str) -> tuple[str, str]:
    """These lines in front of another one."""
    return old, "\n        ".join((*lines, old))


def imports(*names: str) -> tuple[str, str]:
    return CLASS, "\n".join((*(f"import {name}" for name in names), "", "", CLASS))


def signing(*lines: str) -> tuple[str, str]:
    """A `sign` that also does this."""
    usual = 'request.headers["Authorization"] = f"Bearer {key}"'
    body = "\n        ".join((*lines, usual))
    return BALANCE, f"    def sign(self, request, key):\n        {body}\n\n{BALANCE}"


SEEDS = {
    "a poll that sleeps": (USES, "poll waits (time.sleep).", first(POLL, "time.sleep(0.001)")),
    "a submit that sleeps": (
        USES, "submit waits (time.sleep).", first(SUBMIT, "time.sleep(0.001)")),
    "a check that sleeps": (USES, "check waits (time.sleep).", first(CHECK, "time.sleep(0.001)")),
    "a sign that sleeps": (USES, "sign waits (time.sleep).", signing("time.sleep(0.001)")),
    "a price that sleeps": (USES, "price waits (time.sleep).", first(PRICE, "time.sleep(0.001)")),
    "a poll that waits for nothing": (
        USES, "poll waits (", imports("threading"), first(POLL, "threading.Event().wait(0.001)")),
    "a poll that selects": (
        USES, "poll waits (select.select).", imports("select"),
        first(POLL, "select.select([], [], [], 0.001)")),
    "a poll that looks at a clock": (
        USES, "poll looks at a clock (time.time).", first(POLL, "started = time.time()")),
    "a submit with a date": (
        USES, "submit looks at a clock (datetime.now).", imports("datetime"),
        first(SUBMIT, "body['text'] += str(datetime.datetime.now(datetime.UTC).year)")),
    "a callback that looks at a clock": (
        USES, "read_callback looks at a clock (time.time).", first(READ, "time.time()")),
    "a submit with chance": (
        USES, "submit uses chance (random).", imports("random"), first(SUBMIT, "random.random()")),
    "a poll with a new id": (
        USES, "poll uses chance (urandom).", imports("uuid"), first(POLL, "uuid.uuid4()")),
    "a balance with a secret": (
        USES, "balance uses chance (", imports("secrets"),
        ('f"{self.base_url}/v1/account"', 'f"{self.base_url}/v1/account?{secrets.token_hex()}"')),
    "a poll that opens a socket": (
        USES, "poll opens a socket or resolves a name (socket.__new__).", imports("socket"),
        first(POLL, "socket.socket().close()")),
    "a poll that resolves a name": (
        USES, "poll opens a socket or resolves a name (socket.getaddrinfo).", imports("socket"),
        first(POLL, "socket.getaddrinfo('127.0.0.1', 80)")),
    "a poll that starts a thread": (
        USES, "poll starts a thread (_thread.start", imports("threading"),
        first(POLL, "threading.Thread(target=print).start()")),
    "a poll that starts a process": (
        USES, "poll starts a process (subprocess.Popen).", imports("subprocess"),
        first(POLL, "subprocess.run(['true'], check=False)")),
    "a submit that writes a file": (
        USES, "submit opens a file (open).", first(SUBMIT, "open('last.json', 'w').close()")),
    "a check that reads a file": (
        USES, "check opens a file (open).", imports("pathlib"),
        first(CHECK, "pathlib.Path(__file__).read_bytes()")),
    "a poll that reads the environment": (
        USES, "poll reads the environment (os.environ).", imports("os"),
        first(POLL, "os.environ.get('BEACON_REGION')")),
    "a sign that reads the environment": (
        USES, "sign reads the environment (os.environ).", imports("os"),
        signing("key = os.getenv('BEACON_API_KEY') or key")),
    "a poll that spins": (
        LONG, "poll keeps the processor busy for", first(POLL, "sum(range(2_000_000))")),
    "a log of the key": (
        KEY, "The key is in the log: signed with ***", imports("logging"),
        signing("logging.getLogger('beacon').debug('signed with %s', key)")),
    "a log of a part of the key": (
        KEY, "The key is in the log: signed with kq8Told7", imports("logging"),
        signing("logging.getLogger('beacon').debug('signed with %s', key[:8])")),
    "a log of the headers": (
        KEY, "The key is in the log:", imports("logging"),
        ("    def balance(self)",
         ("    def sign(self, request, key):\n"
         "        request.headers['Authorization'] = f'Key {key}'\n"
         "        logging.getLogger('beacon').info('%s', dict(request.headers))\n\n"
         "    def balance(self)"))),
    "a print of the key": (KEY, "The key is in what is printed: ***", signing("print(key)")),
    "a warning with the key": (
        KEY, "The key is in a warning: an odd key ***", imports("warnings"),
        signing("warnings.warn(f'an odd key {key}', stacklevel=1)")),
    "an error with the key": (
        KEY, "sign puts the key into an error: ValueError.",
        signing("if ':' not in key: raise ValueError(f'{key} is no key')")),
    "a key that is kept": (KEY, "The key is kept in provider.key.", signing("self.key = key")),
    "a key that is kept in the module": (
        KEY, "The key is kept in kling26_beacon.KEYS[0].",
        (CLASS, f"KEYS = []\n\n\n{CLASS}"), signing("KEYS.append(key)")),
    "a key in a ticket": (
        KEY, "submit puts the key into what it returns or raises.", imports("os"),
        ("        return Ticket(task_id)\n\n    def poll",
         ("        return Ticket(task_id, {'k': os.environ.get('BEACON_API_KEY', '')})\n\n"
         "    def poll"))),
    "a key in a reason": (
        KEY, "poll puts the key into what it returns or raises.", imports("os"),
        ("return Status(state, reason=reason, code=code)",
         "return Status(state, reason=f\"{reason} {os.getenv('BEACON_API_KEY')}\", code=code)")),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BEACON_API_KEY", raising=False)
    monkeypatch.setattr(budgets, "_LONGEST", 0.01)

    finds(*SEEDS[name])
