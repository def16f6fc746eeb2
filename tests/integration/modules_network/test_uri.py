"""Proves uri against a real server: bodies, redirects, credentials, statuses, files, and that nothing is asked in check mode."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

BODIES: list[tuple[dict[str, Any], str, str]] = [
    ({"body": {"a": [1, 2]}, "body_format": "json"}, '{"a": [1, 2]}', "application/json"),
    ({"body": '{"a": 1}', "body_format": "json"}, '{"a": 1}', "application/json"),
    ({"body": {"a": [1, 2], "b": "x y"}, "body_format": "form-urlencoded"}, "a=1&a=2&b=x+y", "application/x-www-form-urlencoded"),
    ({"body": [["a", 1], ["b", [2]]], "body_format": "form-urlencoded"}, "a=1&b=2", "application/x-www-form-urlencoded"),
    ({"body": "text", "headers": {"Content-Type": "text/own"}}, "text", "text/own"),
]


@pytest.mark.parametrize(("args", "sent", "kind"), BODIES)
def test_bodies(call: Any, web_server: Any, args: dict[str, Any], sent: str, kind: str) -> None:
    made = call("uri", {"url": f"{web_server.url}/echo", "method": "POST", **args})
    assert (made["json"]["data"], made["json"]["headers"]["content-type"]) == (sent, kind)
    assert (made["status"], made["changed"], made["redirected"]) == (200, False, False)
    assert (made["cookies"], made["cookies_string"], made["set_cookie"]) == ({"a": "1", "b": "2"}, "a=1; b=2", "a=1, b=2")


def test_a_form_with_files(call: Any, web_server: Any, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("of a file")
    body = {
        "text": "plain",
        "file": {"filename": str(tmp_path / "f.txt"), "multipart_encoding": "7or8bit"},
        "named": {"content": "given", "filename": "n.bin", "mime_type": "application/x-own"},
    }
    made = call("uri", {"url": f"{web_server.url}/echo", "method": "POST", "body": body, "body_format": "form-multipart"})
    assert made["json"]["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    for part in (
        'Content-Type: text/plain\r\nContent-Disposition: form-data; name="text"\r\n\r\nplain\r\n',
        'Content-Type: text/plain\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\nof a file\r\n',
        'Content-Type: application/x-own\r\nContent-Disposition: form-data; name="named"; filename="n.bin"\r\n\r\ngiven\r\n',
    ):
        assert part in made["json"]["data"]
    refused = call("uri", {"url": f"{web_server.url}/echo", "method": "POST", "body": {"a": 1}, "body_format": "form-multipart"})
    assert refused["msg"].startswith("failed to parse body as form-multipart: value must be a string, or mapping")


REDIRECTS = [
    # status, method, policy, what arrives (None: not followed)
    (302, "GET", "safe", "GET"),
    (302, "POST", "safe", None),
    (302, "GET", "none", None),
    (301, "POST", "all", "GET"),
    (301, "PUT", "all", "PUT"),
    (303, "PUT", "all", "GET"),
    (307, "POST", "all", "POST"),
    (308, "POST", "all", "POST"),
]


@pytest.mark.parametrize(("status", "method", "policy", "arrives"), REDIRECTS)
def test_redirects(call: Any, web_server: Any, status: int, method: str, policy: str, arrives: str | None) -> None:
    args = {"url": f"{web_server.url}/redirect/{status}", "method": method, "follow_redirects": policy}
    made = call("uri", args if method == "GET" else {**args, "body": "x"})
    if arrives is None:
        assert (made["failed"], made["status"], made["location"]) == (True, status, f"{web_server.url}/echo")
        assert made["msg"].startswith(f"Status code was {status} and not [200]: HTTP Error {status}: ")
    else:
        assert (made["json"]["method"], made["redirected"], made["url"]) == (arrives, True, f"{web_server.url}/echo")


def test_statuses(call: Any, web_server: Any) -> None:
    url = f"{web_server.url}/missing"
    made = call("uri", {"url": url})
    assert (made["failed"], made["msg"]) == (True, "Status code was 404 and not [200]: HTTP Error 404: Not Found")
    assert "content" not in made
    assert call("uri", {"url": url, "return_content": True})["content"] == "nothing here"
    assert call("uri", {"url": url, "status_code": "404,200"})["body"] == "nothing here"
    made = call("uri", {"url": "http://127.0.0.1:1/"})
    assert (made["status"], made["failed"]) == (-1, True)
    assert "Connection refused" in made["msg"]
    assert call("uri", {"url": "nothing"})["msg"] == "Status code was -1 and not [200]: unknown url type: 'nothing'"


def test_credentials(call: Any, web_server: Any) -> None:
    url = f"{web_server.url}/private"
    for args in (
        {"url": url, "user": "me", "password": "secret"},
        {"url": url, "user": "me", "password": "secret", "force_basic_auth": True},
        {"url": url.replace("//", "//me:secret@")},
    ):
        assert call("uri", {**args, "return_content": True})["content"] == "in"
    assert call("uri", {"url": url, "user": "me", "password": "wrong"})["status"] == 401


def test_the_answer_in_a_file(call: Any, web_server: Any, tmp_path: Path) -> None:
    args = {"url": f"{web_server.url}/cached", "dest": str(tmp_path / "a"), "status_code": [200, 304], "mode": "0600"}
    skipped = call("uri", args, check=True)
    assert (skipped["skipped"], skipped["changed"], (tmp_path / "a").exists()) == (True, False, False)
    made = call("uri", args)
    assert (made["changed"], made["path"], made["mode"], (tmp_path / "a").read_text()) == (True, str(tmp_path / "a"), "0600", "cached\n")
    again = call("uri", args)
    assert (again["changed"], again["status"]) == (False, 304)
    assert call("uri", {"url": f"{web_server.url}/named", "dest": str(tmp_path)})["path"] == str(tmp_path / "proposed.txt")
    assert call("uri", {"url": f"{web_server.url}/packed", "return_content": True})["content"] == "unpacked"
    reason = call("uri", {**args, "creates": str(tmp_path)})
    assert (reason["stdout"], reason["changed"]) == (f"skipped, since '{tmp_path}' exists", False)


def test_a_unix_socket(call: Any, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=answer)
        thread.start()
        made = call("uri", {"url": "http://localhost/x", "unix_socket": str(tmp_path / "s"), "return_content": True})
        thread.join()
    assert made["content"] == "hi"
