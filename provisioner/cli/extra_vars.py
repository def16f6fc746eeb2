"""`-e`: k=v words, JSON, YAML or @file, as ansible-playbook takes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import yaml


def parse(values: Iterable[str]) -> dict[str, Any]:
    """Later ones win. Raises click.UsageError naming the value."""
    found: dict[str, Any] = {}
    for value in values:
        found |= _one(value)
    return found


def _one(value: str) -> dict[str, Any]:
    text = value.strip()
    if text.startswith("@"):
        path = Path(text[1:]).expanduser()
        try:
            return _mapping(path.read_text(), f"-e {value}")
        except OSError as e:
            raise click.UsageError(f"-e {value}: can't read {path}: {e.strerror}") from e
    if text.startswith(("{", "[")):
        return _mapping(text, f"-e {value}")
    try:
        words = shlex.split(text)
    except ValueError as e:
        raise click.UsageError(f"-e {value}: {e}") from e
    pairs = [word.partition("=") for word in words]
    if any(not equals for _, equals, _ in pairs):
        return _mapping(text, f"-e {value}")
    return {name: content for name, _, content in pairs}


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
