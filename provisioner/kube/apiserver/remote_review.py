"""Reviews that other servers answer (webhook authentication and authorization): a kubeconfig says where and as whom."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec

from provisioner.kube.apiserver.bounded_bodies import read_at_most
from provisioner.kube.client.kubeconfig import ClusterAccess

ANSWER_BYTES = 1024 * 1024


class Reviewer:
    """Keeps its connections. What goes wrong is `FAILURES`."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def status_of(self, review: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The status of the answered review. Raises one of FAILURES."""
        if self._session is None:
            context = self._access.ssl_context()
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context if context is not None else True))
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        token = self._access.token
        if self._access.token_file is not None:
            token = self._access.token_file.read_text().strip()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self._session.post(
            self._access.server,
            data=msgspec.json.encode(review),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            allow_redirects=False,
        ) as answer:
            body = await read_at_most(answer, ANSWER_BYTES)
            if answer.status not in (200, 201):
                raise ValueError(f"unexpected status {answer.status}")
        document = msgspec.json.decode(body)
        status = document.get("status") if isinstance(document, dict) else None
        if not isinstance(status, dict):
            raise ValueError(f"the answer is no {review['kind']}")
        return status

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
