"""Ansible's usual output, for people's own callback plugins that change a part of it: the engine's own output draws what they leave to it."""

from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
extends_documentation_fragment: [default_callback, result_format_callback]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Each event goes to `_drawing`, which is the engine's output; `_dump_results` may be another one's."""

    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "default"

    def __init__(self) -> None:
        super().__init__()
        self._play: Any = None
        self._last_task_name: Any = None

    @property
    def _last_task_banner(self) -> Any:
        """The task whose title stands above what comes next."""
        return self._drawing.shown if self._drawing is not None else None

    @_last_task_banner.setter
    def _last_task_banner(self, value: Any) -> None:
        """The output knows by itself."""

    def _print_task_banner(self, task: Any) -> None:
        self._drawing.title(task._uuid)

    def _print_task_path(self, task: Any) -> None:
        path = task.get_path()
        if path:
            self._display.display("task path: %s" % path, color="dark gray")

    def _draw(self, *_: Any, **__: Any) -> None:
        if self._drawing is not None:
            self._drawing.draw()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play
        self._draw()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._last_task_name = task.get_name()
        self._draw()

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._last_task_name = task.get_name()
        self._draw()

    v2_playbook_on_no_hosts_matched = v2_playbook_on_no_hosts_remaining = v2_playbook_on_stats = _draw
    v2_playbook_on_include = v2_runner_retry = _draw
    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _draw
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = _draw
