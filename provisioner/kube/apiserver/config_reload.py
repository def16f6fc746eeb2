"""Follows --authentication-config and --authorization-config: what the files say is taken over when it changes and is right.

Source: "Authenticating", "Authorization": a reload may neither add nor remove the Node and RBAC authorizers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from provisioner.kube.apiserver import gatekeeping
from provisioner.kube.apiserver.authentication import authn_config
from provisioner.kube.apiserver.authentication.authn import Authenticator
from provisioner.kube.apiserver.authentication.oidc import OidcIssuer
from provisioner.kube.apiserver.authorization import authz_config
from provisioner.kube.apiserver.authorization.authz import Authorizer
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.flags import Flags

log = logging.getLogger(__name__)

# As upstream, which also looks when it is told of a change.
RELOAD_S = 60.0
_LASTING = ("Node", "RBAC")


class ConfigReload:
    def __init__(self, flags: Flags, clock: Clock, authenticator: Authenticator, authorizer: Authorizer, modes: gatekeeping.Modes) -> None:
        self._flags, self._clock = flags, clock
        self._authenticator, self._authorizer, self._modes = authenticator, authorizer, modes
        self._lasting = self._kept(authz_config.choices(flags)) if flags.authorization_config else []
        self._files: dict[str, Callable[[], None]] = {}
        if flags.authentication_config:
            self._files[flags.authentication_config] = self._authentication
        if flags.authorization_config:
            self._files[flags.authorization_config] = self._authorization
        self._seen = {path: Path(path).read_bytes() for path in self._files}

    async def run(self) -> None:
        while self._files:
            await self._clock.sleep(RELOAD_S)
            # Who was asked before the last change has answered by now.
            await self._authenticator.close_replaced()
            await self._modes.close_replaced()
            self.refresh()

    def refresh(self) -> None:
        for path, take_over in self._files.items():
            try:
                now = Path(path).read_bytes()
                if now == self._seen[path]:
                    continue
                take_over()
            except (ValueError, OSError) as error:
                log.error("configuration is not taken over path=%s: %s", path, error)
                continue
            self._seen[path] = now
            log.info("configuration reloaded path=%s", path)

    def _authentication(self) -> None:
        config = authn_config.configured(self._flags)
        anonymous = config.anonymous
        paths = frozenset(condition.path for condition in anonymous.conditions) if anonymous is not None else frozenset()
        issuers = [OidcIssuer(jwt, config.algorithms, self._clock) for jwt in config.jwt]
        self._authenticator.replace(anonymous is not None and anonymous.enabled, paths, issuers)

    def _authorization(self) -> None:
        choices = authz_config.choices(self._flags)
        if self._kept(choices) != self._lasting:
            raise ValueError(f"{self._flags.authorization_config}: Node and RBAC can be neither added nor removed without a restart")
        self._authorizer.replace(self._modes.of(choices))

    @staticmethod
    def _kept(choices: list[authz_config.Choice]) -> list[str]:
        return sorted(choice.mode for choice in choices if choice.mode in _LASTING)
