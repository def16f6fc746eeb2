"""Proves which files of group_vars/ and host_vars/ count for a name, in which order, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.inventory.errors import InventoryError
from provisioner.inventory.variable_files import VariableFiles


@pytest.mark.parametrize(
    ("files", "variables"),
    [
        ({}, {}),
        ({"web": "a: 1"}, {"a": 1}),
        ({"web.yml": "a: 1", "web.yaml": "b: 2", "web.json": '{"a": 3}'}, {"a": 3, "b": 2}),
        (
            {"web/b.yml": "a: 2", "web/a.yml": "a: 1\nb: 1", "web/sub/c": "c: 3", "web/notes.md": "x: 1", "web/.hidden": "y: 1"},
            {"a": 2, "b": 1, "c": 3},
        ),
        ({"web.txt": "a: 1", "web2.yml": "b: 1", "webs/x.yml": "c: 1"}, {}),
        ({"web.yml": ""}, {}),
    ],
)
def test_files_of_a_name(tmp_path: Path, files: dict[str, str], variables: dict[str, Any]) -> None:
    for kind in ("group_vars", "host_vars"):
        for name, text in files.items():
            (tmp_path / kind / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / kind / name).write_text(text)
    source = VariableFiles(tmp_path)
    assert source.group("web") == source.host("web") == variables
    assert source.host("../group_vars/web") == {}


def test_a_file_that_holds_no_mapping_is_told(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/h1.yml").write_text("[1]")
    with pytest.raises(InventoryError, match="must hold a mapping"):
        VariableFiles(tmp_path).host("h1")
