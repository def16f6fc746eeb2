"""What marks values that are not to be rendered, for people's own plugins: what a plugin answers is never rendered here."""

from typing import Any


class AnsibleUnsafe:
    __UNSAFE__ = True


class AnsibleUnsafeText(str, AnsibleUnsafe):
    pass


def wrap_var(v: Any) -> Any:
    return v
