"""The action of a module that needs nothing of the controller, for plugins that build on it."""

from typing import Any, Dict

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        result.update(self._execute_module(task_vars=task_vars, wrap_async=bool(self._task.async_val)))
        return result
