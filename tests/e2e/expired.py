"""Turns a cluster a year older: each certificate is issued again by its own authority, for the same key and names, with dates that are over."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.e2e.lab import Cluster

AUTHORITIES = ("ca", "etcd/ca", "front-proxy-ca")
UNITS = "etcd kube-apiserver kube-controller-manager kube-scheduler kube-dns kubelet kube-proxy"
Signer = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def expire(cluster: Cluster) -> None:
    """Here and on the hosts, whose daemons start anew with what they find."""
    pki = cluster.state / "pki"
    signers = dict(_authority(pki / name) for name in AUTHORITIES)
    scripts = dict.fromkeys(cluster.addresses, "cd /etc/kubernetes/pki\n")
    for path in sorted(pki.rglob("*.crt")):
        name = path.relative_to(pki).with_suffix("")
        if str(name) in AUTHORITIES:
            continue
        old = x509.load_pem_x509_certificate(path.read_bytes())
        path.write_bytes(_again(old, signers[old.issuer]))
        if name.parts[0] == "hosts":
            place = path.relative_to(pki / "hosts" / name.parts[1])
            scripts[name.parts[1]] += f"[ ! -f {place} ] || cat >{place} <<'END'\n{path.read_text()}END\n"
    for host, script in scripts.items():
        cluster.ssh(
            host, f"{script}systemctl restart --no-block $(systemctl list-units --plain --no-legend {_units()} | cut -d' ' -f1)"
        ).ok()


def _units() -> str:
    return " ".join(f"{unit}.service" for unit in UNITS.split())


def _authority(path: Path) -> tuple[x509.Name, Signer]:
    key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes()).subject, key


def _again(old: x509.Certificate, signer: Signer) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).serial_number(x509.random_serial_number())
    made = made.public_key(old.public_key()).not_valid_before(now - datetime.timedelta(days=400))
    made = made.not_valid_after(now - datetime.timedelta(days=35))
    for extension in old.extensions:
        made = made.add_extension(extension.value, extension.critical)
    return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
