"""Proves which hosts, groups and variables a TOML inventory gives, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.inventory import InventoryError, load

GOOD = """
[all.vars]
a = 1
[web]
children = ["apache"]
vars = { b = "{{ a }}" }
[apache.hosts]
"t[1:2]" = { ansible_port = 22 }
t9 = {}
[web.hosts.w]
c = [1, 2]
"""


def test_tables_are_groups(tmp_path: Path) -> None:
    path = tmp_path / "hosts.toml"
    path.write_text(GOOD)
    loaded = load([path])
    assert [host.name for host in loaded.match("web")] == ["w", "t1", "t2", "t9"]
    assert loaded.hosts["t1"].vars == {"a": 1, "b": "{{ a }}", "ansible_port": 22} and loaded.hosts["t2"].groups == ("apache", "web")
    assert loaded.hosts["w"].vars["c"] == [1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = ", "is no TOML: Invalid value"),
        ("a = 1", "group 'a' must be a table, not int"),
        ("plugin = 'x'", "a file that names a plugin must be YAML"),
        ("[a]\nhost = {}", 'group \'a\': unknown key \'host\' (only "vars", "children" and "hosts" are valid)'),
        ("[a]\nchildren = {}", "group 'a': children must be a list, not dict"),
        ("[a]\nhosts = ['x']", "group 'a': hosts must be a table, not list"),
        ("[a.hosts]\nx = 1", "host 'x': its variables must be a table, not int"),
        ('[a.hosts]\n"x[3:1]" = {}', "range [3:1] runs backwards"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hosts.toml"
    path.write_text(text)
    with pytest.raises(InventoryError) as caught:
        load([path])
    assert message in str(caught.value) and str(path) in str(caught.value)
