"""Proves certificate signing requests against the real server: approved by a person or for a node, signed, and usable."""

from __future__ import annotations

import base64
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY = ec.generate_private_key(ec.SECP256R1())


def request(name: str, signer: str, usages: list[str], common_name: str, organization: str) -> dict[str, Any]:
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(KEY, hashes.SHA256())
    encoded = base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode()
    return {"metadata": {"name": name}, "spec": {"request": encoded, "signerName": signer, "usages": usages}}


def certificate(everywhere: Any, name: str) -> x509.Certificate | None:
    data = everywhere.get("certificatesigningrequests", name).get("status", {}).get("certificate")
    return x509.load_pem_x509_certificate(base64.b64decode(data)) if data else None


def test_signed_once_a_person_approves(everywhere: Any, tools: Any) -> None:
    document = request("ann", "kubernetes.io/kube-apiserver-client", ["client auth"], "ann", "dev")
    made = everywhere.create("certificatesigningrequests", document)
    assert certificate(everywhere, "ann") is None
    made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "ByHand", "message": "looked at"}]}
    everywhere.update("certificatesigningrequests", made, "approval")
    found = tools.eventually(lambda: certificate(everywhere, "ann"))
    assert found.public_key() == KEY.public_key()
    assert [a.value for a in found.subject] == ["dev", "ann"]
    everywhere.delete("certificatesigningrequests", "ann")


def test_a_nodes_own_is_approved_without_anybody(everywhere: Any, tools: Any) -> None:
    usages = ["digital signature", "client auth"]
    document = request("node", "kubernetes.io/kube-apiserver-client-kubelet", usages, "system:node:n9", "system:nodes")
    everywhere.create("certificatesigningrequests", document)
    tools.eventually(lambda: certificate(everywhere, "node"))
    everywhere.delete("certificatesigningrequests", "node")


def test_what_its_signer_does_not_sign_is_failed(everywhere: Any, tools: Any) -> None:
    document = request("bad", "kubernetes.io/kube-apiserver-client", ["client auth", "server auth"], "ann", "dev")
    made = everywhere.create("certificatesigningrequests", document)
    made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "ByHand", "message": "not looked at"}]}
    everywhere.update("certificatesigningrequests", made, "approval")

    def failed() -> bool:
        conditions = everywhere.get("certificatesigningrequests", "bad")["status"].get("conditions", ())
        return any(c["type"] == "Failed" and c["reason"] == "SignerValidationFailure" for c in conditions)

    tools.eventually(failed)
    assert certificate(everywhere, "bad") is None
    everywhere.delete("certificatesigningrequests", "bad")
