"""All filters, tests and globals by name, those of a playbook's own plugin folders included."""

from __future__ import annotations

import functools
import importlib.util
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import pass_context
from jinja2.exceptions import TemplateRuntimeError
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.runtime import Undefined as JinjaUndefined
from jinja2.tests import TESTS as DEFAULT_TESTS

from provisioner.templating import jinja_tests, network_tests
from provisioner.templating.errors import PluginError, TemplateError, UndefinedVariable
from provisioner.templating.filters import data, digests, general, hardware_addresses, network, paths, sets, text, times
from provisioner.templating.lookups import sequences, sources
from provisioner.templating.lookups.call import Call, Lookup, Options, Terms
from provisioner.templating.plugin_tools import Loader, PluginScope, PluginTemplar
from provisioner.templating.scope import copied, first_undefined
from provisioner.templating.undefined import MANDATORY, Undefined, did_you_mean

# Collections in which public content looks for what is builtin here.
_PREFIXES = ("ansible.builtin.", "ansible.utils.", "ansible.netcommon.", "community.general.", "ansible.posix.")
# Filters that are meant for undefined values.
_ACCEPT_UNDEFINED = {"default", "d", "mandatory", "type_debug"}
STAND_INS = str(Path(__file__).resolve().parent.parent / "agent" / "shim")
# Where filters that are not builtin come from.
_HOMES = {network: "ansible.utils", hardware_addresses: "ansible.utils", general: "community.general"}
LOOKUPS: dict[str, Lookup] = {**sources.LOOKUPS, **sequences.LOOKUPS}


@dataclass(frozen=True)
class Plugins:
    """Everything templates can call."""

    filters: dict[str, Callable[..., Any]]
    tests: dict[str, Callable[..., Any]]
    globals: dict[str, Any]
    lookups: dict[str, Lookup]

    def lookup(self, name: str) -> Lookup | None:
        """One of Ansible's own by its short name or its full one, else another by the name it has."""
        return self.lookups.get(bare_name(name)) or self.lookups.get(name)


def _strict(kind: str, name: str, function: Callable[..., Any], home: str = "ansible.builtin") -> Callable[..., Any]:
    """Lets an undefined input complain as such before the filter can misread it, and names the filter that fails."""
    accepts = name in _ACCEPT_UNDEFINED

    @functools.wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        if not accepts:
            for argument in args[:2]:
                if isinstance(argument, JinjaUndefined):
                    argument._fail_with_undefined_error()
        try:
            return function(*args, **options)
        except (UndefinedVariable, jinja2.UndefinedError, TemplateRuntimeError):
            raise
        except Exception as e:
            said = str(e).replace("<lambda>()", f"{name}()")
            raise PluginError(f"The {kind} plugin '{home}.{name}' failed: {said}") from e

    return checked


# Jinja's own filters that make a generator, which no filter after them, and no variable, takes for a list.
_LAZY = ("batch", "items", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "unique")


def _own(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja's: what goes wrong in it names it, as with ours."""
    lazy = name in _LAZY

    @functools.wraps(function)
    def listed(*args: Any, **options: Any) -> Any:
        try:
            made = function(*args, **options)
            return list(made) if lazy and isinstance(made, Iterator) else made
        except (TemplateError, jinja2.UndefinedError):
            raise
        except Exception as e:
            raise PluginError(f"The filter plugin 'ansible.builtin.{name}' failed: {e}") from e

    return listed


def _own_test(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A test of Jinja's: what goes wrong in it names it, as with ours."""

    @functools.wraps(function)
    def named(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except (TemplateError, jinja2.UndefinedError):
            raise
        except Exception as e:
            raise PluginError(f"The test plugin 'ansible.builtin.{name}' failed: {e}") from e

    return named


def naming_itself(kind: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test of somebody else's: what goes wrong in it names it, and what it changes of its input is its own affair."""

    @functools.wraps(function)
    def named(*args: Any, **options: Any) -> Any:
        try:
            return function(*map(copied, args), **copied(options))
        except (TemplateError, jinja2.UndefinedError):
            raise
        except Exception as e:
            raise PluginError(f"The {kind} plugin '{name}' failed: {e}") from e

    return named


def bare_name(name: str) -> str:
    """A plugin's or module's short name, whatever collection it was asked from."""
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def run_lookup(context: jinja2.runtime.Context, name: str, terms: Sequence[Any], options: dict[str, Any]) -> list[Any]:
    """The values of a lookup, called from a template."""
    templar = context.resolve_or_missing("__templar__")
    known: Plugins = templar.engine.plugins
    lookup = known.lookup(name)
    if lookup is None:
        raise PluginError(f"The lookup plugin '{name}' was not found{did_you_mean(name, known.lookups) or '.'}")
    undefined = first_undefined(list(terms))
    if undefined is not None:
        undefined._fail_with_undefined_error()
    try:
        return lookup(Call(name, templar), terms, options)
    except PluginError as e:
        raise PluginError(f"The lookup plugin '{name}' failed: {e}") from e


@pass_context
def _lookup(context: jinja2.runtime.Context, plugin_name: str, /, *terms: Any, **options: Any) -> Any:
    found = _query_checked(context, plugin_name, terms, options)
    if options.get("wantlist"):
        return found or []
    if found is None:
        return None
    if len(found) == 1:
        return found[0]
    if found and all(isinstance(item, str) for item in found):
        return ",".join(found)
    return found


def _query_checked(context: jinja2.runtime.Context, name: str, terms: Sequence[Any], options: dict[str, Any]) -> list[Any] | None:
    """None when the lookup failed and its errors are to be ignored."""
    rest = {key: value for key, value in options.items() if key not in ("wantlist", "errors")}
    mode = options.get("errors", "strict")
    try:
        return run_lookup(context, name, list(terms), rest)
    except TemplateError as e:
        if mode not in ("ignore", "warn"):
            raise
        if mode == "warn":
            cause = str(e).removeprefix(f"The lookup plugin '{name}' failed: ")
            context.resolve_or_missing("__templar__").engine.warn(f"An error occurred while running the lookup plugin '{name}': {cause}")
        return None


@pass_context
def _query(context: jinja2.runtime.Context, plugin_name: str, /, *terms: Any, **options: Any) -> list[Any]:
    return _query_checked(context, plugin_name, terms, options) or []


def _now(utc: bool = False, fmt: str | None = None) -> Any:
    moment = datetime.now(UTC).replace(tzinfo=None) if utc else datetime.now(UTC).astimezone().replace(tzinfo=None)
    return moment.strftime(fmt) if fmt else moment


def _undef(hint: str | None = None) -> Any:
    return Undefined(hint=hint or MANDATORY)


def builtin_plugins() -> Plugins:
    filters: dict[str, Any] = {name: _own(name, function) for name, function in DEFAULT_FILTERS.items()}
    for module in (data, text, paths, sets, digests, times, network, hardware_addresses, general):
        home = _HOMES.get(module, "ansible.builtin")
        for name, function in module.FILTERS.items():
            chosen = _strict("filter", name, function, home)
            filters[name] = chosen
            for prefix in (home + ".",) if module is general else _PREFIXES[:4]:
                filters[prefix + name] = chosen
    for name in DEFAULT_FILTERS:
        filters.setdefault("ansible.builtin." + name, filters[name])
    of_jinja: dict[str, Any] = dict(DEFAULT_TESTS)
    tests: dict[str, Any] = {name: _own_test(name, function) for name, function in of_jinja.items()}
    tests.update({name: _strict("test", name, function) for name, function in jinja_tests.TESTS.items()})
    tests.update({"ansible.builtin." + name: function for name, function in list(tests.items())})
    for name, function in network_tests.TESTS.items():
        tests["ansible.utils." + name] = _strict("test", name, function, "ansible.utils")
    calls: dict[str, Any] = {"lookup": _lookup, "query": _query, "q": _query, "now": _now, "undef": _undef, "range": range, "dict": dict}
    classes = {"namespace": jinja2.utils.Namespace, "cycler": jinja2.utils.Cycler, "joiner": jinja2.utils.Joiner}
    return Plugins(filters, tests, {**calls, **classes}, dict(LOOKUPS))


def add_folders(plugins: Plugins, folders: Sequence[Path], named: Mapping[str, Sequence[Path]] | None = None) -> list[str]:
    """Adds what is in `filter_plugins/`, `test_plugins/` and `lookup_plugins/` of the folders.

    `named` are folders of one kind of plugin each (filter, test, lookup), which come first. A file that cannot be loaded is left out, as by
    Ansible: most often it needs what only some of its users have. What was left out is returned, a warning for each.
    """
    kinds = {
        kind: [*(named or {}).get(kind, ()), *(folder / f"{kind}_plugins" for folder in folders)] for kind in ("filter", "test", "lookup")
    }
    left_out = []
    for kind, path in ((kind, path) for kind, found in kinds.items() for path in _all_files(found)):
        try:
            match kind:
                case "filter":
                    plugins.filters.update(_methods(path, "FilterModule", "filters"))
                case "test":
                    plugins.tests.update(_methods(path, "TestModule", "tests"))
                case _:
                    plugins.lookups[path.stem] = _own_lookup(path)
        except PluginError as e:
            left_out.append(f"the {kind} plugins of {e} are left out")
    return left_out


def _all_files(folders: Sequence[Path]) -> list[Path]:
    return [path for folder in folders for path in _files(folder)]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if path.stem != "__init__"] if folder.is_dir() else []


def _methods(path: Path, cls: str, method: str) -> dict[str, Callable[..., Any]]:
    found = _guarded(path, lambda module: dict(getattr(getattr(module, cls)(), method)()))
    return {name: naming_itself(cls.removesuffix("Module").lower(), name, function) for name, function in found.items()}


def _own_lookup(path: Path) -> Lookup:
    return lookup_of(_guarded(path, lambda module: module.LookupModule))


def lookup_of(made: Callable[..., Any]) -> Lookup:
    """A lookup plugin's class as a lookup."""

    def run(call: Call, terms: Terms, options: Options) -> list[Any]:
        loader = Loader(str(call.templar.scope.get("playbook_dir") or Path.cwd()), call.templar)
        plugin = made(loader=loader, templar=PluginTemplar(call.templar, loader))
        plugin._load_name = call.name
        try:
            found = plugin.run(copied(list(terms)), variables=PluginScope(call.templar.scope), **copied(options))
            return [item.decode(errors="surrogateescape") if isinstance(item, bytes) else item for item in found]
        except Exception as e:
            raise PluginError(str(e)) from e

    return run


def _guarded(path: Path, use: Callable[[Any], Any]) -> Any:
    """What a plugin's file offers. Names such files import from ansible are stood in for where it is not installed."""
    if STAND_INS not in sys.path:
        sys.path.append(STAND_INS)
    name = f"_plugin_{zlib.crc32(bytes(path.absolute()))}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError("cannot be loaded", template=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # plugins look their own documentation up by it
    try:
        spec.loader.exec_module(module)
        return use(module)
    except Exception as e:
        raise PluginError(f"cannot be loaded: {e}", template=str(path)) from e
