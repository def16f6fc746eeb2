"""Proves which of a host's files are shown, and that no link or path leads out of their folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from provisioner.kube.kubelet.server.host_logs import routes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("not yours")
    folder = tmp_path / "log"
    (folder / "apt").mkdir(parents=True)
    (folder / "apt/history.log").write_text("installed")
    (folder / "a&b.log").write_text("x")
    (folder / "out").symlink_to(tmp_path / "secret")
    return folder


@pytest.mark.parametrize(
    ("path", "code", "text"),
    [
        ("/logs/", 200, '<pre>\n<a href="a%26b.log">a&amp;b.log</a>\n<a href="apt/">apt/</a>\n<a href="out">out</a>\n</pre>\n'),
        ("/logs/apt/history.log", 200, "installed"),
        ("/logs/apt", 301, None),
        ("/logs/none", 404, None),
        ("/logs/out", 404, None),
        ("/logs/../secret", 404, None),
        ("/logs/%2e%2e%2fsecret", 404, None),
        ("/logs//etc/passwd", 404, None),
    ],
)
async def test_what_is_shown(root: Path, path: str, code: int, text: str | None) -> None:
    app = web.Application()
    app.add_routes(routes(root))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(URL(path, encoded=True), allow_redirects=False)
        assert answer.status == code
        if text is not None:
            assert await answer.text() == text
