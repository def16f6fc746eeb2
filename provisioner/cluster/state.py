"""What the operator's machine keeps of a cluster: `.provision/<cluster>/` beside the inventory, 0700, everything secret in it 0600.

pki/            authorities, certificates and keys      kubeconfig      the administrator's
runs/<id>/      the event log of each run               lock            who works on it now
vars.json       what the roles were told last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provisioner.cluster.errors import ClusterError
from provisioner.pki.store import private_directory, write


@dataclass(frozen=True)
class State:
    """Paths only; nothing exists before `prepare`."""

    root: Path

    @classmethod
    def of(cls, inventory: Path, cluster: str) -> State:
        resolved = inventory.resolve()
        return cls((resolved if resolved.is_dir() else resolved.parent) / ".provision" / cluster)

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def variables(self) -> Path:
        return self.root / "vars.json"

    def prepare(self) -> None:
        """Raises ClusterError when the folder can't be made or belongs to others."""
        try:
            private_directory(self.root)
            self.root.chmod(0o700)
        except OSError as e:
            raise ClusterError(
                f"{self.root}: {e.strerror}", hint="the folder of the inventory must be writable: state is kept beside it"
            ) from e

    def write_if_changed(self, path: Path, text: str) -> bool:
        """0600; True when the content was different."""
        data = text.encode()
        if path.exists() and path.read_bytes() == data:
            return False
        write(path, data, 0o600)
        return True
