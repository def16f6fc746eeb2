"""The way to a host: one verified SSH connection, and over it one channel to one agent process for each user that acts.

A task is a small message each way. Source travels once and is cached by its hash; files travel only when the agent asks for them.
Only this package imports fabric and paramiko; everything that goes wrong is a TransportError.
"""

from provisioner.transport.calls import ModuleCall
from provisioner.transport.errors import TransportError
from provisioner.transport.session import HostSession, RawResult
from provisioner.transport.settings import Become, ConnectionSettings, Secret

__all__ = ["Become", "ConnectionSettings", "HostSession", "ModuleCall", "RawResult", "Secret", "TransportError"]
