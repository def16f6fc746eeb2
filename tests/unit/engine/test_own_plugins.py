"""Proves where plugins of one kind are found, which of equal names counts, and that loading them shows what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.collections import Collections
from provisioner.engine.errors import RunError
from provisioner.engine.events import Included
from provisioner.engine.own_plugins import OwnPlugins, files_of
from tests.unit.engine.fakes import play


def write(path: Path, text: str = "VALUE = __name__\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_first_of_equal_names_counts(tmp_path: Path) -> None:
    first = write(tmp_path / "a" / "vars_plugins" / "one.py")
    write(tmp_path / "b" / "vars_plugins" / "one.py")
    write(tmp_path / "b" / "vars_plugins" / "__init__.py")
    write(tmp_path / "b" / "callback_plugins" / "other.py")
    own = OwnPlugins(Collections([]), "vars")
    for name in ("a", "b", "none"):
        own.add(tmp_path / name)
    assert own.names() == ["one"] and own.find("one") == first and "other" not in own
    assert own.load("one").VALUE == "_vars_one"
    with pytest.raises(KeyError):
        own.load("none")


def test_one_of_a_collection_goes_by_its_full_name(tmp_path: Path) -> None:
    path = write(tmp_path / "ansible_collections" / "acme" / "found" / "plugins" / "vars" / "far.py")
    own = OwnPlugins(Collections([tmp_path]), "vars")
    assert own.find("acme.found.far") == path and own.find("far") is None and own.find("acme.found.none") is None
    assert own.load("acme.found.far").VALUE == "ansible_collections.acme.found.plugins.vars.far"


def test_a_file_that_is_no_python_says_so(tmp_path: Path) -> None:
    own = OwnPlugins(Collections([]), "vars")
    own.add_file("broken", write(tmp_path / "broken.py", "no python\n"))
    with pytest.raises(SyntaxError):
        own.load("broken")
    assert [path.name for path in files_of(tmp_path)] == ["broken.py"] and list(files_of(tmp_path / "none")) == []


def test_plugins_of_a_playbooks_own(tmp_path: Path) -> None:
    files = {
        "filter_plugins/f.py": """
from ansible.errors import AnsibleFilterError
def twice(x):
    if x == 'bad':
        raise AnsibleFilterError('no bad words')
    return x * 2
class FilterModule(object):
    def filters(self):
        return {'twice': twice}
""",
        "roles/r/test_plugins/t.py": "class TestModule:\n    def tests(self):\n        return {'even': lambda n: n % 2 == 0}\n",
        "roles/r/tasks/main.yml": '- debug: {msg: "{{ 4 is even }}"}\n',
        "lookup_plugins/words.py": """
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        assert self.find_file_in_search_path(variables, 'files', 'nowhere') is None
        return [str(variables['inventory_hostname']) + t + kwargs.get('end', '') for t in self._flatten(terms)]
""",
    }
    text = """
- hosts: all
  gather_facts: false
  roles: [r]
  tasks:
    - debug: {msg: "{{ 'a' | twice }} {{ lookup('words', 'x', end='!') }}"}
    - debug: {msg: "{{ item }}"}
      with_words: [p, q]
    - debug: {msg: "{{ 'bad' | twice }}"}
      ignore_errors: true
"""
    done = play(tmp_path, text, files=files)
    assert done.messages()[:2] == [True, "aa h1x!"]
    assert [part["msg"] for part in done.results("debug")[1]["results"]] == ["h1p", "h1q"]
    assert "no bad words" in done.messages()[3]


LOOKUP = """
DOCUMENTATION = '''
  name: sized
  options:
    size: {type: int, default: 3, vars: [{name: own_size}], env: [{name: OWN_SIZE_OF_A_TEST}]}
    kind: {choices: [a, b], aliases: [sort]}
    place: {required: true}
'''
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return [[self.get_option(name) for name in ('size', 'kind', 'place')]]
"""


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("place='x'", [3, None, "x"]),
        ("place='x', size='7', sort='b'", [7, "b", "x"]),
        (
            "place='x', size='many'",
            "Config 'size' for 'sized' lookup plugin from 'Direct' has an invalid value: Invalid value provided for 'int': 'many'",
        ),
        ("place='x', size=1.5", "Invalid value provided for 'int': 1.5"),
        ("place='x', kind='c'", "Invalid value 'c' for config 'kind' for 'sized' lookup plugin. Valid values are: a, b"),
        ("", "Required config 'place' for 'sized' lookup plugin not provided."),
    ],
)
def test_a_lookup_has_the_options_that_it_documents(tmp_path: Path, call: str, found: Any) -> None:
    text = (
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ lookup('sized', 1, CALL) }}\"}\n      ignore_errors: true\n"
    )
    told = play(tmp_path, text.replace(", CALL", f", {call}" if call else ""), files={"lookup_plugins/sized.py": LOOKUP}).messages()[0]
    assert found in told if isinstance(found, str) else told == found


def test_variables_and_the_environment_set_options_of_a_lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_SIZE_OF_A_TEST", "9")
    task = "    - debug: {msg: \"{{ lookup('sized', 1, place='x') | first }}\"}\n"
    text = f"- hosts: all\n  gather_facts: false\n  tasks:\n{task}{task}      vars: {{own_size: '12'}}\n"
    assert play(tmp_path, text, files={"lookup_plugins/sized.py": LOOKUP}).messages() == [9, 12]


BASE = "collections/ansible_collections/my/coll"
COLLECTION = {
    f"{BASE}/meta/runtime.yml": "plugin_routing: {modules: {gone: {tombstone: {removal_version: 2.0.0, warning_text: Use ping.}}}}\n",
    f"{BASE}/roles/r/tasks/main.yml": "- debug: {msg: in role}\n",
    f"{BASE}/plugins/doc_fragments/shared.py": """
class ModuleDocFragment:
    DOCUMENTATION = "options: {port: {type: int, default: '80'}}"
    MORE = "options: {user: {default: me}}"
""",
    f"{BASE}/plugins/lookup/reach.py": """
DOCUMENTATION = '''
name: reach
extends_documentation_fragment: [my.coll.shared, my.coll.shared.more, my.coll.none]
'''
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        return ['%s %s' % (self.get_option('user'), self.get_option('port') + 1)]
""",
}


def test_fragments_of_a_collections_documentation_have_options(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: {msg: \"{{ lookup('my.coll.reach', 1) }}\"}\n"
    assert play(tmp_path, text, files=COLLECTION).messages() == ["me 81"]


def test_an_included_role_is_told_by_the_name_it_was_asked_for(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - include_role: {name: my.coll.r}\n"
    done = play(tmp_path, text, files=COLLECTION)
    assert [event.what for event in done.events if isinstance(event, Included)] == ["my.coll.r"]


def test_a_module_that_its_collection_has_buried_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"The 'my.coll.gone' module has been removed. Use ping. This .* from collection 'my.coll' version 2.0.0."
    ):
        play(tmp_path, "- hosts: all\n  tasks:\n    - my.coll.gone:\n", files=COLLECTION)
