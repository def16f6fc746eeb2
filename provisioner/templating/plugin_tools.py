"""What people's own lookup plugins are given to work with: a loader and a templar with the methods that Ansible's have.

Only what plugins of public collections and roles call is here.
"""

from __future__ import annotations

import os
import tempfile
from collections import ChainMap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml

from provisioner.templating.errors import PluginError
from provisioner.templating.lookups.call import Call
from provisioner.templating.values import final, is_template
from provisioner.templating.vault import HEADER

if TYPE_CHECKING:
    from provisioner.templating.scope import Scope
    from provisioner.templating.templar import Templar


class FinalMapping(Mapping[str, Any]):
    """What is read out of it, also out of mappings inside it (`hostvars`), is never rendered again: hosts have said some of it."""

    def __init__(self, seen: Mapping[str, Any]) -> None:
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        value = self._seen[name]
        return FinalMapping(value) if isinstance(value, Mapping) and not isinstance(value, dict) else final(value)

    def __contains__(self, name: object) -> bool:
        return name in self._seen

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)


class PluginScope(FinalMapping):
    """The variables, rendered."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.scope = scope

    def copy(self) -> ChainMap[str, Any]:
        """One that plugins may add to."""
        return ChainMap({}, self)  # type: ignore[arg-type]


class Loader:
    """Finds and reads files on the controller (Ansible's DataLoader)."""

    def __init__(self, base: str, templar: Templar) -> None:
        self._basedir = base
        self._renderer = templar
        self._opened: set[str] = set()

    def templar(self, variables: Mapping[str, Any]) -> PluginTemplar:
        """One that renders with these variables alone."""
        return PluginTemplar(self._renderer, self).copy_with_new_env(variables)

    def get_basedir(self) -> str:
        return self._basedir

    def set_basedir(self, basedir: str) -> None:
        self._basedir = basedir

    def path_exists(self, path: str) -> bool:
        return Path(self.path_dwim(path)).exists()

    def is_file(self, path: str) -> bool:
        return Path(self.path_dwim(path)).is_file()

    def is_directory(self, path: str) -> bool:
        return Path(self.path_dwim(path)).is_dir()

    def list_directory(self, path: str) -> list[str]:
        return [entry.name for entry in Path(self.path_dwim(path)).iterdir()]

    def path_dwim(self, given: str) -> str:
        """An absolute path; one that is relative counts from the playbook's folder."""
        return os.path.normpath(Path(self._basedir).absolute() / Path(given).expanduser())

    def path_dwim_relative(self, path: str, dirname: str, source: str, is_role: bool = False) -> str:
        """The first place that exists for a file of a role or play, else the last one looked at."""
        if source.startswith(("/", "~")):
            return self.path_dwim(source)
        base = Path(path)
        if base.name == "tasks" and (is_role or base.is_dir()):
            base = base.parent
        places = [
            Path(path, dirname, source),
            base / dirname / source,
            *([base / "tasks" / source] if is_role or (base / "tasks").is_dir() else []),
            Path.cwd() / dirname / source,
            base / source,
            self._basedir / Path(dirname, source),
            self._basedir / Path(source),
        ]
        return self.path_dwim(str(next((place for place in places if place.exists()), places[-1])))

    def get_real_file(self, file_path: str, decrypt: bool = True) -> str:
        """A file that can be read: of a vault's, a copy that `cleanup_tmp_file` takes away. Raises PluginError."""
        path = self.path_dwim(file_path)
        if not decrypt and Path(path).is_file():
            return path
        data, as_it_is = self._get_file_contents(file_path)
        if as_it_is:
            return path
        handle, name = tempfile.mkstemp()
        self._opened.add(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        return name

    def _get_file_contents(self, file_name: str) -> tuple[bytes, bool]:
        """A file's content, and whether it is no vault: how the example in Ansible's documentation reads. Raises PluginError."""
        path = Path(self.path_dwim(file_name))
        if not path.is_file():
            raise PluginError(f"the file {path} was not found")
        data = path.read_bytes()
        if not data.startswith(HEADER):
            return data, True
        secrets = self._renderer.scope.get("__vault__")
        if secrets is None:
            raise PluginError(f"{path} is encrypted and no vault secret was given")
        return secrets.decrypt(data), False

    def get_text_file_contents(self, file_name: str, *_: Any, **__: Any) -> str:
        return self._get_file_contents(file_name)[0].decode(errors="surrogateescape")

    def cleanup_tmp_file(self, file_path: str) -> None:
        if file_path in self._opened:
            self._opened.discard(file_path)
            Path(file_path).unlink(missing_ok=True)

    def cleanup_all_tmp_files(self) -> None:
        for name in list(self._opened):
            self.cleanup_tmp_file(name)

    def load_from_file(self, file_name: str, *_: Any, **__: Any) -> Any:
        return self.load(Path(self.path_dwim(file_name)).read_text())

    def load(self, data: str, *_: Any, **__: Any) -> Any:
        return yaml.safe_load(data)


class PluginTemplar:
    """Renders values (Ansible's Templar)."""

    def __init__(self, templar: Templar, loader: Loader) -> None:
        self._templar = templar
        self._loader = loader

    @property
    def available_variables(self) -> Mapping[str, Any]:
        return PluginScope(self._templar.scope)

    @available_variables.setter
    def available_variables(self, variables: Mapping[str, Any]) -> None:
        self._templar = self._with(variables)

    _available_variables = available_variables

    @property
    def environment(self) -> Any:
        return self._templar.engine.native

    def template(self, variable: Any, fail_on_undefined: bool = True, overrides: Mapping[str, Any] | None = None, **_: Any) -> Any:
        return self._templar.render(variable, fail_on_undefined=fail_on_undefined, overrides=overrides)

    def do_template(self, data: Any, *_: Any, overrides: Mapping[str, Any] | None = None, **__: Any) -> Any:
        return self._templar.render(data, overrides=overrides)

    def is_template(self, data: Any) -> bool:
        return is_template(data)

    def evaluate_expression(self, expression: str, *_: Any, **__: Any) -> Any:
        return self._templar.evaluate(expression)

    def evaluate_conditional(self, conditional: Any) -> bool:
        return self._templar.condition(conditional)

    def resolve_variable_expression(self, expression: str, *, local_variables: Mapping[str, Any] | None = None) -> Any:
        return (self._templar.with_local(local_variables) if local_variables else self._templar).evaluate(expression)

    def lookup(self, name: str) -> Any:
        """Another lookup, whose `run(terms)` answers a list; None when nobody has it."""
        found = self._templar.engine.plugins.lookup(name)
        if found is None:
            return None
        call = Call(name, self._templar)
        return SimpleNamespace(run=lambda terms, variables=None, **options: final(list(found(call, terms, options))))

    def copy_with_new_env(self, available_variables: Mapping[str, Any] | None = None, **_: Any) -> PluginTemplar:
        templar = self._templar if available_variables is None else self._with(available_variables)
        return PluginTemplar(templar, self._loader)

    def _with(self, variables: Mapping[str, Any]) -> Templar:
        old = self._templar
        if isinstance(variables, ChainMap) and _shows(variables.maps[-1], old.scope):  # a copy that was added to
            return old.with_local({name: value for changed in variables.maps[-2::-1] for name, value in changed.items()})
        if _shows(variables, old.scope):
            return old
        return type(old)(old.search, dict(variables), engine=old.engine, host=old.host)


def _shows(variables: Mapping[str, Any], scope: Scope) -> bool:
    return isinstance(variables, PluginScope) and variables.scope is scope
