"""Proves what an AuthenticationConfiguration may not say, each with its place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.kube.apiserver.authentication.authn_config import configured
from provisioner.kube.apiserver.options import flag_set

JWT: dict[str, Any] = {
    "issuer": {"url": "https://issuer.example.com", "audiences": ["a"]},
    "claimMappings": {
        "username": {"expression": "claims.sub"},
        "groups": {"claim": "roles", "prefix": ""},
        "uid": {"claim": "sub"},
        "extra": [{"key": "example.com/team", "valueExpression": "claims.team"}],
    },
    "claimValidationRules": [{"expression": "claims.hd == 'example.com'", "message": "wrong domain"}],
    "userValidationRules": [{"expression": "!user.username.startsWith('system:')"}],
}


def read(tmp_path: Path, jwt: dict[str, Any], **more: Any) -> Any:
    path = tmp_path / "authn.yaml"
    document = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": [jwt], **more}
    path.write_text(yaml.safe_dump(document))
    return configured(flag_set().parse([f"--authentication-config={path}"]))


def test_a_right_one_is_right(tmp_path: Path) -> None:
    found = read(tmp_path, JWT, anonymous={"enabled": True, "conditions": [{"path": "/healthz"}]})
    assert found.jwt[0].issuer.audiences == ("a",) and found.anonymous.conditions[0].path == "/healthz"


MAPPINGS = JWT["claimMappings"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": {"url": "http://x", "audiences": ["a"]}}, "jwt[0].issuer.url: http://x: expected an https:// address"),
        ({"issuer": {"url": "https://x", "audiences": ["a", "b"]}}, "audienceMatchPolicy: must be MatchAny"),
        (
            {"issuer": {"url": "https://x", "audiences": ["a", "a"], "audienceMatchPolicy": "MatchAny"}},
            "jwt[0].issuer.audiences: a is there twice",
        ),
        ({"issuer": {"url": "https://x", "discoveryURL": "https://x/", "audiences": ["a"]}}, "discoveryURL: must be another address"),
        ({"claimMappings": {**MAPPINGS, "username": {}}}, "claimMappings.username: claim or expression is needed"),
        ({"claimMappings": {**MAPPINGS, "username": {"claim": "sub"}}}, "claimMappings.username.prefix: is needed beside claim"),
        ({"claimMappings": {**MAPPINGS, "username": {"expression": "claims."}}}, "jwt[0].claimMappings.username"),
        ({"claimMappings": {**MAPPINGS, "username": {"expression": "claims.email"}}}, "claims.email_verified must be used"),
        (
            {"claimMappings": {**MAPPINGS, "uid": {"claim": "a", "expression": "claims.b"}}},
            "claimMappings.uid: claim or expression, not both",
        ),
        (
            {"claimMappings": {**MAPPINGS, "extra": [{"key": "team", "valueExpression": "'a'"}]}},
            "expected a lower-case path below a domain",
        ),
        ({"claimMappings": {**MAPPINGS, "extra": [{"key": "x.k8s.io/a", "valueExpression": "'a'"}]}}, "are reserved"),
        ({"claimMappings": {**MAPPINGS, "extra": MAPPINGS["extra"] * 2}}, "claimMappings.extra: example.com/team is there twice"),
        ({"claimValidationRules": [{"claim": "a", "requiredValue": "b", "message": "c"}]}, "[0].message: only beside an expression"),
        ({"claimValidationRules": [{"expression": "true", "requiredValue": "b"}]}, "[0].requiredValue: only beside a claim"),
        ({"userValidationRules": [{"expression": "claims.a == 1"}]}, "jwt[0].userValidationRules[0]"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"authn\.yaml: ") as refused:
        read(tmp_path, {**copy.deepcopy(JWT), **change})
    assert said in str(refused.value)


def test_an_address_that_is_verified_may_be_a_name(tmp_path: Path) -> None:
    named = {**MAPPINGS, "username": {"expression": "claims.email"}}
    rules = [{"expression": "claims.email_verified == true"}]
    assert read(tmp_path, {**JWT, "claimMappings": named, "claimValidationRules": rules}).jwt
