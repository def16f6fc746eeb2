"""Who asks: client certificates, bearer tokens (service accounts, static files), a front proxy's headers, impersonation, else anonymous."""

from __future__ import annotations

import csv
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from provisioner.kube.api.errors import unauthorized
from provisioner.kube.apiserver.context import ANONYMOUS, User
from provisioner.kube.apiserver.tokens import ServiceAccountTokens, TokenInvalid

log = logging.getLogger(__name__)

AUTHENTICATED = "system:authenticated"
# Client certificates whose issuer is remembered; all are forgotten when there are more.
CERTIFICATES = 4096


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """--requestheader-*: whom we believe what the headers say."""

    names: frozenset[str] = frozenset()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)
    ca_file: str = ""


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


class CertificateAuthorities:
    """Which of two CAs issued a client's certificate: users' certificates and the front proxy's are for different things."""

    def __init__(self, client_ca_file: str = "", front_proxy: FrontProxy | None = None) -> None:
        self.front_proxy = front_proxy
        self._issued: dict[tuple[bytes, bool], bool] = {}
        # With one CA there is nothing to tell apart: TLS has verified the chain.
        self._authorities = (_certificates(client_ca_file), _certificates(front_proxy.ca_file if front_proxy is not None else ""))

    def issued(self, der: bytes, *, by_front_proxy: bool) -> bool:
        if not self._authorities[1]:
            return not by_front_proxy
        key = (hashlib.sha256(der).digest(), by_front_proxy)
        if key not in self._issued:
            if len(self._issued) >= CERTIFICATES:
                self._issued.clear()
            self._issued[key] = any(_issued_by(der, authority) for authority in self._authorities[by_front_proxy])
        return self._issued[key]


def _certificates(path: str) -> list[Any]:
    if not path:
        return []
    from cryptography import x509

    return list(x509.load_pem_x509_certificates(Path(path).read_bytes()))


def _issued_by(der: bytes, authority: Any) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        x509.load_der_x509_certificate(der).verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


@dataclass
class Authenticator:
    """`anonymous` lets requests without credentials in as system:anonymous; wrong credentials are always refused."""

    tokens: ServiceAccountTokens
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    authorities: CertificateAuthorities = field(default_factory=CertificateAuthorities)

    def authenticate(self, peer: Mapping[str, Any] | None, der: Callable[[], bytes], headers: Mapping[str, str]) -> User:
        """`peer` is the client's verified certificate as Python's ssl tells it, `der` gives its bytes. Raises 401."""
        if peer:
            user = user_of_certificate(peer)
            proxy = self.authorities.front_proxy
            if proxy is not None and (not proxy.names or user.name in proxy.names) and self.authorities.issued(der(), by_front_proxy=True):
                forwarded = self._forwarded(headers, proxy)
                if forwarded is not None:
                    return forwarded
            if user.name and (proxy is None or self.authorities.issued(der(), by_front_proxy=False)):
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
    return _user_of_subject(peer.get("subject", ()))


@lru_cache(maxsize=CERTIFICATES)
def _user_of_subject(subject: tuple[tuple[tuple[str, str], ...], ...]) -> User:
    name, groups = "", []
    for part in subject:
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
