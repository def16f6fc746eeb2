"""Proves that wrong flags and files are told of all at once, and that right ones amount to what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.apiserver.admission.settings import DEFAULT
from provisioner.kube.apiserver.options import WITHOUT_EFFECT, flag_set
from provisioner.kube.apiserver.settings import Settings, settings_of
from provisioner.kube.client.flags import FlagError

CONFIG = {"apiVersion": "apiserver.config.k8s.io/v1"}


def made(*argv: str) -> Settings:
    return settings_of(flag_set().parse(argv))


def file(folder: Path, document: dict[str, Any]) -> str:
    path = folder / f"{document['kind']}.json"
    path.write_text(json.dumps({**CONFIG, **document}))
    return str(path)


def kubeconfig(folder: Path) -> str:
    path = folder / "kubeconfig"
    named = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
    clusters, users = [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], [{"name": "u", "user": {"token": "t"}}]
    path.write_text(json.dumps({"kind": "Config", "current-context": "c", "contexts": named, "clusters": clusters, "users": users}))
    return str(path)


def test_nothing_is_needed() -> None:
    settings = made()
    assert [c.mode for c in settings.authorizers] == ["AlwaysAllow"] and settings.admission.enabled == DEFAULT
    assert settings.authentication.anonymous is not None and settings.authentication.anonymous.enabled and settings.audit is None


def test_every_flag_of_upstream_that_means_nothing_is_taken() -> None:
    switches = {f"--{name}" if name == "profiling" else f"--{name}=true" for name in WITHOUT_EFFECT}
    assert len(flag_set().parse(sorted(switches)).given) == len(WITHOUT_EFFECT)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--etcd-server=x"], "--etcd-server: unknown flag; did you mean --etcd-servers?"),
        (["--authorization-mode=RBAC,Rbac"], "--authorization-mode=Rbac: expected one of AlwaysAllow"),
        (["--authorization-mode=RBAC,RBAC"], "each mode once"),
        (["--authorization-mode=Webhook"], "--authorization-webhook-config-file says where the webhook is"),
        (["--client-ca-file=/nowhere"], "--client-ca-file=/nowhere: there is no such file"),
        (["--audit-log-path=/tmp/x"], "--audit-policy-file goes together with --audit-log-path"),
        (["--oidc-client-id=x"], "--oidc-issuer-url and --oidc-client-id go together"),
        (["--oidc-client-id=x", "--oidc-issuer-url=http://x"], "expected an https:// address"),
        (["--oidc-client-id=x", "--oidc-issuer-url=https://x", "--oidc-signing-algs=none"], "--oidc-signing-algs=none"),
        (["--enable-admission-plugins=PodSecurty"], "unknown plug-in; did you mean PodSecurity?"),
        (["--enable-admission-plugins=ImagePolicyWebhook"], "--admission-control-config-file must configure it"),
        (["--enable-admission-plugins=EventRateLimit"], "--admission-control-config-file must configure it"),
        (
            ["--enable-admission-plugins=Priority", "--disable-admission-plugins=Priority"],
            "Priority is in --enable-admission-plugins and in",
        ),
        (["--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA"], "--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA: expected some of"),
        (["--tls-min-version=VersionTLS10"], "expected one of VersionTLS12, VersionTLS13"),
        (["--service-account-max-token-expiration=5m"], "expected 1h at least"),
        (["--max-requests-inflight=0", "--max-mutating-requests-inflight=0"], "one of them must be more than 0"),
        (["--etcd-servers=ftp://x"], "expected http:// or https:// addresses"),
        (["--service-node-port-range=9-1"], "expected a range of ports"),
        (["--bind-address=localhost"], "--bind-address=localhost: expected an IP address"),
        ([f"--client-ca-file={__file__}"], f"--client-ca-file={__file__}: expected certificates as PEM"),
        ([f"--kubelet-certificate-authority={__file__}"], f"--kubelet-certificate-authority={__file__}: expected certificates"),
        (
            [f"--proxy-client-cert-file={__file__}", f"--proxy-client-key-file={__file__}"],
            f"--proxy-client-cert-file={__file__} and --proxy-client-key-file={__file__}: expected a certificate and its key",
        ),
        ([f"--tls-sni-cert-key={__file__},{__file__}"], f"--tls-sni-cert-key={__file__},{__file__}: expected a certificate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_flags(argv: list[str], told: str) -> None:
    with pytest.raises(FlagError) as caught:
        made(*argv)
    assert told in str(caught.value)


def test_all_at_once() -> None:
    with pytest.raises(FlagError) as caught:
        made("--enable-admission-plugins=X", "--authorization-mode=Y", "--oidc-client-id=z")
    assert all(flag in str(caught.value) for flag in ("--enable-admission-plugins", "--authorization-mode", "--oidc-client-id"))


def test_the_node_authorizer_brings_its_admission() -> None:
    assert "NodeRestriction" in made("--authorization-mode=Node,RBAC").admission.enabled
    assert "NodeRestriction" not in made("--authorization-mode=Node", "--disable-admission-plugins=NodeRestriction").admission.enabled


def webhook(folder: Path, **more: Any) -> dict[str, Any]:
    found = {"timeout": "3s", "subjectAccessReviewVersion": "v1", "failurePolicy": "Deny", "authorizedTTL": "1m"}
    return {**found, "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": kubeconfig(folder)}, **more}


def test_authorization_configuration(tmp_path: Path) -> None:
    authorizers = [{"type": "Node"}, {"type": "Webhook", "name": "w", "webhook": webhook(tmp_path)}, {"type": "RBAC"}]
    path = file(tmp_path, {"kind": "AuthorizationConfiguration", "authorizers": authorizers})
    found = made(f"--authorization-config={path}").authorizers
    assert [c.mode for c in found] == ["Node", "Webhook", "RBAC"]
    options = found[1].options
    assert (options.timeout_s, options.authorized_ttl_s, options.unauthorized_ttl_s, options.deny_on_failure) == (3.0, 60.0, 30.0, True)
    with pytest.raises(FlagError, match="can't be given together"):
        made(f"--authorization-config={path}", "--authorization-mode=RBAC")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"timeout": "60s"}, "authorizers[0].webhook.timeout: expected more than 0s and at most 30s"),
        ({"matchConditions": [{"expression": "request."}]}, "authorizers[0].webhook.matchConditions[0].expression"),
        ({"failurePolicy": "Ignore"}, "Invalid enum value 'Ignore'"),
        ({"unauthorizedTTL": "soon"}, "webhook.unauthorizedTTL: expected a duration"),
    ],
)
def test_wrong_webhook_authorizers(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    document = {"kind": "AuthorizationConfiguration", "authorizers": [{"type": "Webhook", "webhook": webhook(tmp_path, **more)}]}
    with pytest.raises(FlagError) as caught:
        made(f"--authorization-config={file(tmp_path, document)}")
    assert told in str(caught.value)


def issuer(**more: Any) -> dict[str, Any]:
    mappings = {"username": {"claim": "sub", "prefix": ""}}
    return {"issuer": {"url": "https://x", "audiences": ["a"]}, "claimMappings": mappings, **more}


@pytest.mark.parametrize(
    ("jwt", "told"),
    [
        (
            [issuer(claimMappings={"username": {"claim": "sub"}})],
            'jwt[0].claimMappings.username.prefix: is needed beside claim; "" for none',
        ),
        ([issuer(claimMappings={"username": {}})], "jwt[0].claimMappings.username: claim or expression is needed"),
        ([issuer(issuer={"url": "http://x", "audiences": ["a"]})], "jwt[0].issuer.url: http://x: expected an https:// address"),
        ([issuer(issuer={"url": "https://x", "audiences": ["a", "b"]})], "audienceMatchPolicy: must be MatchAny"),
        ([issuer(claimValidationRules=[{"expression": "claims.x ="}])], "jwt[0].claimValidationRules[0]"),
        ([issuer(), issuer()], "the issuer https://x is there twice"),
        ([issuer(issuers={})], "jwt[0].issuers: unknown field; did you mean issuer?"),
    ],
)
def test_wrong_authentication_configurations(tmp_path: Path, jwt: list[Any], told: str) -> None:
    with pytest.raises(FlagError) as caught:
        made(f"--authentication-config={file(tmp_path, {'kind': 'AuthenticationConfiguration', 'jwt': jwt})}")
    assert told in str(caught.value)


def test_admission_configuration(tmp_path: Path) -> None:
    security = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {"warn": "restricted"},
    }
    plugins = [{"name": "PodSecurity", "configuration": security}]
    path = file(tmp_path, {"kind": "AdmissionConfiguration", "plugins": plugins})
    labels = made(f"--admission-control-config-file={path}").admission.pod_security.defaults.labels()
    assert labels["warn"] == "restricted" and labels["enforce"] == "privileged" and labels["enforce-version"] == "latest"
    plugins[0]["configuration"] = {**security, "defaults": {"enforced": "x"}}
    with pytest.raises(FlagError, match=r"defaults.enforced: unknown field; did you mean enforce\?"):
        made(f"--admission-control-config-file={file(tmp_path, {'kind': 'AdmissionConfiguration', 'plugins': plugins})}")
