"""Facts kept between runs: one JSON file a host, as Ansible's `jsonfile` cache writes them."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.templating.sorted_json import sorted_json


class FactCache:
    """A folder of facts. Damaged and outdated files count as absent."""

    def __init__(self, folder: Path, timeout_s: float = 86_400.0) -> None:
        self._folder = folder
        self._timeout_s = timeout_s
        """Age at which facts are forgotten; 0 means never (Ansible's fact_caching_timeout)."""

    def _file(self, host: str) -> Path:
        return self._folder / host.replace("/", "_")

    def load(self, host: str) -> dict[str, Any]:
        """Facts under the names modules give them; empty when there are none."""
        path = self._file(host)
        try:
            age_s = time.time() - path.stat().st_mtime
            if self._timeout_s and age_s > self._timeout_s:
                return {}
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def store(self, host: str, facts: Mapping[str, Any]) -> None:
        """Raises OSError when the folder cannot be written to."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=".facts-", dir=self._folder)
        try:
            with os.fdopen(handle, "w") as out:
                out.write(sorted_json(facts, indent=4, default=str))
            Path(name).replace(self._file(host))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def forget(self, host: str) -> None:
        self._file(host).unlink(missing_ok=True)
