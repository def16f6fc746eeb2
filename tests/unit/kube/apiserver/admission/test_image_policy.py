"""Proves which images are asked about, that answers are kept, and what happens when nobody answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from provisioner.kube.api._generated import core_v1
from provisioner.kube.api.codec import decode_dict
from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver.admission.image_policy import ImagePolicy, ImagePolicyWebhook, spec_of
from provisioner.kube.apiserver.context import Call, User
from provisioner.kube.apiserver.requests import Target
from provisioner.kube.client.clock import SystemClock

PODS: Any = SimpleNamespace(stored_as="core/pods")


class Reviews:
    """Answers with `status`, or fails where there is none."""

    def __init__(self, status: dict[str, Any] | None) -> None:
        self.status, self.asked = status, 0

    async def status_of(self, review: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.asked += 1
        if self.status is None:
            raise OSError("away")
        return self.status

    async def close(self) -> None: ...


def pod(image: str = "i", **annotations: str) -> core_v1.Pod:
    spec = {"containers": [{"name": "c", "image": image}], "initContainers": [{"name": "d", "image": "init"}]}
    found: core_v1.Pod = decode_dict(core_v1.Pod, {"metadata": {"name": "p", "annotations": annotations}, "spec": spec})
    return found


def call() -> Call:
    return Call(User("u"), Target("create", "", "", "v1", "pods", "n"))


def plugin(reviews: Reviews, **more: Any) -> ImagePolicyWebhook:
    return ImagePolicyWebhook(ImagePolicy(kube_config_file="x", retry_backoff=0, **more), reviews, SystemClock())


def test_what_is_asked() -> None:
    found = pod(**{"x.image-policy.k8s.io/ticket": "1", "other": "2"})
    assert spec_of(found, "n", ephemeral=False) == {
        "containers": [{"image": "init"}, {"image": "i"}],
        "namespace": "n",
        "annotations": {"x.image-policy.k8s.io/ticket": "1"},
    }


async def test_answers_decide_and_are_kept() -> None:
    reviews = Reviews({"allowed": True, "auditAnnotations": {"by": "me"}})
    asked, made = call(), plugin(reviews)
    await made.validate(asked, PODS, pod(), None)
    await made.validate(call(), PODS, pod(), None)
    assert reviews.asked == 1 and asked.annotations == {"imagepolicywebhook.image-policy.k8s.io/by": "me"}
    with pytest.raises(StatusError, match="denied one or more images: old"):
        await plugin(Reviews({"allowed": False, "reason": "old"})).validate(call(), PODS, pod(), None)


async def test_an_update_is_asked_about_where_images_change() -> None:
    reviews = Reviews({"allowed": False})
    await plugin(reviews).validate(call(), PODS, pod(a="b"), pod())
    assert reviews.asked == 0
    with pytest.raises(StatusError, match="one or more images rejected"):
        await plugin(reviews).validate(call(), PODS, pod("other"), pod())


async def test_without_an_answer_the_default_holds() -> None:
    open_call = call()
    await plugin(Reviews(None), default_allow=True).validate(open_call, PODS, pod(), None)
    assert open_call.annotations == {"imagepolicywebhook.image-policy.k8s.io/failed-open": "true"}
    with pytest.raises(StatusError, match="the image policy webhook failed"):
        await plugin(Reviews(None)).validate(call(), PODS, pod(), None)
