"""Proves that configuration files are checked whole: kind, group, every unknown key with the nearest known one, and types."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from provisioner.kube.client.config_file import read_config
from provisioner.kube.client.kubeconfig import ConfigError


class Inner(msgspec.Struct, frozen=True, rename="camel"):
    cache_size: int = 1


class Form(msgspec.Struct, frozen=True, rename="camel"):
    bind_address: str = "0.0.0.0"
    inner: Inner = Inner()


HEAD = "apiVersion: test.config.k8s.io/v1\nkind: TestConfiguration\n"


def read(tmp_path: Path, text: str) -> Form:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return read_config(path, "TestConfiguration", "test.config.k8s.io", Form)


def test_values_over_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + "bindAddress: 127.0.0.1") == Form("127.0.0.1")
    assert read(tmp_path, HEAD + "inner: {cacheSize: 5}").inner.cache_size == 5


def test_every_unknown_key_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, HEAD + "bindAdress: x\ninner: {cachesize: 5}\nqqq: 1")
    lines = [line.partition("config.yaml: ")[2] for line in str(caught.value).splitlines()]
    assert lines == [
        "bindAdress: not a setting that we know; did you mean bindAddress?",
        "inner.cachesize: not a setting that we know; did you mean cacheSize?",
        "qqq: not a setting that we know",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("Test", "Other"), "expected a mapping with kind: TestConfiguration"),
        (HEAD.replace("test.config", "other.config"), "expected a version of test.config.k8s.io"),
        (HEAD + "inner: {cacheSize: many}", "cacheSize"),
        ("a: [", "not YAML"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "none", "TestConfiguration", "test.config.k8s.io", Form)
