"""Proves what requests of pods for certificates must say: whose they are, a key that is proved, and one last word."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from provisioner.kube.api._generated import certificates_v1beta1 as certificates
from provisioner.kube.api.validation import validate_create, validate_status_update, validate_update

ED = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
EC = ec.derive_private_key(7, ec.SECP256R1())
WHO = {"podName": "p", "podUID": "u", "serviceAccountName": "s", "serviceAccountUID": "t", "nodeName": "n", "nodeUID": "o"}


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def public(key: Any) -> str:
    return text(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def stub(key: Any, algorithm: Any = None) -> dict[str, Any]:
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return {"stubPKCS10Request": text(request.public_bytes(serialization.Encoding.DER))}


def request(key: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **change: Any) -> Any:
    spec = {"signerName": "example.com/own", "maxExpirationSeconds": 3600, **WHO, **(stub(ED) if key is None else key), **change}
    document = {"metadata": {"name": "r", "namespace": "x"}, "spec": spec, "status": status or {}}
    return msgspec.convert(document, certificates.PodCertificateRequest)


def said(found: list[Any]) -> list[str]:
    return [f"{one.field}: {one.message}" for one in found]


@pytest.mark.parametrize(
    "key",
    [
        stub(ED),
        stub(EC, hashes.SHA256()),
        {"pkixPublicKey": public(ED), "proofOfPossession": text(ED.sign(b"u"))},
        {"pkixPublicKey": public(EC), "proofOfPossession": text(EC.sign(b"u", ec.ECDSA(hashes.SHA256())))},
    ],
)
def test_right_keys_are_right(key: dict[str, Any]) -> None:
    assert said(validate_create(request(key))) == []


def test_rsa_keys_have_3072_bits_at_least() -> None:
    small = rsa.generate_private_key(65537, 1024)
    proof = small.sign(b"u", padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256())
    (found,) = said(validate_create(request({"pkixPublicKey": public(small), "proofOfPossession": text(proof)})))
    assert found.startswith('spec.pkixPublicKey: Invalid value: "RSA1024": key must be one of ')


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"signerName": "own"}, "spec.signerName: Invalid value"),
        ({"podName": ""}, "spec.podName: Required value"),
        ({"nodeUID": ""}, "spec.nodeUID: Required value"),
        ({"podUID": "x" * 129}, "spec.podUID: Too long"),
        ({"maxExpirationSeconds": 3599}, "spec.maxExpirationSeconds: Invalid value: 3599: must be at least 3600"),
        ({"maxExpirationSeconds": 91 * 86400 + 1}, "spec.maxExpirationSeconds: Invalid value: 7862401: must be at most"),
        (
            {"signerName": "kubernetes.io/x", "maxExpirationSeconds": 86401},
            "spec.maxExpirationSeconds: Invalid value: 86401: must be at most",
        ),
        ({"unverifiedUserAnnotations": {"a b": "c"}}, "spec.unverifiedUserAnnotations: Invalid value"),
        ({"stubPKCS10Request": ""}, "spec.stubPKCS10Request: Required value"),
        ({"stubPKCS10Request": "AAAA"}, "spec.stubPKCS10Request: Invalid value"),
        ({"pkixPublicKey": public(ED)}, "spec.stubPKCS10Request: Forbidden"),
        (
            {"stubPKCS10Request": "", "pkixPublicKey": public(ED), "proofOfPossession": text(ED.sign(b"other"))},
            "spec.proofOfPossession: Invalid value",
        ),
        ({"stubPKCS10Request": "", "pkixPublicKey": "AAAA"}, "spec.pkixPublicKey: Invalid value"),
    ],
)
def test_what_is_refused(change: dict[str, Any], wrong: str) -> None:
    (found,) = said(validate_create(request(**change)))
    assert found.startswith(wrong), found


def test_a_request_stays_what_it_is() -> None:
    assert [found.field for found in validate_update(request(podName="other"), request())] == ["spec"]


ISSUED = {
    "conditions": [{"type": "Issued", "status": "True"}],
    "certificateChain": "x",
    "notBefore": "2026-01-01T00:00:00Z",
    "beginRefreshAt": "2026-01-01T00:30:00Z",
    "notAfter": "2026-01-01T01:00:00Z",
}


@pytest.mark.parametrize(
    ("new", "old", "wrong"),
    [
        (ISSUED, {}, []),
        (ISSUED, ISSUED, []),
        ({**ISSUED, "certificateChain": ""}, {}, ["status.certificateChain"]),
        ({**ISSUED, "conditions": []}, {}, [f"status.{name}" for name in ("certificateChain", "notBefore", "beginRefreshAt", "notAfter")]),
        ({"conditions": [{"type": "Denied", "status": "True"}]}, {}, []),
        ({"conditions": [{"type": "Denied", "status": "False"}]}, {}, ["status.conditions[0].status"]),
        ({"conditions": [{"type": "Odd", "status": "True"}]}, {}, ["status.conditions[0].type"]),
        ({"conditions": [{"type": "Denied", "status": "True"}, {"type": "Failed", "status": "True"}]}, {}, ["status.conditions"]),
        ({"conditions": [{"type": "Denied", "status": "True"}]}, {"conditions": [{"type": "Failed", "status": "True"}]}, ["status"]),
    ],
)
def test_the_last_word(new: dict[str, Any], old: dict[str, Any], wrong: list[str]) -> None:
    assert [found.field for found in validate_status_update(request(status=new), request(status=old))] == wrong
