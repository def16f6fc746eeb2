"""The prompt of the task debugger, with Ansible's commands. Without a terminal it reads what stdin has, and quits at its end."""

from __future__ import annotations

import cmd
import pprint
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from provisioner.engine.task_debugger import Answer

if TYPE_CHECKING:
    from provisioner.engine.task_debugger import Stopped


def ask(stopped: Stopped) -> Answer:
    """What the person decides; QUIT where nobody is there."""
    prompt = _Prompt(stopped)
    if sys.stdin is None or sys.stdin.closed:
        prompt.do_quit("")
    else:
        try:
            prompt.cmdloop()
        except KeyboardInterrupt:
            print()
    return prompt.answer


class _Name(str):
    """A host's name, shown without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


class _Prompt(cmd.Cmd):
    """Lines that are no command are Python statements about `task`, `task_vars`, `host` and `result`."""

    def __init__(self, stopped: Stopped) -> None:
        super().__init__()
        self.prompt = f"[{stopped.host}] {stopped.task} (debug)> "
        self.answer = Answer.QUIT
        self._stopped = stopped
        self._scope: dict[str, Any] = {
            "host": _Name(stopped.host),
            "result": stopped.result,
            "task": stopped.task,
            "task_vars": stopped.task_vars,
        }

    def do_EOF(self, line: str) -> bool:
        """Quit"""
        print()
        return self.do_quit(line)

    def do_quit(self, line: str) -> bool:
        """Quit: end the whole run"""
        print("User interrupted execution")
        self.answer = Answer.QUIT
        return True

    def do_continue(self, line: str) -> bool:
        """Continue with the next result"""
        self.answer = Answer.CONTINUE
        return True

    def do_redo(self, line: str) -> bool:
        """Run the task again, as it has been changed"""
        self.answer = Answer.REDO
        return True

    def do_update_task(self, line: str) -> None:
        """Make the task anew as it was written, with changed task_vars"""
        self._guard(lambda: self._stopped.task.update(self._stopped.task_vars))

    def do_pprint(self, line: str) -> None:
        """Print the value of an expression: task, task.name, task.args, task_vars, task_vars['name'], host, result.result"""
        self._guard(lambda: print(pprint.pformat(eval(line, {}, self._scope))))

    def default(self, line: str) -> None:
        self._guard(lambda: exec(compile(line + "\n", "<stdin>", "single"), {}, self._scope))

    def emptyline(self) -> bool:
        """Nothing: a command that changes something is not to run twice because of a key pressed twice."""
        return False

    def _guard(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as e:
            print(f"***{type(e).__name__}:{e!r}")

    do_h = cmd.Cmd.do_help
    do_q = do_quit
    do_c = do_continue
    do_r = do_redo
    do_u = do_update_task
    do_p = do_pprint
