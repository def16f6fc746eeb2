"""What everything in a run shares."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.engine.content import Content
from provisioner.engine.events import Callback, Event, Warned
from provisioner.engine.options import RunOptions
from provisioner.engine.results import RunResult
from provisioner.engine.targets import Targets
from provisioner.engine.variables import Variables
from provisioner.inventory import Inventory
from provisioner.inventory.variable_files import VariableFiles
from provisioner.templating.templar import Engine


@dataclass
class Run:
    """One run of some playbooks."""

    inventory: Inventory
    options: RunOptions
    variables: Variables
    targets: Targets
    content: Content
    templates: Engine
    directory: Path
    callbacks: Sequence[Callback]
    result: RunResult = field(default_factory=RunResult)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while shared things change: results, inventory, parsed content."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the run is to end; whoever waits, waits on it."""
    skipping_to: str | None = None
    """The pattern of start_at_task until it was found."""
    asking: bool = False
    unmatched: set[str] = field(default_factory=set)
    """Host patterns that were told to match nothing."""
    variable_files: Callable[[Path], tuple[VariableFiles, ...]] = lambda directory: (VariableFiles(directory),)
    """What gives variables of hosts and groups beside a playbook in this folder."""
    tells_invocations: bool = False
    """Whether somebody sees which arguments modules took: plugins of theirs, or a person with -vvv."""
    _told: set[str] = field(default_factory=set)

    def emit(self, event: Event) -> None:
        with self.lock:
            for callback in self.callbacks:
                callback(event)

    def warn(self, message: str) -> None:
        """Says the same once only."""
        with self.lock:
            known = message in self._told
            self._told.add(message)
        if not known:
            self.emit(Warned(message))

    def warn_of_content(self) -> None:
        """Of what was read since this was last asked: odd files, keys that stand twice, variables that bear reserved names. Raises PlaybookError
        where duplicate_dict_key says so."""
        with self.lock:
            news = self.variables.reserved.news()
            for files in (*self.inventory.files, *self.inventory.playbook_files):
                found, files.duplicates = files.duplicates, []
                self.content.judge_duplicates(found)
            told, self.content.warnings[:] = list(self.content.warnings), []
        for message in told:
            self.warn(message)
        for message, place in news:
            self.emit(Warned(message, place))
