"""Proves that what attempts ask goes out in as few messages as may be, and that each gets its own answers, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from provisioner.engine.driving import drive, drive_together
from provisioner.engine.errors import TaskError
from provisioner.engine.exchange import Attempt, Exchange, send
from provisioner.engine.sessions import ModuleCall, Session


class Host(Session):
    """Answers each module with its name; stops after one called `fail`, as a session does."""

    def __init__(self, lost: bool = False, silent: bool = False) -> None:
        self.messages: list[list[str]] = []
        self._lost, self._silent = lost, silent

    def call(self, calls: Sequence[ModuleCall], become: Any = None) -> list[dict[str, Any]]:
        names = [call.module for call in calls]
        self.messages.append(names)
        if self._lost:
            raise ConnectionError("gone")
        end = names.index("fail") + 1 if "fail" in names else len(names)
        return [] if self._silent else [{"name": name, "failed": name == "fail", "_ansible_kind": "set_fact"} for name in names[:end]]


def test_no_host_says_what_is_the_engines_to_say() -> None:
    exchange = Exchange(Host(), None, ModuleCall("a", {}))
    assert send([exchange]) == [{"name": "a", "failed": False}]


def attempt(host: Host, *modules: str, error: Exception | None = None) -> Attempt:
    """Asks for modules one by one, and answers with all that it was told."""
    told = []
    for module in modules:
        answer = yield Exchange(host, None, ModuleCall(module, {}))
        told.append(answer["name"])
    if error is not None:
        raise error
    return {"told": told}


def test_one_attempt_sends_a_message_for_each_call() -> None:
    host = Host()
    assert drive(attempt(host, "a", "b")) == {"told": ["a", "b"]}
    assert host.messages == [["a"], ["b"]]
    assert drive(attempt(host)) == {"told": []}


def test_first_calls_share_a_message_and_what_follows_goes_alone() -> None:
    host, other = Host(), Host()
    made = [attempt(host, "a"), None, attempt(other, "b", "c"), attempt(host, "fail"), attempt(host, "d"), attempt(host)]
    assert drive_together(made) == [{"told": ["a"]}, {}, {"told": ["b", "c"]}, {"told": ["fail"]}, {"told": ["d"]}, {"told": []}]
    assert host.messages == [["a", "fail", "d"], ["d"]]  # those after the failed one have their turn
    assert other.messages == [["b"], ["c"]]


@pytest.mark.parametrize("when", [(), ("a",)])
def test_an_error_is_its_own_attempts_result(when: tuple[str, ...]) -> None:
    host = Host()
    results = drive_together([attempt(host, *when, error=TaskError("broken")), attempt(host, "b")])
    assert results[0]["failed"] and results[0]["msg"] == "broken"
    assert results[1] == {"told": ["b"]}


def test_a_lost_host_is_unreachable_for_all_of_its_attempts_only() -> None:
    results = drive_together([attempt(Host(lost=True), "a"), attempt(Host(), "b")])
    assert results == [{"unreachable": True, "msg": "gone", "changed": False}, {"told": ["b"]}]


def test_a_host_that_says_nothing_is_an_error() -> None:
    with pytest.raises(TaskError, match="no result"):
        drive(attempt(Host(silent=True), "a"))


def test_a_host_that_gives_no_result_fails_what_shared_its_message() -> None:
    silent = Host(silent=True)
    results = drive_together([attempt(silent, "a"), attempt(silent, "b"), attempt(Host(), "c")])
    assert [result.get("msg") for result in results] == ["the host gave no result", "the host gave no result", None]
    assert results[2] == {"told": ["c"]}
