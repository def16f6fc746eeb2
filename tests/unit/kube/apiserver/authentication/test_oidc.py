"""Proves what claims of an ID token make of a user, by names and by expressions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.apiserver.authentication.authn_config import JwtIssuer
from provisioner.kube.apiserver.authentication.oidc import OidcIssuer
from provisioner.kube.apiserver.authentication.tokens import TokenInvalid
from provisioner.kube.apiserver.context import User
from provisioner.kube.client.clock import FakeClock

CLAIMS = {"sub": "7", "email": "ann@x", "roles": ["a", "b"], "team": {"name": "t"}, "admin": False}


def user(claims: dict[str, Any], mappings: dict[str, Any], **more: Any) -> User:
    config = {"issuer": {"url": "https://x", "audiences": ["a"]}, "claimMappings": mappings, **more}
    return OidcIssuer(msgspec.convert(config, JwtIssuer), ("RS256",), FakeClock())._user(claims)


def test_by_names() -> None:
    mappings = {"username": {"claim": "email", "prefix": "oidc:"}, "groups": {"claim": "roles", "prefix": "g:"}, "uid": {"claim": "sub"}}
    assert user(CLAIMS, mappings) == User("oidc:ann@x", ("g:a", "g:b", "system:authenticated"), "7", {})
    assert user({**CLAIMS, "roles": "one"}, mappings).groups == ("g:one", "system:authenticated")
    for wrong in ({"email": ""}, {"email_verified": False}, {"roles": [1]}):
        with pytest.raises(TokenInvalid):
            user({**CLAIMS, **wrong}, mappings)


def test_by_expressions() -> None:
    mappings = {
        "username": {"expression": "claims.email.split('@')[0]"},
        "groups": {"expression": "claims.roles.map(r, 'x-' + r)"},
        "extra": [{"key": "example.com/team", "valueExpression": "claims.team.name"}],
    }
    rules = [{"expression": "claims.admin == false", "message": "no admins"}]
    checks = [{"expression": "!user.username.startsWith('system:')", "message": "reserved"}]
    found = user(CLAIMS, mappings, claimValidationRules=rules, userValidationRules=checks)
    assert found == User("ann", ("x-a", "x-b", "system:authenticated"), "", {"example.com/team": ("t",)})
    with pytest.raises(TokenInvalid, match="no admins"):
        user({**CLAIMS, "admin": True}, mappings, claimValidationRules=rules)
    with pytest.raises(TokenInvalid, match="reserved"):
        user({**CLAIMS, "email": "system:x@y"}, mappings, userValidationRules=checks)


def test_required_claims() -> None:
    mappings = {"username": {"claim": "sub", "prefix": ""}}
    assert user(CLAIMS, mappings, claimValidationRules=[{"claim": "sub", "requiredValue": "7"}]).name == "7"
    with pytest.raises(TokenInvalid, match="claim sub is not 8"):
        user(CLAIMS, mappings, claimValidationRules=[{"claim": "sub", "requiredValue": "8"}])
