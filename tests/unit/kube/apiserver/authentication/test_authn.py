"""Proves who a request is from, and that wrong credentials never pass for none."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from multidict import CIMultiDict

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.authentication.authn import (
    Authenticator,
    CertificateAuthorities,
    FrontProxy,
    read_token_file,
    user_of_certificate,
)
from provisioner.kube.apiserver.authentication.tokens import TokenInvalid
from provisioner.kube.apiserver.context import ANONYMOUS, User


class Tokens:
    audiences = ("api",)

    def verify(self, token: str, audiences: tuple[str, ...] = ()) -> User:
        if token != "good":
            raise TokenInvalid("no")
        return User("system:serviceaccount:ns:sa")


def peer(name: str, *groups: str) -> dict[str, Any]:
    return {"subject": ((("commonName", name),), *((("organizationName", g),) for g in groups))}


def made(**more: Any) -> Authenticator:
    return Authenticator(Tokens(), **more)  # type: ignore[arg-type]


def der() -> bytes:
    return b"der"


def test_certificates() -> None:
    user = made().authenticate(peer("ann", "devs"), der, {})
    fingerprint = f"X509SHA256={hashlib.sha256(b'der').hexdigest()}"
    assert user == User("ann", ("devs", "system:authenticated"), extra={"authentication.kubernetes.io/credential-id": (fingerprint,)})
    assert user_of_certificate(peer("system:node:n1", "system:nodes"), der).node_name == "n1"


def test_another_certificate_of_the_same_user_is_another_credential() -> None:
    first, second = ({**peer("ann"), "serialNumber": number} for number in ("1", "2"))
    one, other = user_of_certificate(first, lambda: b"one"), user_of_certificate(second, lambda: b"two")
    assert one.name == other.name and one.extra != other.extra
    assert user_of_certificate(first, lambda: b"not asked for again") is one


def test_tokens_and_nobody() -> None:
    authenticator = made(static_tokens={"static": User("bob", ("x",))})
    assert authenticator.authenticate(None, der, {"Authorization": "Bearer good"}).name == "system:serviceaccount:ns:sa"
    assert authenticator.authenticate(None, der, {"Authorization": "Bearer static"}).name == "bob"
    assert authenticator.authenticate(None, der, {}) == ANONYMOUS
    for header in ("Bearer bad", "Basic YTpi"):
        with pytest.raises(StatusError) as caught:
            authenticator.authenticate(None, der, {"Authorization": header})
        assert caught.value.code == 401
    with pytest.raises(StatusError):
        made(anonymous=False).authenticate(None, der, {})


class Issued(CertificateAuthorities):
    def __init__(self, proxy: FrontProxy, by_front_proxy: bool) -> None:
        super().__init__("", proxy)
        self._by = by_front_proxy

    def issued(self, der: bytes, *, by_front_proxy: bool) -> bool:
        return by_front_proxy == self._by


def test_only_the_front_proxy_speaks_for_others() -> None:
    headers = CIMultiDict([("X-Remote-User", "eve"), ("X-Remote-Group", "devs"), ("X-Remote-Extra-Team", "a")])
    proxy = FrontProxy(frozenset({"proxy"}))
    user = made(authorities=Issued(proxy, True)).authenticate(peer("proxy"), der, headers)
    assert (user.name, user.groups, user.extra) == ("eve", ("devs", "system:authenticated"), {"team": ("a",)})
    # The name alone is not enough: a user's certificate with that name is that user.
    assert made(authorities=Issued(proxy, False)).authenticate(peer("proxy"), der, headers).name == "proxy"
    # And the proxy's CA makes no users.
    assert made(authorities=Issued(proxy, True)).authenticate(peer("root", "system:masters"), der, {}) == ANONYMOUS


def certificate(issuer: ec.EllipticCurvePrivateKey, name: str, by: str, encoding: serialization.Encoding) -> bytes:
    who, signer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, by))
    key, now = issuer.public_key() if name == by else KEYS[2].public_key(), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(who).issuer_name(signer).public_key(key).serial_number(1)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(issuer, hashes.SHA256()).public_bytes(encoding)


KEYS = [ec.derive_private_key(number, ec.SECP256R1()) for number in (3, 4, 5)]


def test_a_ca_that_is_taken_away_is_trusted_no_longer(tmp_path: Path) -> None:
    pems = [certificate(KEYS[n], f"ca{n}", f"ca{n}", serialization.Encoding.PEM) for n in (0, 1)]
    ders = [certificate(KEYS[n], "ann", f"ca{n}", serialization.Encoding.DER) for n in (0, 1)]
    path = tmp_path / "ca.crt"
    path.write_bytes(b"".join(pems))
    authorities = CertificateAuthorities(str(path))
    authenticator = made(authorities=authorities)

    def who(number: int, **headers: str) -> str:
        # Two certificates of one name: the peer's serial number tells them apart where users are kept.
        return authenticator.authenticate({**peer("ann"), "serialNumber": str(number)}, lambda: ders[number], headers).name

    authorities.refresh()
    assert (who(0), who(1)) == ("ann", "ann") and not authorities.has_lost
    path.write_bytes(pems[1])
    authorities.refresh()
    assert who(1) == "ann" and who(0, Authorization="Bearer good") == "system:serviceaccount:ns:sa"
    with pytest.raises(StatusError) as refused:
        who(0)
    assert refused.value.code == 401
    path.write_bytes(b"".join(pems))
    authorities.refresh()
    assert who(0) == "ann"


def test_token_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('t1,ann,1,"a,b"\n# note\nt2,bob,2\n')
    users = read_token_file(path)
    assert users["t1"] == User("ann", ("a", "b", "system:authenticated"), "1") and users["t2"].name == "bob"
    path.write_text("t1,ann\n")
    with pytest.raises(ValueError, match=r"tokens.csv:1: expected token,user,uid"):
        read_token_file(path)
