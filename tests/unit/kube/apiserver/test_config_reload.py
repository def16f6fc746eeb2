"""Proves that authentication and authorization follow their files, and that what is wrong in them changes nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.authentication.authn import Authenticator
from provisioner.kube.apiserver.authorization.authz import Authorizer, LocalMode, Verdict
from provisioner.kube.apiserver.authorization.authz_config import choices
from provisioner.kube.apiserver.config_reload import ConfigReload
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.gatekeeping import Modes
from provisioner.kube.apiserver.options import flag_set
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import FakeClock

ALICE, TARGET = User("alice", ()), Target("get", "/metrics")


class Rbac(LocalMode):
    def decide(self, user: User, target: Target) -> Verdict:
        return Verdict(reason="RBAC: no")


def authz(*types: str) -> str:
    listed = "".join(f"\n- type: {kind}\n  name: {kind.lower()}" for kind in types)
    return f"apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:{listed}\n"


def authn(*paths: str) -> str:
    conditions = "".join(f"\n  - path: {path}" for path in paths)
    jwt = "jwt:\n- issuer: {url: https://i.example.com, audiences: [a]}\n  claimMappings: {username: {claim: sub, prefix: ''}}\n"
    anonymous = f"anonymous:\n  enabled: true\n  conditions:{conditions}\n"
    return f"apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{jwt}{anonymous}"


@pytest.fixture
def made(tmp_path: Path) -> Any:
    files = {"authentication": tmp_path / "authn.yaml", "authorization": tmp_path / "authz.yaml"}
    files["authentication"].write_text(authn("/livez"))
    files["authorization"].write_text(authz("RBAC"))
    flags = flag_set().parse([f"--{name}-config={path}" for name, path in files.items()])
    modes = Modes(None, FakeClock(), Rbac())  # type: ignore[arg-type]
    authenticator = Authenticator(None, anonymous_paths=frozenset({"/livez"}))  # type: ignore[arg-type]
    authorizer = Authorizer(modes.of(choices(flags)))
    return files, authenticator, authorizer, ConfigReload(flags, FakeClock(), authenticator, authorizer, modes)


def test_authorizers_follow_their_file(made: Any, caplog: pytest.LogCaptureFixture) -> None:
    files, _, authorizer, reload = made
    assert not authorizer.allows(ALICE, TARGET)
    files["authorization"].write_text(authz("RBAC", "AlwaysAllow"))
    assert not authorizer.allows(ALICE, TARGET)
    reload.refresh()
    assert authorizer.allows(ALICE, TARGET)
    for wrong, said in ((authz("AlwaysDeny"), "can be neither added nor removed"), ("kind: Odd", "Odd"), (authz("Nobody"), "Nobody")):
        caplog.clear()
        files["authorization"].write_text(wrong)
        with caplog.at_level(logging.ERROR):
            reload.refresh()
        assert said in caplog.text and authorizer.allows(ALICE, TARGET)
    files["authorization"].write_text(authz("AlwaysDeny", "RBAC"))
    reload.refresh()
    assert not authorizer.allows(ALICE, TARGET)


async def test_who_is_believed_follows_its_file(made: Any) -> None:
    files, authenticator, _, reload = made

    def is_let_in(path: str) -> bool:
        try:
            return authenticator.authenticate(None, lambda: b"", {}, path) is not None
        except StatusError:
            return False

    assert is_let_in("/livez") and not is_let_in("/readyz")
    files["authentication"].write_text(authn("/readyz"))
    reload.refresh()
    assert is_let_in("/readyz") and not is_let_in("/livez")
    (first,) = authenticator.issuers
    authenticator._kept["token"] = (1e9, ALICE)
    files["authentication"].write_text(authn("/healthz"))
    reload.refresh()
    assert authenticator.issuers[0] is not first and not authenticator._kept
    await authenticator.close_replaced()
    files["authentication"].unlink()
    reload.refresh()
    assert is_let_in("/healthz")
