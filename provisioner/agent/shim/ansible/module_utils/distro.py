"""Which Linux this is, under the names of the distro package."""

from typing import Any, Dict, Tuple

from provisioner.agent.facts.distribution import os_release


def id() -> str:
    return os_release().get("ID", "").lower()


def name(pretty: bool = False) -> str:
    release = os_release()
    return release.get("PRETTY_NAME", "") if pretty else release.get("NAME", "")


def version(pretty: bool = False, best: bool = False) -> str:
    found = os_release().get("VERSION_ID", "")
    return "%s (%s)" % (found, codename()) if pretty and codename() else found


def codename() -> str:
    return os_release().get("VERSION_CODENAME", "")


def like() -> str:
    return os_release().get("ID_LIKE", "")


def version_parts(best: bool = False) -> Tuple[str, str, str]:
    parts = (version().split(".") + ["", "", ""])[:3]
    return parts[0], parts[1], parts[2]


def major_version(best: bool = False) -> str:
    return version_parts()[0]


def minor_version(best: bool = False) -> str:
    return version_parts()[1]


def linux_distribution(full_distribution_name: bool = True) -> Tuple[str, str, str]:
    return (name() if full_distribution_name else id()), version(), codename()


def os_release_info() -> Dict[str, str]:
    return {key.lower(): value for key, value in os_release().items()}


def os_release_attr(attribute: str) -> str:
    return os_release_info().get(attribute, "")


def info(pretty: bool = False, best: bool = False) -> Dict[str, Any]:
    major, minor, build = version_parts()
    parts = {"major": major, "minor": minor, "build_number": build}
    return {"id": id(), "version": version(pretty), "version_parts": parts, "like": like(), "codename": codename()}
