"""ImagePolicyWebhook: another server says which images may run (imagepolicy.k8s.io/v1alpha1 ImageReview).

Source: "Admission Control in Kubernetes", ImagePolicyWebhook. Answers are kept for a while; what happens without one is `defaultAllow`.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any, Protocol

import msgspec

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.errors import forbidden
from provisioner.kube.apiserver.admission.chain import Plugin
from provisioner.kube.apiserver.config_files import Section
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj
from provisioner.kube.apiserver.remote_review import FAILURES
from provisioner.kube.client.clock import Clock, SystemClock

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0
# Tries in all, as upstream's webhooks.
TRIES = 5
# Answers that are kept at most.
KEPT = 1024
AUDIT = "imagepolicywebhook.image-policy.k8s.io/"


class ImagePolicy(Section, frozen=True, kw_only=True):
    """Times are seconds, `retry_backoff` milliseconds."""

    kube_config_file: str
    allow_ttl: int = msgspec.field(default=300, name="allowTTL")
    deny_ttl: int = msgspec.field(default=30, name="denyTTL")
    retry_backoff: int = 500
    default_allow: bool = False


class ImagePolicyConfiguration(Section, frozen=True, kw_only=True):
    image_policy: ImagePolicy


class Reviews(Protocol):
    """Raises one of FAILURES."""

    async def status_of(self, review: dict[str, Any], timeout_s: float) -> dict[str, Any]: ...
    async def close(self) -> None: ...


def spec_of(pod: core_v1.Pod, namespace: str, *, ephemeral: bool) -> dict[str, Any]:
    """What is asked about a pod."""
    spec = pod.spec
    containers: list[Any] = (
        list(spec.ephemeral_containers or ()) if ephemeral else [*(spec.init_containers or ()), *(spec.containers or ())]
    )
    notes = {k: v for k, v in (pod.metadata.annotations or {}).items() if k.partition("/")[0].endswith(".image-policy.k8s.io")}
    found: dict[str, Any] = {"containers": [{"image": c.image or ""} for c in containers], "namespace": namespace}
    return {**found, "annotations": notes} if notes else found


class ImagePolicyWebhook(Plugin):
    name = "ImagePolicyWebhook"
    kinds = frozenset({"core/pods"})

    def __init__(self, policy: ImagePolicy, reviews: Reviews, clock: Clock | None = None) -> None:
        self._policy, self._reviews, self._clock = policy, reviews, clock or SystemClock()
        # what was asked -> (until when the answer holds, the answer)
        self._kept: OrderedDict[bytes, tuple[float, dict[str, Any]]] = OrderedDict()

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        sub = call.target.subresource
        if kind.stored_as != "core/pods" or sub not in ("", "ephemeralcontainers"):
            return
        wanted = spec_of(new, call.target.namespace, ephemeral=bool(sub))
        if old is not None and wanted["containers"] == spec_of(old, call.target.namespace, ephemeral=bool(sub))["containers"]:
            return
        try:
            status = await self._status(wanted)
        except FAILURES as error:
            log.warning("image policy webhook failed: %s", str(error) or type(error).__name__)
            call.annotations[f"{AUDIT}failed-open"] = str(self._policy.default_allow).lower()
            if self._policy.default_allow:
                return
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", "the image policy webhook failed") from None
        for key, value in (status.get("auditAnnotations") or {}).items():
            call.annotations[f"{AUDIT}{key}"] = str(value)
        if status.get("allowed") is not True:
            reason = status.get("reason")
            said = (
                f"image policy webhook backend denied one or more images: {reason}"
                if reason
                else "one or more images rejected by webhook backend"
            )
            raise forbidden("pods", new.metadata.name or new.metadata.generate_name or "", said)

    async def close(self) -> None:
        await self._reviews.close()

    async def _status(self, wanted: dict[str, Any]) -> dict[str, Any]:
        key = msgspec.json.encode(wanted)
        now = self._clock.monotonic()
        until, known = self._kept.get(key, (0.0, {}))
        if until > now:
            return known
        review = {"kind": "ImageReview", "apiVersion": "imagepolicy.k8s.io/v1alpha1", "spec": wanted}
        for left in reversed(range(TRIES)):
            try:
                status = await self._reviews.status_of(review, TIMEOUT_S)
                break
            except FAILURES:
                if not left:
                    raise
                await self._clock.sleep(self._policy.retry_backoff / 1000)
        ttl_s = self._policy.allow_ttl if status.get("allowed") is True else self._policy.deny_ttl
        self._kept.pop(key, None)
        self._kept[key] = (now + ttl_s, status)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return status
