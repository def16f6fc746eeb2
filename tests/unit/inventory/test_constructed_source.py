"""Proves what `plugin: constructed` makes of variables, what `plugin: generator` makes of layers, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.inventory import InventoryError, load
from provisioner.templating.values import Unsafe

HOSTS = "[web]\na.example.com env=prod n=2\nb.example.com env=dev-1\n[web:vars]\nsite=berlin\n"


def made(tmp_path: Path, document: dict[str, Any], plugin: str = "constructed") -> Any:
    (tmp_path / "1-hosts").write_text(HOSTS)
    (tmp_path / "2-more.yml").write_text(yaml.safe_dump({"plugin": plugin, **document}, sort_keys=False))
    (tmp_path / "group_vars").mkdir(exist_ok=True)
    (tmp_path / "group_vars" / "web.yml").write_text("beside: yes it is\n")
    return load([tmp_path], extra_vars={"extra": "said"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"compose": {"both": "env ~ '-' ~ site"}}, {"both": "prod-berlin"}),
        ({"compose": {"twice": "n * 2", "lost": "nowhere.x", "who": "inventory_hostname_short"}}, {"twice": 4, "who": "a"}),
        ({"compose": {"first": "1", "second": "first"}}, {"first": 1}),
        ({"compose": {"it": "beside"}}, {}),
        ({"compose": {"it": "beside"}, "use_vars_plugins": True}, {"it": "yes it is"}),
        ({"compose": {"it": "extra"}, "use_extra_vars": True}, {"it": "said"}),
    ],
)
def test_compose(tmp_path: Path, options: dict[str, Any], expected: dict[str, Any]) -> None:
    own = made(tmp_path, options).hosts["a.example.com"].own_vars
    assert {key: value for key, value in own.items() if key not in ("env", "n")} == expected
    assert all(isinstance(value, Unsafe) for key, value in own.items() if key in expected and isinstance(value, str))


@pytest.mark.parametrize(
    ("options", "groups"),
    [
        ({"groups": {"prods": "env == 'prod'", "none": "nowhere", "all-of": "true"}}, {"prods": ["a"], "all_of": ["a", "b"]}),
        ({"keyed_groups": [{"prefix": "env", "key": "env"}]}, {"env_prod": ["a"], "env_dev_1": ["b"]}),
        ({"keyed_groups": [{"key": "env", "separator": ""}]}, {"prod": ["a"], "dev_1": ["b"]}),
        ({"keyed_groups": [{"key": "env"}], "leading_separator": False}, {"prod": ["a"], "dev_1": ["b"]}),
        ({"keyed_groups": [{"key": "env"}]}, {"_prod": ["a"], "_dev_1": ["b"]}),
        ({"keyed_groups": [{"prefix": "l", "key": "[env, 'z']"}]}, {"l_prod": ["a"], "l_dev_1": ["b"], "l_z": ["a", "b"]}),
        ({"keyed_groups": [{"prefix": "m", "key": "{'e': env, 'x': ''}"}]}, {"m_e_prod": ["a"], "m_e_dev_1": ["b"], "m_x_": ["a", "b"]}),
        ({"keyed_groups": [{"prefix": "m", "key": "{'x': ''}", "trailing_separator": False}]}, {"m_x": ["a", "b"]}),
        ({"keyed_groups": [{"prefix": "d", "key": "''", "default_value": "nothing"}]}, {"d_nothing": ["a", "b"]}),
        ({"keyed_groups": [{"prefix": "p", "key": "env", "parent_group": "of_{{ site }}"}]}, {"p_prod": ["a"], "p_dev_1": ["b"], "of_berlin": ["a", "b"]}),
    ],
)  # fmt: skip
def test_groups(tmp_path: Path, options: dict[str, Any], groups: dict[str, list[str]]) -> None:
    found = {name: [host[0] for host in hosts] for name, hosts in made(tmp_path, options).group_names().items()}
    assert {name: hosts for name, hosts in found.items() if name not in ("all", "ungrouped", "web")} == groups


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"composes": {}}, r"2-more.yml:2:1: constructed has no option 'composes'"),
        ({"compose": []}, None),
        ({"compose": ["x"]}, "compose must be a mapping"),
        ({"keyed_groups": {"x": 1}}, "keyed_groups must be a list"),
        ({"keyed_groups": ["x"]}, "it must be a dictionary: 'x'"),
        ({"keyed_groups": [{"key": "n", "prefix": "x"}]}, "Invalid group name format, expected a string or a list"),
        ({"strict": True, "compose": {"it": "nowhere"}}, "Could not set it for host a.example.com: 'nowhere' is undefined"),
        ({"strict": True, "groups": {"g": "nowhere"}}, "Could not add host a.example.com to group g: 'nowhere' is undefined"),
        ({"strict": True, "keyed_groups": [{"key": "nowhere"}]}, "Could not generate group for host a.example.com from nowhere entry"),
    ],
)
def test_what_is_wrong(tmp_path: Path, options: dict[str, Any], message: str | None) -> None:
    if message is None:
        made(tmp_path, options)
        return
    with pytest.raises(InventoryError, match=message):
        made(tmp_path, options)


def test_generator(tmp_path: Path) -> None:
    group = {"name": "{{ op }}_{{ app }}", "parents": [{"name": "{{ op }}", "vars": {"does": "{{ op }}", "n": 1}}, {"name": "{{ app }}"}]}
    hosts = {"name": "{{ op }}_{{ app }}_run", "parents": [group, {"name": "runner"}]}
    inventory = made(tmp_path, {"hosts": hosts, "layers": {"op": ["build", "launch"], "app": ["one", "two"]}}, "ansible.builtin.generator")
    names = inventory.group_names()
    assert names["runner"] == ["build_one_run", "build_two_run", "launch_one_run", "launch_two_run"]
    assert names["build"] == ["build_one_run", "build_two_run"] and names["two"] == ["build_two_run", "launch_two_run"]
    assert inventory.hosts["launch_one_run"].vars["does"] == "launch" and inventory.groups["launch"].own_vars["n"] == 1


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"hosts": {"name": "x"}}, "generator needs layers"),
        ({"layers": {"a": [1]}}, "generator needs hosts with the name"),
        ({"layers": {"a": [1]}, "hosts": {"name": "{{ b }}"}}, "'b' is undefined"),
        ({"layers": {"a": [1]}, "hosts": {"name": "x", "parents": [{"vars": {}}]}}, "Element x has a parent with no name."),
    ],
)
def test_what_is_wrong_with_a_generator(tmp_path: Path, document: dict[str, Any], message: str) -> None:
    with pytest.raises(InventoryError, match=message):
        made(tmp_path, document, "generator")
