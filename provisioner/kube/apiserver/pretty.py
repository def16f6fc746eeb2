"""JSON for people: `?pretty=true`, and what browsers and command-line tools get without asking, as upstream has it."""

from __future__ import annotations

import msgspec
from aiohttp import web

from provisioner.kube.apiserver import negotiation
from provisioner.kube.apiserver.replies import Reply

# How the user agents of people's own tools begin.
READERS = ("Mozilla/5.0", "Wget", "curl")


def is_read_by_people(user_agent: str) -> bool:
    return user_agent.startswith(READERS)


def wanted(request: web.BaseRequest) -> bool:
    """`pretty=false` says no to tools too."""
    asked = request.query.get("pretty")
    if asked is not None:
        return asked in ("", "1", "true")
    return is_read_by_people(request.headers.get("User-Agent", ""))


def indented(response: web.StreamResponse) -> web.StreamResponse:
    """The same answer, indented; what is no whole JSON document stays as it is."""
    if not isinstance(response, Reply) or not response.headers.get("Content-Type", "").startswith(negotiation.JSON):
        return response
    body = response.joined().body
    if not isinstance(body, bytes) or not body:
        return response
    made = Reply(status=response.status, body=msgspec.json.format(body, indent=2) + b"\n", headers=response.headers)
    if response.compression:
        made.enable_compression()
    return made
