"""Pages on which a daemon tells of itself, for people who look for what is wrong: /statusz, /flagz. Source: "Kubernetes z-pages" (config.k8s.io)."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube import version
from provisioner.kube.api import errors
from provisioner.kube.api.accept import by_preference
from provisioner.kube.api.meta import rfc3339

JSON = "application/json"
GROUP, VERSIONS = "config.k8s.io", ("v1beta1", "v1alpha1")
WARNING = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only."
PLAIN = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}


def statusz(request: web.Request, name: str, paths: Sequence[str], started: datetime, now: datetime) -> web.Response:
    up = int((now - started).total_seconds())
    short = f"{version.MAJOR}.{version.MINOR}"
    facts = {
        "startTime": rfc3339(started),
        "uptimeSeconds": up,
        "goVersion": f"python{platform.python_version()}",
        "binaryVersion": version.VERSION.removeprefix("v"),
        "emulationVersion": short,
        "minimumCompatibilityVersion": f"{version.MAJOR}.{version.MINOR - 1}",
        "paths": list(paths),
    }
    lines = [
        f"Started: {started:%a %b %e %H:%M:%S UTC %Y}",
        f"Up: {up // 3600} hr {up // 60 % 60:02d} min {up % 60:02d} sec",
        f"Go version: {facts['goVersion']}",
        f"Binary version: {facts['binaryVersion']}",
        f"Emulation version: {short}",
        f"Paths: {' '.join(paths)}",
    ]
    return _page(request, name, "Statusz", "statusz", lines, facts)


def flagz(request: web.Request, name: str, values: Mapping[str, Any]) -> web.Response:
    """No flag has a secret in itself: they name files."""
    shown = {flag.replace("_", "-"): _shown(value) for flag, value in sorted(values.items())}
    return _page(request, name, "Flagz", "flags", [f"{flag}={value}" for flag, value in shown.items()], {"flags": shown})


def _page(request: web.Request, name: str, kind: str, title: str, lines: list[str], facts: dict[str, Any]) -> web.Response:
    """As text, unless the structured form is asked for by its name. Raises 406."""
    for media, given in by_preference(request.headers.get("Accept") or "*/*"):
        if media in ("*/*", "text/*", "text/plain"):
            return web.Response(text="\n".join([f"{name} {title}", WARNING, "", *lines, ""]), headers=PLAIN)
        if media in (JSON, "application/*") and given.get("g") == GROUP and given.get("v") in VERSIONS and given.get("as") == kind:
            document = {"kind": kind, "apiVersion": f"{GROUP}/{given['v']}", "metadata": {"name": name}, **facts}
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
