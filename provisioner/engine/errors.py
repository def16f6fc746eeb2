"""What stops a run or a task.

EngineError
    PlaybookError     a playbook, role or task file is wrong; found before anything runs, or when a file is included
        MissingContentError  what an include names is not there
        RunError      what a playbook asks for while running cannot be done, and no host is to blame
        OddValueError a value that is no number
        OptionsError  one of a keyword's words that does not exist
    RunInterrupted    the person has ended the run
    TaskError         a task cannot be carried out; becomes the failed result of its host
"""

from __future__ import annotations

from typing import ClassVar

from provisioner.inventory.documents import Location
from provisioner.templating import TemplateError, UndefinedVariable


class EngineError(Exception):
    """Root of the engine's errors."""


class PlaybookError(EngineError):
    """A mistake in content, with its place."""

    exit_code: ClassVar[int] = 4
    """What `provision play` ends with, as ansible-playbook does."""

    def __init__(self, message: str, location: Location | None = None, hint: str = "") -> None:
        self.message = message
        self.location = location
        self.hint = hint
        text = f"{location}: {message}" if location else message
        super().__init__(f"{text} ({hint})" if hint else text)


class MissingContentError(PlaybookError):
    """A file or role that an include names is not there, is sealed, or is no list of tasks: the task fails on its host, the run goes on."""

    exit_code = 1


class RunError(PlaybookError):
    """A mistake that shows only while running, or that Ansible finds while it parses and does not count as one of syntax."""

    exit_code = 1


class OddValueError(PlaybookError):
    """A value that is no number where one must be, over which Ansible itself stumbles."""

    exit_code = 250


class OptionsError(PlaybookError):
    """A choice that does not exist."""

    exit_code = 5


class RunInterrupted(EngineError):
    """The person who answers the task debugger's prompt or that of --step ends the run."""


class TaskError(EngineError):
    """The task fails on this host; `result` is merged into its result."""

    def __init__(self, message: str, **result: object) -> None:
        self.result = {"failed": True, "msg": message, **result}
        super().__init__(message)


def condition_error(error: TemplateError) -> TaskError:
    """How a condition that cannot be evaluated is told."""
    if isinstance(error, UndefinedVariable):
        return TaskError(f"Task failed: Error while evaluating conditional: {error}")
    return TaskError(f"Task failed: {error}")
