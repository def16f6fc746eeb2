"""`-e`: k=v words, JSON, YAML or @file, as ansible-playbook takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

if TYPE_CHECKING:
    from provisioner.templating.vault import VaultSecrets


def parse(values: Iterable[str], vault: VaultSecrets | None = None) -> dict[str, Any]:
    """Later ones win. Raises click.UsageError naming the value."""
    found: dict[str, Any] = {}
    for value in values:
        found |= _one(value, vault)
    return found


def _file(path: Path, where: str, vault: VaultSecrets | None) -> dict[str, Any]:
    """The mapping in a YAML or JSON file, which may be a vault or hold `!vault` values."""
    from provisioner.inventory import documents
    from provisioner.inventory.errors import InventoryError

    try:
        loaded = documents.read(path, vault).value
    except InventoryError as e:
        raise click.UsageError(f"{where}: {e}") from e
    if loaded is not None and not isinstance(loaded, dict):
        raise click.UsageError(f"{where}: expected a mapping of names to values")
    return dict(loaded or {})


def _one(value: str, vault: VaultSecrets | None) -> dict[str, Any]:
    from provisioner.engine.arguments import split, unquote

    text = value.strip()
    if text.startswith("@"):
        return _file(Path(text[1:]).expanduser(), f"-e {value}", vault)
    if text.startswith(("{", "[")):
        return _mapping(text, f"-e {value}")
    try:
        words = split(text)
    except ValueError as e:
        raise click.UsageError(f"-e {value}: {e}") from e
    pairs = [word.partition("=") for word in words]
    if any(not equals for _, equals, _ in pairs):
        return _mapping(text, f"-e {value}")
    return {name: unquote(content) for name, _, content in pairs}


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        try:
            loaded = yaml.safe_load(text)
        except yaml.YAMLError as e:
            raise click.UsageError(f"{where}: neither JSON nor YAML: {e}") from e
    if not isinstance(loaded, dict):
        raise click.UsageError(f"{where}: expected key=value words, a JSON or YAML mapping, or @file")
    return loaded
