"""A callback of ansible-core that writes what our own `--output jsonl` writes: results by host and task, and the recap."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "recorder"

    def _line(self, event, **fields):
        print("RECORD " + json.dumps({"_event": event, **fields}, default=str), flush=True)

    def _host(self, event, result, **more):
        value = json.loads(json.dumps(result._result, default=str))
        hidden = bool(getattr(result._task, "no_log", False)) or bool(result._result.get("_ansible_no_log"))
        if hidden:
            value = {"censored": "", "changed": bool(value.get("changed"))}
        value.update(more)
        value["action"] = result._task.action
        self._line(event, hosts={result._host.get_name(): value}, task={"name": result._task.get_name()})

    def v2_playbook_on_play_start(self, play):
        self._line("v2_playbook_on_play_start", play={"name": play.get_name()})

    def v2_runner_on_ok(self, result):
        self._host("v2_runner_on_ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._host("v2_runner_on_failed", result, **({"ignore_errors": True} if ignore_errors else {}))

    def v2_runner_on_skipped(self, result):
        self._host("v2_runner_on_skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._host("v2_runner_on_unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._line("v2_playbook_on_stats", stats={host: stats.summarize(host) for host in sorted(stats.processed)})
