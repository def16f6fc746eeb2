"""Proves what people's own lookups get to work with: files found as Ansible's loader finds them, values rendered with other variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.templating import Templar
from provisioner.templating.plugin_tools import Loader, PluginTemplar
from provisioner.templating.values import Unsafe


@pytest.fixture
def loader(tmp_path: Path) -> Loader:
    for name in ("roles/r/files/f", "roles/r/tasks/t.yml", "roles/r/top", "files/play", "beside"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{a: [1]}")
    return Loader(str(tmp_path), Templar(variables={}))


@pytest.mark.parametrize(
    ("start", "dirname", "source", "found"),
    [
        ("roles/r", "files", "f", "roles/r/files/f"),
        ("roles/r/tasks", "files", "f", "roles/r/files/f"),
        ("roles/r", "files", "t.yml", "roles/r/tasks/t.yml"),
        ("roles/r", "files", "top", "roles/r/top"),
        ("roles/r", "files", "play", "files/play"),
        ("roles/r", "files", "beside", "beside"),
        ("roles/r", "files", "nowhere", "nowhere"),
        ("roles/r", "files", "", "roles/r/files"),
    ],
)
def test_files_are_found_in_the_role_then_beside_the_playbook(
    loader: Loader, tmp_path: Path, start: str, dirname: str, source: str, found: str
) -> None:
    assert loader.path_dwim_relative(str(tmp_path / start), dirname, source) == str(tmp_path) + "/" + found


def test_paths_count_from_the_playbook(loader: Loader, tmp_path: Path) -> None:
    assert loader.path_dwim("x/../beside") == str(tmp_path / "beside")
    assert loader.path_dwim_relative("/no", "files", "/etc/passwd") == "/etc/passwd"
    assert loader.load_from_file("beside") == {"a": [1]}
    text = loader.get_text_file_contents("beside")
    assert loader._get_file_contents("beside") == (text.encode(), True) and "a" in text
    assert (loader.path_exists("beside"), loader.is_file("files"), loader.is_directory("files")) == (True, False, True)
    assert loader.list_directory("files") == ["play"]


def test_other_lookups_can_be_had(loader: Loader) -> None:
    templar = loader.templar({"a": 1})
    assert templar.lookup("ansible.builtin.sequence").run(["start=1 end=2"], variables={}) == ["1", "2"]
    assert templar.lookup("varnames").run(["^a$"]) == ["a"]
    said = templar.lookup("list").run(["{{ a }}"])
    assert said == ["{{ a }}"] and templar.template(said) == ["{{ a }}"]
    assert templar.lookup("nosuch") is None


def test_values_are_rendered_with_the_variables_that_are_set(loader: Loader) -> None:
    tools = PluginTemplar(Templar(variables={"word": "one", "text": "{{ word }}!"}), loader)
    assert tools.template("{{ text }}") == "one!"
    assert tools.copy_with_new_env(available_variables={"word": "two"}).template("{{ word }}") == "two"
    tools.available_variables = {**tools.available_variables, "word": "three"}
    assert tools.template("{{ word }} {{ text }}") == "three one!"
    assert loader.templar({"word": "four"}).template("{{ word }}") == "four"


TEXT = "a {% if true %}\nb{% endif %}\n  {% if true %}\nc\n  {% endif %}\n"
OVERRIDES: list[tuple[str, dict[str, Any], Any]] = [
    (TEXT, {}, "a b  c\n  \n"),
    (TEXT, {"lstrip_blocks": True}, "a bc\n"),
    ("#jinja2: trim_blocks: False\n" + TEXT, {}, "a \nb\n  \nc\n  \n"),
    ("#jinja2: trim_blocks: False, lstrip_blocks: True\n" + TEXT, {"lstrip_blocks": False}, "a \nb\n\nc\n"),
    ("#jinja2: lstrip_blocks: True\nplain\n", {}, "plain\n"),
    ("[[ n ]]", {"variable_start_string": "[[", "variable_end_string": "]]"}, [1]),
    ("{{ n }}", {"variable_start_string": "[[", "variable_end_string": "]]"}, "{{ n }}"),
    (Unsafe("[[ n ]]"), {"variable_start_string": "[[", "variable_end_string": "]]"}, "[[ n ]]"),
    (Unsafe("#jinja2: lstrip_blocks: True\nplain"), {}, "#jinja2: lstrip_blocks: True\nplain"),
]


@pytest.mark.parametrize(("text", "overrides", "expected"), OVERRIDES, ids=range(len(OVERRIDES)))
def test_texts_are_read_as_their_settings_say(text: str, overrides: dict[str, Any], expected: Any) -> None:
    own = Templar((), {"n": [1]})
    templar = PluginTemplar(own, Loader("/", own))
    assert templar.template(text, overrides=overrides) == expected
    assert templar.copy_with_new_env().do_template(text, overrides=overrides) == expected
