"""Who asks: a front proxy's headers, client certificates, bearer tokens (static, service accounts, bootstrap, OIDC, webhook), else anonymous.

What is known here is answered at once; only tokens that somebody else must be asked about, or whose keys must be fetched, are waited for.
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec

from provisioner.kube.api.errors import unauthorized
from provisioner.kube.apiserver.authentication.bootstrap_tokens import BootstrapTokens
from provisioner.kube.apiserver.authentication.tokens import ServiceAccountTokens, TokenInvalid
from provisioner.kube.apiserver.context import ANONYMOUS, User

log = logging.getLogger(__name__)

AUTHENTICATED = "system:authenticated"
# Client certificates whose issuer is remembered; all are forgotten when there are more.
CERTIFICATES = 4096
# Tokens whose user somebody else told us; all are forgotten when there are more. And for how long an ID token's user is kept, as upstream.
KEPT_TOKENS = 4096
ISSUED_TTL_S = 10.0
# How a browser's WebSocket carries a bearer token (base64url follows).
WEBSOCKET_TOKEN = "base64url.bearer.authorization.k8s.io."


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """--requestheader-*: whom we believe what the headers say."""

    names: frozenset[str] = frozenset()
    username_headers: tuple[str, ...] = ("X-Remote-User",)
    group_headers: tuple[str, ...] = ("X-Remote-Group",)
    extra_prefixes: tuple[str, ...] = ("X-Remote-Extra-",)
    ca_file: str = ""
    uid_headers: tuple[str, ...] = ()


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
        self._files = (client_ca_file, front_proxy.ca_file if front_proxy is not None else "")
        self._issued: dict[tuple[bytes, bool], bool] = {}
        self._authorities = tuple(map(_certificates, self._files))
        # With one CA there is nothing to tell apart: TLS has verified the chain. Since one was taken away, TLS trusts more than we do.
        self.has_lost = False

    def refresh(self) -> None:
        """Take over what the files say now, for the certificates of open connections too. Raises OSError, ValueError."""
        found = tuple(map(_certificates, self._files))
        if found == self._authorities:
            return
        self.has_lost = self.has_lost or any(set(before) - set(now) for before, now in zip(self._authorities, found, strict=True))
        self._authorities = found
        self._issued.clear()

    def issued(self, der: bytes, *, by_front_proxy: bool) -> bool:
        if not self._authorities[1] and not self.has_lost:
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


class RemoteTokens(Protocol):
    async def user_of(self, token: str) -> User: ...
    async def close(self) -> None: ...


class OidcTokens(RemoteTokens, Protocol):
    url: str


@dataclass
class Authenticator:
    """`anonymous` lets requests without credentials in as system:anonymous; wrong credentials are always refused.

    `anonymous_paths`, where there are any, are all that such requests may ask for.
    """

    tokens: ServiceAccountTokens
    static_tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    authorities: CertificateAuthorities = field(default_factory=CertificateAuthorities)
    anonymous_paths: frozenset[str] = frozenset()
    bootstrap: BootstrapTokens | None = None
    issuers: Sequence[OidcTokens] = ()
    webhook: RemoteTokens | None = None
    webhook_ttl_s: float = 120.0
    _digests: dict[bytes, User] = field(default_factory=dict)
    # tokens that others vouched for -> (monotonic end, user)
    _kept: dict[str, tuple[float, User]] = field(default_factory=dict)
    _replaced: list[OidcTokens] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Found by their hash: neither the time that takes nor their number tells anything of them.
        self._digests = {_digest(token): user for token, user in self.static_tokens.items()}

    def replace(self, anonymous: bool, anonymous_paths: frozenset[str], issuers: Sequence[OidcTokens]) -> None:
        """Others from now on; nobody has a token's user of before. Issuers that were there are closed by `close_replaced`."""
        self._replaced += self.issuers
        self.anonymous, self.anonymous_paths, self.issuers = anonymous, anonymous_paths, issuers
        self._kept.clear()

    async def close_replaced(self) -> None:
        replaced, self._replaced = self._replaced, []
        for issuer in replaced:
            await issuer.close()

    def authenticate(
        self, peer: Mapping[str, Any] | None, der: Callable[[], bytes], headers: Mapping[str, str], path: str = ""
    ) -> User | None:
        """`peer` is the client's verified certificate as Python's ssl tells it, `der` gives its bytes. Raises 401.

        None where the bearer token has to be looked up elsewhere: see `look_up`."""
        if peer:
            user = user_of_certificate(peer, der)
            proxy = self.authorities.front_proxy
            if proxy is not None and (not proxy.names or user.name in proxy.names) and self.authorities.issued(der(), by_front_proxy=True):
                forwarded = self._forwarded(headers, proxy)
                if forwarded is not None:
                    return forwarded
            lost = self.authorities.has_lost
            if user.name and ((proxy is None and not lost) or self.authorities.issued(der(), by_front_proxy=False)):
                return user
        token = bearer_token(headers)
        if token:
            return self._known(token)
        if peer and self.authorities.has_lost:
            raise unauthorized()
        if not self.anonymous or (self.anonymous_paths and path not in self.anonymous_paths):
            raise unauthorized()
        return ANONYMOUS

    def _known(self, token: str, audiences: tuple[str, ...] = ()) -> User | None:
        """The user of a token that is known here; None for one that others may know. Raises 401."""
        if self._digests:
            user = self._digests.get(_digest(token))
            if user is not None:
                return user
        try:
            return self.tokens.verify(token, audiences)
        except TokenInvalid as error:
            refusal = error
        if self.bootstrap is not None:
            user = self.bootstrap.user_of(token)
            if user is not None:
                return user
        if self.issuers or self.webhook is not None:
            kept = self._kept.get(token)
            if kept is not None and kept[0] > time.monotonic():
                return kept[1]
            return None
        log.info("token refused: %s", refusal)
        raise unauthorized()

    async def look_up(self, token: str) -> User:
        """Ask those who may know a token that we don't. Raises 401."""
        issuer = issuer_of(token)
        reasons = []
        for source, ttl_s in [(i, ISSUED_TTL_S) for i in self.issuers if i.url == issuer] + [(self.webhook, self.webhook_ttl_s)]:
            if source is None:
                continue
            try:
                user = await source.user_of(token)
            except TokenInvalid as error:
                reasons.append(str(error))
                continue
            if len(self._kept) >= KEPT_TOKENS:
                self._kept.clear()
            self._kept[token] = (time.monotonic() + ttl_s, user)
            return user
        log.info("token refused: %s", "; ".join(reasons) or "nobody knows it")
        raise unauthorized()

    async def user_of_token(self, token: str, audiences: tuple[str, ...] = ()) -> User:
        """For TokenReviews. Raises 401."""
        user = self._known(token, audiences)
        return user if user is not None else await self.look_up(token)

    async def close(self) -> None:
        await self.close_replaced()
        for source in (*self.issuers, self.webhook):
            if source is not None:
                await source.close()

    @staticmethod
    def _forwarded(headers: Mapping[str, str], proxy: FrontProxy) -> User | None:
        name = next((headers[h] for h in proxy.username_headers if h in headers), None)
        if not name:
            return None
        groups = [value for h in proxy.group_headers for value in every(headers, h)]
        uid = next((headers[h] for h in proxy.uid_headers if h in headers), "")
        extra: dict[str, tuple[str, ...]] = {}
        for prefix in proxy.extra_prefixes:
            for header in {h for h in headers if h.lower().startswith(prefix.lower())}:
                extra[unquote(header[len(prefix) :].lower())] = tuple(every(headers, header))
        return User(name, (*groups, AUTHENTICATED) if AUTHENTICATED not in groups else tuple(groups), uid, extra)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token of the Authorization header, or of a WebSocket's subprotocols, where browsers must put it; "" for none. Raises 401."""
    given = headers.get("Authorization")
    if given is None:
        if "Sec-WebSocket-Protocol" in headers:
            return _websocket_token(headers["Sec-WebSocket-Protocol"])
        return ""
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer":
        if given.strip():
            raise unauthorized()
        return ""
    return token.strip()


def _websocket_token(protocols: str) -> str:
    for protocol in protocols.split(","):
        if protocol.strip().startswith(WEBSOCKET_TOKEN):
            text = protocol.strip().removeprefix(WEBSOCKET_TOKEN)
            try:
                return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise unauthorized() from None
    return ""


def issuer_of(token: str) -> str:
    """Who a JWT says has issued it, before anything is verified; "" for what is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return ""
    issuer = claims.get("iss") if isinstance(claims, dict) else ""
    return issuer if isinstance(issuer, str) else ""


def every(headers: Mapping[str, str], name: str) -> list[str]:
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return list(getall(name, []))
    return [headers[name]] if name in headers else []


def user_of_certificate(peer: Mapping[str, Any], der: Callable[[], bytes]) -> User:
    """CN is the user, O the groups (RFC 5280 names as Python's ssl gives them), the fingerprint says which credential it was."""
    key = (peer.get("issuer", ()), peer.get("serialNumber", ""), peer.get("subject", ()))
    found = _users.get(key)
    if found is None:
        if len(_users) >= CERTIFICATES:
            _users.clear()
        found = _users[key] = _user_of_subject(key[2], hashlib.sha256(der()).hexdigest())
    return found


# (issuer, serial number, subject) -> user
_users: dict[tuple[Any, ...], User] = {}


def _user_of_subject(subject: tuple[tuple[tuple[str, str], ...], ...], fingerprint: str) -> User:
    name, groups = "", []
    for part in subject:
        for key, value in part:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, (*groups, AUTHENTICATED), extra={"authentication.kubernetes.io/credential-id": (f"X509SHA256={fingerprint}",)})
