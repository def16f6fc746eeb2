"""A task as rescue sections see it: rendered where that can be done, as written elsewhere, with Ansible's defaults."""

from __future__ import annotations

from provisioner.engine.attributes import Attributes
from provisioner.engine.failed_task import described
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Loop, Task
from provisioner.templating import Templar


def test_values_are_rendered_where_they_can_be() -> None:
    attributes = Attributes(values={"become": True}, tags=frozenset({"b", "a"}), when=("x > 0",), vars={"x": 1})
    task = Task(
        "command",
        {"_raw_params": "echo {{ x }} {{ item }}", "chdir": "/{{ x }}"},
        attributes,
        name="n{{ x }}",
        register="r",
        loop=Loop(None, [1]),
    )
    shown = described(task, Templar((), {"x": 1}), RunOptions(check=True))
    assert shown["name"] == "n1" and shown["action"] == "command" and shown["_resolved_action"] == "ansible.builtin.command"
    assert shown["args"] == {"_raw_params": "echo {{ x }} {{ item }}", "chdir": "/1"}
    assert shown["tags"] == ["a", "b"] and shown["when"] == ["x > 0"] and shown["register"] == "r" and shown["loop"] == [1]
    assert shown["become"] is True and shown["check_mode"] is True
    assert shown["loop_control"]["loop_var"] == "item"


def test_what_nobody_wrote_has_defaults() -> None:
    shown = described(Task("my.own.module", {}, Attributes()), None, RunOptions())
    assert (shown["poll"], shown["delay"], shown["retries"], shown["until"]) == (15, 5, None, [])
    assert (shown["name"], shown["_resolved_action"]) == ("", "my.own.module")
    assert shown["loop"] is None and shown["loop_control"] is None
