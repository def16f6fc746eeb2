"""--runtime-config: which API versions and resources are served, by `api/all`, `api/ga`, `api/beta`, `api/alpha`, `group/version` and
`group/version/resource` (upstream's names; `v1` is the core's). What is not served is kept, and comes back when it is served again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from provisioner.kube.api._generated.resources import RESOURCES, Resource
from provisioner.kube.client.flags import comma_list

_STAGES = {"api/ga": r"v\d+", "api/beta": r"v\d+beta\d+", "api/alpha": r"v\d+alpha\d+"}
# Upstream's versions that are alpha, and those of groups that we have: they may be named, and stay off.
_ALPHA = re.compile(r"(?:[a-z0-9.-]+/)?v\d+alpha\d+(?:/[a-z]+)?")
# Groups whose v1 the server itself stands on.
_NEEDED = (
    *("", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "coordination.k8s.io"),
    *("flowcontrol.apiserver.k8s.io", "networking.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io"),
)


def parse(text: str) -> dict[str, str]:
    """`name=true,name=false`; a name alone is true."""
    found = {}
    for part in comma_list(text):
        name, _, value = part.partition("=")
        found[name] = value
    return found


def served(config: Mapping[str, str]) -> Callable[[Resource], bool]:
    """Whether a built-in resource is served. Raises ValueError naming what is wrong."""
    known = {version for found in RESOURCES for version in (_version(found), f"{_version(found)}/{found.plural}")}
    switches: dict[str, bool] = {}
    for name, text in config.items():
        if text.lower() not in ("true", "false", ""):
            raise ValueError(f"--runtime-config={name}={text}: expected true or false")
        if name not in known and name != "api/all" and name not in _STAGES and not _ALPHA.fullmatch(name):
            raise ValueError(
                f"--runtime-config={name}: there is no such version; expected api/all, {', '.join(_STAGES)} or one like apps/v1"
            )
        switches[name] = text.lower() != "false"

    def decide(found: Resource) -> bool:
        own = _version(found)
        stages = [name for name, form in _STAGES.items() if re.fullmatch(form, found.version)]
        # The most particular one says it.
        return next((switches[name] for name in (f"{own}/{found.plural}", own, *stages, "api/all") if name in switches), True)

    off = sorted({_version(found) for found in RESOURCES if found.group in _NEEDED and found.version == "v1" and not decide(found)})
    if off:
        raise ValueError(f"--runtime-config: the server itself needs {', '.join(off)}")
    return decide


def _version(found: Resource) -> str:
    return f"{found.group}/{found.version}" if found.group else found.version
