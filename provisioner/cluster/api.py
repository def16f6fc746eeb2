"""The few requests that the installer makes of the cluster it made: JSON over TLS with the administrator's certificate."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from provisioner.cluster.errors import ClusterError, NotMadeError

TIMEOUT_S = 5.0


class ApiError(ClusterError):
    """The server did not do it. `code` is the HTTP status; None: it could not be reached (worth another try)."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """Talks to `https://endpoint`."""

    def __init__(self, endpoint: str, pki: Path, *, certificate: str = "admin", authority: str = "ca") -> None:
        self._url = f"https://{endpoint}"
        try:
            self._context = ssl.create_default_context(cafile=str(pki / f"{authority}.crt"))
            self._context.load_cert_chain(pki / f"{certificate}.crt", pki / f"{certificate}.key")
        except FileNotFoundError as e:
            raise NotMadeError(
                f"{pki}: this cluster's certificates are not here", hint="make the cluster first: provision up INVENTORY"
            ) from e

    def get(self, path: str) -> dict[str, Any]:
        return self.request("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.request("POST", path, body)

    def delete(self, path: str) -> dict[str, Any]:
        return self.request("DELETE", path)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The decoded answer. Raises ApiError."""
        text = self.text(method, path, body)
        try:
            loaded = json.loads(text)
        except ValueError as e:
            raise ApiError(f"{method} {self._url}{path}: the answer is not JSON: {text[:200]!r}") from e
        return loaded if isinstance(loaded, dict) else {"value": loaded}

    def text(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._context) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as e:
            raise ApiError(f"{method} {self._url}{path}: {e.code} {_message(e.read())}", e.code) from e
        except (OSError, http.client.HTTPException) as e:
            raise ApiError(f"{method} {self._url}{path}: {getattr(e, 'reason', e)}") from e


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")
