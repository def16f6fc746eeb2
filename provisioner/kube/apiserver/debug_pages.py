"""Pages about the server itself, for people who look for what is wrong: /statusz, /flagz, /debug/api_priority_and_fairness/*.

Source: "Kubernetes z-pages" (config.k8s.io), "Flow control".
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube import version
from provisioner.kube.api import errors
from provisioner.kube.api.meta import rfc3339
from provisioner.kube.apiserver.fairness import dumps
from provisioner.kube.apiserver.fairness.controller import Fairness
from provisioner.kube.apiserver.negotiation import JSON, by_preference
from provisioner.kube.client.clock import Clock
from provisioner.kube.client.flags import Flags

Page = Callable[[web.Request], web.Response]
NAME = "kube-apiserver"
GROUP, VERSIONS = "config.k8s.io", ("v1beta1", "v1alpha1")
WARNING = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only."
PATHS = ("/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


def pages(flags: Flags, clock: Clock, fairness: Fairness | None) -> dict[str, Page]:
    """By path, without the slash before it. `fairness` None: it is switched off."""
    started = clock.now()
    found: dict[str, Page] = {
        "statusz": lambda request: statusz(request, started, clock.now()),
        "flagz": lambda request: flagz(request, flags.as_dict()),
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


def statusz(request: web.Request, started: datetime, now: datetime) -> web.Response:
    up = int((now - started).total_seconds())
    short = f"{version.MAJOR}.{version.MINOR}"
    facts = {
        "startTime": rfc3339(started),
        "uptimeSeconds": up,
        "goVersion": f"python{platform.python_version()}",
        "binaryVersion": version.VERSION.removeprefix("v"),
        "emulationVersion": short,
        "minimumCompatibilityVersion": f"{version.MAJOR}.{version.MINOR - 1}",
        "paths": list(PATHS),
    }
    lines = [
        f"Started: {started:%a %b %e %H:%M:%S UTC %Y}",
        f"Up: {up // 3600} hr {up // 60 % 60:02d} min {up % 60:02d} sec",
        f"Go version: {facts['goVersion']}",
        f"Binary version: {facts['binaryVersion']}",
        f"Emulation version: {short}",
        f"Paths: {' '.join(PATHS)}",
    ]
    return _page(request, "Statusz", "statusz", lines, facts)


def flagz(request: web.Request, values: Mapping[str, Any]) -> web.Response:
    """No flag has a secret in itself: they name files."""
    shown = {name.replace("_", "-"): _shown(value) for name, value in sorted(values.items())}
    return _page(request, "Flagz", "flags", [f"{name}={value}" for name, value in shown.items()], {"flags": shown})


def _page(request: web.Request, kind: str, title: str, lines: list[str], facts: dict[str, Any]) -> web.Response:
    """As text, unless the structured form is asked for by its name. Raises 406."""
    for media, given in by_preference(request.headers.get("Accept") or "*/*"):
        if media in ("*/*", "text/*", "text/plain"):
            return web.Response(text="\n".join([f"{NAME} {title}", WARNING, "", *lines, ""]), headers=PLAIN)
        if media in (JSON, "application/*") and given.get("g") == GROUP and given.get("v") in VERSIONS and given.get("as") == kind:
            document = {"kind": kind, "apiVersion": f"{GROUP}/{given['v']}", "metadata": {"name": NAME}, **facts}
            return web.Response(body=msgspec.json.encode(document), headers={"Content-Type": JSON})
    raise errors.not_acceptable(f"only the following media types are accepted: text/plain, {JSON};g={GROUP};v=v1beta1;as={kind}")


def _shown(value: Any) -> str:
    """As Go's flags print themselves."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(str, value))}]"
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, float):
        return _duration(value)
    return str(value)


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole != seconds:
        return f"{seconds:g}s"
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if whole >= 60 else ''}{whole % 60}s"
