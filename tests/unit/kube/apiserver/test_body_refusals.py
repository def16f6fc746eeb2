"""Proves the words for bodies that are not what a resource takes."""

from __future__ import annotations

import pytest

from provisioner.kube.api._generated.resources import BY_KIND, Resource
from provisioner.kube.apiserver.body_refusals import another_kind, no_object, unconverted, unrecognized

_CONFIG_MAP = BY_KIND["", "v1", "ConfigMap"]
_AUTOSCALER = BY_KIND["autoscaling", "v2", "HorizontalPodAutoscaler"]
_NO_KIND = 'is registered for version "{}" in scheme "pkg/api/legacyscheme/scheme.go:30"'


@pytest.mark.parametrize(
    ("resource", "api_version", "kind", "message"),
    [
        (
            _CONFIG_MAP,
            "v1",
            "Secret",
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
        ),
        (_CONFIG_MAP, "v1", "Foo", 'Foo in version "v1" cannot be handled as a ConfigMap: no kind "Foo" ' + _NO_KIND.format("v1")),
        (
            _CONFIG_MAP,
            "v2",
            "ConfigMap",
            'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" ' + _NO_KIND.format("v2"),
        ),
        (
            _AUTOSCALER,
            "autoscaling/v1",
            "HorizontalPodAutoscaler",
            "the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)",
        ),
    ],
)
def test_another_kind(resource: Resource, api_version: str, kind: str, message: str) -> None:
    refused = another_kind(resource, api_version, kind, custom=False)
    assert (refused.code, refused.message) == (400, message)


@pytest.mark.parametrize(
    ("api_version", "kind", "code", "message"),
    [
        (
            "example.com/v2",
            "Foo",
            400,
            "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)",
        ),
        ("example.com/v1", "Bar", 422, 'Bar.example.com "" is invalid: kind: Invalid value: "Bar": must be Foo'),
    ],
)
def test_another_custom_kind(api_version: str, kind: str, code: int, message: str) -> None:
    resource = _CONFIG_MAP._replace(group="example.com", kind="Foo", module="")
    refused = another_kind(resource, api_version, kind, custom=True)
    assert (refused.code, refused.message) == (code, message)


def test_what_is_nothing_at_all() -> None:
    assert unrecognized("Pod", "why", b"").message == "the object provided is unrecognized (must be of type Pod): why (<empty>)"
    assert unrecognized("Pod", "why", b"{" * 40).message.endswith(f"why ({'{' * 30} ...)")
    assert no_object("Pod", [], b"[]").message.endswith('Kind string "json:\\"kind,omitempty\\"" } (5b5d)')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string", "cannot restore map from string"),
        (
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
            "cannot restore slice from map",
        ),
        ("json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec", "cannot restore struct from: slice"),
        ("json: cannot unmarshal number into Go struct field ConfigMap.data of type string", "cannot convert int64 to string"),
        (
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
            "cannot convert float64 to int32",
        ),
        ("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32", "unrecognized type: int32"),
        ("json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string", "unrecognized type: string"),
        ("quantities must match", "quantities must match"),
    ],
)
def test_what_the_converter_says(text: str, expected: str) -> None:
    assert unconverted(text) == expected
