"""Proves that hosts which exist already are listed and never touched."""

from __future__ import annotations

import pytest

from provisioner.machines.errors import MachineError
from provisioner.machines.provider import Machine, Power
from provisioner.machines.static import StaticProvider


def test_nothing_is_planned_made_or_removed() -> None:
    provider = StaticProvider({"web": "192.0.2.7"})
    assert provider.plan() == []
    provider.create()
    provider.start()
    assert provider.list() == [Machine("web", "192.0.2.7", Power.ON)]
    assert provider.addresses() == {"web": "192.0.2.7"}
    assert provider.connection_vars() == {}
    with pytest.raises(MachineError, match="not stopped"):
        provider.stop()
    with pytest.raises(MachineError, match="not destroyed"):
        provider.destroy()
    with pytest.raises(MachineError, match="no console"):
        provider.console("web")
