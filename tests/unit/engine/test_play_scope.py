"""Proves what the keywords of a play are rendered with before a host is chosen: which variables win, which there are, which files are missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.attributes import Attributes
from provisioner.engine.errors import PlaybookError
from provisioner.engine.options import RunOptions
from provisioner.engine.play_scope import hosts_of, name_of, play_templar, read_vars_files, settled
from provisioner.engine.playbook import Play, Role
from provisioner.engine.variables import Variables
from provisioner.inventory import load
from provisioner.templating import Templar
from provisioner.templating.plugins import builtin_plugins
from provisioner.templating.templar import Engine

FILES = {"one.yml": {"file": "one", "shared": "file"}, "two.yml": {"file": "two"}}


def scope(tmp_path: Path, play: Play, **prompted: Any) -> Templar:
    (tmp_path / "hosts.ini").write_text("h3 own=inventory\n[web]\nh1\nh2\n[all:vars]\nof_all=1\n")
    inventory = load([str(tmp_path / "hosts.ini")])
    variables = Variables(inventory, RunOptions(extra_vars={"extra": "e"}), tmp_path)
    return play_templar(play, variables, lambda path: FILES[path.name], Engine(builtin_plugins()), prompted)


def made(tmp_path: Path, hosts: Any, name: str = "", **values: Any) -> Play:
    for file in FILES:
        (tmp_path / file).touch()
    return Play(
        name=name or (",".join(map(str, hosts)) if isinstance(hosts, list) else hosts),
        hosts=hosts,
        attributes=Attributes(),
        directory=tmp_path,
        **values,
    )


@pytest.mark.parametrize(
    ("hosts", "pattern"),
    [
        ("web:!h1", "web:!h1"),
        ("{{ groups['web'] }}", ["h1", "h2"]),
        ("{{ groups['none'] | default([]) }}", []),
        (["{{ extra }}", 5], ["e", "5"]),
        ("{{ hostvars['h3'].own }}-{{ hostvars['h1'].of_all }}", "inventory-1"),
        ("{{ of_role }}{{ shared }}", "defaultfile"),
        ("{{ asked }}{{ play_var }}{{ file }}", "answerplaytwo"),
    ],
)
def test_a_pattern_sees_everything_but_the_variables_of_hosts(tmp_path: Path, hosts: Any, pattern: Any) -> None:
    role = Role(own_name="r", path=tmp_path, defaults={"of_role": "default", "shared": "default"})
    play = made(tmp_path, hosts, vars={"play_var": "play", "shared": "play"}, vars_files=("one.yml", ["none.yml", "two.yml"]), roles=[role])
    assert hosts_of(play, scope(tmp_path, play, asked="answer")) == pattern


@pytest.mark.parametrize("hosts", ["{{ own }}", "{{ of_all }}", "{{ inventory_hostname }}"])
def test_variables_of_hosts_are_not_known_yet(tmp_path: Path, hosts: str) -> None:
    play = made(tmp_path, hosts)
    with pytest.raises(PlaybookError, match=r"Error processing keyword 'hosts': .* is undefined"):
        hosts_of(play, scope(tmp_path, play))


@pytest.mark.parametrize(
    ("hosts", "name", "shown"),
    [
        ("{{ extra }}", "", "e"),
        (["{{ extra }}", "x"], "", "{{ extra }},x"),
        (["x"], "on {{ extra }}", "on e"),
        ("x", "plain", "plain"),
    ],
)
def test_a_name_is_rendered_unless_it_is_a_list_of_patterns(tmp_path: Path, hosts: Any, name: str, shown: str) -> None:
    play = made(tmp_path, hosts, name)
    assert name_of(play, scope(tmp_path, play)) == shown


def test_files_of_variables_are_read_in_order_and_missed_unless_their_name_is_unknown(tmp_path: Path) -> None:
    play = made(
        tmp_path,
        "all",
        vars_files=("{{ first }}.yml", "{{ shared }}.yml", ["a.yml", "b.yml"], "{{ facts }}.yml", ["{{ facts }}", "two.yml"]),
    )

    def templar(found: Mapping[str, Any]) -> Templar:
        return Templar(variables={"first": "one", **found})

    assert read_vars_files(play, lambda path: FILES[path.name], templar) == (
        {"file": "two", "shared": "file"},
        ["file.yml", "a.yml, b.yml"],
    )


def test_what_holds_for_a_whole_play_is_rendered(tmp_path: Path) -> None:
    values = {"max_fail_percentage": "{{ groups['web'] | length }}0", "strategy": "{{ 'free' }}", "force_handlers": "{{ extra == 'e' }}"}
    play = replace(made(tmp_path, "all", **values), attributes=Attributes(values={"any_errors_fatal": "{{ not extra }}"}))
    found = settled(play, scope(tmp_path, play))
    assert (found.max_fail_percentage, found.strategy, found.force_handlers) == (20.0, "free", True)
    assert found.attributes.get("any_errors_fatal") is False


@pytest.mark.parametrize("limit", ["{{ none_such }}", "many", [1]])
def test_a_share_that_is_no_number(tmp_path: Path, limit: Any) -> None:
    play = made(tmp_path, "all", max_fail_percentage=limit)
    with pytest.raises(PlaybookError, match="max_fail_percentage"):
        settled(play, scope(tmp_path, play))
