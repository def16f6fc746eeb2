"""Proves what plays, tasks, hosts and results look like to people's own plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.attributes import Attributes
from provisioner.engine.options import RunOptions
from provisioner.engine.own_plugins import use_stand_ins
from provisioner.engine.playbook import Block, Play, Role, Task
from provisioner.engine.plugin_objects import HostViews, PlayView, TaskView, command_line, include_view, plain
from provisioner.inventory import load
from provisioner.inventory.documents import Location
from provisioner.templating import Templar, Unsafe

use_stand_ins({})


def task(**more: object) -> Task:
    attributes = Attributes(values={"no_log": False}, tags=frozenset({"b", "a"}))
    return Task("command", {"_raw_params": "echo {{ x }}"}, attributes, name="say {{ x }}", location=Location("f.yml", 3, 5), **more)  # type: ignore[arg-type]


def test_a_task_has_its_keywords_rendered_where_they_can_be() -> None:
    role = Role("r", Path("/roles/r"))
    written = TaskView(task(role=role), "r : say 1", "id", RunOptions())
    done = TaskView(task(), "say 1", "id", RunOptions(check=True), Templar(variables={"x": 1}))
    assert written.args == {"_raw_params": "echo {{ x }}"} and done.args == {"_raw_params": "echo 1"}
    assert (written.name, written.get_name(), str(written._role), str(written)) == ("say 1", "r : say 1", "r", "TASK: r : say 1")
    assert (done.tags, done.no_log, done.check_mode, done.get_path(), done.loop) == (["a", "b"], False, True, "f.yml:3", None)
    with pytest.raises(AttributeError, match="the task has no 'cliconf' here"):
        _ = done.cliconf


def test_a_task_that_includes_is_known_by_its_class() -> None:
    from ansible.playbook.task_include import TaskInclude

    made = TaskView(task(), "t", "id", RunOptions())
    assert isinstance(include_view(made), TaskInclude) and include_view(made).get_name() == "t" and not isinstance(made, TaskInclude)


def test_a_play_has_its_tasks_in_order() -> None:
    play = Play("p", "web:db", Attributes(), pre_tasks=[task()], tasks=[task(), task(), Block([task()], always=[task()])], strategy="free")
    view = PlayView(play, "p", RunOptions(), "id")
    assert (view.get_name(), view.hosts, view.strategy, view.check_mode) == ("p", ["web:db"], "free", False)
    assert [len(part) for part in view.get_tasks()] == [1, 2, 2]


def test_hosts_know_their_groups_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yml"
    path.write_text("web:\n  vars: {a: 1}\n  hosts:\n    h1.example: {b: 2}\n")
    views = HostViews(load([path]))
    host = views.host("h1.example")
    assert host is views.host("h1.example") and [group.name for group in host.get_groups()] == ["all", "web"]
    assert host.get_vars() == {"a": 1, "b": 2, "inventory_hostname": "h1.example", "inventory_hostname_short": "h1", "group_names": ["web"]}
    assert views.group("web").get_hosts() == [host] and views.group("web").vars == {"a": 1} and views.group("web").depth == 1
    assert views.host("localhost").implicit and views.host("nobody").get_groups() == []


def test_what_plugins_get_is_theirs_to_change_and_plain() -> None:
    result = {"a": [{"b": Unsafe("{{ x }}")}], Unsafe("k"): (1, 2)}
    copied = plain(result)
    copied["a"][0]["b"] += "!"
    assert result["a"] == [{"b": "{{ x }}"}] and type(plain(result)["a"][0]["b"]) is str and plain(result)["k"] == [1, 2]
    assert command_line(RunOptions(tags=("a",), extra_vars={"b": 1}))["tags"] == ("a",)
