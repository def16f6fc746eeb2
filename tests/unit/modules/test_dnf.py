"""Proves dnf with an rpm and a dnf of the test's own: command lines, what needs no transaction, check mode, results, failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.agent.arguments import checked
from provisioner.modules import dnf
from tests.module_calls import Call

RPM = '#!/bin/sh\ncat "$(dirname "$0")/packages"\n'
DNF = r"""#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/calls"
case " $* " in
*" nosuch "*) echo "No match for argument: nosuch" >&2; echo "Error: Unable to find a match: nosuch" >&2; exit 1 ;;
*" --assumeno "*) exit 1 ;;
*" install "*) printf 'new\t0\t1.0\t1\tnoarch\n' >>"$here/packages" ;;
*" remove "*) : >"$here/packages" ;;
esac
"""
PACKAGES: list[dnf.Package] = [("foo", "0", "1.10", "2.el9", "x86_64"), ("bar", "1", "3.0", "1", "noarch")]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("rpm", RPM), ("dnf", DNF)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "packages").write_text("".join("\t".join(one) + "\n" for one in PACKAGES))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def args(**given: Any) -> dict[str, Any]:
    return checked(dnf.ARGUMENTS, given, "dnf")


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("foo", True), ("foo.x86_64", True), ("foo-1.10", True), ("foo-1.10-2.el9", True), ("foo-1.10-2.el9.x86_64", True), ("bar-1:3.0", True),
        ("f*", True), ("foo-1.9", False), ("fo", False), ("foo.i686", False), ("foo >= 1.9", True), ("foo<1.9", False), ("foo = 1.10", True),
    ],
)  # fmt: skip
def test_what_is_installed(name: str, there: bool) -> None:
    assert dnf.is_installed(name, PACKAGES) is there


@pytest.mark.parametrize(
    ("given", "state", "words"),
    [
        ({"name": ["foo"]}, "present", []),
        ({"name": "foo,new"}, "present", ["install", "new"]),
        ({"name": ["https://x/foo.rpm"]}, "present", ["install", "https://x/foo.rpm"]),
        ({"name": ["@group"]}, "present", ["install", "@group"]),
        ({"name": ["foo"], "allow_downgrade": True}, "present", ["install", "foo"]),
        ({"name": ["foo"]}, "latest", ["upgrade", "foo"]),
        ({"name": ["foo", "new"]}, "latest", ["install", "foo", "new"]),
        ({"name": ["foo", "new"], "update_only": True}, "latest", ["upgrade", "foo", "new"]),
        ({"name": "*"}, "latest", ["upgrade"]),
        ({"name": "*", "security": True}, "latest", ["upgrade-minimal", "--security"]),
        ({"name": ["foo", "new"]}, "absent", ["remove", "foo"]),
        ({"name": ["new"]}, "absent", []),
        ({"name": ["foo"], "autoremove": True}, "absent", ["autoremove", "foo"]),
        ({"autoremove": True}, "absent", ["autoremove"]),
    ],
)
def test_transactions(given: dict[str, Any], state: str, words: list[str]) -> None:
    whole = args(**given)
    assert dnf.transaction(whole["name"], state, whole, PACKAGES) == words


def test_flags() -> None:
    assert dnf.options(args(name="x")) == []
    given = args(
        name="x", enablerepo="a,b", disablerepo=["*"], exclude="k*", conf_file="/c", installroot="/r", releasever="9", disable_gpg_check=True,
        skip_broken=True, allowerasing=True, nobest=True, cacheonly=True, sslverify=False, validate_certs=False, install_weak_deps=False,
        download_only=True, download_dir="/d", enable_plugin=["p"], disable_plugin=["q"], disable_excludes="all",
    )  # fmt: skip
    assert dnf.options(given) == [
        "--enablerepo=a,b", "--disablerepo=*", "--exclude=k*", "--enableplugin=p", "--disableplugin=q", "--config=/c", "--releasever=9",
        "--disableexcludes=all", "--installroot=/r", "--nogpgcheck", "--skip-broken", "--allowerasing", "--nobest", "--cacheonly",
        "--setopt=sslverify=False", "--setopt=install_weak_deps=False", "--downloadonly", "--downloaddir=/d",
    ]  # fmt: skip


@pytest.mark.parametrize("module", ["dnf", "yum", "dnf5"])
def test_install_then_nothing_then_remove(call: Call, programs: Path, module: str) -> None:
    (programs / "dnf5").symlink_to("dnf")
    told = call(module, {"name": "new"}, check=True)
    assert (told["changed"], told["msg"]) == (True, "Check mode: No changes made, but would have if not in check mode")
    first = call(module, {"name": "new"})
    assert first == {"changed": True, "results": ["Installed: new-1.0-1.noarch"], "rc": 0, "msg": ""}
    assert call(module, {"name": "new"}) == {"changed": False, "results": [], "rc": 0, "msg": "Nothing to do"}
    gone = call(module, {"name": "foo", "state": "removed"})
    assert gone["changed"] and "Removed: foo-1.10-2.el9.x86_64" in gone["results"]
    assert (programs / "calls").read_text().splitlines() == ["--assumeno install new", "-y install new", "-y remove foo"]


def test_what_does_not_exist(call: Call, programs: Path) -> None:
    result = call("dnf", {"name": "nosuch"})
    assert (result["failed"], result["msg"]) == (True, "Failed to install some of the specified packages")
    assert result["failures"] == ["nosuch: no package provides it"]


def test_messages(call: Call, programs: Path) -> None:
    assert call("dnf", {"autoremove": True, "state": "present"})["msg"] == "Autoremove should be used alone or with state=absent"
    assert call("dnf", {"name": "x", "list": "installed"})["msg"] == "parameters are mutually exclusive: name|list"
    assert call("dnf", {"update_cache": True})["msg"] == "Cache updated"
