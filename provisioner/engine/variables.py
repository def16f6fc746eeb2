"""Which variables a task sees on a host, by Ansible's order of precedence.

Lowest first: role defaults, inventory, facts, play vars, vars_prompt, vars_files, role vars, block and task vars, include_vars, set_fact
and registered, role parameters, include parameters, extra vars. The part that does not depend on the task is kept for each host.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provisioner.engine.fact_cache import FactCache
from provisioner.engine.options import RunOptions
from provisioner.engine.playbook import Play, Role, Task
from provisioner.engine.reserved_names import ReservedNames
from provisioner.engine.state import HostState, HostStore
from provisioner.inventory import Host, Inventory
from provisioner.inventory.overlays import overlay
from provisioner.templating import Resolved, Templar
from provisioner.templating.scope import View
from provisioner.templating.templar import Engine

VERSION = {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"}
"""The Ansible whose language this is; public roles ask for it."""


_serials = itertools.count()


def _magic_of_run(inventory: Inventory, options: RunOptions) -> dict[str, Any]:
    """What stays the same for all tasks."""
    magic: dict[str, Any] = {
        "ansible_playbook_python": Resolved(sys.executable),
        "ansible_version": Resolved(VERSION),
        "ansible_check_mode": Resolved(options.check),
        "ansible_diff_mode": Resolved(options.diff),
        "__settings__": Resolved(options.settings),
        "ansible_forks": Resolved(options.forks),
        "ansible_verbosity": Resolved(options.verbosity),
        "ansible_run_tags": Resolved(list(options.tags) or ["all"]),
        "ansible_skip_tags": Resolved(list(options.skip_tags)),
        "__inventory__": Resolved(inventory),
        "ansible_config_file": Resolved(options.settings.get("CONFIG_FILE")),
    }
    if options.limit:
        magic["ansible_limit"] = Resolved(options.limit)
    if options.vault is not None:
        magic["__vault__"] = options.vault
    if inventory.sources:
        source = inventory.sources[0].absolute()
        magic["inventory_file"] = Resolved(str(source))
        magic["ansible_inventory_sources"] = Resolved([str(path.absolute()) for path in inventory.sources])
        magic["inventory_dir"] = Resolved(str(source if source.is_dir() else source.parent))
    return magic


class PlayContext:
    """What is the same for all tasks of one batch of a play."""

    def __init__(self, play: Play, templar_engine: Engine) -> None:
        self.serial = next(_serials)
        self.play = play
        self.name = play.name
        """Rendered, where it is a template."""
        self.engine = templar_engine
        self.prompted: dict[str, Any] = {}
        self.ended = False
        """meta: end_play was met; batches after this one do not run."""
        self.vars_files: dict[str, dict[str, Any]] = {}
        """By host: level 14."""
        self.all_hosts: list[str] = []
        self.lost: set[str] = set()
        """Hosts that failed in plays and batches before."""
        self.hosts: list[HostState] = []
        """The current batch."""
        self.size = 0
        """Of the batch, with the hosts that were lost before it began."""
        self.roles: list[Role] = list(play.roles)
        self.shared_defaults: dict[str, Any] = {}
        self.shared_vars: dict[str, Any] = {}
        self.refresh_roles()

    def add_role(self, role: Role) -> None:
        """A role included while running whose variables the rest of the play may see."""
        self.roles.append(role)
        self.refresh_roles()

    def refresh_roles(self) -> None:
        self.shared_defaults = {}
        self.shared_vars = {}
        for role in self.roles:
            if role.public:
                self.shared_defaults.update(role.defaults)
                self.shared_vars.update(role.vars)

    def active(self) -> list[str]:
        """Of the batch."""
        return [state.name for state in self.hosts if not state.left]

    def failed(self) -> list[str]:
        """Of the batch, those that failed for good."""
        return [state.name for state in self.hosts if state.left and state.failed]

    def all_active(self) -> list[str]:
        """Of the whole play, other batches included."""
        gone = {state.name for state in self.hosts if state.left}
        return [name for name in self.all_hosts if name not in gone and name not in self.lost]


class Variables:
    """Composes variables; one for a run."""

    def __init__(self, inventory: Inventory, options: RunOptions, directory: Path) -> None:
        self.inventory = inventory
        self.options = options
        self.directory = directory
        self.stores: dict[str, HostStore] = {}
        self._cache = None
        if options.fact_cache is not None:
            self._cache = FactCache(options.fact_cache, float(options.settings.get("CACHE_PLUGIN_TIMEOUT", 86_400)))
        if self._cache is not None and options.flush_cache:
            for name in inventory.hosts:
                self._cache.forget(name)
        self._deep = options.settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge"
        self.extra_vars = {**inventory.extra_vars, **options.extra_vars}
        self.reserved = ReservedNames()
        self.reserved.look(self.extra_vars)
        self._magic = _magic_of_run(inventory, options)
        self._bases: dict[tuple[str, int, int], tuple[int, dict[str, Any]]] = {}
        self._roles: dict[int, tuple[Role, dict[str, Any], dict[str, Any], dict[str, Any]]] = {}
        self._groups: dict[str, list[str]] = {}
        self.inventory_version = 0
        self.inventory_changed()

    def store(self, name: str) -> HostStore:
        found = self.stores.get(name)
        if found is None:
            found = self.stores[name] = HostStore(name)
            if self._cache is not None:
                found.add_facts(self._cache.load(name))
                found.to_cache = False
        return found

    def keep_facts(self) -> None:
        """Writes what was learned to the fact cache. Raises OSError."""
        for store in self.stores.values():
            if self._cache is None or not store.to_cache:
                continue
            if store.fact_vars:
                self._cache.store(store.name, {name: value.value for name, value in store.fact_vars.items()})
            else:
                self._cache.forget(store.name)
            store.to_cache = False

    def _injected(self, store: HostStore) -> Mapping[str, Any]:
        """Facts as variables of their own (`inject_facts_as_vars`); else those alone that set_fact makes cacheable, and `ansible_local`."""
        if self.options.settings.get("INJECT_FACTS_AS_VARS", True):
            return store.fact_vars
        return {name: value for name, value in store.fact_vars.items() if not name.startswith("ansible_") or name == "ansible_local"}

    def _overlay(self, merged: dict[str, Any], more: Mapping[str, Any]) -> None:
        overlay(merged, more, deep=self._deep)

    def inventory_changed(self) -> None:
        self._groups = self.inventory.group_names()
        self.inventory_version += 1

    def _role(self, role: Role) -> tuple[Role, dict[str, Any], dict[str, Any], dict[str, Any]]:
        found = self._roles.get(id(role))
        if found is None:
            found = self._roles[id(role)] = (role, role.visible_defaults(), role.visible_vars(), role.visible_params())
        return found

    def base(self, host: Host, context: PlayContext, role: Role | None) -> dict[str, Any]:
        """Levels 2 to 15; not to be changed by the caller."""
        store = self.store(host.name)
        key = (host.name, context.serial, id(role))
        version = store.version * 1_000_000 + self.inventory_version * 1000 + len(context.roles)
        found = self._bases.get(key)
        if found is not None and found[0] == version:
            return found[1]
        own = self._role(role) if role is not None else None
        merged = dict(context.shared_defaults)
        levels: list[Mapping[str, Any]] = [host.vars, self._injected(store), context.play.vars, context.prompted]
        levels += [context.vars_files.get(host.name, {}), context.shared_vars]
        self.reserved.look(merged)
        for level in [own[1], *levels, own[2]] if own else levels:
            self.reserved.look(level, context.play.location if level is context.play.vars else None)
            self._overlay(merged, level)
        self._bases[key] = (version, merged)
        return merged

    def for_task(self, state: HostState, context: PlayContext, task: Task | None) -> dict[str, Any]:
        """Everything a task sees; the caller may add to it."""
        role = task.role if task else None
        store = state.store
        merged = dict(self.base(state.host, context, role))
        if task is not None:
            self._overlay(merged, task.attributes.vars)
        self._overlay(merged, store.include_vars)
        self._overlay(merged, store.set_vars)
        if role is not None:
            self._overlay(merged, self._role(role)[3])
        if task is not None:
            self._overlay(merged, task.params)
        self._overlay(merged, self.extra_vars)
        merged.update(state.debugged_vars)
        self._add_magic(merged, state.host, context, task)
        if task is not None:
            self._add_connection(merged, state.host, task)
        return merged

    def _add_connection(self, merged: dict[str, Any], host: Host, task: Task) -> None:
        """How the host is reached, for tasks that ask, where no variable says it."""
        address = merged.get("ansible_host", merged.get("ansible_ssh_host", Resolved(host.name)))
        merged.setdefault("ansible_host", address)
        merged.setdefault("ansible_ssh_host", address)
        merged.setdefault("ansible_shell_executable", "/bin/sh")
        transport = task.attributes.get("connection") or self.options.connection or self.options.settings.get("DEFAULT_TRANSPORT", "ssh")
        merged.setdefault("ansible_connection", Resolved("ssh") if transport in ("ssh", "smart") else transport)
        user = merged.get("ansible_user", merged.get("ansible_ssh_user")) or task.attributes.get("remote_user") or self.options.remote_user
        if user:
            merged.setdefault("ansible_user", user)
            merged.setdefault("ansible_ssh_user", user)

    def of_play(self, context: PlayContext, from_files: Mapping[str, Any]) -> dict[str, Any]:
        """What is known before a host is chosen; `from_files` is what its vars_files hold."""
        merged = dict(context.shared_defaults)
        for level in (context.play.vars, context.prompted, from_files, context.shared_vars, self.extra_vars):
            self._overlay(merged, level)
        self._add_magic_of_play(merged, context)
        return merged

    def of_host(self, host: Host, context: PlayContext) -> Templar:
        """What `hostvars` shows of a host: what is its own, without what plays, roles and tasks say."""
        store = self.store(host.name)
        merged = dict(host.vars)
        for level in (self._injected(store), store.include_vars, store.set_vars, self.extra_vars):
            self._overlay(merged, level)
        self._add_magic(merged, host, context, None)
        return Templar((self.directory,), merged, engine=context.engine, host=host.name)

    def _add_magic(self, merged: dict[str, Any], host: Host, context: PlayContext, task: Task | None) -> None:
        merged["inventory_hostname"] = Resolved(host.name)
        merged["inventory_hostname_short"] = Resolved(host.name.split(".")[0])
        merged["group_names"] = Resolved([name for name in host.groups if name != "all"])
        merged["ansible_facts"] = Resolved(self.store(host.name).facts)
        self._add_magic_of_play(merged, context)
        if task is not None:
            self._add_magic_of_task(merged, task)

    def _add_magic_of_play(self, merged: dict[str, Any], context: PlayContext) -> None:
        merged.update(self._magic)
        active = context.active()
        merged["groups"] = Resolved(self._groups)
        merged["hostvars"] = Resolved(HostVars(self, context))
        merged["play_hosts"] = merged["ansible_play_batch"] = Resolved(active)
        is_whole = len(context.all_hosts) == len(context.hosts) and context.play.order in (None, "inventory")
        merged["ansible_play_hosts"] = Resolved(active if is_whole else context.all_active())
        merged["ansible_play_hosts_all"] = Resolved(context.all_hosts)
        merged["ansible_current_hosts"] = merged["play_hosts"]
        merged["ansible_failed_hosts"] = Resolved(context.failed() if len(active) < len(context.hosts) else [])
        merged["ansible_play_name"] = Resolved(context.name)
        merged["playbook_dir"] = Resolved(str(context.play.directory))
        listed = [role.name for role in context.roles if not role.parents or role.included_by]
        depended = list(dict.fromkeys(role.name for role in context.roles if role.parents and not role.included_by))
        merged["role_names"] = merged["ansible_play_role_names"] = Resolved(listed)
        merged["ansible_dependent_role_names"] = Resolved(depended)
        merged["ansible_role_names"] = Resolved(list(dict.fromkeys([*depended, *listed])))

    def _add_magic_of_task(self, merged: dict[str, Any], task: Task) -> None:
        merged["ansible_search_path"] = Resolved([str(path) for path in self.search(task)])
        merged["environment"] = list(task.attributes.environment)
        if task.role is not None:
            merged["role_path"] = Resolved(str(task.role.path))
            merged["role_name"] = Resolved(task.role.own_name)
            merged["ansible_role_name"] = Resolved(task.role.name)
            merged["ansible_collection_name"] = Resolved(task.role.collection or None)
            parents = task.role.included_by[::-1]
            if parents:
                merged["ansible_parent_role_names"] = Resolved([parent.name for parent in parents])
                merged["ansible_parent_role_paths"] = Resolved([str(parent.path) for parent in parents])

    def search(self, task: Task) -> tuple[Path, ...]:
        """Where files named by a task are looked for, first one first."""
        paths: list[Path] = []
        if task.role is not None:
            paths.append(task.role.path)
            paths.extend(parent.path for parent in reversed(task.role.parents))
        paths.extend((task.directory, self.directory))
        return tuple(dict.fromkeys(paths))

    def templar(self, state: HostState, context: PlayContext, task: Task | None) -> Templar:
        search = self.search(task) if task else (self.directory,)
        return Templar(search, self.for_task(state, context, task), engine=context.engine, host=state.name)


_NOT_OF_HOSTS = frozenset(
    {
        "ansible_current_hosts", "ansible_dependent_role_names", "ansible_failed_hosts", "ansible_play_batch", "ansible_play_hosts",
        "ansible_play_hosts_all", "ansible_play_name", "ansible_play_role_names", "ansible_role_names", "hostvars", "omit", "play_hosts",
        "role_names", "vars",
    }
)  # fmt: skip
"""What plays know, and `hostvars` does not list."""


class HostVars(View):
    """The `hostvars` variable: other hosts' variables, rendered when used."""

    def __init__(self, variables: Variables, context: PlayContext) -> None:
        self._variables = variables
        self._context = context
        self._seen: dict[str, HostVarsVars] = {}

    def __getitem__(self, name: str) -> HostVarsVars:
        found = self._seen.get(name)
        if found is None:
            host = self._variables.inventory.host(name)
            if host is None:
                raise KeyError(name)
            found = self._seen[name] = HostVarsVars(self._variables.of_host(host, self._context))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables.inventory.hosts)

    def __len__(self) -> int:
        return len(self._variables.inventory.hosts)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._variables.inventory.host(name) is not None


class HostVarsVars(View):
    """All variables of one host; attributes stay out of the way of variables' names."""

    __slots__ = ("_templar",)

    def __init__(self, templar: Templar) -> None:
        self._templar = templar

    def __getitem__(self, name: str) -> Any:
        return self._templar.scope[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._templar.scope if not name.startswith("__") and name not in _NOT_OF_HOSTS)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in self._templar.scope
