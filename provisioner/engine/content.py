"""Finds and reads playbooks, task files and roles; every file is parsed once in a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from provisioner.engine.attributes import Attributes, as_tuple
from provisioner.engine.collections import Collections, python_roots, standard_roots
from provisioner.engine.errors import MissingContentError, PlaybookError
from provisioner.engine.module_defaults import ModuleDefaults
from provisioner.engine.own_actions import OwnActions
from provisioner.engine.own_modules import OwnModules
from provisioner.engine.own_plugins import OwnPlugins
from provisioner.engine.parsing import Surroundings, TaskParser, short_name
from provisioner.engine.playbook import Role, Task
from provisioner.inventory import documents
from provisioner.inventory.documents import Location
from provisioner.inventory.errors import InventoryError, Problem, SealedError
from provisioner.inventory.overlays import overlay
from provisioner.inventory.variable_files import variable_paths
from provisioner.templating import Templar, TemplateError, is_template
from provisioner.templating.sorted_json import sorted_json
from provisioner.templating.vault import VaultSecrets

_SUFFIXES = ("", ".yml", ".yaml", ".json")


class Content:
    """All files of a run. Thread-safe only after parsing; dynamic includes take the run's lock."""

    def __init__(
        self,
        directory: Path,
        *,
        known: Callable[[str], bool],
        names: Callable[[], list[str]],
        secrets: VaultSecrets | None = None,
        roles_path: tuple[Path, ...] = (),
        extra_vars: Mapping[str, Any] | None = None,
        module_path: tuple[Path, ...] = (),
        lookup_path: tuple[Path, ...] = (),
        action_path: tuple[Path, ...] = (),
        collections_path: tuple[Path, ...] = (),
        playbook_dir: Path | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = dict(settings or {})
        self.directory = directory
        self.playbook_dir = playbook_dir
        self.secrets = secrets
        self.extra_vars = dict(extra_vars or {})
        configured = [Path(part).expanduser() for part in os.environ.get("ANSIBLE_ROLES_PATH", "").split(":") if part]
        standard = [Path(part).expanduser() for part in ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")]
        self.roles_path = (*roles_path, *configured, *standard)
        self.collections = Collections([*(collections_path or standard_roots()), *python_roots()])
        self.own_modules = OwnModules(self.collections)
        self.own_actions = OwnActions(self.collections)
        self.own_plugins = {kind: OwnPlugins(self.collections, kind) for kind in ("callback", "connection", "strategy", "vars")}
        """By kind; those of other kinds are modules, actions, or known to the templates."""
        for kind, plugins in self.own_plugins.items():
            for folder in self.settings.get(f"DEFAULT_{kind.upper()}_PLUGIN_PATH", ()):
                plugins.add_folder(Path(folder))
        self._builtin = known
        for folder in module_path:
            self.own_modules.add_library(folder)
        for folder in action_path:
            self.own_actions.add_folder(folder)
        self.own_lookups: set[str] = {path.stem for folder in lookup_path for path in folder.glob("*.py")}
        self._add_own(directory)
        for named in os.environ.get("ANSIBLE_LIBRARY", "").split(":"):
            if named:
                self.own_modules.add_library(Path(named).expanduser())
        self.parser = TaskParser(self, self.knows, lambda: [*names(), *self.own_modules.names(), *self.own_actions.names()])
        self.module_defaults = ModuleDefaults(self.collections, self._module_named)
        self._values: dict[Path, Any] = {}
        self.warnings: list[str] = []
        """What files are to be warned of, that somebody has yet to tell."""
        self.imported_roles: list[Role] = []
        """Roles imported by task files since a play began; their handlers and variables belong to the play."""

    def knows(self, name: str) -> bool:
        """Whether an action goes by this name."""
        return name in self.own_modules or name in self.own_actions or self._builtin(name)

    def _add_own(self, root: Path) -> None:
        """Modules, actions and lookups that come with a playbook or role."""
        self.own_modules.add(root)
        self.own_actions.add(root)
        self.collections.add_beside(root)
        for plugins in self.own_plugins.values():
            plugins.add(root)
        if (root / "lookup_plugins").is_dir():
            self.own_lookups.update(path.stem for path in (root / "lookup_plugins").glob("*.py"))

    def enter(self, directory: Path) -> None:
        """From now on names are looked up beside a playbook in this folder."""
        self.directory = directory
        self._add_own(directory)

    def read(self, path: Path) -> Any:
        """A YAML file's value, parsed once. Raises PlaybookError."""
        if path not in self._values:
            try:
                document = documents.read(path, self.secrets)
                self._values[path] = document.value
            except InventoryError as e:
                problem = e.problems[0]
                place = Location(problem.file, problem.line, problem.column) if problem.line else None
                message = problem.message if place else f"{problem.file}: {problem.message}"
                wrong = MissingContentError if isinstance(e, SealedError) else PlaybookError
                raise wrong(message, place, problem.hint) from e
            self.judge_duplicates(document.duplicates)
        return self._values[path]

    def judge_duplicates(self, found: Sequence[Problem]) -> None:
        """Keys that stand twice in one mapping are warned of, an error, or nothing, as `duplicate_dict_key` says."""
        mode = str(self.settings.get("DUPLICATE_YAML_DICT_KEY", "warn"))
        for problem in found if mode != "ignore" else ():
            if mode == "error":
                raise PlaybookError(f"YAML parsing failed: {problem.message}", Location(problem.file, problem.line, problem.column))
            self.warnings.append(str(problem))

    def read_mapping(self, path: Path) -> dict[str, Any]:
        value = self.read(path)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise PlaybookError("this file must hold a mapping of names to values", Location(str(path), 1, 1))
        return value

    def render_static(self, text: str, variables: Mapping[str, Any], task: Task) -> str:
        """A name that is needed before hosts are known: only static variables can be in it."""
        if not is_template(text):
            return text
        known: dict[str, Any] = {}
        if task.role is not None:
            known.update(task.role.visible_defaults())
            known.update(task.role.visible_vars())
            known["role_path"] = str(task.role.path)
        known.update(variables)
        known.update(self.extra_vars)
        known["playbook_dir"] = str(self.directory)
        try:
            return Templar([task.directory], known).render_text(text)
        except TemplateError as e:
            raise PlaybookError(
                f"{task.action} needs a name that is known before the run: {e}",
                task.location,
                f"use {task.action.replace('import', 'include')} when it depends on hosts",
            ) from e

    # Task files

    def task_file(self, name: str, around: Surroundings, place: Location | None) -> Path:
        """The task file an import or include at `place` names: beside the including file, in the role, beside the playbook."""
        path = Path(name).expanduser()
        if path.is_absolute():
            candidates = [path]
        else:
            candidates = [around.file.parent / path]
            kind = "handlers" if around.handlers else "tasks"
            roles = [around.role, *reversed(around.role.parents)] if around.role else []
            for role in roles:
                candidates += [role.path / kind / path, role.path / "tasks" / path, role.path / path]
            candidates += [self.directory / path, self.directory / "tasks" / path]
        for candidate in candidates:
            if candidate.is_file():
                return candidate.resolve()
        looked = ", ".join(dict.fromkeys(map(str, candidates)))
        raise MissingContentError(f"Could not find or access '{name}'; looked for {looked}", place)

    # Collections

    def collection_module(self, name: str, search: tuple[str, ...], *, last: bool = False) -> str | None:
        """The action that a collection's module is known as from now on; None when no collection has it.

        `last` looks in all that are installed: content from before collections names their modules so.
        """
        anywhere = None if "." in name or not last else self.collections.holding(name, "modules")
        searched = [f"{collection}.{name}" for collection in search] + ([anywhere] if anywhere else [])
        for full in [name] if name.count(".") >= 2 else searched:
            moved = self.collections.resolve(full)
            if self._builtin(short_name(moved)):
                return short_name(moved)
            path, action = self.collections.module(moved), self.collections.action(moved)
            if path is None and action is None:
                continue
            if action is not None and not self.collections.is_for_windows(moved):
                self.own_actions.add_of_collection(moved, action)
            if path is not None:
                self.own_modules.add_of_collection(moved, path)
            return moved
        return None

    def module_for(self, name: str, task: Task) -> str | None:
        """What a module or action that a task's plugin asks for by any of its names is known as here."""
        return self._module_named(name, task.attributes.collections)

    def _module_named(self, name: str, search: tuple[str, ...] = ()) -> str | None:
        short = short_name(name)
        return short if self.knows(short) else self.collection_module(name, search, last=True)

    def has_lookup(self, name: str) -> bool:
        """Whether a lookup of one's own, or of a collection, goes by this name."""
        full = name if "." in name else self.collections.holding(name, "lookup") or name
        return name in self.own_lookups or self.collections.lookup(full) is not None

    # Roles

    def find_role(
        self, name: str, place: Location | None, from_directory: Path | None = None, search: tuple[str, ...] = ()
    ) -> tuple[Path, str]:
        """Its folder, and the collection that it was found in or nothing."""
        path = Path(name).expanduser()
        candidates = []
        for full in [name] if name.count(".") >= 2 else [f"{collection}.{name}" for collection in search]:
            found = self.collections.role(full)
            if found is not None:
                return found.absolute(), ".".join(full.split(".")[:2])
        if "/" in name or path.is_absolute():
            candidates += [path if path.is_absolute() else (from_directory or self.directory) / path, self.directory / path]
        candidates += [self.directory / "roles" / name]
        if from_directory is not None:
            candidates += [from_directory / name]
        candidates += [directory / name for directory in self.roles_path]
        candidates += [self.directory / name]
        for candidate in candidates:
            if candidate.is_dir():
                return candidate.resolve(), ""
        looked = ":".join(dict.fromkeys(str(candidate.parent) for candidate in candidates))
        raise MissingContentError(f"the role '{name}' was not found in {looked}", place)

    def role(
        self,
        name: str,
        *,
        attributes: Attributes,
        place: Location | None = None,
        params: Mapping[str, Any] | None = None,
        entry_vars: Mapping[str, Any] | None = None,
        parents: tuple[Role, ...] = (),
        tasks_from: str = "main",
        vars_from: str = "main",
        defaults_from: str = "main",
        handlers_from: str = "main",
        include_params: Mapping[str, Any] | None = None,
        public: bool = True,
        allow_duplicates: bool | None = None,
        keywords: Mapping[str, Any] | None = None,
        included: bool = False,
        validate: bool = True,
    ) -> Role:
        """A role read from its folder, dependencies included. `keywords` are those written at this use of it."""
        path, collection = self.find_role(name, place, parents[-1].path.parent if parents else None, attributes.collections)
        if any(parent.path == path for parent in parents) and len(parents) > 20:
            raise PlaybookError(f"role '{name}' depends on itself", place)
        self._add_own(path)
        meta = self._optional(path / "meta", "main", {})
        attributes = replace(attributes, collections=self._searched_by(path, meta))
        own_name = path.name if collection else name
        role = Role(own_name=own_name, collection=collection, path=path, params=dict(params or {}), parents=parents, public=public)
        role.included_by = parents if included else ()
        role.defaults = self._variables(path / "defaults", defaults_from, place)
        role.vars = self._variables(path / "vars", vars_from, place)
        role.entry_vars = dict(entry_vars or {})
        duplicates = meta.get("allow_duplicates", False) if isinstance(meta, dict) else False
        role.allow_duplicates = bool(duplicates) if allow_duplicates is None else bool(duplicates or allow_duplicates)
        parts = [tasks_from, vars_from, defaults_from, handlers_from]
        role.key = sorted_json([str(path), role.params, parts, keywords or {}, included], default=str)
        for entry in (meta.get("dependencies") or []) if isinstance(meta, dict) else []:
            role.dependencies.append(self._dependency(entry, role, attributes, place))
        inner = Surroundings(path / "tasks" / "main.yml", attributes, role, include_params or {})
        file = self._part(path / "tasks", tasks_from)
        if file is not None:
            role.tasks = self.parser.nodes(self.read(file), Surroundings(file, attributes, role, inner.params))
        elif tasks_from != "main":
            raise PlaybookError(f"Could not find specified file in role: tasks/{tasks_from}", place)
        if validate:
            self._add_argument_check(role, meta, tasks_from, attributes, inner)
        handlers = self._part(path / "handlers", handlers_from)
        if handlers is None and handlers_from != "main":
            raise PlaybookError(f"Could not find specified file in role: handlers/{handlers_from}", place)
        if handlers is not None:
            role.handlers = self.parser.nodes(self.read(handlers), Surroundings(handlers, attributes, role, inner.params, handlers=True))
        return role

    def _searched_by(self, path: Path, meta: Any) -> tuple[str, ...]:
        """The collections a role's own tasks look in: that which it belongs to and those its meta names, not those of the play."""
        own = self.collections.of_path(path)
        named = meta.get("collections") if isinstance(meta, dict) else None
        return (*([own] if own else []), *map(str, as_tuple(named or ())))

    def _dependency(self, entry: Any, role: Role, attributes: Attributes, place: Location | None) -> Role:
        from provisioner.engine.plays import role_entry

        parsed = role_entry(entry, place)
        return self.role(
            parsed.name,
            attributes=attributes.derive(parsed.keywords, with_vars=False),
            place=place,
            params=parsed.params,
            entry_vars=parsed.vars,
            parents=(*role.parents, role),
            keywords=parsed.keywords,
        )

    def _add_argument_check(self, role: Role, meta: Any, tasks_from: str, attributes: Attributes, inner: Surroundings) -> None:
        """The check of a role's parameters runs as its first task, always."""
        specs = self._optional(role.path / "meta", "argument_specs", None)
        source = specs if isinstance(specs, dict) else meta
        found = (
            (source.get("argument_specs") or {}).get(tasks_from.removesuffix(".yml").removesuffix(".yaml"))
            if isinstance(source, dict)
            else None
        )
        if not isinstance(found, dict):
            return
        always = Attributes(
            values=attributes.values,
            tags=attributes.tags | {"always"},
            when=attributes.when,
            vars=attributes.vars,
            environment=attributes.environment,
        )
        text = found.get("short_description")
        role.tasks.insert(
            0,
            Task(
                action="validate_argument_spec",
                args={
                    "argument_spec": found.get("options", {}),
                    "validate_args_context": {
                        "type": "role",
                        "name": role.own_name,
                        "argument_spec_name": tasks_from,
                        "path": str(role.path),
                    },
                },
                attributes=always,
                name=f"Validating arguments against arg spec '{tasks_from}'" + (f" - {text}" if text else ""),
                role=role,
                params=inner.params or {},
                directory=role.path / "tasks",
            ),
        )

    def role_for_import(self, task: Task, around: Surroundings, attributes: Attributes, params: Mapping[str, Any]) -> Role:
        """The role that import_role names, ready to be expanded in place."""
        args = {
            key: self.render_static(value, {**task.attributes.vars, **params}, task) if isinstance(value, str) else value
            for key, value in task.args.items()
        }
        name = args.get("name", args.get("role"))
        if not isinstance(name, str):
            raise PlaybookError("import_role needs the name of a role", task.location)
        parents = (*around.role.parents, around.role) if around.role else ()
        chosen: dict[str, Any] = {
            key: str(args[key]) for key in ("tasks_from", "vars_from", "defaults_from", "handlers_from") if args.get(key)
        }
        role = self.role(
            name,
            attributes=attributes,
            place=task.location,
            parents=parents,
            include_params=params,
            included=True,
            allow_duplicates=args.get("allow_duplicates", True) not in (False, "no", "false", "False"),
            validate=args.get("rolespec_validate", True) not in (False, "no", "false", "False"),
            **chosen,
        )
        self.imported_roles.append(role)
        return role

    def _part(self, folder: Path, name: str) -> Path | None:
        for suffix in _SUFFIXES:
            candidate = folder / (name + suffix)
            if candidate.is_file():
                return candidate
        return None

    def _optional(self, folder: Path, name: str, default: Any) -> Any:
        found = self._part(folder, name)
        return default if found is None else (self.read(found) or default)

    def _variables(self, folder: Path, name: str, place: Location | None) -> dict[str, Any]:
        """A role's defaults or vars: one file, or a folder of files named as it."""
        merged: dict[str, Any] = {}
        found = self._part(folder, name)
        if found is not None:
            return self.read_mapping(found)
        for file in variable_paths(folder / name):
            overlay(merged, self.read_mapping(file), deep=self.settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge")
        if not merged and name != "main" and not (folder / name).is_dir():
            raise PlaybookError(f"Could not find specified file in role: {folder.name}/{name}", place)
        return merged
