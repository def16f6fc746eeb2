"""Proves that whatever a module does, its caller gets one result: with what a named file is like, with its warnings, never an exception."""

from __future__ import annotations

import errno
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from provisioner.agent.calling import outcome, passed_on
from provisioner.agent.context import Context, ModuleFailed


def module(does: Any) -> ModuleType:
    made = ModuleType("made")
    made.ARGUMENTS = {"path": {}}  # type: ignore[attr-defined]
    made.run = does  # type: ignore[attr-defined]
    return made


def test_secrets_of_the_arguments_are_in_no_answer() -> None:
    made = module(raising(ModuleFailed("it said: s3cret", rc=3)))
    made.ARGUMENTS = {"password": {"no_log": True}}  # type: ignore[attr-defined]
    assert outcome(made, "made", {"password": "s3cret"}, Context())["msg"] == "it said: ********"


def raising(error: BaseException) -> Any:
    def run(args: dict[str, Any], context: Context) -> dict[str, Any]:
        raise error

    return run


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (raising(ModuleFailed("no", rc=3)), {"failed": True, "changed": False, "msg": "no", "rc": 3}),
        (raising(SystemExit(4)), {"failed": True, "changed": False, "msg": "module made ended with the exit code 4"}),
        (
            raising(PermissionError(errno.EACCES, "denied", "/x")),
            {"failed": True, "changed": False, "msg": "Task failed: Module failed: [Errno 13] denied: '/x'"},
        ),
        (lambda args, context: {"changed": True}, {"changed": True}),
        (lambda args, context: context.warn("careful") or {}, {"changed": False, "warnings": ["careful"]}),
    ],
)
def test_every_end_is_a_result(does: Any, said: dict[str, Any]) -> None:
    assert outcome(module(does), "made", {}, Context()) == said


def test_a_crash_keeps_its_traceback() -> None:
    result = outcome(module(raising(KeyError("x"))), "made", {}, Context())
    assert result["failed"] and result["msg"] == "Task failed: Module failed: 'x'" and "Traceback" in result["exception"]


def test_a_full_disk_is_told_as_such() -> None:
    result = outcome(module(raising(OSError(errno.ENOSPC, "No space left", "/x/y"))), "made", {}, Context())
    assert result["msg"].startswith("the host's disk is full (/x/y)")


def test_wrong_arguments_are_told() -> None:
    result = outcome(module(lambda args, context: {}), "made", {"pth": 1}, Context())
    assert result["msg"] == "Unsupported parameters for (made) module: pth. Supported parameters include: path."


def test_a_file_that_a_failure_names_is_described(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("abc")
    result = outcome(module(raising(ModuleFailed("no", path=str(tmp_path / "f")))), "made", {}, Context())
    assert (result["size"], result["state"], result["mode"]) == (3, "file", "0644")


def test_a_link_to_nothing_is_not_described(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("nothing")
    assert outcome(module(lambda args, context: {"dest": str(tmp_path / "l")}), "made", {}, Context()) == {
        "dest": str(tmp_path / "l"),
        "changed": False,
    }


INNER: Any = SimpleNamespace(
    ARGUMENTS={"package": {"type": "list", "aliases": ["name"]}, "purge": {"type": "bool", "default": False}, "key": {"no_log": True}},
    run=lambda args, context: {"changed": True, "said": args["key"]},
)
OUTER: Any = SimpleNamespace(
    ARGUMENTS={"name": {"type": "raw"}, "use": {"default": "auto"}},
    run=lambda args, context: passed_on(INNER, "inner", {"name": args["name"]}, context),
)


@pytest.mark.parametrize(
    ("module", "given", "told"),
    [
        (INNER, {"name": "a,b", "_private": 1}, {"name": "a,b", "package": ["a", "b"], "purge": False, "key": None}),
        (INNER, {"package": "a", "key": "secret"}, {"package": ["a"], "purge": False, "key": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}),
        (OUTER, {"name": "a", "use": "inner"}, {"name": "a", "package": ["a"], "purge": False, "key": None}),
        (INNER, {"nope": 1}, {"nope": 1}),
    ],
)
def test_arguments_are_told_where_that_is_wanted(module: Any, given: dict[str, Any], told: dict[str, Any]) -> None:
    context = Context()
    assert "invocation" not in outcome(module, "m", given, context)
    context.tells_arguments = True
    assert outcome(module, "m", given, context)["invocation"] == {"module_args": told}
