"""Reads a component's configuration file (KubeProxyConfiguration and the like): YAML to a validated frozen struct, once, at start."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import yaml

from provisioner.kube.client.kubeconfig import ConfigError

S = TypeVar("S", bound=msgspec.Struct)


def read_config(path: Path, kind: str, group: str, form: type[S]) -> S:
    """The document as `form`, whose fields are the ones that we act on. Raises ConfigError with every problem found."""
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != kind:
        raise ConfigError(f"{path}: expected a mapping with kind: {kind}")
    if str(document.get("apiVersion", "")).partition("/")[0] != group:
        raise ConfigError(f"{path}: apiVersion: expected a version of {group}, got {document.get('apiVersion')!r}")
    body = {key: value for key, value in document.items() if key not in ("kind", "apiVersion")}
    problems = list(unknown_keys(body, form, ""))
    if problems:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    try:
        return msgspec.convert(body, form, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error


def unknown_keys(body: dict[str, Any], form: type[msgspec.Struct], prefix: str) -> list[str]:
    """A line for each key that the form has no field for, with the nearest one that it has."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(form)}
    found = []
    for key, value in body.items():
        if key not in fields:
            near = difflib.get_close_matches(str(key), fields, n=1)
            found.append(f"{prefix}{key}: not a setting that we know{f'; did you mean {near[0]}?' if near else ''}")
        elif isinstance(value, dict) and isinstance(fields[key], type) and issubclass(fields[key], msgspec.Struct):
            found += unknown_keys(value, fields[key], f"{prefix}{key}.")
        elif isinstance(value, list) and (item := _struct_of_items(fields[key])) is not None:
            for number, one in enumerate(value):
                found += unknown_keys(one, item, f"{prefix}{key}[{number}].") if isinstance(one, dict) else []
    return found


def _struct_of_items(type_: Any) -> type[msgspec.Struct] | None:
    """What a list or tuple holds, where that is a Struct."""
    inner = next(iter(get_args(type_)), None) if get_origin(type_) in (list, tuple) else None
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None
