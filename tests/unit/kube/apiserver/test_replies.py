"""Proves that answers written in one go are the answers that their parent would write, large and small, and that nobody can add headers."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web

from provisioner.kube.apiserver.replies import SLICE_BYTES, Listed, Reply, cut


@pytest.mark.parametrize("sizes", [[], [0], [3, 4], [SLICE_BYTES], [SLICE_BYTES + 1, 2], [10, 3 * SLICE_BYTES, 10], [1000] * 1000])
def test_slices_are_the_items_in_order_and_bounded(sizes: list[int]) -> None:
    items = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    body = Listed(b"[", items, b"]")
    assert body.whole() == b"[" + b",".join(items) + b"]"
    pieces = list(body.slices(b"HEAD "))
    assert b"".join(pieces) == b"".join(cut(b"HEAD ", body.whole())) == b"HEAD " + body.whole()
    assert len(body) == len(body.whole())
    assert all(len(piece) <= SLICE_BYTES + len("HEAD []") + max(sizes) for piece in pieces if sizes)


@pytest.fixture
async def served() -> object:
    answers = {
        "/small": lambda: Reply(body=b"{}", headers={"X-A": "1"}),
        "/large": lambda: Reply(body=Listed(b"x", [b"x" * 999] * 3000, b""), status=201),
        "/bad": lambda: Reply(body=b"{}", headers={"X-A": "1\r\nX-B: 2"}),
    }

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return answers[request.path]()

    runner = web.ServerRunner(web.Server(answer, access_log=None), handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


async def test_head_body_and_keep_alive(served: ClientSession) -> None:
    for path, status, length in (("/small", 200, 2), ("/large", 201, 3_000_000), ("/small", 200, 2)):
        async with served.get(path) as answer:
            assert (answer.status, len(await answer.read()), answer.content_length) == (status, length, length)
    async with served.get("/small", headers={"Connection": "close"}) as answer:
        assert answer.headers["Connection"] == "close" and await answer.read() == b"{}"
    async with served.head("/small") as answer:
        assert (answer.headers["X-A"], await answer.read()) == ("1", b"")


async def test_a_header_is_one_header(served: ClientSession) -> None:
    async with served.get("/bad") as answer:
        assert answer.headers["X-A"] == "1 X-B: 2" and "X-B" not in answer.headers
