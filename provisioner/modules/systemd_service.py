"""systemd_service: the newer name of systemd."""

from provisioner.modules.systemd import ARGUMENTS, run

__all__ = ["ARGUMENTS", "run"]
