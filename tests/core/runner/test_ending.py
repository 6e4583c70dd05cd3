"""Programs that end while a paid request is in flight: each waits for the answer."""

import signal
import sys

import pytest

from ...held import WAITS, Provider
from ...held import provider as provider

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there"),
]

GENERATE = "generate(VideoRequest('A fox'))\n"
OWN_RUNNER = """
async def main():
    async with Runner() as runner:
        await runner.generate(VideoRequest('A fox'))
asyncio.run(main())
"""
#: What waits in the main thread.
PROGRAMS = {
    "generate": GENERATE,
    "agenerate": "asyncio.run(agenerate(VideoRequest('A fox')))",
    "a runner of one's own": OWN_RUNNER,
}
#: What waits in other threads, where signals cannot be handled.
THREADS = {
    "a pool of threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as pool:
    list(pool.map(generate, [VideoRequest('A fox')]))
""",
    "a thread that outlives main": f"threading.Thread(target=lambda: {GENERATE.strip()}).start()",
}
if (3, 12, 0) <= sys.version_info < (3, 12, 2):  # They could not start threads any more then.
    del THREADS["a thread that outlives main"]


@pytest.mark.parametrize("source", (PROGRAMS | THREADS).values(), ids=PROGRAMS | THREADS)
def test_a_program_that_is_told_to_end_waits_for_the_answer(
    provider: Provider, source: str
) -> None:
    program = provider.start(source).until_paying().signal(signal.SIGTERM)
    status, _ = program.answered_while_it_waits().ended()

    assert status == -signal.SIGTERM
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_a_program_whose_terminal_is_closed_waits_for_the_answer(provider: Provider) -> None:
    program = provider.start(GENERATE).until_paying().signal(signal.SIGHUP)
    status, _ = program.answered_while_it_waits().ended()

    assert status == -signal.SIGHUP
    assert (provider.paid, provider.states) == (1, ["submitted"])


LEFT = "leave(agenerate(VideoRequest('A fox')))"
OWN_LEFT = "leave(Runner().generate(VideoRequest('A fox')))"
#: Programs that end of themselves, with these exit statuses.
ENDS = {
    "an unhandled exception": (f"asyncio.run({LEFT})", 1),
    "sys.exit": (f"try:\n    asyncio.run({LEFT})\nexcept TimeoutError:\n    sys.exit(7)", 7),
    "the end of main": (f"try:\n    asyncio.run({LEFT})\nexcept TimeoutError:\n    pass", 0),
    "a thread that Python drops": (
        f"threading.Thread(target=lambda: {GENERATE.strip()}, daemon=True).start()\nuntil_paying()",
        0,
    ),
    "a runner that nobody closes": (f"asyncio.run({OWN_LEFT})", 1),
    "an event loop that is left": (f"asyncio.new_event_loop().run_until_complete({OWN_LEFT})", 1),
    "a runner's task that is dropped": (
        """
async def use():
    async with Runner() as runner:
        await runner.generate(VideoRequest('A fox'))
asyncio.run(leave(use()))
""",
        1,
    ),
}


@pytest.mark.parametrize(("source", "expected"), ENDS.values(), ids=ENDS)
def test_a_program_that_ends_waits_for_the_answer(
    provider: Provider, source: str, expected: int
) -> None:
    status, _ = provider.start(source).answered_while_it_waits().ended()

    assert status == expected
    assert (provider.paid, provider.states) == (1, ["submitted"])


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_ctrl_c_waits_for_the_answer(provider: Provider, source: str) -> None:
    program = provider.start(source).until_paying().signal(signal.SIGINT)
    status, _ = program.answered_while_it_waits().ended()

    assert status == -signal.SIGINT
    assert "KeyboardInterrupt" in program.said
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_another_ctrl_c_ends_at_once(provider: Provider) -> None:
    program = provider.start(GENERATE).until_paying().signal(signal.SIGINT).until_it_says(WAITS)
    status, _ = program.signal(signal.SIGINT).ended()

    assert status == -signal.SIGINT
    assert (provider.paid, provider.states) == (1, ["submitting"])


def test_another_request_to_end_ends_at_once(provider: Provider) -> None:
    program = provider.start(GENERATE).until_paying().signal(signal.SIGTERM).until_it_says(WAITS)
    status, _ = program.signal(signal.SIGTERM).ended()

    assert status == -signal.SIGTERM


def test_a_program_that_is_told_to_end_while_it_waits_ends_by_the_signal(
    provider: Provider,
) -> None:
    program = provider.start(f"asyncio.run({LEFT})").until_it_says(WAITS).signal(signal.SIGTERM)
    provider.answer()
    status, _ = program.ended()

    assert status == -signal.SIGTERM
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_a_signal_that_the_program_handles_is_left_to_it(provider: Provider) -> None:
    handle = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
    program = provider.start(handle + GENERATE).until_paying().signal(signal.SIGTERM)
    status, _ = program.answered_while_it_waits().ended()

    assert status == 3
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_a_program_that_pays_nothing_ends_by_a_signal_at_once(provider: Provider) -> None:
    program = provider.start("print('here', file=sys.stderr, flush=True)\nsignal.pause()")
    status, _ = program.until_it_says("here").signal(signal.SIGTERM).ended()

    assert (status, program.said) == (-signal.SIGTERM, "here\n")


PAYS_MORE = """
import logging

class More(logging.Handler):
    def emit(self, record):
        thread = threading.Thread(target=self.pay)
        thread.start()
        thread.join()

    def pay(self):
        try:
            generate(VideoRequest('An owl'))
        except Exception as error:
            print(type(error).__name__, error, flush=True)

logging.getLogger("kling26").addHandler(More())
logging.getLogger("kling26").addHandler(logging.StreamHandler())
generate(VideoRequest('A fox'))
"""


def test_nothing_more_is_paid_once_a_program_ends(provider: Provider) -> None:
    program = provider.start(PAYS_MORE).until_paying().signal(signal.SIGTERM)
    status, out = program.answered_while_it_waits().ended()

    assert status == -signal.SIGTERM
    assert out == (
        "NotDelivered The program is about to end, so the task was left; it can be resumed.\n"
    )
    assert (provider.paid, provider.states) == (1, ["submitted", "submitting"])


# -- children ----------------------------------------------------------------------------------

METHODS = ["fork", "spawn", "forkserver"]
#: A program whose child does this, and what the parent does meanwhile.
CHILD = """
def work():
    {work}

if __name__ == "__main__":
    child = multiprocessing.get_context({method!r}).Process(target=work)
    child.start()
    {meanwhile}
    child.join()
    print(child.exitcode)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_child_of_multiprocessing_waits_at_its_end(provider: Provider, method: str) -> None:
    source = CHILD.format(work=f"asyncio.run({LEFT})", method=method, meanwhile="pass")
    status, out = provider.start(source).answered_while_it_waits().ended()

    assert (status, out) == (0, "1\n")
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_a_child_that_is_terminated_waits_for_the_answer(provider: Provider) -> None:
    terminate = "until_paying(); child.terminate()"
    source = CHILD.format(work=GENERATE.strip(), method="fork", meanwhile=terminate)
    status, out = provider.start(source).answered_while_it_waits().ended()

    assert (status, out) == (0, "-15\n")
    assert (provider.paid, provider.states) == (1, ["submitted"])


FORKED = f"""
{GENERATE}
child = os.fork()
if child == 0:
    print(generate(VideoRequest('An owl')).cost, flush=True)
    sys.exit(4)
generate(VideoRequest('A heron'))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_makes_videos_and_so_does_its_parent(provider: Provider) -> None:
    provider.answer()
    status, out = provider.start(FORKED).ended()

    assert (status, out) == (0, "55.0\n4\n")
    assert (provider.paid, provider.states) == (3, ["stored"] * 3)


OWN_IN_CHILD = """
runner = Runner()
asyncio.run(runner.generate(VideoRequest('A fox')))
child = os.fork()
if child == 0:
    try:
        asyncio.run(runner.generate(VideoRequest('An owl')))
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_runner_of_the_parent_says_that_it_cannot_be_used_in_a_forked_child(
    provider: Provider,
) -> None:
    provider.answer()
    status, out = provider.start(OWN_IN_CHILD).ended()

    assert status == 0
    assert out == (
        "JournalError The journal was opened before this process was forked from another one, so "
        "it cannot be used here; open it anew, with a new runner. Nothing was sent.\n"
    )
    assert provider.paid == 1
