"""Proves what a webhook's address and rules must not say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from provisioner.kube.api import codec
from provisioner.kube.api._generated import admissionregistration_v1 as registration
from provisioner.kube.api.validation.webhooks import client, create, rule_of

_FORM = "; desired format: https://host[/path]"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"url": "https://a.example.com/x"}, []),
        ({"service": {"name": "a", "namespace": "b", "path": "/x/y/"}}, []),
        ({}, ["c: Required value: exactly one of url or service is required"]),
        ({"url": "http://a/b"}, [f"""c.url: Invalid value: "http": 'https' is the only allowed URL scheme{_FORM}"""]),
        ({"url": "https:///b"}, [f'c.url: Invalid value: "": host must be specified{_FORM}']),
        (
            {"url": "https://me:x@a/b?q=1#f"},
            [
                'c.url: Invalid value: "me:x": user information is not permitted in the URL',
                'c.url: Invalid value: "f": fragments are not permitted in the URL',
                'c.url: Invalid value: "q=1": query parameters are not permitted in the URL',
            ],
        ),
        (
            {"service": {"port": 70000}},
            [
                "c.service.name: Required value: service name is required",
                "c.service.namespace: Required value: service namespace is required",
                "c.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive",
            ],
        ),
        (
            {"service": {"name": "a", "namespace": "b", "path": "/x//y"}},
            ['c.service.path: Invalid value: "/x//y": segment[1] may not be empty'],
        ),
        ({"service": {"name": "a", "namespace": "b", "path": "xx"}}, ["c.service.path: Invalid value: \"xx\": must start with a '/'"]),
    ],
)
def test_addresses(config: dict[str, Any], expected: list[str]) -> None:
    assert [str(one) for one in client(msgspec.convert(config, registration.WebhookClientConfig), "c")] == expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (["pods", "pods/log", "*/scale"], []),
        ([], ["r.resources: Required value"]),
        (["pods/*", "pods/log"], ["r.resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log"]),
        (
            ["*/scale", "pods/scale"],
            ["r.resources[1]: Invalid value: \"pods/scale\": if '*/scale' is present, must not specify pods/scale"],
        ),
        (["*/*", "pods"], ['r.resources: Invalid value: ["*/*","pods"]: if \'*/*\' is present, must not specify other resources']),
        (
            ["*", "pods"],
            ['r.resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources'],
        ),
    ],
)
def test_resources(resources: list[str], expected: list[str]) -> None:
    rule = registration.RuleWithOperations(operations=["CREATE"], api_groups=[""], api_versions=["v1"], resources=resources)
    assert [str(one) for one in rule_of(rule, "r")] == expected


HOOK = {"name": "a.b.c", "sideEffects": "None", "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://a"}}
AT = "webhooks[0]"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"name": "A"}, [f'{AT}.name: Invalid value: "A": a lowercase RFC 1123 subdomain']),
        ({"sideEffects": None}, [f"{AT}.sideEffects: Required value: must specify one of None, NoneOnDryRun"]),
        ({"reinvocationPolicy": "X"}, [f'{AT}.reinvocationPolicy: Unsupported value: "X": supported values: "IfNeeded", "Never"']),
        (
            {"admissionReviewVersions": ["v9", "v9"]},
            [
                f'{AT}.admissionReviewVersions[1]: Invalid value: "v9": duplicate version',
                f'{AT}.admissionReviewVersions: Invalid value: ["v9","v9"]: must include at least one of v1, v1beta1',
            ],
        ),
        (
            {"rules": [{"operations": ["X"], "apiGroups": ["*", ""], "apiVersions": [""], "resources": ["a"]}]},
            [
                f'{AT}.rules[0].operations[0]: Unsupported value: "X"',
                f'{AT}.rules[0].apiGroups: Invalid value: ["*",""]: if \'*\' is present, must not specify other API groups',
                f"{AT}.rules[0].apiVersions[0]: Required value",
            ],
        ),
        (
            {"clientConfig": {}, "matchConditions": [{"name": "a"}]},
            [f"{AT}.clientConfig: Required value: exactly one of", f"{AT}.matchConditions[0].expression: Required value"],
        ),
    ],
)
def test_webhooks(change: dict[str, Any], expected: list[str]) -> None:
    made = codec.decode_dict(registration.MutatingWebhookConfiguration, {"webhooks": [{**HOOK, **change}]})
    found = [str(one) for one in create(made)]
    assert len(found) == len(expected) and all(map(str.startswith, found, expected)), found
