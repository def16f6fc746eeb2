"""Proves which ansible.cfg counts, how its values are read, and that a variable wins over the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.ansible_config import ConfigError, config_file, read_settings

FILE = """
[defaults]
inventory = hosts.ini, more/
roles_path = roles:~/other
forks = 7  ; of two
host_key_checking = no
remote_user = "deploy"
unknown_to_us = 5

[privilege_escalation]
become = True

[tags]
skip = slow, never
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ansible.cfg").write_text(FILE)
    return tmp_path


def test_values_are_typed_and_paths_are_the_files_own(folder: Path) -> None:
    found = read_settings({}, folder)
    assert found["DEFAULT_HOST_LIST"] == [str(folder / "hosts.ini"), str(folder / "more")]
    assert found["DEFAULT_ROLES_PATH"] == [str(folder / "roles"), str(Path.home() / "other")]
    assert (found["DEFAULT_FORKS"], found["HOST_KEY_CHECKING"], found["DEFAULT_BECOME"]) == (7, False, True)
    assert found["DEFAULT_REMOTE_USER"] == "deploy"
    assert found["TAGS_SKIP"] == ["slow", "never"]
    assert found["CONFIG_FILE"] == str(folder / "ansible.cfg")
    assert "DEFAULT_STRATEGY" not in found


def test_a_variable_wins_over_the_file(folder: Path) -> None:
    found = read_settings({"ANSIBLE_FORKS": "3", "ANSIBLE_INVENTORY": "a,b,"}, folder)
    assert (found["DEFAULT_FORKS"], found["DEFAULT_HOST_LIST"]) == (3, ["a,b,"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[defaults]\nforks = many\n", "[defaults] forks: expected a number, found 'many'"),
        ("[defaults]\nhost_key_checking = perhaps\n", "expected true or false, found 'perhaps'"),
        ("[defaults]\ngathering = sometimes\n", "[defaults] gathering: expected one of implicit, explicit, smart, found 'sometimes'"),
        ("no section\n", "File contains no section headers"),
    ],
)
def test_a_wrong_value_says_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "ansible.cfg").write_text(text)
    with pytest.raises(ConfigError, match=r"ansible\.cfg") as caught:
        read_settings({}, tmp_path)
    assert told in str(caught.value)


def test_the_named_file_comes_first(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.cfg"
    other.write_text("[defaults]\nforks = 2\n")
    assert config_file({"ANSIBLE_CONFIG": str(other)}, folder) == other
    assert read_settings({"ANSIBLE_CONFIG": str(other)}, folder)["DEFAULT_FORKS"] == 2


def test_a_file_in_a_folder_of_everybody_does_not_count(folder: Path) -> None:
    folder.chmod(0o777)
    assert config_file({}, folder) != folder / "ansible.cfg"
