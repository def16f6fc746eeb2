"""Proves whom a token webhook's answers let in, that they are kept, and that its failure lets nobody in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.authentication.authn import Authenticator, bearer_token
from provisioner.kube.apiserver.authentication.token_webhook import TokenWebhook
from provisioner.kube.apiserver.authentication.tokens import TokenInvalid
from provisioner.kube.apiserver.context import User
from provisioner.kube.client.kubeconfig import ClusterAccess


class Tokens:
    audiences = ("api",)

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> User:
        raise TokenInvalid("not ours")


class Server:
    asked = 0
    status: dict[str, Any]
    url = ""

    async def answer(self, request: web.Request) -> web.Response:
        review = json.loads(await request.read())
        assert review["spec"] == {"token": "abc", "audiences": ["api"]} and review["apiVersion"] == "authentication.k8s.io/v1"
        self.asked += 1
        return web.json_response({**review, "status": self.status}) if self.status else web.Response(status=500)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made, app = Server(), web.Application()
    app.router.add_post("/", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


def authenticator(server: Server) -> Authenticator:
    return Authenticator(Tokens(), webhook=TokenWebhook(ClusterAccess(server.url), ("api",)))  # type: ignore[arg-type]


async def test_a_token_that_it_knows(server: Server) -> None:
    server.status = {"authenticated": True, "user": {"username": "ann", "uid": "1", "groups": ["g"], "extra": {"k": ["v"]}}}
    made = authenticator(server)
    headers = {"Authorization": "Bearer abc"}
    assert made.authenticate(None, bytes, headers) is None
    expected = User("ann", ("g", "system:authenticated"), "1", {"k": ("v",)})
    assert await made.look_up(bearer_token(headers)) == expected
    assert made.authenticate(None, bytes, headers) == expected and server.asked == 1
    await made.close()


@pytest.mark.parametrize(
    "status",
    [
        {"authenticated": False},
        {},
        {"authenticated": True, "user": {}},
        {"authenticated": True, "user": {"username": "x"}, "audiences": ["other"]},
    ],
)
async def test_others(server: Server, status: dict[str, Any]) -> None:
    server.status = status
    made = authenticator(server)
    with pytest.raises(StatusError) as caught:
        await made.look_up("abc")
    assert caught.value.code == 401
    await made.close()


def test_a_websocket_carries_its_token_among_its_protocols() -> None:
    assert bearer_token({"Sec-WebSocket-Protocol": "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.YWJj"}) == "abc"
    assert bearer_token({"Sec-WebSocket-Protocol": "v5.channel.k8s.io"}) == ""
    with pytest.raises(StatusError):
        bearer_token({"Sec-WebSocket-Protocol": "base64url.bearer.authorization.k8s.io.%%%x"})
