"""The chain of admission plug-ins, in upstream's order; each sees (call, kind, new object, old object or None)."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.kube.apiserver.context import Call
from provisioner.kube.apiserver.kinds import Kind, Obj


class Plugin:
    """A plug-in overrides what it has a say in. `mutate` may change the object; both may raise StatusError."""

    name = ""

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None: ...
    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None: ...
    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None: ...

    async def undo(self, call: Call, kind: Kind, new: Obj) -> None:
        """The object was not stored after all: give back what was taken for it."""

    async def deleted(self, kind: Kind, old: Obj) -> None:
        """The object is gone: give back what it held."""


class Admission:
    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self._plugins = tuple(plugins)
        # Most have a say in one of the two; calling the others costs every write.
        self._mutating = [plugin.mutate for plugin in plugins if type(plugin).mutate is not Plugin.mutate]
        self._validating = [plugin.validate for plugin in plugins if type(plugin).validate is not Plugin.validate]

    async def mutate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        for mutate in self._mutating:
            await mutate(call, kind, new, old)

    async def validate(self, call: Call, kind: Kind, new: Obj, old: Obj | None) -> None:
        for validate in self._validating:
            await validate(call, kind, new, old)

    async def validate_delete(self, call: Call, kind: Kind, old: Obj) -> None:
        for plugin in self._plugins:
            await plugin.validate_delete(call, kind, old)

    async def undo(self, call: Call, kind: Kind, new: Obj) -> None:
        for plugin in self._plugins:
            await plugin.undo(call, kind, new)

    async def deleted(self, kind: Kind, old: Obj) -> None:
        for plugin in self._plugins:
            await plugin.deleted(kind, old)
