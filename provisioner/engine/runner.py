"""Runs playbooks: parses all of them first, then play after play."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provisioner.engine import actions, own_connections
from provisioner.engine.content import Content
from provisioner.engine.events import Callback, PlaybookStarted, Recap
from provisioner.engine.options import RunOptions
from provisioner.engine.own_vars import OwnVars
from provisioner.engine.play_run import PlayRun
from provisioner.engine.play_scope import play_templar
from provisioner.engine.playbook import Play
from provisioner.engine.plays import PlaybookReader
from provisioner.engine.plugin_callbacks import PluginCallbacks, own_callbacks
from provisioner.engine.results import RunResult
from provisioner.engine.run_context import Run
from provisioner.engine.sessions import SessionPool
from provisioner.engine.targets import Targets
from provisioner.engine.variables import Variables
from provisioner.inventory import Inventory
from provisioner.inventory.variable_files import VariableFiles
from provisioner.templating import Templar
from provisioner.templating.collection_plugins import with_collections
from provisioner.templating.plugins import add_folders, builtin_plugins
from provisioner.templating.templar import Engine


def _keep_facts(run: Run) -> None:
    try:
        run.variables.keep_facts()
    except OSError as e:
        run.warn(f"facts are not cached: {e}")


class Runner:
    """Runs playbooks on an inventory. One runner is one run: facts and variables live as long as it."""

    def __init__(
        self, inventory: Inventory, *, options: RunOptions | None = None, sessions: SessionPool, callbacks: Sequence[Callback] = ()
    ) -> None:
        self.inventory = inventory
        inventory.merge_mappings = bool(options and options.settings.get("DEFAULT_HASH_BEHAVIOUR") == "merge")
        self.options = options or RunOptions()
        self.sessions = sessions
        self.callbacks = tuple(callbacks)
        self._run: Run | None = None

    def parse(self, playbooks: Sequence[Path | str]) -> list[tuple[Path, list[Play]]]:
        """All plays with everything they import. Raises PlaybookError; nothing runs before all are read."""
        parsed = []
        for playbook in playbooks:
            path = Path(playbook).absolute()
            parsed.append((path, PlaybookReader(self._content(self._folder(path))).read(path)))
        return parsed

    def scope(self, play: Play) -> Templar:
        """What the keywords of a play see that is only to be listed; prompts give their defaults."""
        self.inventory.playbook_files = (VariableFiles(play.directory, self.options.vault),)
        self.inventory.changed()
        content = self._content(play.directory)
        variables = Variables(self.inventory, self.options, play.directory)
        engine, _ = self._engine(play.directory, content, [play])
        defaults = {str(entry.get("name")): entry.get("default") for entry in play.vars_prompt}
        return play_templar(play, variables, content.read_mapping, engine, defaults)

    def _folder(self, playbook: Path) -> Path:
        return self.options.playbook_dir or playbook.parent

    def _content(self, directory: Path) -> Content:
        return Content(
            directory,
            known=actions.is_known,
            names=actions.known_names,
            secrets=self.options.vault,
            roles_path=self.options.roles_path,
            module_path=self.options.module_path,
            action_path=tuple(Path(part) for part in self.options.settings.get("DEFAULT_ACTION_PLUGIN_PATH", ())),
            lookup_path=tuple(Path(part) for part in self.options.settings.get("DEFAULT_LOOKUP_PLUGIN_PATH", ())),
            collections_path=tuple(Path(part) for part in self.options.settings.get("COLLECTIONS_PATHS", ())),
            extra_vars={**self.inventory.extra_vars, **self.options.extra_vars},
            playbook_dir=self.options.playbook_dir,
            settings=self.options.settings,
        )

    def run(self, playbooks: Sequence[Path | str]) -> RunResult:
        """Runs everything. Raises PlaybookError for content that is wrong; what fails on hosts is in the result."""
        paths = [Path(playbook).absolute() for playbook in playbooks]
        contents = [self._content(self._folder(path)) for path in paths]
        parsed = [PlaybookReader(content).read(path) for content, path in zip(contents, paths, strict=True)]
        self.callbacks = own_callbacks(contents[0], self.options, self.inventory, self.callbacks) if contents else self.callbacks
        for content, plays in zip(contents, parsed, strict=True):
            own_connections.refuse(plays, content, self.inventory, self.options)
        result = RunResult()
        lost: set[str] = set()
        variables: Variables | None = None
        own_vars: OwnVars | None = None
        for path, content, plays in zip(paths, contents, parsed, strict=True):
            own_vars = own_vars or OwnVars(content, self.inventory, self.options.vault)
            self.inventory.playbook_files = own_vars.beside(self._folder(path))
            self.inventory.changed()
            stores = variables.stores if variables else {}
            variables = Variables(self.inventory, self.options, self._folder(path))
            variables.stores = stores
            run = self._make_run(self._folder(path), content, variables, result, plays)
            run.variable_files = own_vars.beside
            self._run = run
            run.emit(PlaybookStarted(str(path), plays))
            for play in plays:
                try:
                    if run.stop.is_set() or not PlayRun(run, play, lost).execute():
                        run.stop.set()
                        break
                finally:
                    _keep_facts(run)
            if run.stop.is_set():
                break
        if self._run is not None:
            result.start_missing = self._run.skipping_to is not None
            self._run.emit(Recap(result.stats, result.custom))
        return result

    def stop(self) -> None:
        """Lets what runs come to its end and starts nothing more; safe to call from a signal handler's thread."""
        if self._run is not None:
            self._run.stop.set()

    def _engine(self, directory: Path, content: Content, plays: Sequence[Play]) -> tuple[Engine, list[str]]:
        """(what renders, what to warn of)."""
        folders = [
            directory,
            *dict.fromkeys(play.directory for play in plays if play.directory != directory),
            *dict.fromkeys(role.path for play in plays for role in play.roles),
        ]
        settings = self.options.settings
        named = {
            kind: [Path(part) for part in settings.get(f"DEFAULT_{kind.upper()}_PLUGIN_PATH", ())] for kind in ("filter", "test", "lookup")
        }
        plugins = builtin_plugins()
        left_out = add_folders(plugins, folders, named)
        collections = content.collections
        known = with_collections(plugins, collections.plugin_files, collections.full_name, collections.roots)
        return Engine(known, broken_conditions=bool(settings.get("ALLOW_BROKEN_CONDITIONALS"))), left_out

    def _make_run(self, directory: Path, content: Content, variables: Variables, result: RunResult, plays: list[Play]) -> Run:
        engine, left_out = self._engine(directory, content, plays)
        targets = Targets(self.sessions, variables, self.inventory, self.options)
        run = Run(
            inventory=self.inventory,
            options=self.options,
            variables=variables,
            targets=targets,
            content=content,
            templates=engine,
            directory=directory,
            callbacks=self.callbacks,
            result=result,
            skipping_to=self.options.start_at_task,
            asking=self.options.step is not None,
            tells_invocations=self.options.verbosity > 2 or any(isinstance(callback, PluginCallbacks) for callback in self.callbacks),
        )
        engine.warn = run.warn
        for message in left_out:
            run.warn(message)
        run.warn_of_content()
        return run
