"""What a task came to, as people's own callback plugins see it."""

from typing import Any, Dict


class CallbackTaskResult:
    """`result` may be changed by the plugin that it is given to."""

    def __init__(self, host: Any, task: Any, result: Dict[str, Any], task_fields: Any) -> None:
        self.host = self._host = host
        self.task = self._task = task
        self.result = self._result = result
        self.task_fields = self._task_fields = task_fields

    @property
    def task_name(self) -> str:
        return str(self.task.get_name())

    @property
    def exception(self) -> Any:
        return self.result.get("exception")

    def _any(self, key: str) -> bool:
        if key in self.result:
            return bool(self.result[key])
        parts = self.result.get("results")
        return any(isinstance(part, dict) and bool(part.get(key)) for part in (parts if isinstance(parts, list) else ()))

    def is_changed(self) -> bool:
        return self._any("changed")

    def is_skipped(self) -> bool:
        parts = self.result.get("results")
        if isinstance(parts, list) and parts:
            return all(isinstance(part, dict) and bool(part.get("skipped")) for part in parts)
        return bool(self.result.get("skipped"))

    def is_failed(self) -> bool:
        if "failed_when_result" in self.result:
            return bool(self.result["failed_when_result"])
        return self._any("failed")

    def is_unreachable(self) -> bool:
        return self._any("unreachable")

    def clean_copy(self) -> "CallbackTaskResult":
        return CallbackTaskResult(self.host, self.task, dict(self.result), self.task_fields)


TaskResult = CallbackTaskResult
