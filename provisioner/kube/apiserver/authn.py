"""Who asks: client certificates, bearer tokens (service accounts, static files), a front proxy's headers, impersonation, else anonymous."""

from __future__ import annotations

import csv
import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.kube.api.errors import unauthorized
from provisioner.kube.apiserver.context import ANONYMOUS, User
from provisioner.kube.apiserver.tokens import ServiceAccountTokens, TokenInvalid

log = logging.getLogger(__name__)

AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """--requestheader-*: whom we believe what the headers say."""

    names: frozenset[str] = frozenset()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)


def read_token_file(path: Path) -> dict[str, User]:
    """--token-auth-file: token,user,uid[,"group1,group2"]. Raises ValueError naming the line."""
    users: dict[str, User] = {}
    with path.open(newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row or row[0].startswith("#"):
                continue
            if len(row) < 3:
                raise ValueError(f"{path}:{number}: expected token,user,uid[,groups]")
            groups = tuple(g for g in row[3].split(",") if g) if len(row) > 3 else ()
            users[row[0]] = User(row[1], (*groups, AUTHENTICATED), row[2])
    return users


@dataclass
class Authenticator:
    """`anonymous` lets requests without credentials in as system:anonymous; wrong credentials are always refused."""

    tokens: ServiceAccountTokens
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    front_proxy: FrontProxy | None = None

    def authenticate(self, peer: Mapping[str, Any] | None, headers: Mapping[str, str]) -> User:
        """Raises 401."""
        if peer:
            user = user_of_certificate(peer)
            if self.front_proxy is not None and user.name in self.front_proxy.names:
                forwarded = self._forwarded(headers, self.front_proxy)
                if forwarded is not None:
                    return forwarded
            if user.name:
                return user
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return self.user_of_token(token.strip())
        if scheme and scheme.lower() != "bearer":
            raise unauthorized()
        if not self.anonymous:
            raise unauthorized()
        return ANONYMOUS

    def user_of_token(self, token: str, audiences: tuple[str, ...] = ()) -> User:
        """Raises 401."""
        for known, user in self.static_tokens.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                return user
        try:
            return self.tokens.verify(token, audiences)
        except TokenInvalid as error:
            log.info("token refused: %s", error)
            raise unauthorized() from None

    @staticmethod
    def _forwarded(headers: Mapping[str, str], proxy: FrontProxy) -> User | None:
        name = next((headers[h] for h in proxy.username_headers if h in headers), None)
        if not name:
            return None
        getall = getattr(headers, "getall", lambda key, default: [headers[key]] if key in headers else default)
        groups = [value for h in proxy.group_headers for value in getall(h, [])]
        extra: dict[str, tuple[str, ...]] = {}
        for prefix in proxy.extra_prefixes:
            for header in {h for h in headers if h.lower().startswith(prefix.lower())}:
                extra[header[len(prefix) :].lower()] = tuple(getall(header, []))
        return User(name, (*groups, AUTHENTICATED) if AUTHENTICATED not in groups else tuple(groups), "", extra)


def user_of_certificate(peer: Mapping[str, Any]) -> User:
    """CN is the user, O the groups (RFC 5280 names as Python's ssl gives them)."""
    name, groups = "", []
    for part in peer.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, (*groups, AUTHENTICATED))


def impersonated(headers: Mapping[str, str]) -> User | None:
    """The user of Impersonate-* headers; whether the asker may is for authorization to say."""
    name = headers.get("Impersonate-User")
    if not name:
        return None
    getall = getattr(headers, "getall", lambda key, default: [headers[key]] if key in headers else default)
    groups = list(getall("Impersonate-Group", []))
    if name.startswith("system:serviceaccount:") and not groups:
        namespace = name.split(":")[2]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    if name != "system:anonymous" and AUTHENTICATED not in groups:
        groups.append(AUTHENTICATED)
    extra = {h[len("Impersonate-Extra-") :].lower(): tuple(getall(h, [])) for h in headers if h.lower().startswith("impersonate-extra-")}
    return User(name, tuple(groups), headers.get("Impersonate-Uid", ""), extra)
