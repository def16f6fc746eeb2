"""Proves what a task gives its action: rendered, with defaults of modules, and which argument is complained of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.fakes import play, tasks


@pytest.mark.parametrize(
    ("task", "named"),
    [
        ("file: {state: '{{ u1 }}', path: '{{ u2 }}', mode: '{{ u3 }}'}", "for 'mode': 'u3' is undefined"),
        ("set_fact: {b: '{{ u2 }}', a: '{{ u1 }}'}", "for 'a': 'u1' is undefined"),
        ("command: echo {{ u2 }}\n  args: {chdir: '{{ u3 }}'}", "for '_raw_params': 'u2' is undefined"),
        ("debug: {msg: {b: '{{ u2 }}', a: '{{ u1 }}'}}", "for 'msg': 'u2' is undefined"),
    ],
)
def test_of_several_arguments_the_first_by_name_is_complained_of(tmp_path: Path, task: str, named: str) -> None:
    assert named in play(tmp_path, tasks(f"- {task}\n  name: it\n")).results("it")[0]["msg"]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("ping: {data: '{{ 1 + 1 }}'}", 2),
        ("ping: {data: '{{ omit }}'}", "pong"),
        ("ping: {}\n  module_defaults: {ping: {data: a}}", "a"),
        ("ping: {}\n  module_defaults: {ansible.builtin.ping: {data: '{{ 1 }}'}}", 1),
        ("ping: {data: own}\n  module_defaults: {ping: {data: a}}", "own"),
        ("ping: {data: '{{ omit }}'}\n  module_defaults: {ping: {data: a}}", "pong"),
        ("ping:\n  args: {data: b}", "b"),
        ("ping: '{{ {\"data\": 5} }}'", 5),
    ],
)
def test_what_an_action_gets(tmp_path: Path, task: str, expected: Any) -> None:
    assert play(tmp_path, tasks(f"- {task}\n")).results("ping")[0]["ping"] == expected


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            "gather_facts:\n  module_defaults: {setup: {filter: a, gather_timeout: 5}, gather_facts: {filter: b}}",
            {"filter": "b", "gather_timeout": 5},
        ),
        ("setup:\n  module_defaults: {setup: {filter: a}, gather_facts: {filter: b}}", {"filter": "a"}),
        (
            "package: {name: x, use: apt}\n  module_defaults: {apt: {name: y, state: latest}, ping: {data: z}}",
            {"name": "x", "use": "apt", "state": "latest"},
        ),
        ("package: {name: x, use: dnf}\n  module_defaults: {apt: {state: latest}}", {"name": "x", "use": "dnf"}),
        ("package: {name: x}\n  module_defaults: {apt: {state: latest}}", {"name": "x"}),
    ],
)
def test_defaults_of_the_module_that_does_the_work(tmp_path: Path, task: str, expected: Any) -> None:
    done = play(tmp_path, tasks(f"- {task}\n"))
    module, args = done.pool.sessions["h1"].log[-1]
    assert {name: value for name, value in args.items() if not name.startswith("_")} == expected, module
