"""A host as people's own plugins see it."""

from typing import Any, Callable, Dict, List, Sequence

from ansible.inventory.group import Group


class Host:
    """Equal to hosts of its name. `variables` gives those of the inventory when first asked for."""

    def __init__(
        self, name: str, groups: Sequence[Group] = (), variables: Callable[[], Dict[str, Any]] = dict, implicit: bool = False
    ) -> None:  # fmt: skip
        self.name = self.address = name
        self.groups: List[Group] = list(groups)
        self.implicit = implicit
        self._variables = variables

    @property
    def vars(self) -> Dict[str, Any]:
        return dict(self._variables())

    def get_name(self) -> str:
        return self.name

    def get_groups(self) -> List[Group]:
        return list(self.groups)

    def get_vars(self) -> Dict[str, Any]:
        names = sorted(group.name for group in self.groups if group.name != "all")
        return dict(self.vars, inventory_hostname=self.name, inventory_hostname_short=self.name.split(".")[0], group_names=names)

    get_magic_vars = get_vars

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Host) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name

    __str__ = __repr__
