"""Bearer tokens that another server knows (--authentication-token-webhook-config-file): it is asked with a TokenReview."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from provisioner.kube.apiserver.authentication.tokens import TokenInvalid
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.remote_review import FAILURES, Reviewer
from provisioner.kube.client.kubeconfig import ClusterAccess

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0


class TokenWebhook:
    def __init__(self, access: ClusterAccess, audiences: Sequence[str], version: str = "v1") -> None:
        self._reviewer, self._audiences, self._version = Reviewer(access), list(audiences), version

    async def user_of(self, token: str) -> User:
        """Raises TokenInvalid."""
        spec = {"token": token, "audiences": self._audiences}
        review = {"kind": "TokenReview", "apiVersion": f"authentication.k8s.io/{self._version}", "spec": spec}
        try:
            status = await self._reviewer.status_of(review, TIMEOUT_S)
        except FAILURES as error:
            log.warning("token webhook failed: %s", str(error) or type(error).__name__)
            raise TokenInvalid("the token webhook failed") from None
        user: Any = status.get("user")
        if status.get("authenticated") is not True or not isinstance(user, dict) or not user.get("username"):
            raise TokenInvalid("the token webhook does not know it")
        given = status.get("audiences")
        if given and not set(given) & set(self._audiences):
            raise TokenInvalid("for another audience")
        groups = [str(group) for group in user.get("groups") or ()]
        extra = {str(key): tuple(map(str, values or ())) for key, values in (user.get("extra") or {}).items()}
        return User(str(user["username"]), (*groups, "system:authenticated"), str(user.get("uid") or ""), extra)

    async def close(self) -> None:
        await self._reviewer.close()
