"""setup: as gather_facts."""

from provisioner.engine.actions.gather_facts import plan

__all__ = ["plan"]
