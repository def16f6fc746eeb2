"""The hosts that a run lost, in a file for the next `--limit @FILE`. Source: Ansible's retry_files_enabled and retry_files_save_path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from provisioner.engine.events import Event


class RetryFile:
    """A callback of the engine. `folder` None: beside the playbook."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._playbook = Path()

    def __call__(self, event: Event) -> None:
        from provisioner.engine.events import PlaybookStarted, Recap

        if isinstance(event, PlaybookStarted):
            self._playbook = Path(event.path)
        elif isinstance(event, Recap):
            lost = sorted(host for host, stats in event.stats.items() if stats.failed or stats.unreachable)
            if lost:
                self._write(lost)

    def _write(self, lost: list[str]) -> None:
        path = (self._folder or self._playbook.parent) / f"{self._playbook.stem}.retry"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{host}\n" for host in lost))
        except OSError as e:
            click.echo(f"[WARNING]: Could not create retry file '{path}': {e.strerror}", err=True)
        else:
            click.echo(f"\tto retry, use: --limit @{path}")
