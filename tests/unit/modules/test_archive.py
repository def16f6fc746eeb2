"""Proves archive: every format, what is packed under which names, that an equal archive is not written again, removal, check mode."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "a/b").mkdir(parents=True)
    (root / "c").mkdir()
    for name in ("a/one.txt", "a/b/two.log", "c/three.txt", "four"):
        (root / name).write_text(name)
    (root / "a/link").symlink_to("one.txt")
    return root


def names(path: Path) -> list[str]:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return sorted(archive.namelist())
    with tarfile.open(path) as packed:
        return sorted(packed.getnames())


@pytest.mark.parametrize("form", ["gz", "bz2", "xz", "tar", "zip"])
def test_a_folder_in_every_format(call: Any, tree: Path, tmp_path: Path, form: str) -> None:
    dest = tmp_path / f"made.{form}"
    args = {"path": str(tree / "a"), "dest": str(dest), "format": form, "mode": "0640"}
    checked = call("archive", args, check=True)
    assert (checked["changed"], checked["archived"], checked["dest_state"], dest.exists()) == (True, [], "absent", False)
    made = call("archive", args)
    assert (made["changed"], made["dest_state"], made["arcroot"], made["mode"]) == (True, "archive", f"{tree}/", "0640")
    folders = [] if form == "zip" else ["a/b"]
    assert sorted(made["archived"]) == [str(tree / name) for name in (*folders, "a/b/two.log", "a/link", "a/one.txt")]
    assert names(dest) == ["a/b/" if form == "zip" else "a/b", "a/b/two.log", "a/link", "a/one.txt"]
    written = dest.stat().st_ino
    again = call("archive", args)
    assert (again["changed"], dest.stat().st_ino) == (False, written)
    assert call("archive", args, check=True)["changed"] is False
    (tree / "a/one.txt").write_text("other")
    assert call("archive", args)["changed"]


@pytest.mark.parametrize(("form", "unpack"), [("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)])
def test_a_single_file_is_compressed(call: Any, tree: Path, form: str, unpack: Any) -> None:
    made = call("archive", {"path": str(tree / "four"), "format": form})
    assert (made["dest"], made["dest_state"], made["changed"]) == (str(tree / f"four.{form}"), "compress", True)
    with unpack(made["dest"]) as file:
        assert file.read() == b"four"
    assert not call("archive", {"path": str(tree / "four"), "format": form})["changed"]
    forced = call("archive", {"path": str(tree / "four"), "format": form, "force_archive": True, "dest": str(tree / "t")})
    assert (forced["dest_state"], names(Path(forced["dest"]))) == ("archive", ["four"])


def test_what_is_chosen(call: Any, tree: Path, tmp_path: Path) -> None:
    dest = tmp_path / "d.tar"
    paths = [f"{tree}/a", f"{tree}/c/*.txt", f"{tree}/none"]
    made = call("archive", {"path": paths, "dest": str(dest), "format": "tar", "exclude_path": [f"{tree}/a/b/two.log", f"{tree}/c/t*"]})
    assert (made["missing"], made["dest_state"]) == ([f"{tree}/none"], "incomplete")
    assert names(dest) == ["a/b", "a/b/two.log", "a/link", "a/one.txt"], "what lies in a folder that is packed, exclude_path leaves"
    call("archive", {"path": paths, "dest": str(dest), "format": "tar", "exclusion_patterns": ["*.txt", "a/b"]})
    assert names(dest) == ["a/b/two.log", "a/link"]
    inner = call("archive", {"path": str(tree), "dest": str(tree / "in.tar"), "format": "tar"})
    assert call("archive", {"path": str(tree), "dest": str(tree / "in.tar"), "format": "tar"})["changed"] is False
    assert inner["changed"] and "src/in.tar" not in names(tree / "in.tar")


def test_remove(call: Any, tree: Path, tmp_path: Path) -> None:
    args = {"path": [str(tree / "a"), str(tree / "four")], "dest": str(tmp_path / "r.tgz"), "remove": True}
    assert call("archive", args, check=True)["changed"] and (tree / "a").exists()
    assert call("archive", args)["changed"]
    assert sorted(os.listdir(tree)) == ["c"]
    again = call("archive", args)
    assert (again["changed"], again["dest_state"], again["missing"]) == (False, "archive", args["path"])


WRONG = [
    ({"path": ["/none*"]}, "Error, no source paths were found"),
    ({"path": ["TREE/a"]}, 'Error, must specify "dest" when archiving multiple files or trees'),
    ({"path": ["TREE/a", "TREE/c"]}, 'Error, must specify "dest" when archiving multiple files or trees'),
    ({"path": ["TREE"], "dest": "TREE/x.tgz", "remove": True}, "Error, created archive can not be contained in source paths when remove=true"),
    ({"path": ["TREE/a"], "dest": "/nowhere/x"}, "Error, the folder of dest /nowhere/x does not exist"),
    ({"path": ["TREE/a"], "dest": "TREE"}, "Error, dest TREE is a directory: it must be the name of a file"),
    ({"path": ["TREE/a"], "format": "rar"}, "value of format must be one of: bz2, gz, tar, xz, zip, got: rar"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_wrong_arguments(call: Any, tree: Path, args: dict[str, Any], msg: str) -> None:
    def put(value: Any) -> Any:
        return [put(v) for v in value] if isinstance(value, list) else value.replace("TREE", str(tree)) if isinstance(value, str) else value

    made = call("archive", {key: put(value) for key, value in args.items()})
    assert (made["failed"], made["msg"]) == (True, put(msg))


def test_a_folder_with_a_slash_is_the_root_of_its_archive(call: Any, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a").write_text("a")
    for given, expected in ((f"{tmp_path}/src/", ["a"]), (f"{tmp_path}/src", ["src/a"])):
        result = call("archive", {"path": [given], "dest": str(tmp_path / "o.tar"), "format": "tar"})
        assert result["expanded_paths"] == [given]
        with tarfile.open(tmp_path / "o.tar") as made:
            assert made.getnames() == expected
