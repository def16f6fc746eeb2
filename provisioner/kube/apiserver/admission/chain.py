"""The chain of admission plug-ins, in upstream's order; each sees (call, kind, new object, old object or None)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.kube.apiserver.admission.times import Tally, Timed, Times
from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj


class Plugin:
    """A plug-in overrides what it has a say in. `mutate` may change the object; both may raise StatusError."""

    name = ""
    # Whether it is one of those that flags enable and disable.
    optional = True
    # group/plural of the resources that it mutates and validates; None for every.
    kinds: frozenset[str] | None = None
    # Whether it mutates again what a webhook or a policy has changed; it must find its own work done.
    reinvoked = True

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None: ...
    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None: ...
    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None: ...

    async def connect(self, call: Call, kind: Kind, options: Mapping[str, Any]) -> None:
        """A stream is about to be opened (exec, attach, portforward, proxy); `options` are what the client asks for."""

    async def undo(self, call: Call, kind: Kind, new: Obj) -> None:
        """The object was not stored after all: give back what was taken for it."""

    async def deleted(self, kind: Kind, old: Obj) -> None:
        """The object is gone: give back what it held."""

    async def close(self) -> None:
        """The server ends."""


class Admission:
    """Calls only those plug-ins that have a say at a moment about a kind."""

    def __init__(self, plugins: Sequence[Plugin], times: Times) -> None:
        self._times = times
        self._mutating = _ByKind(_with(plugins, "mutate"), times, "admit")
        self._validating = _ByKind(_with(plugins, "validate"), times, "validate")
        self._deleting = _with(plugins, "validate_delete")
        self._connecting = _with(plugins, "connect")
        self._undoing = _with(plugins, "undo")
        self._deleted = _with(plugins, "deleted")
        self._closing = _with(plugins, "close")
        self._deletion = times.tally("DELETE", "validate", _names(self._deleting))
        self._connection = times.tally("CONNECT", "validate", _names(self._connecting))

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        """All in turn; once more those of the server's own that came before somebody else's change, as upstream reinvokes them."""
        call.mutated = False
        again: list[Plugin] = []
        concerned = self._mutating.of(kind)
        with Timed(self._times, concerned.created if old is None else concerned.updated) as step:
            for place, plugin in enumerate(concerned.plugins):
                await plugin.mutate(call, kind, new, old)
                step.done()
                if call.mutated:
                    call.mutated = False
                    again = [p for p in concerned.plugins[:place] if p.reinvoked]
            for plugin in again:
                step.again(plugin.name)
                await plugin.mutate(call, kind, new, old)
                step.done()

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        concerned = self._validating.of(kind)
        with Timed(self._times, concerned.created if old is None else concerned.updated) as step:
            for plugin in concerned.plugins:
                await plugin.validate(call, kind, new, old)
                step.done()

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        with Timed(self._times, self._deletion) as step:
            for plugin in self._deleting:
                await plugin.validate_delete(call, kind, old)
                step.done()

    async def connect(self, call: Call, kind: Kind, options: Mapping[str, Any]) -> None:
        with Timed(self._times, self._connection) as step:
            for plugin in self._connecting:
                await plugin.connect(call, kind, options)
                step.done()

    async def undo(self, call: Call, kind: Kind, new: Obj) -> None:
        for plugin in self._undoing:
            await plugin.undo(call, kind, new)

    async def deleted(self, kind: Kind, old: Obj) -> None:
        for plugin in self._deleted:
            await plugin.deleted(kind, old)

    async def close(self) -> None:
        for plugin in self._closing:
            await plugin.close()


@dataclass(frozen=True, slots=True)
class _Concerned:
    plugins: tuple[Plugin, ...]
    created: Tally
    updated: Tally


class _ByKind:
    """Plug-ins, in their order, by the kinds that they have a say about: most writes concern few of them."""

    def __init__(self, plugins: Sequence[Plugin], times: Times, step: str) -> None:
        def concerned(some: tuple[Plugin, ...]) -> _Concerned:
            return _Concerned(some, *(times.tally(operation, step, _names(some)) for operation in ("CREATE", "UPDATE")))

        named = {stored_as for plugin in plugins for stored_as in plugin.kinds or ()}
        self._named = {stored_as: concerned(tuple(p for p in plugins if p.kinds is None or stored_as in p.kinds)) for stored_as in named}
        self._others = concerned(tuple(p for p in plugins if p.kinds is None))

    def of(self, kind: Kind) -> _Concerned:
        return self._named.get(kind.stored_as, self._others)


def _names(plugins: Sequence[Plugin]) -> tuple[str, ...]:
    return tuple(plugin.name for plugin in plugins)


def _with(plugins: Sequence[Plugin], moment: str) -> tuple[Plugin, ...]:
    return tuple(plugin for plugin in plugins if getattr(type(plugin), moment) is not getattr(Plugin, moment))
