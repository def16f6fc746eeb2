"""dnf5: dnf by the name of its newer program."""

from provisioner.modules.dnf import ARGUMENTS, run

__all__ = ["ARGUMENTS", "run"]
