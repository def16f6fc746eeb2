"""Proves that the committed inventory reference says what the schema says, and leaves no setting out."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

from provisioner.inventory.cluster_spec import ClusterSpec, KubeletSpec
from provisioner.inventory.machines_spec import MachinesSpec

ROOT = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("generate_inventory_reference", ROOT / "scripts" / "generate_inventory_reference.py")
assert _spec and _spec.loader
generator = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generator)


def test_the_committed_page_is_current() -> None:
    assert generator.PAGE.read_text() == generator.page(), "run scripts/generate_inventory_reference.py"


def test_every_setting_is_there_with_what_it_means() -> None:
    page = generator.page()
    for spec in (ClusterSpec, MachinesSpec, KubeletSpec):
        texts = generator.docstrings(spec)
        for field in dataclasses.fields(spec):
            assert f"| `{field.name}` | " in page
            assert texts[field.name] in page
    assert "| `cluster.kubelet" not in page and "### cluster.kubelet" in page
