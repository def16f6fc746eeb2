"""Pages about the server itself, for people who look for what is wrong: /statusz, /flagz, /debug/api_priority_and_fairness/*.

Source: "Kubernetes z-pages" (config.k8s.io), "Flow control".
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from provisioner.kube.apiserver.fairness import dumps
from provisioner.kube.apiserver.fairness.controller import Fairness
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.flags import Flags
from provisioner.kube.client.zpages import PLAIN, flagz, statusz

Page = Callable[[web.Request], web.Response]
NAME = "kube-apiserver"
PATHS = ("/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")


def pages(flags: Flags, clock: Clock, fairness: Fairness | None) -> dict[str, Page]:
    """By path, without the slash before it. `fairness` None: it is switched off."""
    started = clock.now()
    found: dict[str, Page] = {
        "statusz": lambda request: statusz(request, NAME, PATHS, started, clock.now()),
        "flagz": lambda request: flagz(request, NAME, flags.as_dict()),
    }
    if fairness is not None:
        for name, dump in dumps.DUMPS.items():
            found[f"debug/api_priority_and_fairness/{name}"] = _dump(fairness, dump)
    return found


def _dump(fairness: Fairness, dump: dumps.Dump) -> Page:
    def page(request: web.Request) -> web.Response:
        details = request.query.get("includeRequestDetails", "") not in ("", "0", "false")
        return web.Response(text=dump(fairness.levels.values(), details), headers=PLAIN)

    return page
