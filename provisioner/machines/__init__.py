"""Where hosts come from: a `Provider` makes them exist, gives them power and takes them away.

The lab's provider is `nspawn` (systemd-nspawn containers on this machine); `static` stands for hosts that are there already. Everything
after a host answers SSH is the same for all of them. A provider refuses to touch what it did not make, and every operation can be repeated
after a crash. Records and keys lie beside the inventory in `.provision/<cluster>/`, disks under `/var/lib/provision`.
"""

from provisioner.machines.errors import MachineError
from provisioner.machines.provider import Action, Machine, PlannedAction, Power, Provider, provider_for

__all__ = ["Action", "Machine", "MachineError", "PlannedAction", "Power", "Provider", "provider_for"]
