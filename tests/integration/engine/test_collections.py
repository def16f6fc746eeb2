"""Proves how names of installed collections are found: modules with what they import, roles, plugins, moves, short names, and what is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from provisioner.engine import PlaybookError, Runner, RunOptions
from provisioner.engine.collections import Collections, python_roots
from provisioner.engine.events import Event, HostDone
from provisioner.engine.own_modules import OwnModules
from provisioner.inventory import load
from tests.integration.engine.test_local import Pool

MODULE = """
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.acme.tools.plugins.module_utils.words import greeting
from ..module_utils import marks

AnsibleModule(argument_spec={"secret": {"no_log": True}}).exit_json(said=greeting() + marks.MARK, shown="it is s3cret")
"""
FILES = {
    "acme/tools/plugins/modules/greet.py": MODULE,
    "acme/tools/plugins/modules/deep/nested.py": "from ansible.module_utils.basic import AnsibleModule\nAnsibleModule({}).exit_json(deep=True)\n",
    "acme/tools/plugins/modules/acting.py": "",
    "acme/tools/plugins/action/acting.py": (
        "from ansible.plugins.action import ActionBase\n"
        "class ActionModule(ActionBase):\n"
        "    def run(self, tmp=None, task_vars=None):\n"
        "        result = super().run(tmp, task_vars)\n"
        "        said = self._execute_module('ansible.legacy.command', {'_raw_params': self._task.args['cmd']})\n"
        "        result['again'] = [self._templar.template(text) for text in (said['stdout'], task_vars['evil'], '{{ 1 + 1 }}')]\n"
        "        return result\n"
    ),
    "acme/tools/plugins/module_utils/words.py": "from ansible_collections.acme.base.plugins.module_utils.root import WORD\ndef greeting():\n    return WORD\n",
    "acme/tools/plugins/module_utils/marks/__init__.py": "MARK = '!'\n",
    "acme/tools/plugins/module_utils/unused.py": "",
    "acme/base/plugins/module_utils/root.py": "WORD = 'hello'\n",
    "acme/tools/plugins/filter/shout.py": "class FilterModule:\n    def filters(self):\n        return {'shout': str.upper, 'quiet': str.lower}\n",
    "acme/tools/plugins/test/loud.py": "class TestModule:\n    def tests(self):\n        return {'loud': str.isupper}\n",
    "acme/tools/plugins/lookup/two.py": (
        "DOCUMENTATION = '''\\noptions:\\n  by: {default: 2}\\n'''\n"
        "from ansible.plugins.lookup import LookupBase\n"
        "class LookupModule(LookupBase):\n"
        "    def run(self, terms, variables=None, **kwargs):\n"
        "        self.set_options(var_options=variables, direct=kwargs)\n"
        "        return [term * self.get_option('by') for term in terms]\n"
    ),
    "acme/tools/roles/hello/tasks/main.yml": "- greet: {secret: s3cret}\n  register: said\n- include_role: {name: second}\n",
    "acme/tools/roles/second/tasks/main.yml": "- debug: {msg: second}\n",
    "acme/tools/playbooks/part.yml": "- hosts: all\n  gather_facts: false\n  tasks: [{debug: {msg: part}}]\n",
    "acme/tools/meta/runtime.yml": (
        "plugin_routing:\n  modules:\n    old_greet: {redirect: acme.tools.greet}\n    old_copy: {redirect: ansible.builtin.copy}\n"
    ),
}
PLAYBOOK = """
- hosts: all
  gather_facts: false
  collections: [acme.tools]
  roles: [acme.tools.hello]
  tasks:
    - {name: full, acme.tools.greet: {}}
    - {name: moved, acme.tools.old_greet: {}}
    - {name: short, greet: {}}
    - {command: "echo {% raw %}{{ 2 + 2 }}{% endraw %}", register: heard}
    - {set_fact: {evil: "{{ heard.stdout }}"}}
    - {name: acting, acme.tools.acting: {cmd: "echo {{ evil }}"}}
    - {name: nested, acme.tools.deep.nested: {}}
    - name: plugins
      debug:
        msg: "{{ 'a' | acme.tools.shout }} {{ 'B' | acme.tools.quiet }} {{ 'C' is acme.tools.loud }} {{ lookup('acme.tools.two', 4) }}"
    - {name: builtin through a move, acme.tools.old_copy: {content: x, dest: "{{ target }}"}}
- import_playbook: acme.tools.part
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A playbook's folder with the collections beside it."""
    for name, content in FILES.items():
        path = tmp_path / "collections" / "ansible_collections" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    return tmp_path


def test_a_playbook_uses_collections_in_every_way(installed: Path) -> None:
    events: list[Event] = []
    pool = Pool()
    options = RunOptions(extra_vars={"target": str(installed / "out"), "ansible_connection": "local"})
    try:
        Runner(load(["box,"]), options=options, sessions=pool, callbacks=[events.append]).run([installed / "play.yml"])
    finally:
        pool.close()
    done = [event for event in events if isinstance(event, HostDone)]
    results = {event.task.split(" : ")[-1]: event.result for event in done}
    assert [event.result.get("msg") for event in done if event.result.get("failed")] == []
    assert [results[name]["said"] for name in ("full", "moved", "short")] == ["hello!"] * 3
    assert results["nested"]["deep"] is True
    assert results["acting"]["again"] == ["{{ 2 + 2 }}", "{{ 2 + 2 }}", 2]  # what a host said is no template
    assert results["plugins"]["msg"] == "A b True 8"
    assert (installed / "out").read_text() == "x"
    assert [event.result["msg"] for event in done if event.action == "debug"] == ["second", "A b True 8", "part"]
    hidden = next(event for event in done if event.result.get("shown"))
    assert hidden.result["shown"] == "it is ********"


def test_only_what_a_module_imports_travels(installed: Path) -> None:
    collections = Collections([installed / "collections"])
    modules = OwnModules(collections)
    path = collections.module("acme.tools.greet")
    assert path is not None
    modules.add_of_collection("acme.tools.greet", path)
    digest, data = modules.packed("acme.tools.greet")
    assert sorted(zipfile.ZipFile(io.BytesIO(data)).namelist()) == [
        "ansible_collections/acme/base/plugins/module_utils/root.py",
        "ansible_collections/acme/tools/plugins/module_utils/marks/__init__.py",
        "ansible_collections/acme/tools/plugins/module_utils/words.py",
        "ansible_collections/acme/tools/plugins/modules/greet.py",
    ]
    assert modules.packed("acme.tools.greet")[0] == digest


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("acme.tools.nothing", "couldn't resolve module/action 'acme.tools.nothing'"),
        ("acme.absent.greet", "couldn't resolve module/action 'acme.absent.greet'"),
    ],
)
def test_what_cannot_run_is_named_before_anything_runs(installed: Path, action: str, message: str) -> None:
    (installed / "play.yml").write_text(f"- hosts: all\n  tasks:\n    - {action}: {{}}\n")
    runner = Runner(load(["box,"]), options=RunOptions(), sessions=Pool())
    with pytest.raises(PlaybookError, match=message):
        runner.parse([installed / "play.yml"])


def test_collections_are_found_where_the_environment_says(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", f"/nowhere:{installed}/collections")
    assert Collections().folder("acme.base") == installed / "collections/ansible_collections/acme/base"
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", f"{installed}/collections/ansible_collections")
    assert Collections().role("acme.tools.hello") == installed / "collections/ansible_collections/acme/tools/roles/hello"


def test_bare_names_are_found_in_what_is_installed(installed: Path) -> None:
    found = Collections([installed / "collections"])
    assert found.holding("greet", "modules") == "acme.tools.greet"
    assert found.full_name("two", "lookup") == "acme.tools.two"
    assert found.holding("nowhere", "modules") is None
    assert found.full_name("old_greet", "modules") == "acme.tools.greet"  # it has had this name once
    assert found.full_name("old_copy", "modules") == "ansible.builtin.copy"
    assert not found.is_for_windows("acme.tools.greet")
    (installed / "collections/ansible_collections/acme/tools/plugins/modules/greet.ps1").touch()
    assert found.is_for_windows("acme.tools.acting")


@pytest.mark.parametrize("folder", ["lib/python3.11/site-packages", "lib/python3/dist-packages"])
def test_collections_come_with_the_ansible_that_is_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    (tmp_path / "real" / folder / "ansible_collections").mkdir(parents=True)
    (tmp_path / "real/bin").mkdir()
    (tmp_path / "real/bin/ansible-playbook").write_text("#!/bin/sh\n")
    (tmp_path / "real/bin/ansible-playbook").chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ansible-playbook").symlink_to(tmp_path / "real/bin/ansible-playbook")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("sys.path", ["", str(tmp_path)])
    assert python_roots() == [tmp_path / "real" / folder]
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.path", [str(tmp_path / "real" / folder)])
    assert python_roots() == [tmp_path / "real" / folder]
