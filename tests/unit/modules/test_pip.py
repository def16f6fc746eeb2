"""Proves pip with a pip of the test's own: what is installed, what is not asked again, check mode, environments, its messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.modules.pip import _satisfied, fits, joined
from tests.module_calls import Call

# Keeps `name==version` lines in a file; notes how it was called.
PIP = r"""#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
touch "$here/packages"
case "$1" in
list) cat "$here/packages" ;;
install) shift
    for word; do
        case "$word" in -*) continue ;; *==*) ;; *) word="$word==1.0" ;; esac
        grep -qxF "$word" "$here/packages" && echo "Requirement already satisfied: $word" && continue
        echo "$word" >>"$here/packages"; echo "Successfully installed $word"
    done ;;
uninstall) grep -q "^$3==" "$here/packages" || { echo "WARNING: Skipping $3 as it is not installed." >&2; exit; }
    grep -v "^$3==" "$here/packages" >"$here/new"; mv "$here/new" "$here/packages"; echo "  Successfully uninstalled $3" ;;
esac
"""


@pytest.fixture
def pip(tmp_path: Path) -> Path:
    path = tmp_path / "pip"
    path.write_text(PIP)
    path.chmod(0o755)
    return path


def calls(pip: Path) -> list[str]:
    return [line for line in (pip.parent / "calls").read_text().splitlines() if not line.startswith("list")]


def test_install_then_nothing_then_remove(call: Call, pip: Path) -> None:
    args = {"name": ["one", "two"], "executable": str(pip)}
    listed = {"changed": True, "cmd": f"{pip} list --format=freeze", "stdout": "", "stderr": ""}
    assert call("pip", args, check=True) == listed
    first = call("pip", args)
    assert (first["changed"], first["cmd"], first["name"]) == (True, [str(pip), "install", "one", "two"], ["one", "two"])
    assert call("pip", args)["changed"] is False and call("pip", args, check=True)["changed"] is False
    assert call("pip", {**args, "name": "one", "state": "absent"})["changed"] is True
    assert call("pip", {**args, "name": "one", "state": "absent"})["changed"] is False
    assert calls(pip) == ["install one two", "install one two", "uninstall -y one", "uninstall -y one"]


@pytest.mark.parametrize("has", [True, False])
def test_the_interpreters_own_pip_is_used_where_it_has_one(call: Call, pip: Path, monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    python = pip.parent / "python3"
    python.write_text(f'#!/bin/sh\n[ $1 = -c ] && exit {0 if has else 1}\nshift 2; exec {pip} "$@"\n')
    python.chmod(0o755)
    (pip.parent / "pip3").write_text(PIP)
    (pip.parent / "pip3").chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setenv("PATH", f"{pip.parent}:/usr/bin:/bin")
    told = [str(python), "-m", "pip"] if has else [str(pip.parent / "pip3")]
    assert call("pip", {"name": "one"})["cmd"] == [*told, "install", "one"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"name": "a", "version": "2.0"}, "install a==2.0"),
        ({"name": "a", "state": "latest"}, "install -U a"),
        ({"name": "a", "state": "forcereinstall"}, "install -U --force-reinstall a"),
        ({"requirements": "/r.txt", "extra_args": "--no-index -q"}, "install --no-index -q -r /r.txt"),
        ({"name": "/src", "editable": True, "break_system_packages": True}, "install -e /src"),
        ({"name": "a>=1,<2"}, "install a>=1,<2"),
        ({"name": "a", "version": "<2,>=1"}, "install a<2,>=1"),
    ],
)
def test_command_lines(call: Call, pip: Path, args: dict[str, Any], words: str) -> None:
    assert "failed" not in call("pip", {**args, "executable": str(pip)})
    assert calls(pip) == [words]


def test_an_environment_is_made_once(call: Call, pip: Path, tmp_path: Path) -> None:
    maker = tmp_path / "mk"
    maker.write_text(f'#!/bin/sh\nfor last; do :; done\nmkdir -p "$last/bin"; touch "$last/bin/activate"; cp {pip} "$last/bin/pip"\n')
    maker.chmod(0o755)
    args = {"name": "one", "virtualenv": str(tmp_path / "v"), "virtualenv_command": f"{maker} -m venv"}
    assert call("pip", args, check=True) == {"changed": True} and not (tmp_path / "v").exists()
    first = call("pip", args)
    assert (first["changed"], first["virtualenv"]) == (True, str(tmp_path / "v"))
    assert call("pip", args)["changed"] is False


def test_names_that_a_list_cut_apart() -> None:
    assert joined(["a>=1", "<2", "b", " !=3 "]) == ["a>=1,<2", "b,!=3"]


@pytest.mark.parametrize(
    ("version", "specifier", "does"),
    [
        ("1.0", "==1.0.0", True), ("1.2.3", "==1.2.*", True), ("1.3", "==1.2.*", False), ("1.10", ">1.9", True), ("1.10", "<=1.9", False),
        ("2.2.5", "~=2.2", True), ("3.0", "~=2.2", False), ("1.4.6", "~=1.4.5", True), ("1.5.0", "~=1.4.5", False), ("1.0", "!=1.0", False),
    ],
)  # fmt: skip
def test_versions(version: str, specifier: str, does: bool) -> None:
    assert fits(version, specifier) is does


def test_what_is_there_goes_by_its_normal_name() -> None:
    assert _satisfied("Some.Thing>=1", {"some-thing": "1.5"}) and not _satisfied("git+https://x/y", {"y": "1"})


@pytest.mark.parametrize(
    ("args", "msg"),
    [
        ({}, "one of the following is required: name, requirements"),
        ({"name": "a", "requirements": "r"}, "parameters are mutually exclusive: name|requirements"),
        ({"name": "a", "executable": "x", "virtualenv": "v"}, "parameters are mutually exclusive: executable|virtualenv"),
        ({"name": "a", "version": "1", "state": "latest"}, "version is incompatible with state=latest"),
        (
            {"name": "a==1", "version": "1"},
            "The 'version' argument conflicts with any version specifier provided along with a package name. "
            "Please keep the version specifier, but remove the 'version' argument.",
        ),
        ({"name": "a", "executable": "nosuchpip"}, "Unable to find any of nosuchpip to use.  pip needs to be installed."),
        ({"name": "a", "umask": "x"}, "umask must be an octal integer"),
    ],
)
def test_messages(call: Call, args: dict[str, Any], msg: str) -> None:
    result = call("pip", args)
    assert (result["failed"], result["msg"]) == (True, msg)
