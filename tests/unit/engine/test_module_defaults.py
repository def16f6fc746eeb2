"""Proves which modules an entry of `module_defaults` is for: by any of a module's names, and by groups of collections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine.collections import Collections
from provisioner.engine.errors import PlaybookError
from provisioner.engine.module_defaults import ModuleDefaults

RUNTIME = """
action_groups:
  mine: [one, acme.other.two, metadata: {extend_group: [more, acme.tools.mine]}]
  acme.tools.more: [three, gone]
"""
KNOWN = {"ping": "ping", "ansible.builtin.ping": "ping", "k8s": "k8s", "kubernetes.core.k8s": "k8s", "acme.tools.one": "acme.tools.one",
         "acme.tools.three": "acme.tools.three", "acme.other.two": "acme.other.two"}  # fmt: skip


@pytest.fixture
def defaults(tmp_path: Path) -> ModuleDefaults:
    meta = tmp_path / "ansible_collections" / "acme" / "tools" / "meta"
    meta.mkdir(parents=True)
    (meta / "runtime.yml").write_text(RUNTIME)
    return ModuleDefaults(Collections([tmp_path]), KNOWN.get)


@pytest.mark.parametrize(
    ("action", "levels", "expected"),
    [
        ("ping", [{"ping": {"a": 1}}], [{"a": 1}]),
        ("ping", [{"ansible.builtin.ping": {"a": 1}}, {"ping": {"a": 2}}], [{"a": 2}]),
        ("ping", [{"k8s": {"a": 1}}], []),
        ("k8s", [{"group/k8s": {"a": 1}}, {"kubernetes.core.k8s": {"b": 2}}], [{"a": 1}, {"b": 2}]),
        ("k8s", [{"group/kubernetes.core.k8s": {"a": 1}}, {"group/kubernetes.core.k8s": {"b": 2}}], [{"b": 2}]),
        ("acme.tools.one", [{"group/acme.tools.mine": {"a": 1}}], [{"a": 1}]),
        ("acme.other.two", [{"group/acme.tools.mine": {"a": 1}}], [{"a": 1}]),
        ("acme.tools.three", [{"group/acme.tools.mine": {"a": 1}}], [{"a": 1}]),
        ("acme.other.two", [{"group/acme.tools.more": {"a": 1}}], []),
    ],
)
def test_what_holds_for_an_action(defaults: ModuleDefaults, action: str, levels: list[Any], expected: list[Any]) -> None:
    assert defaults.of(action, levels) == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ping", None),
        ("group/k8s", None),
        ("group/acme.tools.mine", None),
        ("pong", "Could not resolve action ansible.legacy.pong in module_defaults"),
        ("acme.tools.gone", "Could not resolve action acme.tools.gone in module_defaults"),
        ("group/nobody", "could not resolve the module_defaults group ansible.builtin.nobody"),
        ("group/acme.tools.none", "could not resolve the module_defaults group acme.tools.none"),
        ("group/no.such.collection", "could not resolve the module_defaults group no.such.collection"),
    ],
)
def test_names_that_nobody_has_are_refused(defaults: ModuleDefaults, name: str, message: str | None) -> None:
    for levels in ({name: {}}, [{}, {name: {}}]):
        if message is None:
            defaults.check({"module_defaults": levels}, None)
        else:
            with pytest.raises(PlaybookError, match=message):
                defaults.check({"module_defaults": levels}, None)


def test_names_are_no_templates(defaults: ModuleDefaults) -> None:
    for levels in ("{{ chosen }}", [{}, "{{ chosen }}"]):
        with pytest.raises(PlaybookError, match="the keys of which must be static"):
            defaults.check({"module_defaults": levels}, None)
