"""Parses playbooks into plays."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.engine import keyword_types
from provisioner.engine.attributes import KEYWORDS, Attributes, as_tuple
from provisioner.engine.content import Content
from provisioner.engine.errors import MissingContentError, PlaybookError
from provisioner.engine.parsing import Surroundings, short_name
from provisioner.engine.playbook import Play, role_blocks, with_dependencies
from provisioner.inventory.documents import Location, location_of
from provisioner.templating import Templar, TemplateError

PLAY_KEYS = (KEYWORDS - {"notify"}) | frozenset(
    {
        "fact_path", "force_handlers", "gather_facts", "gather_subset", "gather_timeout", "handlers", "hosts", "max_fail_percentage", "order",
        "post_tasks", "pre_tasks", "roles", "serial", "strategy", "tasks", "user", "vars_files", "vars_prompt",
    }
)  # fmt: skip
_ROLE_KEYS = KEYWORDS - {"name"} | {"role", "name"}


@dataclass(frozen=True)
class RoleEntry:
    """One line of `roles:` or of a role's dependencies."""

    name: str
    keywords: Mapping[str, Any]
    params: Mapping[str, Any]
    """What is written beside the role's name: wins over what tasks set."""

    @property
    def vars(self) -> Mapping[str, Any]:
        """What stands under `vars:`: counts as the role's own vars/."""
        found: Mapping[str, Any] = self.keywords.get("vars") or {}
        return found


def role_entry(entry: Any, place: Location | None) -> RoleEntry:
    if isinstance(entry, str):
        return RoleEntry(entry.strip(), {}, {})
    if isinstance(entry, Mapping):
        name = entry.get("role", entry.get("name", entry.get("src")))
        if isinstance(name, str):
            keyword_types.check_vars(entry, "RoleInclude", location_of(entry) or place)
            keywords = {key: value for key, value in entry.items() if key in KEYWORDS and key != "name"}
            params = {key: value for key, value in entry.items() if key not in _ROLE_KEYS and key not in ("src", "version", "scm")}
            return RoleEntry(name, keywords, params)
    raise PlaybookError(f"role definitions must contain a role name: {entry!r}", location_of(entry) or place)


class PlaybookReader:
    """Reads one playbook file, following import_playbook."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def read(self, path: Path, attributes: Attributes | None = None, variables: Mapping[str, Any] | None = None) -> list[Play]:
        """All plays. Raises PlaybookError."""
        value = self._content.read(path)
        if not isinstance(value, list):
            raise PlaybookError("A playbook must be a list of plays", Location(str(path), 1, 1), "begin it with '- hosts: …'")
        plays: list[Play] = []
        for raw in value:
            if not isinstance(raw, dict):
                raise PlaybookError(
                    "playbook entries must be either valid plays or 'import_playbook' statements", Location(str(path), 1, 1)
                )
            imported = next((key for key in raw if short_name(str(key)) in ("import_playbook", "include")), None)
            if imported is not None:
                plays.extend(self._import(raw, raw[imported], path, attributes or Attributes(), variables or {}))
            else:
                plays.append(self._play(raw, path, attributes or Attributes(), variables or {}))
        return plays

    def _import(self, raw: dict[str, Any], target: Any, path: Path, attributes: Attributes, variables: Mapping[str, Any]) -> list[Play]:
        name = target.get("file") if isinstance(target, dict) else target
        if not isinstance(name, str):
            raise PlaybookError("import_playbook needs the name of a file", location_of(raw))
        merged = {**variables, **(raw.get("vars") or {})}
        known = {**merged, **self._content.extra_vars, "playbook_dir": str(self._content.directory)}
        try:
            wanted = Templar(variables=known).render_text(name)
        except TemplateError as e:
            raise PlaybookError(f"Error processing keyword 'import_playbook': {e}", location_of(raw)) from e
        file = path.parent / wanted
        if not file.is_file() and wanted.count(".") >= 2:
            file = self._content.collections.playbook(wanted) or file
        if not file.is_file():
            raise MissingContentError(f"import_playbook: {file} does not exist", location_of(raw))
        outer = self._content.directory
        self._content.enter(file.resolve().parent)
        try:
            return self.read(file.resolve(), attributes.derive(raw, with_vars=False), merged)
        finally:
            self._content.directory = outer

    def _play(self, raw: dict[str, Any], path: Path, attributes: Attributes, variables: Mapping[str, Any]) -> Play:
        place = location_of(raw)
        for key in raw:
            if key not in PLAY_KEYS:
                close = difflib.get_close_matches(str(key), PLAY_KEYS, n=1)
                hint = f"did you mean {close[0]!r}?" if close else ""
                raise PlaybookError(f"'{key}' is not a valid attribute for a Play", location_of(raw, key) or place, hint)
        keyword_types.check(raw, "play", place)
        self._content.module_defaults.check(raw, place)
        if raw.get("hosts") is None or raw["hosts"] in ("", []):
            raise PlaybookError("the field 'hosts' is required but was not set", place)
        if "user" in raw:
            raw = {**raw, "remote_user": raw.get("remote_user", raw["user"])}
        if self._content.settings.get("DEFAULT_NO_LOG") and raw.get("no_log") is None:
            raw = {**raw, "no_log": True}
        # Conditions and variables of a play are not its tasks' own.
        inherited = attributes.derive({key: value for key, value in raw.items() if key != "vars"}, with_vars=False)
        written = raw.get("vars") or {}
        play = Play(
            name=str(
                raw.get("name") or raw["hosts"]
                if not isinstance(raw["hosts"], list)
                else raw.get("name") or ",".join(map(str, raw["hosts"]))
            ),
            hosts=raw["hosts"],
            attributes=inherited,
            location=place,
            directory=self._content.playbook_dir or path.parent,
            vars={**written, **variables} if variables else written,
            vars_files=as_tuple(raw["vars_files"]) if raw.get("vars_files") else (),
            vars_prompt=tuple(raw.get("vars_prompt") or ()),
            gather_facts=raw.get("gather_facts"),
            gather_subset=raw.get("gather_subset"),
            gather_timeout=raw.get("gather_timeout"),
            fact_path=raw.get("fact_path"),
            serial=as_tuple(raw["serial"]) if raw.get("serial") else (),
            strategy=str(raw.get("strategy") or ""),
            order=raw.get("order"),
            max_fail_percentage=raw.get("max_fail_percentage"),
            force_handlers=raw.get("force_handlers"),
        )
        self._fill(play, raw, path, inherited)
        return play

    def _fill(self, play: Play, raw: dict[str, Any], path: Path, attributes: Attributes) -> None:
        """Parses the play's roles and task lists."""
        parser = self._content.parser
        self._content.imported_roles.clear()
        around = Surroundings(path, attributes)
        play.pre_tasks = parser.nodes(raw.get("pre_tasks"), around)
        if raw.get("roles") is not None and not isinstance(raw["roles"], list):
            raise PlaybookError("roles must be a list", location_of(raw, "roles"))
        for entry in raw.get("roles") or []:
            parsed = role_entry(entry, play.location)
            role = self._content.role(
                parsed.name,
                attributes=attributes.derive(parsed.keywords, with_vars=False),
                place=location_of(entry) or location_of(raw, "roles"),
                params=parsed.params,
                entry_vars=parsed.vars,
                keywords=parsed.keywords,
                public=not self._content.settings.get("DEFAULT_PRIVATE_ROLE_VARS"),
            )
            play.role_blocks.extend(role_blocks(role))
            play.roles.extend(with_dependencies(role))
        # In this order the roles that they import come.
        play.post_tasks = parser.nodes(raw.get("post_tasks"), around)
        play.tasks = parser.nodes(raw.get("tasks"), around)
        imported = [role for entry in self._content.imported_roles for role in with_dependencies(entry)]
        # Handlers of roles come first, then the play's own, then those of roles that tasks import.
        play.handlers = [node for role in play.roles for node in role.handlers]
        play.handlers.extend(parser.nodes(raw.get("handlers"), Surroundings(path, attributes, handlers=True)))
        play.handlers.extend(node for role in imported for node in role.handlers)
        play.roles.extend(imported)
