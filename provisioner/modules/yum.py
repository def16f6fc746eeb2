"""yum: the older name of dnf."""

from provisioner.modules.dnf import ARGUMENTS, run

__all__ = ["ARGUMENTS", "run"]
