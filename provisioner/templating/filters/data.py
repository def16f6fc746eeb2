"""Filters on structures: JSON and YAML, merging and reshaping mappings and lists."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import yaml
from jinja2 import pass_context, pass_environment
from jinja2.filters import do_float, do_groupby
from jinja2.runtime import Undefined

from provisioner.templating.errors import PluginError
from provisioner.templating.scope import View
from provisioner.templating.sorted_json import sorted_json
from provisioner.templating.values import Sealed, Vaulted


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, Iterable):
        return list(value)
    raise PluginError(f"a {type(value).__name__} cannot be written as JSON")


def to_json(value: Any, *args: Any, **options: Any) -> str:
    options.pop("vault_to_text", None)
    options.pop("preprocess_unsafe", None)
    if options.pop("sort_keys", False):
        return sorted_json(value, default=_plain, **options)
    return json.dumps(value, *args, default=_plain, **options)


def to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    options.setdefault("separators", (",", ": "))
    return to_json(value, indent=indent, sort_keys=sort_keys, **options)


def from_json(value: Any, **_: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError) as e:
        raise PluginError(str(e)) from e


class Dumper(yaml.CSafeDumper):
    """Indents lists under their key, as Ansible's files do not, and knows our string and mapping types."""

    def ignore_aliases(self, data: Any) -> bool:
        return isinstance(data, date) or bool(super().ignore_aliases(data))


def _represent_mapping(dumper: Any, value: Mapping[Any, Any]) -> yaml.Node:
    node: yaml.Node = dumper.represent_dict(dict(value))
    return node


def _represent_text(dumper: Any, value: str) -> yaml.Node:
    node: yaml.Node = dumper.represent_str(str(value))
    return node


Dumper.add_multi_representer(str, _represent_text)
Dumper.add_multi_representer(dict, _represent_mapping)
_ANY_VIEW: Any = View
Dumper.add_multi_representer(_ANY_VIEW, _represent_mapping)
Dumper.add_multi_representer(tuple, lambda dumper, value: dumper.represent_list(list(value)))


def _represent_envelope(dumper: Any, value: Vaulted | Sealed) -> yaml.Node:
    node: yaml.Node = dumper.represent_scalar("!vault", value.envelope, style="|")
    return node


Dumper.add_representer(Vaulted, _represent_envelope)
Dumper.add_representer(Sealed, _represent_envelope)


def to_yaml(value: Any, default_flow_style: bool | None = None, **options: Any) -> str:
    options.pop("vault_behavior", None)
    options.pop("dump_vault_tags", None)
    options.setdefault("allow_unicode", True)
    text: str = yaml.dump(value, Dumper=Dumper, default_flow_style=default_flow_style, **options)
    return text


def to_nice_yaml(value: Any, indent: int = 4, default_flow_style: bool | None = False, **options: Any) -> str:
    return to_yaml(value, indent=indent, default_flow_style=default_flow_style, **options)


def from_yaml(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return yaml.CSafeLoader(value).get_single_data()
    except yaml.YAMLError as e:
        raise PluginError(str(e)) from e


def from_yaml_all(value: Any) -> Any:
    if value is None:
        return []
    return list(yaml.load_all(value, Loader=yaml.CSafeLoader)) if isinstance(value, str) else value


def merge(low: Any, high: Any, recursive: bool = True, list_merge: str = "replace") -> dict[Any, Any]:
    """`high` over `low`, neither changed. Lists of both: replace, keep, append, prepend, append_rp, prepend_rp (what both have counts once).

    Raises PluginError. Equal mappings are one of them: their lists are not joined with themselves.
    """
    if list_merge not in _LIST_MERGES:
        known = ", ".join(map(repr, _LIST_MERGES[:-1]))
        raise PluginError(f"merge_hash: 'list_merge' argument can only be equal to {known} or {_LIST_MERGES[-1]!r}")
    if not isinstance(low, Mapping) or not isinstance(high, Mapping):
        kinds = f"a '{type_debug(low)}' and a '{type_debug(high)}'"
        raise PluginError(f"failed to combine variables, expected dicts but got {kinds}.")
    if low == high:
        return dict(high)
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        if recursive and isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = merge(old, value, recursive, list_merge)
        elif isinstance(value, list) and isinstance(old, list):
            merged[key] = _merge_lists(old, value, list_merge)
        else:
            merged[key] = value
    return merged


def _merge_lists(old: list[Any], new: list[Any], how: str) -> list[Any]:
    match how:
        case "keep":
            return old
        case "append":
            return old + new
        case "prepend":
            return new + old
        case "append_rp":
            return [item for item in old if item not in new] + new
        case "prepend_rp":
            return new + [item for item in old if item not in new]
    return new


_LIST_MERGES = ("replace", "keep", "append", "prepend", "append_rp", "prepend_rp")


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace", **unknown: Any) -> Any:
    """Mappings merged, later ones over earlier ones; None among them counts as nothing, and one alone is left as it is."""
    if unknown:
        raise PluginError("'recursive' and 'list_merge' are the only valid keyword arguments")
    given = flatten(terms, levels=1)
    for mapping in given:
        if isinstance(mapping, Undefined):
            mapping._fail_with_undefined_error()
    if not given:
        return {}
    result = given[-1]
    for mapping in given[-2::-1]:
        result = merge(mapping, result, recursive, list_merge)
    return result


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    if not isinstance(value, Mapping):
        raise PluginError(f"dict2items requires a dictionary, got {type(value)} instead.")
    return [{key_name: key, value_name: item} for key, item in value.items()]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise PluginError(f"items2dict requires a list, got {type(value)} instead.")
    try:
        return {item[key_name]: item[value_name] for item in value}
    except KeyError as e:
        raise PluginError(
            f"items2dict requires each dictionary in the list to contain the keys {key_name!r} and {value_name!r}, got {value} instead."
        ) from e
    except TypeError as e:
        raise PluginError(f"items2dict requires a list of dictionaries, got {value} instead.") from e


def flatten(value: Any, levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    result: list[Any] = []
    for item in value:
        if item in (None, "None", "null") and skip_nulls:
            continue
        if isinstance(item, list | tuple):
            if levels is None:
                result.extend(flatten(item, None, skip_nulls))
            elif levels >= 1:
                result.extend(flatten(item, levels - 1, skip_nulls))
            else:
                result.append(item)
        else:
            result.append(item)
    return result


def subelements(obj: Any, subelements: Any, skip_missing: bool = False) -> list[tuple[Any, Any]]:
    items = list(obj.values()) if isinstance(obj, Mapping) else obj
    path = subelements.split(".") if isinstance(subelements, str) else subelements
    if not isinstance(path, list):
        raise PluginError("subelements must be a list or a string")
    if not isinstance(items, list):
        raise PluginError("obj must be a list of dicts or a nested dict")
    result: list[tuple[Any, Any]] = []
    for item in items:
        found: Any = item
        for part in path:
            try:
                found = found[part]
            except KeyError:
                if skip_missing:
                    found = []
                    break
                raise PluginError(f"could not find {part!r} key in iterated item {found!r}") from None
            except TypeError:
                raise PluginError("the key " + str(part) + " should point to a dictionary") from None
        if not isinstance(found, list):
            raise PluginError(f"the key {path[-1]!r} should point to a list, got {found!r}")
        result.extend((item, element) for element in found)
    return result


@pass_environment
def extract(environment: Any, key: Any, container: Any, morekeys: Any = None) -> Any:
    keys = [key] if morekeys is None else [key, *(morekeys if isinstance(morekeys, list) else [morekeys])]
    value = container
    for part in keys:
        value = environment.getitem(value, part)
    return value


@pass_environment
def groupby(environment: Any, value: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[tuple[Any, Any]]:
    grouped: Callable[..., Any] = do_groupby
    return [tuple(pair) for pair in grouped(environment, value, attribute, default, case_sensitive)]


@pass_context
def as_float(_: Any, value: Any, default: float = 0.0) -> float:
    """Jinja's own, but never worked out by the compiler, which would write NaN and infinity as names."""
    return do_float(value, default)


def json_query(value: Any, expression: str) -> Any:
    import jmespath

    try:
        return jmespath.search(expression, value)
    except Exception as e:
        raise PluginError(f"json_query: {e}") from e


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise PluginError("Type is not a valid list, set, or dict")
    for item in value.values() if isinstance(value, Mapping) else value:
        if not isinstance(item, Mapping):
            raise PluginError("List item is not a valid dict")
        if key not in item:
            raise PluginError(f"Key {key!r} was not found.")
        if item[key] in result and duplicates == "error":
            raise PluginError(f"Key {item[key]!r} is not unique, cannot convert to dict.")
        result[item[key]] = item
    return result


def type_debug(value: Any) -> str:
    for plain in (str, dict, list):
        if isinstance(value, plain):
            return plain.__name__
    name = type(value).__name__
    return {"Visible": "dict", "Undefined": "UndefinedMarker"}.get(name, name)


def list_of(tool: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    return lambda *args, **options: list(tool(*args, **options))


FILTERS: dict[str, Callable[..., Any]] = {
    "float": as_float,
    "to_json": to_json,
    "to_nice_json": to_nice_json,
    "from_json": from_json,
    "to_yaml": to_yaml,
    "to_nice_yaml": to_nice_yaml,
    "from_yaml": from_yaml,
    "from_yaml_all": from_yaml_all,
    "combine": combine,
    "dict2items": dict2items,
    "items2dict": items2dict,
    "dict": dict,
    "flatten": flatten,
    "subelements": subelements,
    "extract": extract,
    "groupby": groupby,
    "json_query": json_query,
    "rekey_on_member": rekey_on_member,
    "type_debug": type_debug,
    "zip": list_of(zip),
    "zip_longest": list_of(itertools.zip_longest),
    "product": list_of(itertools.product),
    "permutations": list_of(itertools.permutations),
    "combinations": list_of(itertools.combinations),
}
