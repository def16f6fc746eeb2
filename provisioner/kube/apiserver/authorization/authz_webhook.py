"""The webhook authorizer: another server answers SubjectAccessReviews; its answers are kept for a while.

Source: "Webhook Mode" and authorization.k8s.io/v1 SubjectAccessReview.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.kube.api import cel
from provisioner.kube.apiserver.authorization.authz import NO_OPINION, Verdict
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.remote_review import FAILURES, Reviewer
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.kubeconfig import ClusterAccess

log = logging.getLogger(__name__)

# Answers that are kept; all are forgotten when there are more.
KEPT = 8192
NAMES = frozenset({"request"})


@dataclass(frozen=True, slots=True)
class Options:
    """`deny_on_failure` None: as failurePolicy NoOpinion."""

    timeout_s: float = 3.0
    authorized_ttl_s: float = 300.0
    unauthorized_ttl_s: float = 30.0
    deny_on_failure: bool = False
    conditions: Sequence[str] = ()
    version: str = "v1"


class WebhookAuthorizer:
    def __init__(self, name: str, access: ClusterAccess, options: Options, clock: Clock) -> None:
        self._name, self._reviewer, self._options, self._clock = name, Reviewer(access), options, clock
        self._kept: dict[Any, tuple[float, Verdict]] = {}
        self._conditions = [cel.compile(text, NAMES) for text in options.conditions]

    def decide(self, user: User, target: Target) -> Verdict | None:
        kept = self._kept.get(_key(user, target))
        if kept is not None and kept[0] > self._clock.monotonic():
            return kept[1]
        return None

    async def ask(self, user: User, target: Target) -> Verdict:
        known = self.decide(user, target)
        if known is not None:
            return known
        failed = Verdict(denied=self._options.deny_on_failure)
        spec = review_spec(user, target)
        try:
            if not self._concerned(spec):
                return NO_OPINION
            review = {"kind": "SubjectAccessReview", "apiVersion": f"authorization.k8s.io/{self._options.version}", "spec": spec}
            status = await self._reviewer.status_of(review, self._options.timeout_s)
        except (*FAILURES, cel.CelError) as error:
            log.warning("authorization webhook failed name=%s: %s", self._name, str(error) or type(error).__name__)
            return failed
        verdict = Verdict(
            allowed=status.get("allowed") is True,
            denied=status.get("denied") is True and status.get("allowed") is not True,
            reason=str(status.get("reason") or ""),
        )
        ttl_s = self._options.authorized_ttl_s if verdict.allowed else self._options.unauthorized_ttl_s
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[_key(user, target)] = (self._clock.monotonic() + ttl_s, verdict)
        return verdict

    def _concerned(self, spec: dict[str, Any]) -> bool:
        """Whether all match conditions hold; one that is false decides over one that fails. Raises CelError."""
        failed: cel.CelError | None = None
        for condition in self._conditions:
            try:
                if condition.run({"request": spec}) is not True:
                    return False
            except cel.CelError as error:
                failed = error
        if failed is not None:
            raise failed
        return True

    async def close(self) -> None:
        await self._reviewer.close()


def _key(user: User, target: Target) -> Any:
    extra = tuple(sorted((key, tuple(values)) for key, values in user.extra.items()))
    return (user.name, user.groups, user.uid, extra, target)


def review_spec(user: User, target: Target) -> dict[str, Any]:
    """authorization.k8s.io SubjectAccessReviewSpec of a request."""
    spec: dict[str, Any] = {"user": user.name, "groups": list(user.groups)}
    if user.uid:
        spec["uid"] = user.uid
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    if not target.is_resource:
        return {**spec, "nonResourceAttributes": {"path": target.path, "verb": target.verb}}
    parts = {
        "namespace": target.namespace,
        "verb": target.verb,
        "group": target.group,
        "version": target.version,
        "resource": target.resource,
        "subresource": target.subresource,
        "name": target.asked_name,
    }
    attributes: dict[str, Any] = {key: value for key, value in parts.items() if value}
    if target.field_selector:
        attributes["fieldSelector"] = {"requirements": _field_requirements(target.field_selector)}
    return {**spec, "resourceAttributes": attributes}


def _field_requirements(selector: str) -> list[dict[str, Any]]:
    found = []
    for term in selector.split(","):
        operator = "NotIn" if "!=" in term else "In"
        key, _, value = term.replace("==", "=").replace("!=", "=").partition("=")
        if key:
            found.append({"key": key, "operator": operator, "values": [value]})
    return found
