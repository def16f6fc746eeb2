"""Objects of one version as another: by changing apiVersion alone, or by asking the definition's webhook (apiextensions.k8s.io/v1).

Asking is slow, so it is done ahead: `prepare` converts what will be shown, all at once, and `shown` finds it.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.apiserver.calls import Caller, CallError

TIMEOUT_S = 30
ANSWER_BYTES = 64 * 1024 * 1024
# Converted objects that are remembered, for each version of a kind.
KEPT = 10_000
_METADATA = ("labels", "annotations")


class Conversion:
    """To one version of a custom resource. `webhook` is its clientConfig."""

    def __init__(self, kind: str, api_version: str, webhook: Any, caller: Caller) -> None:
        self._kind, self.api_version, self._webhook, self._caller = kind, api_version, webhook, caller
        self._known: OrderedDict[bytes, bytes] = OrderedDict()

    def known(self, data: bytes) -> bytes:
        """What `prepare` has made of stored bytes. Raises 500 where nobody asked for it in time."""
        found = self._known.get(data)
        if found is None:
            raise errors.internal(f"an object of kind {self._kind} was not converted to {self.api_version}")
        return found

    async def prepare(self, stored: Iterable[bytes]) -> None:
        """Have `known` know these. Raises 500 where the webhook fails."""
        missing = list(dict.fromkeys(data for data in stored if data not in self._known and not self.fits(data)))
        if not missing:
            return
        for data, document in zip(missing, await self.converted([msgspec.json.decode(data) for data in missing]), strict=True):
            self._known[data] = msgspec.json.encode(document)
        while len(self._known) > max(KEPT, len(missing)):
            self._known.popitem(last=False)

    def fits(self, data: bytes) -> bool:
        return data.startswith(f'{{"apiVersion":"{self.api_version}"'.encode())

    async def converted(self, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The documents in our version, in their order. Raises 500."""
        request = {"uid": str(uuid.uuid4()), "desiredAPIVersion": self.api_version, "objects": documents}
        review = {"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "request": request}
        try:
            response = await self._caller.post(self._webhook, review, timeout_s=TIMEOUT_S, limit_bytes=ANSWER_BYTES)
        except CallError as error:
            raise self._failed(str(error)) from error
        result = response.get("result") or {}
        if result.get("status") != "Success":
            raise self._failed(str(result.get("message") or "no reason given"))
        made = response.get("convertedObjects") or []
        if len(made) != len(documents):
            raise self._failed(f"webhook returned {len(made)} objects, expected {len(documents)}")
        return [self._checked(new, old) for new, old in zip(made, documents, strict=True)]

    def _checked(self, new: Any, old: dict[str, Any]) -> dict[str, Any]:
        """What a webhook may change of an object: everything but its identity."""
        if not isinstance(new, dict) or new.get("apiVersion") != self.api_version or new.get("kind") != old["kind"]:
            raise self._failed(f"invalid converted object: expected {self.api_version}, Kind={old['kind']}")
        given, metadata = new.get("metadata") or {}, dict(old["metadata"])
        if given.get("name") != metadata.get("name") or given.get("uid") != metadata.get("uid"):
            raise self._failed("must not change metadata.name or metadata.uid")
        for part in _METADATA:
            metadata.pop(part, None)
            if given.get(part):
                metadata[part] = given[part]
        body = {key: value for key, value in new.items() if key not in ("apiVersion", "kind", "metadata")}
        return {"apiVersion": self.api_version, "kind": old["kind"], "metadata": metadata, **body}

    def _failed(self, why: str) -> errors.StatusError:
        return errors.StatusError(500, "", f"conversion webhook for {self.api_version}, Kind={self._kind} failed: {why}")
