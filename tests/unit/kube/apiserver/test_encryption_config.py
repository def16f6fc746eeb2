"""Proves that wrong encryption configurations are told of, all at once and without their keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from provisioner.kube.apiserver.encryption_config import load

GOOD = base64.b64encode(b"s" * 32).decode()


def written(folder: Path, resources: str) -> str:
    path = folder / "encryption.yaml"
    path.write_text(f"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: {resources}\n")
    return str(path)


def test_rules(tmp_path: Path) -> None:
    key = f"{{name: a, secret: {GOOD}}}"
    text = f"[{{resources: [secrets, '*.apps'], providers: [{{aesgcm: {{keys: [{key}]}}}}, {{identity: {{}}}}]}}]"
    (rule,) = load(written(tmp_path, text))
    assert rule.resources == ("secrets", "*.apps") and [p.prefix for p in rule.providers] == [b"k8s:enc:aesgcm:v1:a:", b""]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[{resources: [secrets], providers: []}]", "resources[0]: resources and providers are both needed"),
        ("[{resources: [secrets], providers: [{kms: {}}]}]", "providers[0].kms: key management services are not supported"),
        ("[{resources: [secrets], providers: [{}]}]", "expected one of aesgcm"),
        ("[{resources: ['*'], providers: [{identity: {}}]}]", "use *.* for all resources"),
        ("[{resources: [a, a], providers: [{identity: {}}]}, {resources: [a], providers: [{identity: {}}]}]", "is there already"),
        ("[{resources: [a], providers: [{aesgcm: {keys: [{name: k, secret: c2VjcmV0LXdvcmQ=}]}}]}]", "found 11 bytes"),
        ("[{resources: [a], providers: [{aesgcm: {keys: [{name: k, secret: '%%'}]}}]}]", "secret: no base64"),
        ("[{resources: [a], providers: [{aesgcm: {keys: [{name: 'k:1', secret: x}]}}]}]", "without colons"),
        ("[{resource: [a], providers: [{identity: {}}]}]", "resources[0].resource: unknown field; did you mean resources?"),
    ],
)
def test_wrong_ones(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        load(written(tmp_path, text))
    assert told in str(caught.value) and "c2VjcmV0" not in str(caught.value)
