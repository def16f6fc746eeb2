"""Lookups that make lists: what `with_*` loops stand on."""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provisioner.templating.errors import PluginError, UndefinedVariable
from provisioner.templating.filters.data import flatten
from provisioner.templating.filters.text import to_bool
from provisioner.templating.lookups.call import Call, Lookup, Options, Terms
from provisioner.templating.lookups.configuration import config
from provisioner.templating.lookups.words import words_of


def items(call: Call, terms: Terms, options: Options) -> list[Any]:
    return flatten(list(terms), levels=1, skip_nulls=False)


def plain_list(call: Call, terms: Terms, options: Options) -> list[Any]:
    return list(terms)


def flattened(call: Call, terms: Terms, options: Options) -> list[Any]:
    return flatten(list(terms))


def dictionary(call: Call, terms: Terms, options: Options) -> list[Any]:
    result: list[Any] = []
    for term in terms if isinstance(terms, list | tuple) else [terms]:
        if not isinstance(term, Mapping):
            raise PluginError(f"the 'dict' lookup plugin expects a dictionary, got '{term}' of type {type(term)})")
        result.extend({"key": key, "value": value} for key, value in term.items())
    return result


def indexed_items(call: Call, terms: Terms, options: Options) -> list[Any]:
    return [[index, item] for index, item in enumerate(flatten(list(terms), levels=1, skip_nulls=False))]


def together(call: Call, terms: Terms, options: Options) -> list[Any]:
    if not terms:
        raise PluginError("with_together requires at least one element in each list")
    return [list(row) for row in itertools.zip_longest(*terms)]


def nested(call: Call, terms: Terms, options: Options) -> list[Any]:
    if not terms:
        raise PluginError("with_nested requires at least one element in the nested list")
    lists = [term if isinstance(term, list | tuple) else [term] for term in terms]
    return [flatten(list(row), levels=1, skip_nulls=False) for row in itertools.product(*lists)]


def sub_elements(call: Call, terms: Terms, options: Options) -> list[Any]:
    wrong = "subelements lookup expects a list of two or three items,"
    if len(terms) not in (2, 3):
        raise PluginError(wrong)
    if not isinstance(terms[0], list | dict) or not isinstance(terms[1], str):
        raise PluginError(f"{wrong} first a dict or a list, second a string pointing to the subkey")
    flags = terms[2] if len(terms) == 3 else {}
    if not isinstance(flags, Mapping):
        raise PluginError(f"{wrong} the optional third item must be a dict with flags ('skip_missing',)")
    if isinstance(terms[0], dict) and terms[0].get("skipped", False) is not False:
        return []  # what a task that was skipped has registered
    path = terms[1].split(".")
    skip_missing = bool(to_bool(flags.get("skip_missing", False)))
    result: list[Any] = []
    for item in terms[0].values() if isinstance(terms[0], dict) else terms[0]:
        if not isinstance(item, Mapping):
            raise PluginError(f"subelements lookup expects a dictionary, got '{item}'")
        if item.get("skipped", False) is not False:
            continue
        rest, found = _taken_out(item, path, skip_missing)
        result.extend([rest, element] for element in found)
    return result


def _taken_out(item: Mapping[str, Any], path: list[str], skip_missing: bool) -> tuple[dict[str, Any], list[Any]]:
    """An item without the list that is gone through, and that list."""
    name, *below = path
    rest = dict(item)
    if name not in item:
        if skip_missing:
            return rest, []
        raise PluginError(f"could not find '{name}' key in iterated item '{item}'")
    value = item[name]
    if not below:
        if not isinstance(value, list):
            raise PluginError(f"the key {name} should point to a list, got '{value}'")
        del rest[name]
        return rest, value
    if not isinstance(value, Mapping):
        if skip_missing:
            return rest, []
        raise PluginError(f"the key {name} should point to a dictionary, got '{value}'")
    rest[name], found = _taken_out(value, below, skip_missing)
    return rest, found


def random_choice(call: Call, terms: Terms, options: Options) -> list[Any]:
    return [random.SystemRandom().choice(list(terms))] if terms else []


_SHORT = re.compile(r"^(?:(0?x?[0-9a-f]+)-)?(0?x?[0-9a-f]+)(?:/(-?0?x?[0-9a-f]+))?(?::(.+))?$", re.IGNORECASE)


def sequence(call: Call, terms: Terms, options: Options) -> list[Any]:
    return [text for term in terms or [options] for text in _sequence(term, options)]


def _sequence(term: Any, options: Options) -> list[str]:
    settings: dict[str, Any] = {"start": 1, "stride": 1, "format": "%d", **options}
    if isinstance(term, Mapping):
        settings.update(term)
    else:
        found = _SHORT.match(str(term))
        if found and "=" not in str(term):
            start, end, stride, form = found.groups()
            given = {"start": start, "end": end, "stride": stride, "format": form}
            settings.update({key: value for key, value in given.items() if value is not None})
        else:
            words, given = words_of(str(term))
            settings.update(given, **{"_raw_params": " ".join(words)} if words else {})
    unknown = [name for name in settings if name not in ("start", "end", "count", "stride", "format")]
    if unknown:
        raise PluginError(f"unrecognized arguments to with_sequence: {unknown}")
    if settings.get("count") is not None and settings.get("end") is not None:
        raise PluginError("can't specify both count and end in with_sequence")
    start, stride = _whole("start", settings), _whole("stride", settings)
    if "count" in settings:
        count = _whole("count", settings)
        end = start + count * stride - (1 if stride > 0 else -1) if count else None
    elif "end" in settings:
        end = _whole("end", settings)
    else:
        raise PluginError("must specify count or end in with_sequence")
    if end is None or stride == 0:
        return []
    if (stride > 0 and end < start) or (stride < 0 and end > start):
        raise PluginError(f"to count {'backwards make stride negative' if stride > 0 else 'forward make stride positive'}")
    if str(settings["format"]).count("%") != 1:
        raise PluginError(f"bad formatting string: {settings['format']}")
    try:
        return [str(settings["format"]) % number for number in range(start, end + (1 if stride > 0 else -1), stride)]
    except (TypeError, ValueError) as e:
        raise PluginError(f"problem formatting {start} with {settings['format']!r}") from e


def _whole(name: str, settings: Options) -> int:
    try:
        return int(str(settings[name]), 0)
    except ValueError:
        wrong = f"Invalid value provided for 'integer': {settings[name]!r}"
        raise PluginError(f"Config '{name}' for 'sequence' lookup plugin from 'Direct' has an invalid value: {wrong}") from None


def fileglob(call: Call, terms: Terms, options: Options) -> list[Any]:
    result: list[str] = []
    for term in terms:
        pattern = Path(str(term)).expanduser()
        if pattern.is_absolute():
            directories = [pattern.parent]
        else:
            directories = [d for root in call.templar.search for d in (root / "files" / pattern.parent, root / pattern.parent)]
        if pattern.parent != Path() and not any(directory.is_dir() for directory in directories):
            call.templar.engine.warn(f"Unable to find '{pattern.parent}' in expected paths (use -vvvvv to see paths)")
        for directory in directories:
            found = sorted(str(path) for path in directory.glob(pattern.name) if path.is_file()) if directory.is_dir() else []
            if found:
                result.extend(found)
                break
    return result


def first_found(call: Call, terms: Terms, options: Options) -> list[Any]:
    """The first file that exists. Options of a term that is a mapping hold for the terms after it, too."""
    chosen: dict[str, Any] = dict(options)
    candidates = list(_candidates(terms or _names(chosen.get("files", []), ""), chosen))
    for name in candidates:
        found = _in_stack(name, call)
        if found is not None:
            return [os.path.normpath(found)]
    if to_bool(chosen.get("skip", False)) or str(options.get("errors", "")) == "ignore":
        return []
    looked = f" Looked for {', '.join(candidates)}" if candidates else ""
    raise PluginError(f"No file was found when using first_found.{looked}")


def _candidates(terms: Any, chosen: dict[str, Any]) -> Iterator[str]:
    """Names of files in the order they are looked for; `chosen` takes the options of each term that has some."""
    for term in terms:
        if isinstance(term, list | tuple):
            yield from _candidates(term, chosen)
            continue
        if not isinstance(term, str | Mapping):
            raise PluginError(f"Invalid term supplied. A string, dict or list is required, not {type(term).__name__!r}).")
        if isinstance(term, Mapping):
            chosen.clear()
            chosen.update(term)
        files = _names(chosen.get("files", []) if isinstance(term, Mapping) else term, ",;")
        paths = _names(chosen.get("paths", []), ",:;")
        yield from (str(Path(path) / name) for path in paths for name in files) if paths else files


def _in_stack(name: str, call: Call) -> Path | None:
    """A file of the role or beside the playbook, in each place in its folder for such files first."""
    path = Path(name).expanduser()
    if path.is_absolute():
        return path if path.exists() else None
    for place in call.templar.search:
        above = [place.parent / path] if place.parent.name == "tasks" else []
        named = [place / call.folder / path] if call.folder and path.parts[:1] != (call.folder,) else []
        for candidate in (*above, *named, place / path):
            if candidate.exists():
                return candidate.absolute()
    return None


def _names(value: Any, separators: str) -> list[str]:
    if isinstance(value, list | tuple):
        return [name for item in value for name in _names(item, separators)]
    return [part.strip() for part in re.split(f"[{separators}]", str(value)) if part.strip()] if separators else [str(value)]


def inventory_hostnames(call: Call, terms: Terms, options: Options) -> list[Any]:
    inventory = call.templar.variables.get("__inventory__")
    if inventory is None:
        raise UndefinedVariable("inventory_hostnames works only in a run")
    return [host.name for host in inventory.value.match(",".join(map(str, terms)))]


LOOKUPS: dict[str, Lookup] = {
    "items": items,
    "list": plain_list,
    "flattened": flattened,
    "dict": dictionary,
    "indexed_items": indexed_items,
    "together": together,
    "nested": nested,
    "cartesian": nested,
    "subelements": sub_elements,
    "random_choice": random_choice,
    "sequence": sequence,
    "fileglob": fileglob,
    "first_found": first_found,
    "inventory_hostnames": inventory_hostnames,
    "config": config,
}
