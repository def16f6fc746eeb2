"""CallbackBase for people's own callback plugins, and for action plugins that have it show a difference."""

import copy
import difflib
import json
import textwrap
from typing import Any, Dict, List, Optional

from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

__all__ = ["EVENTS", "CallbackBase", "module_response_deepcopy", "strip_internal_keys"]

_NO_END = "\n\\ No newline at end of file\n"
# Events, and the older names that a plugin may have for them instead.
EVENTS: Dict[str, Optional[str]] = {
    "v2_playbook_on_start": "playbook_on_start", "v2_playbook_on_play_start": "playbook_on_play_start",
    "v2_playbook_on_task_start": "playbook_on_task_start", "v2_playbook_on_handler_task_start": None, "v2_playbook_on_cleanup_task_start": None,
    "v2_playbook_on_notify": "playbook_on_notify", "v2_playbook_on_include": None, "v2_playbook_on_stats": "playbook_on_stats",
    "v2_playbook_on_no_hosts_matched": "playbook_on_no_hosts_matched",
    "v2_playbook_on_no_hosts_remaining": "playbook_on_no_hosts_remaining", "v2_playbook_on_vars_prompt": "playbook_on_vars_prompt",
    "v2_playbook_on_import_for_host": "playbook_on_import_for_host", "v2_playbook_on_not_import_for_host": "playbook_on_not_import_for_host",
    "v2_runner_on_start": None, "v2_runner_on_ok": "runner_on_ok", "v2_runner_on_failed": "runner_on_failed",
    "v2_runner_on_skipped": "runner_on_skipped", "v2_runner_on_unreachable": "runner_on_unreachable",
    "v2_runner_on_async_poll": "runner_on_async_poll", "v2_runner_on_async_ok": "runner_on_async_ok",
    "v2_runner_on_async_failed": "runner_on_async_failed", "v2_runner_item_on_ok": None, "v2_runner_item_on_failed": None,
    "v2_runner_item_on_skipped": None, "v2_runner_retry": None, "v2_on_file_diff": None, "v2_on_any": "on_any",
}  # fmt: skip


class CallbackBase(AnsiblePlugin):  # type: ignore[misc]
    """What own callbacks inherit: every event is there and does nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = ""
    plugin_type = "callback"
    _drawing: Any = None
    """The engine's output, which says why something has failed."""

    def __init__(self, display: Any = None, options: Any = None) -> None:
        super().__init__()
        self._display = display or Display()
        self.disabled = False
        self.wants_implicit_tasks = False
        self._plugin_options: Dict[str, Any] = {}
        self._hide_in_debug = (
            "changed",
            "failed",
            "skipped",
            "invocation",
            "skip_reason",
            "ansible_loop_var",
            "ansible_index_var",
            "ansible_loop",
        )
        self._current_task_result = None
        if options is not None:
            self.set_options(direct=options)

    _copy_result = staticmethod(copy.deepcopy)

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys, var_options, direct)
        self._plugin_options = self._options

    def set_play_context(self, play_context: Any) -> None:
        """Called when a play begins."""

    @staticmethod
    def host_label(result: Any) -> str:
        """The host, and the one that the task is delegated to."""
        name, to = str(result._host.get_name()), result._task.delegate_to
        if not to or to == name:
            return name
        address = (result._result.get("_ansible_delegated_vars") or {}).get("ansible_host", to)
        return "%s -> %s%s" % (name, to, "" if address == to else "(%s)" % address)

    def _run_is_verbose(self, result: Any, verbosity: int = 0) -> bool:
        return bool(
            (self._display.verbosity > verbosity or result._result.get("_ansible_verbose_always"))
            and not result._result.get("_ansible_verbose_override")
        )

    def _option(self, name: str, default: Any) -> Any:
        return self._options.get(name, default)

    def _dump_results(
        self, result: Any, indent: Any = None, sort_keys: bool = True, keep_invocation: bool = False, serialize: bool = True
    ) -> Any:
        """A result as text, without what is the engine's own."""
        kind, pretty = self._option("result_format", "json"), self._option("pretty_results", None)
        asked = result.get("_ansible_verbose_always") or pretty or (pretty is None and kind != "json") or self._display.verbosity > 2
        indent = None if pretty is False else indent or (4 if asked else None)
        seldom = () if self._display.verbosity > 2 else ("diff",) if keep_invocation else ("invocation", "diff")
        hidden = ("exception", "warnings", "deprecations", *seldom)
        shown = {key: value for key, value in result.items() if not str(key).startswith("_ansible") and key not in hidden}
        if not serialize:
            return shown
        if kind == "yaml":
            return "\n" + textwrap.indent(_as_yaml(shown, pretty is not False), " " * (indent or 4))
        return json.dumps(shown, default=str, indent=indent, ensure_ascii=False, sort_keys=sort_keys)

    def _clean_results(self, result: Dict[str, Any], task_name: str) -> None:
        """Takes out what only says how the task ran, where it is `debug`."""
        if task_name not in ("debug", "ansible.builtin.debug", "ansible.legacy.debug"):
            return
        if "msg" in result:
            for key in list(result):
                if key not in ("msg", "_ansible_verbose_always", "_ansible_no_log", "exception"):
                    result.pop(key)
        else:
            for key in self._hide_in_debug:
                result.pop(key, None)

    def _handle_warnings(self, res: Any) -> None:
        for warning in res.pop("warnings", None) or ():
            self._display.warning(warning)
        for deprecation in res.pop("deprecations", None) or ():
            self._display.deprecated(deprecation.get("msg") if isinstance(deprecation, dict) else deprecation)

    def _handle_exception(self, result: Any, use_stderr: bool = False) -> None:
        if result.pop("exception", None) and self._drawing is not None:
            self._drawing.explain()

    def _handle_warnings_and_exception(self, result: Any) -> None:
        self._handle_warnings(result._result)
        self._handle_exception(result._result, bool(self._option("display_failed_stderr", False)))

    def _get_item_label(self, result: Any) -> Any:
        """What names the item of a loop."""
        if result.get("_ansible_no_log", False):
            return "(censored due to no_log)"
        return result.get("_ansible_item_label", result.get(result.get("ansible_loop_var", "item")))

    _get_item = _get_item_label

    def _process_items(self, result: Any) -> None:
        """Items have had events of their own."""

    def _serialize_diff(self, diff: Any) -> str:
        """A value that is compared, as lines."""
        return json.dumps(diff, sort_keys=True, indent=4, separators=(",", ": ")) + "\n"

    def _get_diff(self, difflist: Any) -> str:
        """The differences of results as unified text."""
        shown: List[str] = []
        for diff in difflist if isinstance(difflist, list) else [difflist]:
            if "before" in diff and "after" in diff:
                lines = difflib.unified_diff(_lines(diff["before"]), _lines(diff["after"]), _name(diff, "before"), _name(diff, "after"))
                text = "".join(lines)
                shown.append(text + "\n" if text else "")
            if "prepared" in diff:
                shown.append(str(diff["prepared"]))
        return "".join(shown)

    # The older names, which say a host's name and the bare result.

    def _older(self, name: str, *args: Any) -> None:
        method = getattr(self, name, None)
        if method is not None:
            method(*args)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._older("runner_on_failed", result._host.get_name(), result._result, ignore_errors)

    def v2_runner_on_ok(self, result: Any) -> None:
        self._older("runner_on_ok", result._host.get_name(), result._result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._older("runner_on_skipped", result._host.get_name(), self._get_item_label(result._result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._older("runner_on_unreachable", result._host.get_name(), result._result)

    def v2_playbook_on_start(self, playbook: Any) -> None:
        self._older("playbook_on_start")

    def v2_playbook_on_notify(self, handler: Any, host: Any) -> None:
        self._older("playbook_on_notify", host, handler)

    def v2_playbook_on_no_hosts_matched(self) -> None:
        self._older("playbook_on_no_hosts_matched")

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        self._older("playbook_on_no_hosts_remaining")

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._older("playbook_on_task_start", task, is_conditional)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._older("playbook_on_play_start", play.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._older("playbook_on_stats", stats)

    def _nothing(self, *_: Any, **__: Any) -> None:
        """An event that only a plugin's own method makes something of."""

    v2_on_any = v2_runner_on_start = v2_runner_on_async_poll = v2_runner_on_async_ok = v2_runner_on_async_failed = _nothing
    v2_playbook_on_cleanup_task_start = v2_playbook_on_handler_task_start = v2_playbook_on_vars_prompt = v2_playbook_on_include = _nothing
    v2_playbook_on_import_for_host = v2_playbook_on_not_import_for_host = v2_on_file_diff = _nothing
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = v2_runner_retry = _nothing

    def _heard(self) -> "frozenset[str]":
        """The events that a plugin's own methods hear."""
        own = set()
        for event, older in EVENTS.items():
            mine = getattr(type(self), event, None) is not getattr(CallbackBase, event) or event in vars(self)
            if mine or (older is not None and hasattr(self, older)):
                own.add(event)
        return frozenset(own)


def _as_yaml(shown: Dict[str, Any], readable: bool) -> str:
    import yaml  # only the controller runs callbacks, and it has YAML

    for stream in ("stdout", "stderr") if readable else ():
        if stream in shown and stream + "_lines" in shown:
            shown[stream + "_lines"] = "<omitted>"
    plain = json.loads(json.dumps(shown, default=str))
    return str(yaml.safe_dump(plain, allow_unicode=True, default_flow_style=False)).rstrip("\n")


def _name(diff: Dict[str, Any], side: str) -> str:
    header = diff.get(side + "_header")
    return "%s: %s" % (side, header) if header else side


def _lines(value: Any) -> List[str]:
    text = json.dumps(value, sort_keys=True, indent=4) + "\n" if isinstance(value, dict) else "" if value is None else str(value)
    lines = text.splitlines(True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += _NO_END
    return lines
