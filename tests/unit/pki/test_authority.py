"""Certificates hold in a real TLS handshake, and only with the names and the authority they were made for."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest

from provisioner.pki.authority import Pair, issue, make_authority
from provisioner.pki.profile import Authority, Leaf, Usage

NOW = datetime.datetime.now(datetime.UTC)
SERVER = Leaf("server", Authority.CLUSTER, "server", Usage.SERVER, dns_names=("kubernetes",))
CLIENT = Leaf("client", Authority.CLUSTER, "system:node:worker-1", Usage.CLIENT, "system:nodes")


def context(side: ssl.Purpose, tmp_path: Path, own: Pair, trusted: Pair) -> ssl.SSLContext:
    made = ssl.create_default_context(side, cadata=trusted.certificate_pem.decode())
    pem = tmp_path / f"{own.certificate.serial_number}.pem"
    pem.write_bytes(own.certificate_pem + own.key_pem)
    made.load_cert_chain(pem)
    if side is ssl.Purpose.CLIENT_AUTH:
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Both sides in memory; returns the server's, which knows who the client is."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    a = client.wrap_bio(down, up, server_hostname=name)
    b = server.wrap_bio(up, down, server_side=True)
    for _ in range(5):
        for side in (a, b):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return b


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("kubernetes-ca", now=NOW, days=10)


def test_handshake_with_client_certificate(tmp_path: Path, authority: Pair) -> None:
    server = context(ssl.Purpose.CLIENT_AUTH, tmp_path, issue(authority, SERVER, now=NOW, days=5), authority)
    client = context(ssl.Purpose.SERVER_AUTH, tmp_path, issue(authority, CLIENT, now=NOW, days=5), authority)
    peer = handshake(server, client, "kubernetes").getpeercert()
    assert peer is not None
    assert peer["subject"] == ((("organizationName", "system:nodes"),), (("commonName", "system:node:worker-1"),))


@pytest.mark.parametrize("name", ["other", "127.0.0.1"])
def test_other_names_are_refused(tmp_path: Path, authority: Pair, name: str) -> None:
    server = context(ssl.Purpose.CLIENT_AUTH, tmp_path, issue(authority, SERVER, now=NOW, days=5), authority)
    client = context(ssl.Purpose.SERVER_AUTH, tmp_path, issue(authority, CLIENT, now=NOW, days=5), authority)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, name)


def test_other_authority_of_the_same_name_is_refused(tmp_path: Path, authority: Pair) -> None:
    other = make_authority("kubernetes-ca", now=NOW, days=10)
    server = context(ssl.Purpose.CLIENT_AUTH, tmp_path, issue(other, SERVER, now=NOW, days=5), authority)
    client = context(ssl.Purpose.SERVER_AUTH, tmp_path, issue(authority, CLIENT, now=NOW, days=5), authority)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, "kubernetes")


def test_leaf_never_outlives_its_authority(authority: Pair) -> None:
    pair = issue(authority, SERVER, now=NOW, days=500)
    assert pair.certificate.not_valid_after_utc <= authority.certificate.not_valid_after_utc


def test_repr_shows_no_key(authority: Pair) -> None:
    assert repr(authority) == "Pair(CN=kubernetes-ca)"
