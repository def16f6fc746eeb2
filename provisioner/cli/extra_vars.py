"""`-e`: k=v words, JSON, YAML or @file, as ansible-playbook takes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from provisioner.inventory.overlays import overlay

if TYPE_CHECKING:
    from provisioner.templating.vault import VaultSecrets


class _Unparsable(click.ClickException):
    exit_code = 4


class _Unusable(click.ClickException):
    exit_code = 5


def parse(values: Iterable[str], vault: VaultSecrets | None = None, *, deep: bool = False) -> dict[str, Any]:
    """Later ones win, mapping by mapping with `deep` (`hash_behaviour`). Raises click.ClickException naming the value, with ansible-playbook's
    exit codes: 1 for a file that can't be read, 4 for what can't be parsed, 5 for what is no mapping."""
    found: dict[str, Any] = {}
    for value in values:
        overlay(found, _one(value, vault), deep=deep)
    return found


def _file(path: Path, where: str, vault: VaultSecrets | None) -> dict[str, Any]:
    """The mapping in a YAML or JSON file, which may be a vault or hold `!vault` values."""
    from provisioner.inventory import documents
    from provisioner.inventory.errors import InventoryError, SealedError

    try:
        document = documents.read(path, vault)
    except InventoryError as e:
        raise (_Unparsable if path.is_file() and not isinstance(e, SealedError) else click.ClickException)(f"{where}: {e}") from e
    for problem in document.duplicates:
        click.echo(f"[WARNING]: {problem}", err=True)
    loaded = document.value
    if loaded is not None and not isinstance(loaded, dict):
        raise _Unusable(f"{where}: expected a mapping of names to values")
    return dict(loaded or {})


def _one(value: str, vault: VaultSecrets | None) -> dict[str, Any]:
    from provisioner.engine.arguments import key_values

    text = value.strip()
    if text.startswith(("/", ".")):
        raise _Unusable(f"Please prepend extra_vars filename '{value}' with '@'")
    if text.startswith("@"):
        return _file(Path(text[1:]).expanduser(), f"-e {value}", vault)
    if text.startswith(("{", "[")):
        return _mapping(text, f"-e {value}")
    try:
        found, others = key_values(text)
    except ValueError as e:
        raise _Unparsable(f"-e {value}: {e}") from e
    if others:
        unset = " ".join(others)
        click.echo(
            f"[WARNING]: -e {value}: {unset!r} sets nothing; expected key=value words, a JSON or YAML mapping in braces, or @file", err=True
        )
    return found


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        loaded = json.loads(text)
    except ValueError:
        try:
            loaded = yaml.safe_load(text)
        except yaml.YAMLError as e:
            raise _Unparsable(f"{where}: neither JSON nor YAML: {e}") from e
    if not isinstance(loaded, dict):
        raise _Unusable(f"{where}: could not be made into a dictionary; expected key=value words, a JSON or YAML mapping, or @file")
    return loaded
