"""What each layer of the API server's request chain costs: microseconds of CPU for one request, in this process, without network and etcd.

    python benchmarks/request_chain.py [--rounds 20000]

Layers are measured where they are asked for the second time and later, as on a busy server: what is worked out once is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp.test_utils import make_mocked_request
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from provisioner.kube.api import codec
from provisioner.kube.api._generated import flowcontrol_v1, rbac_v1
from provisioner.kube.apiserver.audit import policy as audit_policy
from provisioner.kube.apiserver.audit.events import Audit
from provisioner.kube.apiserver.audit.log_file import LogFile, Rotation
from provisioner.kube.apiserver.authentication.authn import Authenticator
from provisioner.kube.apiserver.authentication.tokens import ServiceAccountTokens
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.apiserver.authorization.node_authorizer import NodeAuthorizer
from provisioner.kube.apiserver.authorization.rbac import Rbac
from provisioner.kube.apiserver.bootstrap import bootstrap_roles
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.fairness import mandatory
from provisioner.kube.apiserver.fairness.controller import Fairness
from provisioner.kube.apiserver.metrics import Metrics
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.storage.cache import Entry, WatchCache
from provisioner.kube.storage.encryption import AesCbc, AesGcm, SecretBox

TARGET = Target("get", "/api/v1/namespaces/default/configmaps/x", "", "v1", "configmaps", "default", "x")
PLAIN = b'{"apiVersion":"v1","kind":"Secret","data":{"k":"' + b"a" * 1000 + b'"}}'
KEY = b"/registry/core/secrets/default/x"


def put(cache: WatchCache, stored_as: str, cls: type[Any], document: dict[str, Any]) -> None:
    metadata = document["metadata"]
    key = f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else metadata["name"]
    obj = codec.decode_dict(cls, {"apiVersion": f"{cls.GROUP}/{cls.VERSION}", "kind": cls.KIND, **document})
    cache.collection(stored_as).apply(key, Entry(key, 1, codec.encode(obj), {}, {}), 1)


def measure(what: str, once: Callable[[], Any], rounds: int) -> None:
    once()
    best = min(_run(once, max(1, rounds // 5)) for _ in range(5))
    print(f"{what:<58}{best:8.2f} us")


def _run(once: Callable[[], Any], rounds: int) -> float:
    started = time.process_time()
    for _ in range(rounds):
        once()
    return (time.process_time() - started) / rounds * 1e6


def authentication(rounds: int, folder: Path) -> None:
    path = folder / "sa.key"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    tokens = ServiceAccountTokens(["https://k"], [], path, [], SystemClock(), lambda *_: True)
    authenticator = Authenticator(tokens, {"static": User("ann")})
    peer = {"subject": ((("commonName", "ann"),), (("organizationName", "devs"),))}
    token, _ = tokens.sign("default", "sa", "uid", audiences=[], expires_s=3600)
    headers = {"Authorization": f"Bearer {token}"}
    measure("authentication: client certificate", lambda: authenticator.authenticate(peer, bytes, {}), rounds)
    measure("authentication: static token", lambda: authenticator.authenticate(None, bytes, {"Authorization": "Bearer static"}), rounds)
    measure("authentication: service-account token, seen before", lambda: authenticator.authenticate(None, bytes, headers), rounds)
    measure("authentication: service-account token, first time", lambda: tokens._checked(token), rounds // 20)


def authorization(cache: WatchCache, rounds: int) -> None:
    rbac = Rbac(cache)
    chain = Authorizer([NodeAuthorizer(cache), rbac])
    for role in bootstrap_roles.cluster_roles():
        put(cache, "rbac.authorization.k8s.io/clusterroles", rbac_v1.ClusterRole, role)
    for binding in bootstrap_roles.cluster_role_bindings():
        put(cache, "rbac.authorization.k8s.io/clusterrolebindings", rbac_v1.ClusterRoleBinding, binding)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    mine = {"metadata": {"name": "v"}, "roleRef": reference, "subjects": [{"kind": "Group", "name": "devs"}]}
    put(cache, "rbac.authorization.k8s.io/clusterrolebindings", rbac_v1.ClusterRoleBinding, mine)
    user = User("ann", ("devs", "system:authenticated"))

    def anew() -> Any:
        rbac._kept.clear()
        return chain.decide(user, TARGET)

    measure("authorization: Node and RBAC, asked before", lambda: chain.decide(user, TARGET), rounds)
    measure("authorization: Node and RBAC, first time", anew, rounds // 5)


def fairness(cache: WatchCache, rounds: int) -> None:
    made = Fairness(cache, SystemClock(), 600, 15.0)
    for level in mandatory.priority_levels():
        put(cache, "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations", flowcontrol_v1.PriorityLevelConfiguration, level)
    for schema in mandatory.flow_schemas():
        put(cache, "flowcontrol.apiserver.k8s.io/flowschemas", flowcontrol_v1.FlowSchema, schema)
    user = User("ann", ("devs", "system:authenticated"))

    def once() -> None:
        way = made.way(user, TARGET)
        assert way.level.enter(1)
        way.level.leave(1)

    measure("priority and fairness: a free seat", once, rounds)


def audit(rounds: int, folder: Path) -> None:
    user = User("ann", ("devs", "system:authenticated"))
    request = make_mocked_request("GET", TARGET.path, headers={"User-Agent": "kubectl"})
    for level in ("None", "Metadata"):
        rules = (audit_policy.Rule(level=level),)  # type: ignore[arg-type]
        policy = audit_policy.Policy(rules=rules, omit_stages=("RequestReceived",))
        log = LogFile(str(folder / f"{level}.log"), Rotation(), lambda: datetime.now(UTC))
        made = Audit(policy, [log], lambda: datetime.now(UTC), Metrics())

        def once(made: Audit = made) -> None:
            record = made.begin(request, TARGET, user, "id")
            if record is not None:
                record.complete(200, None, None)

        measure(f"audit: level {level}", once, rounds)
        asyncio.run(log.close())


def encryption(rounds: int) -> None:
    for name, cipher in (("aesgcm", AesGcm), ("secretbox", SecretBox), ("aescbc", AesCbc)):
        made = cipher("k", os.urandom(32))
        sealed = made.seal(KEY, PLAIN)
        measure(f"encryption: {name}, seal 1 KB", lambda made=made: made.seal(KEY, PLAIN), rounds)
        measure(f"encryption: {name}, open 1 KB", lambda made=made, sealed=sealed: made.open(KEY, sealed), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20_000)
    rounds = parser.parse_args().rounds
    cache = WatchCache(None, lambda *_: ({}, {}))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        authentication(rounds, Path(folder))
        authorization(cache, rounds)
        fairness(cache, rounds)
        audit(rounds, Path(folder))
        encryption(rounds)


if __name__ == "__main__":
    main()
