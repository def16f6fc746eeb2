"""The system's name, and the class a module has for it."""

import platform
from typing import Any, Optional, Type

from ansible.module_utils import distro


def get_distribution() -> Optional[str]:
    """Debian, Ubuntu, Redhat, …"""
    if platform.system() != "Linux":
        return platform.system()
    known = {"rhel": "Redhat", "amzn": "Amazon", "ol": "Oracle", "": "OtherLinux"}
    return str(known.get(distro.id(), distro.id().capitalize()))


def get_distribution_version() -> Optional[str]:
    return distro.version() or None


def get_distribution_codename() -> Optional[str]:
    return distro.codename() or None


def get_all_subclasses(cls: Type[Any]) -> "set[Type[Any]]":
    found = set(cls.__subclasses__())
    for inner in list(found):
        found |= get_all_subclasses(inner)
    return found


def get_platform_subclass(cls: Type[Any]) -> Type[Any]:
    """The subclass for this distribution, else for this platform, else the class itself."""
    distribution, system = get_distribution(), platform.system()
    general = cls
    for inner in get_all_subclasses(cls):
        if getattr(inner, "platform", None) == system:
            if getattr(inner, "distribution", None) == distribution is not None:
                return inner
            if getattr(inner, "distribution", None) is None:
                general = inner
    return general
