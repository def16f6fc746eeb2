"""Loads the inventory of a command that is Ansible's: people's own plugins take part, and a path that is not there is only warned of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from provisioner.inventory import Ignored, Inventory
    from provisioner.templating.vault import VaultSecrets


def expanded_limit(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The pattern of `--limit`, in which @FILE stands for the lines of a file. A click callback."""
    from provisioner.inventory import patterns

    if value is None or "@" not in value:
        return value
    found: list[str] = []
    for piece in patterns.split(value):
        if not piece.startswith("@"):
            found.append(piece)
            continue
        path = Path(piece[1:])
        if path.is_dir():
            raise click.ClickException(f"Limit starting with @ must be a file, not a directory: {path}")
        try:
            found += [line.strip() for line in path.read_text().splitlines() if line.strip()]
        except OSError as e:
            raise click.ClickException(f"Unable to find limit file {path}: {e.strerror}") from e
    return ",".join(found)


def load_sources(
    sources: Sequence[str],
    settings: Mapping[str, Any],
    directories: Sequence[Path],
    extra_vars: Mapping[str, Any],
    vault: VaultSecrets | None,
) -> Inventory:
    """`directories` are those of the playbooks. Raises InventoryError; ClickException where ansible.cfg wants all sources to be there."""
    from provisioner.engine.own_inventory import OwnInventoryPlugins
    from provisioner.inventory import load

    plugins = OwnInventoryPlugins([directory.absolute() for directory in directories], settings)
    force = str(settings.get("TRANSFORM_INVALID_GROUP_CHARS", "never"))
    loaded = load(
        sources,
        extra_vars=extra_vars,
        vault=vault,
        plugins=plugins,
        may_be_missing=True,
        ignored=_ignored(settings),
        merge_mappings=settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge",
        valid_group_names=force in ("always", "silently"),
    )
    if loaded.odd_group_names and force in ("always", "never"):
        done = "automatically replaced" if loaded.valid_group_names else "not replaced"
        _warn(
            f"Invalid characters were found in group names {'and' if loaded.valid_group_names else 'but'} {done}: {', '.join(sorted(loaded.odd_group_names))}"
        )
    for path in loaded.missing:
        if settings.get("INVENTORY_ANY_UNPARSED_IS_FAILED"):
            raise click.ClickException(f"Completely failed to parse inventory source {path}")
        _warn(f"Unable to parse {path} as an inventory source")
    if len(loaded.missing) == len(sources):
        if settings.get("INVENTORY_UNPARSED_IS_FAILED"):
            raise click.ClickException("No inventory was parsed, please check your configuration and options.")
        if settings.get("INVENTORY_UNPARSED_WARNING", True):
            _warn("No inventory was parsed, only implicit localhost is available")
    return loaded


def _ignored(settings: Mapping[str, Any]) -> Ignored:
    from provisioner.inventory import Ignored

    try:
        patterns = tuple(re.compile(pattern) for pattern in settings.get("INVENTORY_IGNORE_PATTERNS", ()))
    except re.error as e:
        raise click.ClickException(f"ignore_patterns of the inventory: {e.pattern!r}: {e}") from e
    ends = settings.get("INVENTORY_IGNORE_EXTS")
    return Ignored(patterns=patterns) if ends is None else Ignored(tuple(ends), patterns)


def warn_of_nobody(loaded: Inventory, settings: Mapping[str, Any]) -> None:
    """Tells that hosts are missing where a run would have them."""
    if not loaded.hosts and settings.get("LOCALHOST_WARNING", True):
        _warn("provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'")


def warn_of_patterns(loaded: Inventory, settings: Mapping[str, Any], *given: str | None) -> None:
    """Tells what names nobody in patterns of hosts. Raises ClickException where host_pattern_mismatch says so."""
    from provisioner.inventory import patterns

    mode = settings.get("HOST_PATTERN_MISMATCH", "warning")
    for name in dict.fromkeys(name for pattern in given if pattern for name in patterns.unmatched(pattern, loaded)):
        text = f"Could not match supplied host pattern, ignoring: {name}"
        if mode == "error":
            raise click.ClickException(text)
        if mode != "ignore":
            _warn(text)


def _warn(text: str) -> None:
    click.echo(f"[WARNING]: {text}", err=True)
