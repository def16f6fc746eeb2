"""Certificate signing requests: who asks is written by us, who approves, signs and attests must be allowed to for that signer.

Upstream's CertificateApproval, CertificateSigning, CertificateSubjectRestriction and ClusterTrustBundleAttest. Source: certificates.k8s.io/v1, "Signers".
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from provisioner.kube.api._generated import certificates_v1, certificates_v1beta1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.requests import Target

GROUP = "certificates.k8s.io"
STORED_AS = f"{GROUP}/certificatesigningrequests"
BUNDLES = f"{GROUP}/clustertrustbundles"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"


class Certificates(Plugin):
    name = "CertificateApproval"
    kinds = frozenset({STORED_AS})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def mutate(self, call: Call, kind: Kind, new: certificates_v1.CertificateSigningRequest, old: Obj | None) -> None:
        if kind.stored_as != STORED_AS or old is not None:
            return
        user = call.user
        new.spec.username, new.spec.uid = user.name, user.uid or None
        new.spec.groups = list(user.groups)
        new.spec.extra = {key: list(values) for key, values in user.extra.items()} or None

    async def validate(self, call: Call, kind: Kind, new: certificates_v1.CertificateSigningRequest, old: Obj | None) -> None:
        if kind.stored_as != STORED_AS:
            return
        name, signer = new.metadata.name or "", new.spec.signer_name or ""
        if old is None:
            if signer == CLIENT_SIGNER and "system:masters" in organizations(new.spec.request or ""):
                raise forbidden(
                    "certificatesigningrequests", name, f"use of {signer} signer with system:masters group is not allowed", GROUP
                )
        elif call.target.subresource == "status" and old.status.certificate != new.status.certificate:
            await self._check(call, "sign", name, signer)

    async def check_approval(self, call: Call, new: Any) -> None:
        """Before conditions are written through certificatesigningrequests/approval. Raises 403."""
        await self._check(call, "approve", new.metadata.name or "", new.spec.signer_name or "")

    async def _check(self, call: Call, verb: str, name: str, signer: str) -> None:
        if not await _may(self._authorizer, call, verb, signer):
            message = f'user not permitted to {verb} requests with signerName "{signer}"'
            raise forbidden("certificatesigningrequests", name, message, GROUP)


class ClusterTrustBundleAttest(Plugin):
    """Who says what a signer's trust anchors are must be allowed to attest for it."""

    name = "ClusterTrustBundleAttest"
    kinds = frozenset({BUNDLES})

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, call: Call, kind: Kind, new: certificates_v1beta1.ClusterTrustBundle, old: Obj | None) -> None:
        if kind.stored_as != BUNDLES or (old is not None and old.spec == new.spec):
            return
        signer = new.spec.signer_name
        if signer and not await _may(self._authorizer, call, "attest", signer):
            message = f'user not permitted to attest for signerName "{signer}"'
            raise forbidden("clustertrustbundles", new.metadata.name or "", message, GROUP)


async def _may(authorizer: Authorizer, call: Call, verb: str, signer: str) -> bool:
    """For this signer, or for all of its domain."""
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        if (await authorizer.judge(call.user, Target(verb, "", GROUP, "v1", "signers", "", name))).allowed:
            return True
    return False


def organizations(request: str) -> set[str]:
    """The O of a PEM request's subject; none of what can't be read, which its signer will refuse."""
    from cryptography import x509

    try:
        found = x509.load_pem_x509_csr(base64.b64decode(request))
    except (ValueError, binascii.Error):
        return set()
    return {str(attribute.value) for attribute in found.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)}
