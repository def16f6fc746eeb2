"""Proves who gets in and as whom: tokens of every kind, bound ones as long as what they are bound to lives, and acting as somebody else."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "https://kubernetes.default.svc.cluster.local"


@pytest.fixture(scope="module")
def open_server(make_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("authn")
    (folder / "tokens.csv").write_text('static-secret,ann,u1,"devs,ops"\n')
    config = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    config["anonymous"] = {"enabled": True, "conditions": [{"path": "/livez"}, {"path": "/readyz"}]}  # type: ignore[assignment]
    (folder / "authn.json").write_text(json.dumps(config))
    server = make_server(
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--authentication-config={folder / 'authn.json'}",
        "--enable-bootstrap-token-auth",
        "--api-audiences=api",
        "--service-account-max-token-expiration=2h",
    )
    server.call("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    return server


def who(server: Any, token: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    given = {"Authorization": f"Bearer {token}"} if token else {}
    user = "" if token else "admin"
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    status, found = server.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, user=user, headers={**given, **named})
    if status != 201:
        return status, found
    assert found["metadata"]["creationTimestamp"]
    return status, found["status"]["userInfo"]


def ask_token(server: Any, account: str = "default", **spec: Any) -> tuple[int, Any]:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return server.call("POST", f"/api/v1/namespaces/default/serviceaccounts/{account}/token", body)


def test_static_tokens_and_anonymous_paths(open_server: Any) -> None:
    status, user = who(open_server, "static-secret")
    assert status == 201 and user["username"] == "ann" and user["uid"] == "u1"
    assert set(user["groups"]) == {"devs", "ops", "system:authenticated"}
    assert who(open_server, "wrong")[0] == 401
    assert open_server.call("GET", "/livez", user="", raw=True)[0] == 200
    assert open_server.call("GET", "/version", user="")[0] == 401


def test_bootstrap_tokens(open_server: Any) -> None:
    data = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    data |= {"auth-extra-groups": "system:bootstrappers:workers", "expiration": "2999-01-01T00:00:00Z"}
    secret = {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}
    assert open_server.call("POST", "/api/v1/namespaces/kube-system/secrets", secret)[0] == 201
    status, user = who(open_server, "abcdef.0123456789abcdef")
    assert status == 201 and user["username"] == "system:bootstrap:abcdef"
    assert user["groups"] == ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"]
    assert who(open_server, "abcdef.0123456789abcdee")[0] == 401
    path = "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef"
    _, found = open_server.call("GET", path)
    found["data"]["expiration"] = base64.b64encode(b"2001-01-01T00:00:00Z").decode()
    assert open_server.call("PUT", path, found)[0] == 200
    assert who(open_server, "abcdef.0123456789abcdef")[0] == 401


def test_service_account_tokens(open_server: Any) -> None:
    status, made = ask_token(open_server, expirationSeconds=100_000)
    assert status == 201, made
    token = made["status"]["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == ["api"] and claims["iss"] == ISSUER and claims["sub"] == "system:serviceaccount:default:default"
    assert claims["exp"] - claims["iat"] == 7200
    status, user = who(open_server, token)
    assert status == 201 and user["username"] == "system:serviceaccount:default:default"
    assert user["extra"]["authentication.kubernetes.io/credential-id"] == [f"JTI={claims['jti']}"]
    head, body, _ = token.split(".")
    assert who(open_server, f"{head}.{body}.AAAA")[0] == 401
    assert ask_token(open_server, expirationSeconds=10)[0] == 422


def test_audiences_and_reviews(open_server: Any) -> None:
    token = ask_token(open_server, audiences=["vault"])[1]["status"]["token"]
    assert who(open_server, token)[0] == 401

    def review(**spec: Any) -> dict[str, Any]:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token, **spec}}
        status, found = open_server.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)
        assert status == 201, found
        return dict(found["status"])

    assert review(audiences=["vault", "other"])["audiences"] == ["vault"]
    assert review(audiences=["other"]).get("authenticated") is not True


def test_bound_tokens_end_with_their_object(open_server: Any) -> None:
    secret = open_server.call("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "bound"}})[1]
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}]}}
    status, pod = open_server.call("POST", "/api/v1/namespaces/default/pods", pod)
    assert status == 201, pod
    for kind, found in (("Secret", secret), ("Pod", pod)):
        reference = {"kind": kind, "apiVersion": "v1", "name": found["metadata"]["name"], "uid": found["metadata"]["uid"]}
        token = ask_token(open_server, boundObjectRef=reference)[1]["status"]["token"]
        status, user = who(open_server, token)
        assert status == 201
        if kind == "Pod":
            assert user["extra"]["authentication.kubernetes.io/pod-name"] == ["p"]
        path = f"/api/v1/namespaces/default/{kind.lower()}s/{reference['name']}"
        assert open_server.call("DELETE", path, {"gracePeriodSeconds": 0})[0] == 200
        assert who(open_server, token)[0] == 401
        assert ask_token(open_server, boundObjectRef=reference)[0] == 404
    wrong = {"kind": "Secret", "apiVersion": "v1", "name": "bound", "uid": "other"}
    open_server.call("POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": "bound"}})
    assert ask_token(open_server, boundObjectRef=wrong)[0] == 409


def test_kubelets_get_tokens_of_their_pods_only(open_server: Any) -> None:
    pod = {"metadata": {"name": "elsewhere"}, "spec": {"nodeName": "node2", "containers": [{"name": "c", "image": "i"}]}}
    pod = open_server.call("POST", "/api/v1/namespaces/default/pods", pod)[1]
    here = {"metadata": {"name": "here"}, "spec": {"nodeName": "node1", "containers": [{"name": "c", "image": "i"}]}}
    here = open_server.call("POST", "/api/v1/namespaces/default/pods", here)[1]

    def asked(found: Any) -> int:
        reference = {"kind": "Pod", "apiVersion": "v1", "name": found["metadata"]["name"], "uid": found["metadata"]["uid"]}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": reference}}
        return int(open_server.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", body, user="node1")[0])

    assert (asked(here), asked(pod)) == (201, 403)


def test_impersonation(open_server: Any) -> None:
    status, user = who(open_server, Impersonate_User="carol", Impersonate_Group="a", Impersonate_Uid="7", Impersonate_Extra_Team="x")
    assert status == 201, user
    assert (user["username"], user["uid"], user["extra"]) == ("carol", "7", {"team": ["x"]})
    assert user["groups"] == ["a", "system:authenticated"]
    role = {"metadata": {"name": "as"}, "rules": [{"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}]}
    role["rules"].append({"apiGroups": ["authentication.k8s.io"], "resources": ["userextras/team"], "verbs": ["impersonate"]})  # type: ignore[attr-defined]
    assert open_server.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)[0] == 201
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "as"}
    binding = {"metadata": {"name": "as"}, "roleRef": reference, "subjects": [{"kind": "User", "name": "ann"}]}
    assert open_server.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)[0] == 201
    assert who(open_server, "static-secret", Impersonate_User="carol", Impersonate_Extra_Team="x")[0] == 201
    for part, value in (("Impersonate_Group", "g"), ("Impersonate_Uid", "7"), ("Impersonate_Extra_Scope", "x")):
        status, found = who(open_server, "static-secret", Impersonate_User="carol", **{part: value})
        assert status == 403, found
    assert who(open_server, Impersonate_Group="a")[0] == 500


def test_issuer_documents(open_server: Any) -> None:
    document = open_server.call("GET", "/.well-known/openid-configuration")[1]
    assert document["issuer"] == ISSUER and document["jwks_uri"].endswith("/openid/v1/jwks")
    (key,) = open_server.call("GET", "/openid/v1/jwks")[1]["keys"]
    token = ask_token(open_server)[1]["status"]["token"]
    claims = jwt.decode(token, jwt.PyJWK.from_dict(key).key, algorithms=[key["alg"]], audience="api")
    assert jwt.get_unverified_header(token)["kid"] == key["kid"] and claims["sub"].endswith(":default")


def test_oidc(make_server: Any, serve: Any, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "kid": "k1", "use": "sig", "alg": "ES256"}

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        return 200, {"keys": [jwk]}

    peer = serve(answer)
    server = make_server(
        f"--oidc-issuer-url={peer.url}",
        "--oidc-client-id=kubernetes",
        "--oidc-username-claim=email",
        "--oidc-groups-claim=roles",
        "--oidc-groups-prefix=oidc:",
        "--oidc-required-claim=hd=example.com",
        "--oidc-signing-algs=ES256",
    )
    server.stop()
    server.extra = (*server.extra, f"--oidc-ca-file={server.pki.path('ca.crt')}")
    server.start()
    good = {
        "iss": peer.url,
        "aud": "kubernetes",
        "exp": time.time() + 600,
        "email": "ann@example.com",
        "roles": ["dev"],
        "hd": "example.com",
    }
    sign = lambda **changed: jwt.encode({**good, **changed}, key, algorithm="ES256", headers={"kid": "k1"})  # noqa: E731
    status, user = who(server, sign())
    assert status == 201 and user["username"] == "ann@example.com" and user["groups"] == ["oidc:dev", "system:authenticated"]
    for wrong in ({"aud": "x"}, {"exp": time.time() - 10}, {"hd": "other"}, {"email_verified": False}, {"iss": "https://x"}):
        assert who(server, sign(**wrong))[0] == 401, wrong
    other = ec.generate_private_key(ec.SECP256R1())
    assert who(server, jwt.encode(good, other, algorithm="ES256", headers={"kid": "k1"}))[0] == 401
    assert len([path for _, path, _, _ in peer.asked if path == "/keys"]) == 1


def test_one_flag_is_enough(make_process: Any, pki: Any, ports: list[int], tmp_path: Path) -> None:
    """`kube-apiserver --etcd-servers=…` with a certificate and a signing key of its own making."""
    etcd, peer, port = ports[:3]
    argv = ["etcd", f"--data-dir={tmp_path / 'etcd'}", f"--listen-client-urls=http://127.0.0.1:{etcd}"]
    argv += [f"--advertise-client-urls=http://127.0.0.1:{etcd}", f"--listen-peer-urls=http://127.0.0.1:{peer}"]
    argv += [f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}", f"--initial-cluster=default=http://127.0.0.1:{peer}"]
    store = make_process(argv, tmp_path / "etcd.log")
    store.start()
    ours = [sys.executable, "-m", "provisioner.kube.apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}"]
    server = make_process([*ours, f"--secure-port={port}", f"--cert-dir={tmp_path / 'certs'}"], tmp_path / "api.log")
    server.start()
    try:
        kubectl = ["kubectl", f"--server=https://127.0.0.1:{port}", f"--certificate-authority={tmp_path / 'certs/apiserver.crt'}"]
        # The server does not look at it; without any credential kubectl would ask for a name.
        kubectl += [f"--client-certificate={pki.path('alice.crt')}", f"--client-key={pki.path('alice.key')}"]
        deadline = time.monotonic() + 30
        while subprocess.run([*kubectl, "get", "--raw=/readyz"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (tmp_path / "api.log").read_text()
            time.sleep(0.2)
        create = [*kubectl, "create", "serviceaccount", "me"]
        assert subprocess.run(create, capture_output=True, check=True, text=True).stdout == "serviceaccount/me created\n"
        token = subprocess.run([*kubectl, "create", "token", "me"], capture_output=True, check=True, text=True).stdout
        assert len(token.split(".")) == 3
        assert (tmp_path / "certs/service-account.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "certs/apiserver.key").stat().st_mode & 0o777 == 0o600
    finally:
        server.stop()
        store.stop()
