"""include_role: names the role; the engine then runs it for the hosts that chose the same."""

from provisioner.engine.actions.include_tasks import LOCAL, plan

__all__ = ["LOCAL", "plan"]
