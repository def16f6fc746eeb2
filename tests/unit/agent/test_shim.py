"""Proves the stand-ins for what modules of others import: versions, sizes, keys, secrets, arguments, HTTP, both Pythons' names."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioner.templating.plugins import STAND_INS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(STAND_INS)


def get(name: str) -> Any:
    return importlib.import_module(f"ansible.module_utils.{name}")


@pytest.mark.parametrize(
    ("kind", "smaller", "larger"),
    [
        ("LooseVersion", "1.9", "1.10"),
        ("LooseVersion", "2.0a1", "2.0b1"),
        ("LooseVersion", "3", "3.0.1"),
        ("StrictVersion", "1.2a1", "1.2"),
        ("StrictVersion", "1.2", "1.2.1"),
    ],
)
def test_versions_are_ordered(kind: str, smaller: str, larger: str) -> None:
    made = getattr(get("compat.version"), kind)
    assert made(smaller) < made(larger) and made(larger) > smaller and made(smaller) == made(smaller)


@pytest.mark.parametrize(
    ("text", "options", "size"),
    [("10M", {}, 10 << 20), ("1.5 GB", {}, 3 << 29), ("2Mb", {"isbits": True}, 2 << 20), ("7", {}, 7), ("7", {"default_unit": "K"}, 7168)],
)
def test_sizes_are_read(text: str, options: dict[str, Any], size: int) -> None:
    assert get("common.text.formatters").human_to_bytes(text, **options) == size


@pytest.mark.parametrize("text", ["ten", "1 Q", "1Mb", "1.2.3K"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="human_to_bytes"):
        get("common.text.formatters").human_to_bytes(text)


def test_keys_change_their_form() -> None:
    changes = get("common.dict_transformations")
    assert changes.camel_dict_to_snake_dict({"HTTPEndpoint": {"SubNet": [{"TargetGroupARNs": 1}]}}) == {
        "http_endpoint": {"sub_net": [{"target_group_arns": 1}]}
    }
    assert changes.snake_dict_to_camel_dict({"a_b": {"c_d": 1}}, capitalize_first=True) == {"AB": {"CD": 1}}
    assert changes.dict_merge({"a": {"b": 1}, "c": 2}, {"a": {"d": 3}, "c": 4}) == {"a": {"b": 1, "d": 3}, "c": 4}
    assert changes.recursive_diff({"a": {"b": 1}, "c": 1}, {"a": {"b": 2}, "c": 1}) == ({"a": {"b": 1}}, {"a": {"b": 2}})


def test_names_of_two_pythons() -> None:
    six = get("six")
    from urllib.parse import quote

    assert importlib.import_module("ansible.module_utils.six.moves.urllib.parse").quote is quote
    assert six.moves.urllib.parse.quote is quote
    assert six.moves.shlex_quote("a b") == "'a b'"
    assert six.moves.configparser.ConfigParser
    assert isinstance("x", six.string_types) and list(six.iteritems({1: 2})) == [(1, 2)]


def test_secrets_leave_results() -> None:
    parameters = get("common.parameters")
    spec = {"a": {"no_log": True}, "b": {"options": {"c": {"no_log": True}}}, "d": {}}
    hidden = parameters.no_log_values(spec, {"a": "one", "b": [{"c": "two"}], "d": "three"})
    assert hidden == {"one", "two"}
    assert parameters.remove_values({"x": "one", "y": ["with two inside", 3, None]}, hidden) == {
        "x": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "y": ["with ******** inside", 3, None],
    }


def run_module(text: str, args: dict[str, Any], tmp_path: Path, check: bool = False) -> dict[str, Any]:
    (tmp_path / "own").mkdir(exist_ok=True)
    (tmp_path / "own" / "one.py").write_text("from ansible.module_utils.basic import *\n" + text)
    runner = f"{STAND_INS}/run_module.py"
    environment = dict(
        os.environ,
        PYTHONPATH=f"{tmp_path}:{STAND_INS}:{ROOT}",
        PROVISION_MODULE="own.one",
        PROVISION_MODULE_RUNNER=runner,
    )
    request = json.dumps({"name": "one", "args": args, "check": check})
    ran = subprocess.run([sys.executable, runner, "own.one"], input=request, capture_output=True, text=True, env=environment, timeout=30)
    assert ran.stdout, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("spec", "args", "answer"),
    [
        ("dict(size=dict(type='bytes'))", {"size": "1K"}, {"size": 1024}),
        ("dict(doc=dict(type='json'))", {"doc": {"a": 1}}, {"doc": '{"a": 1}'}),
        ("dict(up=dict(type=lambda v: v.upper()))", {"up": "x"}, {"up": "X"}),
        ("dict(o=dict(type='dict', options=dict(p=dict(default=3)), apply_defaults=True))", {}, {"o": {"p": "3"}}),
        ("dict(home=dict(fallback=(env_fallback, ['NOT_THERE', 'LOGNAME_OF_TEST'])))", {}, {"home": None}),
    ],
)
def test_arguments(spec: str, args: dict[str, Any], answer: dict[str, Any], tmp_path: Path) -> None:
    found = run_module(f"m = AnsibleModule({spec})\nm.exit_json(**m.params)\n", args, tmp_path)
    assert {key: found.get(key) for key in answer} == answer


def test_what_nobody_gave_is_no_boolean(tmp_path: Path) -> None:
    text = "m = AnsibleModule({'locked': {'type': 'bool'}, 'word': {}})\nm.exit_json(said=[m.boolean(m.params[name]) for name in ('locked', 'word')])\n"
    assert run_module(text, {"word": "on"}, tmp_path)["said"] == [None, True]
    failed = run_module(text, {"word": "maybe"}, tmp_path)
    assert failed["failed"] and "'maybe' is not a valid boolean" in failed["msg"]


def test_rules_and_check_mode(tmp_path: Path) -> None:
    text = "AnsibleModule(dict(a={}, b={}), required_by={'a': 'b'}).exit_json(ran=True)\n"
    assert run_module(text, {"a": "1"}, tmp_path)["msg"] == "missing parameter(s) required by 'a': b"
    skipped = run_module(text, {}, tmp_path, check=True)
    assert (skipped["skipped"], skipped["msg"]) == (True, "remote module (one) does not support check mode")


def test_commands_of_modules(tmp_path: Path) -> None:
    text = """
m = AnsibleModule({"word": {"no_log": True}})
shown = m.run_command(["sh", "-c", "cat; echo $X; pwd"], data="in", environ_update={"X": "y"}, cwd="/")
asked = m.run_command(["sh", "-c", "printf 'Password: '; sleep 30"], prompt_regex="Password:")
m.run_command(["sh", "-c", "echo wrong >&2; exit 3", m.params["word"]], check_rc=True) if m.params["word"] else None
m.exit_json(shown=shown, asked=asked[0])
"""
    found = run_module(text, {}, tmp_path)
    assert (found["shown"], found["asked"]) == ([0, "in\ny\n/\n", ""], 257)
    failed = run_module(text, {"word": "hunter2"}, tmp_path)
    assert (failed["rc"], failed["msg"]) == (3, "wrong") and "hunter2" not in json.dumps(failed)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    failed = run_module('m = AnsibleModule({})\nm.run_command(["/no/such", "x"])', {}, tmp_path)
    assert (failed["msg"], failed["rc"], failed["cmd"]) == ("Error executing command.", 2, "/no/such x")


def test_a_module_runs_again_under_another_python(tmp_path: Path) -> None:
    text = """
from ansible.module_utils.common.respawn import has_respawned, respawn_module
m = AnsibleModule({"a": {}})
if not has_respawned():
    respawn_module(sys.executable)
m.exit_json(again=has_respawned(), a=m.params["a"])
"""
    found = run_module(text, {"a": "kept"}, tmp_path)
    assert (found["again"], found["a"]) == (True, "kept")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/here")
            self.end_headers()
            return
        wanted = self.headers.get("Authorization", "none")
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Set-Cookie", "k=v")
        self.end_headers()
        self.wfile.write(f"{self.command} {wanted}".encode())

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    httpd = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_http(server: str, tmp_path: Path) -> None:
    text = """
from ansible.module_utils.urls import fetch_url, url_argument_spec
m = AnsibleModule(url_argument_spec())
answer, info = fetch_url(m, m.params["url"], method="GET")
body = (answer.read() if answer else info.get("body", b"")).decode()
m.exit_json(code=info["status"], body=body, address=info["url"], message=info["msg"], cookies=info.get("cookies"))
"""
    plain = run_module(text, {"url": f"{server}/moved"}, tmp_path)
    assert (plain["code"], plain["body"], plain["address"], plain["cookies"]) == (200, "GET none", f"{server}/here", {"k": "v"})
    gone = run_module(text, {"url": f"{server}/gone"}, tmp_path)
    assert (gone["code"], gone["body"], gone["message"]) == (404, "GET none", "HTTP Error 404: Not Found")
    given = {"url": f"{server}/", "url_username": "u", "url_password": "pass", "force_basic_auth": True}
    assert run_module(text, given, tmp_path)["body"] == "GET Basic dTpwYXNz"
    refused = run_module(text, {"url": "http://127.0.0.1:1/"}, tmp_path)
    assert refused["code"] == -1 and "Connection refused" in refused["message"]


def test_http_over_a_socket_of_unix(tmp_path: Path) -> None:
    text = """
import socket, threading
from ansible.module_utils.urls import open_url
m = AnsibleModule(dict(at=dict()))
listener = socket.socket(socket.AF_UNIX)
listener.bind(m.params["at"])
listener.listen(1)
def answer():
    peer = listener.accept()[0]
    peer.recv(4096)
    peer.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\nfrom the socket")
    peer.close()
threading.Thread(target=answer).start()
m.exit_json(body=open_url("http://any/", unix_socket=m.params["at"]).read().decode())
"""
    assert run_module(text, {"at": str(tmp_path / "s")}, tmp_path)["body"] == "from the socket"
