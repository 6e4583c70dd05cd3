"""Threads that do calls for an event loop."""

import threading

import pytest
from kling26.core.threads import DaemonThreads


def test_a_call_gives_its_result_or_its_error() -> None:
    threads = DaemonThreads(1, "calls")

    assert threads.submit(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 7, 0).result()


def test_as_many_calls_as_threads_run_at_once() -> None:
    threads, meeting = DaemonThreads(3, "calls"), threading.Barrier(3)
    arrived = [threads.submit(meeting.wait, 10) for _ in range(3)]

    assert sorted(each.result() for each in arrived) == [0, 1, 2]


def test_no_more_calls_than_threads_run_at_once() -> None:
    threads = DaemonThreads(2, "calls")
    used = {threads.submit(threading.get_ident).result() for _ in range(20)}

    assert len(used) <= 2


def test_no_thread_keeps_the_interpreter_from_exiting() -> None:
    assert DaemonThreads(1, "calls").submit(lambda: threading.current_thread().daemon).result()


def test_what_was_asked_before_the_end_is_done() -> None:
    threads = DaemonThreads(1, "calls")
    asked = [threads.submit(int, each) for each in range(5)]
    threads.shutdown()

    assert [each.result(timeout=10) for each in asked] == [0, 1, 2, 3, 4]
