"""Proves what people's own callback plugins are told, in which order and with what, where they lie, and that they cannot end a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.errors import RunError
from provisioner.engine.events import HostDone, Said, Warned
from tests.unit.engine.fakes import play, tasks

HEAD = """
DOCUMENTATION = '''
options:
  greeting: {default: hello, env: [{name: TEST_GREETING}], ini: [{section: callback_note, key: greeting}]}
'''
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    def say(self, *words):
        self._display.display(' '.join(map(str, words)))
"""
ALL = """
    def v2_playbook_on_start(self, playbook): self.say('start', playbook._file_name.rsplit('/', 1)[-1], len(playbook.get_plays()))
    def v2_playbook_on_play_start(self, play): self.say('play', play.get_name(), play.strategy, play.hosts)
    def v2_playbook_on_task_start(self, task, **named): self.say('task', task.get_name(), task.action, dict(task.args), task.tags, task.no_log)
    def v2_playbook_on_handler_task_start(self, task): self.say('handler', task.get_name())
    def v2_runner_on_start(self, host, task): self.say('on', host.get_name())
    def told(self, kind, result, **more):
        shown = {key: value for key, value in result._result.items() if key in ('msg', 'item', 'censored', 'invocation', 'attempts', 'retries')}
        self.say(kind, result._host.get_name(), dict(result._task.args), shown, result.is_changed(), more)
    def v2_runner_on_ok(self, result): self.told('ok', result)
    def v2_runner_on_failed(self, result, ignore_errors=False): self.told('failed', result, ignored=ignore_errors)
    def v2_runner_on_skipped(self, result): self.told('skipped', result)
    def v2_runner_on_unreachable(self, result): self.told('unreachable', result)
    def v2_runner_item_on_ok(self, result): self.told('item ok', result)
    def v2_runner_item_on_failed(self, result): self.told('item failed', result)
    def v2_runner_item_on_skipped(self, result): self.told('item skipped', result)
    def v2_runner_retry(self, result): self.told('retry', result)
    def v2_on_file_diff(self, result): self.say('diff', result._result['diff'])
    def v2_playbook_on_notify(self, handler, host): self.say('notify', handler.get_name(), host)
    def v2_playbook_on_include(self, included): self.say('include', included._filename.rsplit('/', 1)[-1], included._hosts)
    def v2_playbook_on_no_hosts_matched(self): self.say('nobody')
    def v2_playbook_on_stats(self, stats): self.say('stats', [(host, stats.summarize(host)['ok']) for host in stats.processed], stats.dark)
"""


def said(tmp_path: Path, plugin: str, text: str, **more: Any) -> list[str]:
    files = {"callback_plugins/note.py": HEAD + plugin, **more.pop("files", {})}
    return [event.text for event in play(tmp_path, text, files=files, **more).events if isinstance(event, Said)]


# A task, and what is told of it between its start and the recap.
TASKS: list[tuple[str, list[str]]] = [
    ("debug: msg={{ 1 + 1 }}", ["task debug debug {'msg': '{{ 1 + 1 }}'} [] False", "on h1", "ok h1 {'msg': 2} {'msg': 2} False {}"]),
    ("debug: msg=a\n  when: false\n  tags: [b]", ["task debug debug {'msg': 'a'} ['b'] False", "on h1", "skipped h1 {'msg': 'a'} {} False {}"]),
    ("debug: msg=a\n  no_log: true", ["task debug debug {'msg': 'a'} [] True", "on h1", "ok h1 {'msg': 'a'} {'censored': \"the output has been hidden due to the fact that 'no_log: true' was specified for this result\"} False {}"]),
    ("fail: msg=no\n  ignore_errors: true", ["task fail fail {'msg': 'no'} [] False", "on h1", "failed h1 {'msg': 'no'} {'msg': 'no'} False {'ignored': True}"]),
    ("debug: msg={{ item }}\n  loop: [1, 2]\n  when: item == 1", ["task debug debug {'msg': '{{ item }}'} [] False", "on h1", "item ok h1 {'msg': 1} {'msg': 1, 'item': 1} False {}", "item skipped h1 {'msg': 2} {'item': 2} False {}", "ok h1 {'msg': '{{ item }}'} {'msg': 'All items completed'} False {}"]),
    ("debug: msg=a\n  changed_when: true\n  notify: h", ["task debug debug {'msg': 'a'} [] False", "on h1", "ok h1 {'msg': 'a'} {'msg': 'a'} True {}", "notify h h1", "handler h", "on h1", "ok h1 {'msg': 'done'} {'msg': 'done'} False {}"]),
    ("include_tasks: inc.yml", ["task include_tasks include_tasks {'_raw_params': 'inc.yml'} [] False", "on h1", "ok h1 {'_raw_params': 'inc.yml'} {} False {}", "include inc.yml [h1]", "task inc debug {'msg': 'in'} [] False", "on h1", "ok h1 {'msg': 'in'} {'msg': 'in'} False {}"]),
    ("debug: msg=a\n  until: false\n  retries: 1\n  delay: 0\n  ignore_errors: true", ["task debug debug {'msg': 'a'} [] False", "on h1", "retry h1 {'msg': 'a'} {'msg': 'a', 'attempts': 1, 'retries': 2} False {}", "failed h1 {'msg': 'a'} {'msg': 'a', 'attempts': 1} False {'ignored': True}"]),
]  # fmt: skip


@pytest.mark.parametrize(("task", "expected"), TASKS, ids=[task.split("\n")[0] + str(len(task)) for task, _ in TASKS])
def test_what_is_told_of_a_task(tmp_path: Path, task: str, expected: list[str]) -> None:
    text = tasks(f"- {task}\n", name="p") + "  handlers: [{name: h, debug: {msg: done}}]\n"
    found = said(tmp_path, ALL, text, files={"inc.yml": "- {name: inc, debug: {msg: in}}\n"})
    assert found[:2] == ["start play.yml 1", "play p linear ['all']"]
    assert found[2:-1] == expected and found[-1].startswith("stats [('h1', ")


def test_a_play_for_nobody_and_a_host_that_is_not_reached(tmp_path: Path) -> None:
    found = said(tmp_path, ALL, tasks("- ping:\n", hosts="nobody"))
    assert found[2:] == ["nobody", "stats [] {}"]
    found = said(tmp_path, ALL, tasks("- ping:\n"), down=["h1"])
    assert found[-2].startswith("unreachable h1 ") and found[-1] == "stats [('h1', 0)] {'h1': 1}"


def test_what_a_play_knows_of_variables_and_files(tmp_path: Path) -> None:
    plugin = """
    def v2_playbook_on_play_start(self, play):
        known = play.get_variable_manager().get_vars(play=play)
        names = ('a', 'b', 'ansible_play_hosts_all')
        self.say([known['vars'].get(name) for name in names], [path.rsplit('/', 1)[-1] for path in play._loader._FILE_CACHE])
"""
    text = "- hosts: all\n  gather_facts: false\n  vars: {a: '{{ b }}', b: 1}\n  roles: [r]\n"
    files = {"roles/r/tasks/main.yml": "- debug: {msg: x}\n"}
    told = said(tmp_path, plugin, text, files=files, inventory="h1,h2,", extra_vars={"b": 2})
    assert told == ["['{{ b }}', 2, ['h1', 'h2']] ['play.yml', 'main.yml']"]


def test_a_plugin_that_fails_is_warned_of_and_the_run_goes_on(tmp_path: Path) -> None:
    files = {"callback_plugins/note.py": HEAD + "    def v2_runner_on_ok(self, result): raise ValueError('oh')\n", "callback_plugins/other.py": "import nowhere\n"}  # fmt: skip
    played = play(tmp_path, tasks("- debug: msg=a\n"), files=files)
    assert [event.message for event in played.events if isinstance(event, Warned)] == [
        "Failed to load callback plugin 'other': No module named 'nowhere'",
        "Callback dispatch 'v2_runner_on_ok' failed for plugin 'note': oh",
    ]
    assert played.stats() == {"ok": 1}


def test_older_methods_and_v2_on_any_hear_too(tmp_path: Path) -> None:
    plugin = "    def runner_on_ok(self, host, res): self.say('old', host, res['msg'])\n    def v2_on_any(self, *args, **kwargs): self.say('any')\n"
    assert said(tmp_path, plugin, tasks("- debug: msg=a\n")).count("any") > 3
    assert "old h1 a" in said(tmp_path, plugin, tasks("- debug: msg=a\n"))


def test_which_plugins_run(tmp_path: Path) -> None:
    """Beside a playbook and in roles by themselves; those that want to be enabled and those of collections when they are."""
    body = HEAD + "    def v2_playbook_on_stats(self, stats): self.say(self._load_name)\n"
    files = {
        "callback_plugins/plain.py": body,
        "callback_plugins/wanted.py": body + "    CALLBACK_NEEDS_ENABLED = True\n",
        "callback_plugins/drawing.py": body + "    CALLBACK_TYPE = 'stdout'\n",
        "callback_plugins/off.py": body + "    def __init__(self):\n        super().__init__()\n        self.disabled = True\n",
        "roles/r/callback_plugins/of_role.py": body,
        "roles/r/tasks/main.yml": "[]\n",
        "collections/ansible_collections/acme/tools/plugins/callback/far.py": body,
    }
    text = tasks("- debug: msg=a\n", roles=["r"])
    for enabled, more in (((), []), (("wanted", "acme.tools.far", "none"), ["wanted", "acme.tools.far"])):
        played = play(tmp_path, text, files=files, settings={"CALLBACKS_ENABLED": enabled})
        found = [event.text for event in played.events if isinstance(event, Said)]
        assert sorted(found) == sorted(["plain", "of_role", *more])
    assert [event.message for event in played.events if isinstance(event, Warned)] == ["Skipping callback plugin 'none', unable to load"]


def test_options_come_from_the_environment_ansible_cfg_or_their_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = "    def v2_playbook_on_stats(self, stats): self.say(self.get_option('greeting'))\n"
    text = tasks("- debug: msg=a\n")
    assert said(tmp_path, plugin, text) == ["hello"]
    (tmp_path / "ansible.cfg").write_text("[callback_note]\ngreeting = hi\n")
    assert said(tmp_path, plugin, text, settings={"CONFIG_FILE": str(tmp_path / "ansible.cfg")}) == ["hi"]
    monkeypatch.setenv("TEST_GREETING", "hey")
    assert said(tmp_path, plugin, text, settings={"CONFIG_FILE": str(tmp_path / "ansible.cfg")}) == ["hey"]


def test_one_in_place_of_the_output_hands_on_what_it_leaves_to_it(tmp_path: Path) -> None:
    plugin = """
from ansible.plugins.callback.default import CallbackModule as Default
class CallbackModule(Default):
    CALLBACK_TYPE = 'stdout'
    def v2_runner_on_ok(self, result):
        if result._task.action == 'debug':
            self._display.display('mine', color='green')
        else:
            result._result['more'] = 1
            super().v2_runner_on_ok(result)
"""
    settings = {"DEFAULT_STDOUT_CALLBACK": "mine"}
    played = play(tmp_path, tasks("- debug: msg=a\n- ping:\n"), files={"callback_plugins/mine.py": plugin}, settings=settings)
    assert [event for event in played.events if isinstance(event, Said)] == [Said("mine", "0;32")]
    assert [(event.task, event.result["more"]) for event in played.events if isinstance(event, HostDone)] == [("ping", 1)]
    with pytest.raises(RunError, match=r"Could not load 'none' callback plugin\."):
        play(tmp_path, tasks("- ping:\n"), settings={"DEFAULT_STDOUT_CALLBACK": "none"})


def test_a_failure_is_explained_by_the_output(tmp_path: Path) -> None:
    """Also for a plugin found by its bare name in a collection."""
    plugin = """
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_TYPE = 'stdout'
    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._display.display(result._task._ds['name'] + ': ' + result._result['exception'])
        self._handle_exception(result._result)
        self._display.display(str('exception' in result._result) + '\\n')
"""
    explained: list[Any] = []

    class Output:
        def __call__(self, event: Any) -> None:
            explained.append(event)

        def explain(self, action: str, result: dict[str, Any], location: Any) -> None:
            explained.append((action, result["msg"], location.line))

    files = {"collections/ansible_collections/a/b/plugins/callback/shown.py": plugin}
    text = tasks("- {name: mine, fail: {msg: gone}}")
    play(tmp_path, text, files=files, settings={"DEFAULT_STDOUT_CALLBACK": "shown"}, callbacks=[Output()])
    assert [part if isinstance(part, tuple) else part.text for part in explained if isinstance(part, tuple | Said)] == [
        "mine: (traceback unavailable)", ("fail", "gone", 4), "False\n"
    ]  # fmt: skip


# Where a module's arguments are told, by what a task asks: (task, expression, value).
INVOCATIONS = [
    ("ping:\n  register: r", "r.invocation is defined", False),
    ("ping:\n  loop: [1]\n  register: r", "r.results[0].invocation is defined", True),
    ("debug: msg=a\n  loop: [1]\n  register: r", "r.results[0].invocation is defined", False),
]


@pytest.mark.parametrize(("task", "expression", "expected"), INVOCATIONS)
def test_where_a_modules_arguments_are_told(tmp_path: Path, task: str, expression: str, expected: bool) -> None:
    played = play(tmp_path, tasks(f"- {task}\n- debug: msg={{{{ {expression} }}}}\n"))
    assert played.messages()[-1] is expected


def test_nobody_pays_for_arguments_that_nobody_sees(tmp_path: Path) -> None:
    text = tasks("- ping:\n- block:\n  - ping:\n  rescue: []\n")
    for options, told in (({}, [False, False]), ({"verbosity": 3}, [True, True])):
        assert play(tmp_path, text, **options).pool.sessions["h1"].invocations == told
    assert play(tmp_path, text.replace("rescue: []", "rescue: [{ping: {}}]")).pool.sessions["h1"].invocations == [False, True]
