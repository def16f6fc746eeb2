"""What browsers are told: who else's pages may ask (--cors-allowed-origins), and to come by TLS alone (--strict-transport-security-directives)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from provisioner.kube.api.go_regexp import Pattern, compiled

_CROSS_ORIGIN = {
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
    "Access-Control-Allow-Headers": (
        "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since"
    ),
    "Access-Control-Expose-Headers": "Date, Warning",
    "Access-Control-Allow-Credentials": "true",
}
_DIRECTIVE = re.compile(r"max-age=\d+|includeSubDomains|preload")


def origins(text: str) -> list[Pattern]:
    """--cors-allowed-origins: regular expressions."""
    found = []
    for part in text.split(","):
        try:
            found.append(compiled(part.strip()))
        except ValueError as error:
            raise ValueError(f"{part.strip()!r} is no regular expression: {error}") from None
    return found


def directives(text: str) -> list[str]:
    """--strict-transport-security-directives: `max-age=SECONDS[,includeSubDomains][,preload]`."""
    found = [part.strip() for part in text.split(",")]
    if not found[0].startswith("max-age=") or not all(map(_DIRECTIVE.fullmatch, found)):
        raise ValueError("expected max-age=SECONDS[,includeSubDomains][,preload]")
    return found


class Browsers:
    def __init__(self, allowed: Sequence[re.Pattern[str]], security: Sequence[str]) -> None:
        self._allowed = tuple(allowed)
        self.always = {"Strict-Transport-Security": "; ".join(security)} if security else {}

    def headers(self, asked: Mapping[str, str]) -> dict[str, str]:
        """Of the answer to a request with these headers."""
        origin = asked.get("Origin", "") if self._allowed else ""
        if origin and any(pattern.search(origin) for pattern in self._allowed):
            return {**self.always, "Access-Control-Allow-Origin": origin, **_CROSS_ORIGIN}
        return self.always

    @staticmethod
    def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
        """Whether a browser only asks whether a page may ask; `headers` are the answer's."""
        return method == "OPTIONS" and "Access-Control-Allow-Origin" in headers
