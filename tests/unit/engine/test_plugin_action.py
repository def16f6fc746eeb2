"""Proves what people's own action plugins can do: modules, commands and files of the host, other actions, and how they end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner import agent
from tests.unit.engine.fakes import Played, play, tasks

HEAD = """
from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleActionSkip, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
"""


def run(tmp_path: Path, body: str, task: str = "mine: {a: 1}", **more: Any) -> Played:
    plugin = HEAD + "".join(f"        {line}\n" for line in body.strip().splitlines())
    return play(tmp_path, tasks(f"- {task}\n"), files={"action_plugins/mine.py": plugin, **more.pop("files", {})}, **more)


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("return dict(result, found=self._task.args)", {"found": {"a": 1}, "failed": False, "changed": False}),
    ("raise AnsibleActionFail('no', result={'more': 1})", {"failed": True, "msg": "no", "more": 1, "changed": False}),
    ("raise AnsibleActionSkip('later')", {"skipped": True, "msg": "later", "changed": False}),
    ("raise AnsibleError('wrong')", {"failed": True, "msg": "Task failed: wrong", "changed": False}),
    ("raise ValueError('a mistake')", {"failed": True, "msg": "Task failed: a mistake", "changed": False}),
    ("return dict(rc=2)", {"failed": True, "rc": 2, "msg": "Task failed: Action failed: Unknown error.", "changed": False}),
    ("self._VALID_ARGS = frozenset(['b']); super().run()", {"failed": True, "msg": "Invalid options for mine: a", "changed": False}),
    ("return self._unheard_of", {"failed": True, "msg": "the action plugin of 'mine' wants ActionBase._unheard_of, which does not exist here", "changed": False}),
    ("return self._connection.cliconf", {"failed": True, "msg": "the action plugin of 'mine' wants the connection.cliconf, which does not exist here", "changed": False}),
    ("return dict(has=hasattr(self, '_unheard_of'))", {"has": False, "failed": False, "changed": False}),
    ("return self._execute_module('no.such.module')", {"failed": True, "changed": False, "msg": "the action plugin of 'mine' wants the module 'no.such.module', which does not exist here"}),
    ("self._shared_loader_obj.module_loader.find_plugin('x')", {"failed": True, "changed": False, "msg": "Task failed: ansible.plugins.loader.module_loader.find_plugin does not exist here"}),
    ("return self._low_level_execute_command('fail', chdir='/a b')", {"failed": False, "changed": False, "rc": 0, "stdout": "cd '/a b' && fail\n", "stdout_lines": ["cd '/a b' && fail"], "stderr": "said", "stderr_lines": ["said"]}),
    ("return dict(to=C.DEFAULT_BECOME_METHOD, base=self._loader.get_basedir() == task_vars['playbook_dir'])", {"to": "sudo", "base": True, "failed": False, "changed": False}),
    ("return dict(v=self._templar.template('{{ inventory_hostname }}'), t=self._task.copy().args)", {"v": "h1", "t": {"a": 1}, "failed": False, "changed": False}),
    ("return dict(p=self.validate_argument_spec(dict(a=dict(type='str'), b=dict(default=2, type='int')))[1])", {"p": {"a": "1", "b": 2}, "failed": False, "changed": False}),
    ("self.validate_argument_spec({})", {"failed": True, "changed": False, "msg": "Unsupported parameters for (mine) module: a. Supported parameters include: ."}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), ENDS, ids=[body[:40] for body, _ in ENDS])
def test_ends(tmp_path: Path, body: str, expected: dict[str, Any]) -> None:
    assert run(tmp_path, body).results("mine") == [expected]


def test_modules_and_other_actions_run_on_the_host(tmp_path: Path) -> None:
    body = """
pinged = self._execute_module('ansible.builtin.ping', dict(data='x'), task_vars)
shell = self._execute_module('ansible.legacy.command', dict(_raw_params='echo a', _uses_shell=True))
task = self._task.copy()
task.args = dict(src='a.txt', dest='/etc/a')
copied = self._shared_loader_obj.action_loader.get('ansible.legacy.copy', task=task, connection=self._connection).run(task_vars=task_vars)
return dict(result, ping=pinged['ping'], lines=shell['stdout_lines'], changed=copied['changed'])
"""
    played = run(tmp_path, body, files={"files/a.txt": "content"})
    assert played.results("mine") == [{"ping": "x", "lines": ["a"], "changed": True, "failed": False}]
    session = played.pool.sessions["h1"]
    assert [module for module, _ in session.log] == ["ping", "shell", "copy"]
    assert session.files == {"/etc/a": b"content"} and played.stats() == {"ok": 1, "changed": 1}


def test_results_tell_what_modules_were_given(tmp_path: Path) -> None:
    body = """
pinged = self._execute_module('ping', dict(data='x'))
task = self._task.copy()
task.args = dict(content='a', dest='/etc/a')
copied = self._shared_loader_obj.action_loader.get('copy', task=task, connection=self._connection).run(task_vars=task_vars)
return dict(told=[pinged['invocation']['module_args'], copied['invocation']['module_args']['dest']])
"""
    assert run(tmp_path, body).results("mine") == [{"told": [{"data": "x"}, "/etc/a"], "failed": False, "changed": False}]


def test_plugins_build_on_actions_of_ansibles_own(tmp_path: Path) -> None:
    plugin = """
from ansible.plugins.action.copy import ActionModule as Copy
class ActionModule(Copy):
    def run(self, tmp=None, task_vars=None):
        self._task.args['content'] = self._task.args.pop('text') + ' more'
        return dict(super().run(tmp, task_vars), mine=True)
"""
    played = play(tmp_path, tasks("- copy: {text: some, dest: /etc/a}\n"), files={"action_plugins/copy.py": plugin})
    assert [(result["changed"], result["mine"], result["dest"]) for result in played.results("copy")] == [(True, True, "/etc/a")]
    assert played.pool.sessions["h1"].files == {"/etc/a": b"some more"}


def test_every_action_of_ansibles_own_can_be_built_on(tmp_path: Path) -> None:
    names = sorted(path.stem for path in (Path(agent.__file__).parent / "shim/ansible/plugins/action").glob("[a-z]*.py"))
    body = "import importlib\n" + "\n".join(f"importlib.import_module('ansible.plugins.action.{name}').ActionModule.run" for name in names)
    assert {"copy", "template", "package", "service", "command"} < set(names)
    assert [result["failed"] for result in run(tmp_path, body + "\nreturn result").results("mine")] == [False]


def test_a_temporary_folder_is_taken_away_whatever_happens(tmp_path: Path) -> None:
    body = """
path = self._connection._shell.join_path(self._make_tmp_path(), 'x')
self._transfer_data(path, {'a': 1})
raise AnsibleError('after that')
"""
    played = run(tmp_path, body, check=True)
    session = played.pool.sessions["h1"]
    assert [(module, args.get("path", args.get("dest"))) for module, args in session.log] == [
        ("tempfile", None), ("copy", "/tmp/made/x"), ("file", "/tmp/made"),
    ]  # fmt: skip
    assert session.checks == [False, False, False]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return self._execute_module('ping')", ["mine=unreachable"]),
        ("try:\n    self._execute_module('ping')\nexcept AnsibleConnectionFailure:\n    return dict(changed=True)", ["mine=changed"]),
    ],
)
def test_a_lost_host_is_unreachable_unless_the_plugin_takes_it(tmp_path: Path, body: str, expected: list[str]) -> None:
    assert run(tmp_path, body, down=["h1"]).done() == expected


def test_what_a_plugin_can_not_do_it_says_itself(tmp_path: Path) -> None:
    body = "self._supports_check_mode = False\nreturn super().run(tmp, task_vars)"
    assert run(tmp_path, body, check=True).results("mine") == [
        {"skipped": True, "changed": False, "msg": "This action (mine) does not support check mode."}
    ]
    assert "does not support async" in run(tmp_path, "", task="mine: {}\n  async: 5").results("mine")[0]["msg"]
