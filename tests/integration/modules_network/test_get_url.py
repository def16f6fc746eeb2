"""Proves get_url against a real server: what is downloaded once, checksums of all sorts, names, backups, check mode."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

ONE = b"content one\n"
SHA1, SHA256 = hashlib.sha1(ONE).hexdigest(), hashlib.sha256(ONE).hexdigest()


def test_a_file_is_downloaded_once(call: Any, web_server: Any, tmp_path: Path) -> None:
    web_server.files["one"] = ONE
    dest = tmp_path / "file"
    args = {"url": f"{web_server.url}/files/one", "dest": str(dest), "mode": "0640"}
    assert (call("get_url", args, check=True)["changed"], dest.exists()) == (True, False)
    made = call("get_url", args)
    assert (made["changed"], made["msg"], made["status_code"]) == (True, f"OK ({len(ONE)} bytes)", 200)
    assert (made["checksum_src"], made["checksum_dest"], made["mode"]) == (SHA1, None, "0640")
    assert made["md5sum"] == hashlib.md5(ONE).hexdigest()
    again = call("get_url", args)
    assert (again["changed"], again["checksum_dest"]) == (False, SHA1)
    web_server.files["one"] = b"content two\n"
    changed = call("get_url", {**args, "backup": True})
    assert (changed["changed"], Path(changed["backup_file"]).read_bytes(), dest.read_bytes()) == (True, ONE, b"content two\n")
    assert list(tmp_path.glob("*provision*")) == []


def test_a_server_that_says_not_modified(call: Any, web_server: Any, tmp_path: Path) -> None:
    args = {"url": f"{web_server.url}/cached", "dest": str(tmp_path / "c")}
    assert call("get_url", args)["changed"]
    again = call("get_url", args)
    assert (again["changed"], again["status_code"], again["msg"]) == (False, 304, "HTTP Error 304: Not Modified")
    forced = call("get_url", {**args, "force": True})
    assert (forced["changed"], forced["status_code"]) == (False, 200)


def test_names(call: Any, web_server: Any, tmp_path: Path) -> None:
    web_server.files["one"] = ONE
    assert call("get_url", {"url": f"{web_server.url}/files/one?x=1", "dest": f"{tmp_path}/"})["dest"] == str(tmp_path / "one")
    assert call("get_url", {"url": f"{web_server.url}/named", "dest": str(tmp_path)})["dest"] == str(tmp_path / "proposed.txt")
    local = call("get_url", {"url": f"file://{tmp_path}/one", "dest": str(tmp_path / "two")})
    assert (local["changed"], (tmp_path / "two").read_bytes()) == (True, ONE)


def test_a_checksum_spares_the_download(call: Any, web_server: Any, tmp_path: Path) -> None:
    web_server.files["one"] = ONE
    args = {"url": f"{web_server.url}/files/one", "dest": str(tmp_path / "f"), "checksum": f"sha256:{SHA256}"}
    assert call("get_url", args)["changed"]
    web_server.files.clear()
    again = call("get_url", args)
    assert (again["changed"], again["msg"]) == (False, "file already exists")
    mode = call("get_url", {**args, "mode": "0600"})
    assert (mode["changed"], mode["msg"]) == (True, "file already exists but file attributes changed")


LISTS = [f"{SHA256}\n", f"00ff *other\n{SHA256}  ./one\n", f"{SHA256} *one\n"]


@pytest.mark.parametrize("text", LISTS)
def test_a_checksum_in_a_list_of_the_server(call: Any, web_server: Any, tmp_path: Path, text: str) -> None:
    web_server.files.update(one=ONE, sums=text.encode())
    args = {"url": f"{web_server.url}/files/one", "dest": str(tmp_path / "f"), "checksum": f"sha256:{web_server.url}/files/sums"}
    assert call("get_url", args)["changed"]
    assert not call("get_url", args)["changed"]


WRONG = [
    ({"checksum": "abc"}, "The checksum parameter has to be in format <algorithm>:<checksum>"),
    ({"checksum": "sha1:xyz"}, "The checksum format is invalid"),
    ({"checksum": "sha1:00"}, f"The checksum for DEST did not match 00; it was {SHA1}."),
    ({"checksum": "sha1:URL/files/one"}, "The checksum format is invalid"),
    ({"checksum": "sha1:URL/files/sums"}, "Unable to find a checksum for file 'one' in 'URL/files/sums'"),
    ({"dest": "/nowhere/at/all"}, "Destination /nowhere/at does not exist"),
    ({"tmp_dest": "/nowhere"}, "/nowhere directory does not exist."),
    ({"url": "URL/missing"}, "Request failed"),
    ({"use_gssapi": True}, "use_gssapi needs the gssapi library, which modules that run inside the agent don't have"),
]


@pytest.mark.parametrize(("args", "msg"), WRONG)
def test_what_is_refused_leaves_the_file_alone(call: Any, web_server: Any, tmp_path: Path, args: dict[str, Any], msg: str) -> None:
    web_server.files.update(one=ONE, sums=b"00  other\n11  another\n")
    dest = tmp_path / "f"
    dest.write_text("before")
    given = {"url": "URL/files/one", "dest": str(dest), **args}
    given = {key: value.replace("URL", web_server.url) if isinstance(value, str) else value for key, value in given.items()}
    made = call("get_url", given)
    assert (made["failed"], made["msg"]) == (True, msg.replace("DEST", str(dest)).replace("URL", web_server.url))
    assert dest.read_text() == "before"
