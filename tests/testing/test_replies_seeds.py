"""Faults in how Beacon keeps several tasks apart: each is found, and named."""

import pytest

POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
CANCEL = 'reply = yield httpx.Request("DELETE", self._url(ticket))'
TICKET = "        return Ticket(task_id)\n\n    def poll"
REMEMBER = "        self.last = task_id\n        return Ticket(task_id)\n\n    def poll"
APART = "several_tasks_are_kept_apart"
FIND = "find_finds_the_task_that_was_asked_for"
RENEW = "a_renewed_link_leads_to_the_tasks_own_video"
CANCELS = "cancel_cancels_no_other_task"
LIST = 'reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs")'
OURS = 'if get(job, "own_id") != request.task:'


def of_list(which: str) -> tuple[tuple[str, str], ...]:
    """`poll` reads the list of all jobs, the newest first, and takes one of them."""
    return (
        (f"{POLL}\n        answer = self._answer(reply, asking=True)",
         (f"{LIST}\n        from kling26.core.wire import structure\n"
         f"        jobs = self.read(reply, dict).get('jobs') or [{{}}]\n"
         f"        answer = structure({which}, Reply)")),
    )  # fmt: skip


SEEDS = {
    "a poll that takes the first of a list": (
        APART, "poll reports the first task as queued, though it is succeeded.", *of_list("jobs[0]")
    ),
    "a poll that takes the last of a list": (
        APART, "poll returns None for the first task: no video is there.", *of_list("jobs[-1]"),
    ),
    "a poll of what was submitted last": (
        APART, "poll reports the second task as succeeded, though it is running.",
        (TICKET, REMEMBER), (POLL, POLL.replace("ticket", "Ticket(self.last)")),
    ),
    "a URL that is kept between request and reply": (
        APART, "poll returns 'https://api.beacon.example/results/0/job_",
        (POLL, f"self.asked = ticket\n        {POLL}"),
        ('url = find_video(get(answer.video, "url"))',
         ('url = find_video(get(answer.video, "url"))\n        if url and hasattr(self, "asked"):\n'
         '            url = url.replace(str(answer.id), self.asked.task_id)')),
    ),
    "a ticket of the list's newest task": (
        APART, "submit returns the same ticket for different tasks: Ticket(task_id='job_",
        ("task_id = identifier(self.read(reply, Reply).id)",
         f"{LIST}\n        task_id = identifier(get(self.read(reply, dict)['jobs'][0], 'id'))"),
    ),
    "a find that takes the newest": (
        FIND, "find returns Ticket(task_id='job_", (OURS, "if False:"),
    ),
    "a find that looks at the newest alone": (
        FIND, "find returns None for a task that the service has.",
        ("for job in jobs:", "for job in jobs[:1]:"),
    ),
    "a find that passes over failed tasks": (
        FIND, "find returns None for a task that the service has.",
        (OURS, OURS.replace(":", ' or get(job, "state") == "broken":')),
    ),
    "a find that raises for an unknown id": (
        FIND, "find raises NoSuchTask for an id that is not known; it has to return None.",
        ("            return Ticket(task_id)\n        return None",
         ('            return Ticket(task_id)\n'
         '        raise self.error(NoSuchTask, reply, "there is none")')),
    ),
    "a find that stumbles over an unknown id": (
        FIND, "find returns IndexError: list index out of range for an id that the service does",
        ("            return Ticket(task_id)\n        return None",
         "            return Ticket(task_id)\n        return [][0]"),
    ),
    "a ticket that poll cannot use": (
        FIND, "poll turns the ticket that find found into NoSuchTask",
        ("            return Ticket(task_id)\n        return None",
         '            return Ticket(task_id, {"url": "elsewhere"})\n        return None'),
        ("{quote(ticket.task_id, safe='')}", "{quote(ticket.data.get('url', ticket.task_id))}"),
    ),
    "a link of the task renewed last": (
        RENEW, "renew returns 'https://api.beacon.example/results/1/job_",
        ('        reply = yield httpx.Request("POST", f"{self._url(ticket)}/link")',
         ('        type(self).at_work = ticket\n'
         '        reply = yield httpx.Request("GET", f"{self.base_url}/v1/account")\n'
         '        reply = yield httpx.Request("POST", f"{self._url(self.at_work)}/link")')),
    ),
    "a link that is the old one, changed": (
        RENEW, "no video is there.",
        ("        self._answer(reply, asking=True)\n        return self.read_url(",
         ('        self._answer(reply, asking=True)\n        return url.replace("/0/", "/7/")\n'
         "        return self.read_url(")),
    ),
    "a cancel of the task submitted last": (
        CANCELS, "cancel of the second of three tasks cancels the first task.",
        (TICKET, REMEMBER), (CANCEL, CANCEL.replace("ticket", "Ticket(self.last)")),
    ),
    "a cancel that is always believed": (
        CANCELS, "cancel returned True for a task that is finished.",
        ("reply.status_code == 409:\n            return False",
         "reply.status_code == 409:\n            return True"),
    ),
    "a cancel that takes an unknown task for cancelled": (
        CANCELS, "cancel returned True for a task that is unknown.",
        (CANCEL, f"{CANCEL}\n        if reply.status_code == 404:\n            return True"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
