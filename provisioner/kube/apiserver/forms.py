"""One object as the answer that was wanted: JSON, YAML, a Table, or its metadata alone."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from provisioner.kube.apiserver import negotiation, tabular
from provisioner.kube.apiserver.app import json_response
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind


def formed(request: web.Request, kind: Kind, data: bytes, call: Call, now: datetime, status: int = 200) -> web.Response:
    """`data` is one encoded object of the kind, shown in its version already. Raises 406 for a form that there is not."""
    form = negotiation.accepted(request.headers.get("Accept"))
    if form.shape == "Table":
        data = tabular.table(kind, [data], now, call.query, form.version)
    elif form.shape:
        data = negotiation.partial_metadata(data, form.version)
    if form.media_type == negotiation.YAML:
        return web.Response(status=status, body=negotiation.to_yaml(data), headers={"Content-Type": negotiation.YAML})
    return json_response(data, status)
