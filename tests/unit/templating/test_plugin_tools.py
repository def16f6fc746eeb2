"""Proves what people's own lookups get to work with: files found as Ansible's loader finds them, values rendered with other variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.templating import Templar
from provisioner.templating.plugin_tools import Loader, PluginTemplar


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
    assert (loader.path_exists("beside"), loader.is_file("files"), loader.is_directory("files")) == (True, False, True)
    assert loader.list_directory("files") == ["play"]


def test_values_are_rendered_with_the_variables_that_are_set(loader: Loader) -> None:
    tools = PluginTemplar(Templar(variables={"word": "one", "text": "{{ word }}!"}), loader)
    assert tools.template("{{ text }}") == "one!"
    assert tools.copy_with_new_env(available_variables={"word": "two"}).template("{{ word }}") == "two"
    tools.available_variables = {**tools.available_variables, "word": "three"}
    assert tools.template("{{ word }} {{ text }}") == "three one!"
    assert loader.templar({"word": "four"}).template("{{ word }}") == "four"
