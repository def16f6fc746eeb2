"""Runs Ansible playbooks on hosts: parsing, variables, conditions, loops, blocks, handlers, strategies, results.

It decides what runs where and with which values; the work on a host is done by modules behind a session, which is the only thing
that talks to the host. Progress leaves as typed events; nothing is printed here.
"""

from provisioner.engine.errors import EngineError, PlaybookError
from provisioner.engine.options import RunOptions
from provisioner.engine.results import HostStats, RunResult
from provisioner.engine.runner import Runner

__all__ = ["EngineError", "HostStats", "PlaybookError", "RunOptions", "RunResult", "Runner"]
