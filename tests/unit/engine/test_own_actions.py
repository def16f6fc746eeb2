"""Proves where people's own action plugins are found, and that one that cannot be loaded fails with its name and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.collections import Collections
from provisioner.engine.errors import TaskError
from provisioner.engine.own_actions import OwnActions

PLUGIN = "from ansible.plugins.action import ActionBase\nclass ActionModule(ActionBase):\n    pass\n"


def write(path: Path, text: str = PLUGIN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_first_of_equal_names_counts_and_builtin_names_are_builtin(tmp_path: Path) -> None:
    found = OwnActions(Collections([]))
    for place in ("playbook", "role"):
        write(tmp_path / place / "action_plugins" / "copy.py", f"{PLUGIN}    place = {place!r}\n")
        found.add(tmp_path / place)
    assert "copy" in found and found.names() == ["copy"]
    assert found.get("copy").place == "playbook" and found.get("copy") is found.get("copy", "ansible.legacy.copy")
    assert found.get("copy", "ansible.builtin.copy") is None and found.get("other") is None


def test_a_collection_names_its_action_where_it_lies_or_where_its_routing_says(tmp_path: Path) -> None:
    collection = tmp_path / "ansible_collections" / "acme" / "routed"
    write(collection / "plugins" / "action" / "one.py")
    write(collection / "plugins" / "modules" / "two.py")
    write(
        collection / "meta" / "runtime.yml",
        "plugin_routing: {modules: {two: {action_plugin: acme.routed.one}, three: {redirect: acme.routed.one}}}\n",
    )
    collections = Collections([tmp_path])
    for name in ("acme.routed.one", "acme.routed.two", "acme.routed.three"):
        assert collections.action(name) == collection / "plugins" / "action" / "one.py"
    assert collections.action("acme.routed.four") is None
    found = OwnActions(collections)
    found.add_of_collection("acme.routed.two", collection / "plugins" / "action" / "one.py")
    assert found.get("acme.routed.two").__module__ == "ansible_collections.acme.routed.plugins.action.one"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_library\n", "No module named 'no_such_library'"),
        ("from ansible.plugins.connection import X\n", "No module named 'ansible.plugins.connection'"),
        ("class Other: pass\n", "has no attribute 'ActionModule'"),
        ("this is no python\n", "SyntaxError"),
    ],
)
def test_what_cannot_be_loaded_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path / "action_plugins" / "broken.py", text)
    found = OwnActions(Collections([]))
    found.add(tmp_path)
    with pytest.raises(TaskError, match="the action plugin of 'broken'") as caught:
        found.get("broken")
    assert str(path) in str(caught.value) and reason in str(caught.value)
