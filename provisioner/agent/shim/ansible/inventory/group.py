"""A group as people's own plugins see it, and what names of groups may be."""

import re
from typing import Any, Callable, Dict, List

_UNSAFE = re.compile(r"^[^a-zA-Z_]|[^a-zA-Z0-9_]")


def to_safe_group_name(name: Any, replacer: str = "_", force: bool = False, silent: bool = False) -> str:
    """A name that is a variable's as well, where `force` says so."""
    return _UNSAFE.sub(replacer, str(name)) if force else str(name)


class Group:
    def __init__(
        self, name: str, depth: int = 0, hosts: Callable[[], List[Any]] = list, variables: Callable[[], Dict[str, Any]] = dict
    ) -> None:
        self.name, self.depth = name, depth
        self._hosts, self._variables = hosts, variables

    @property
    def vars(self) -> Dict[str, Any]:
        return dict(self._variables())

    @property
    def hosts(self) -> List[Any]:
        return self._hosts()

    def get_name(self) -> str:
        return self.name

    def get_hosts(self) -> List[Any]:
        return self._hosts()

    def get_vars(self) -> Dict[str, Any]:
        return self.vars

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__
