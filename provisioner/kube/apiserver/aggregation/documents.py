"""Discovery and OpenAPI of aggregated servers, put among our own."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from aiohttp import web

from provisioner.kube.apiserver.aggregation.services import Remote, Services
from provisioner.kube.apiserver.discovery import version_rank


class Merged:
    def __init__(self, services: Services) -> None:
        self._services = services

    def _groups(self) -> dict[str, list[Remote]]:
        """group -> its remote versions; groups by priority, as their APIServices say."""
        found: dict[str, list[Remote]] = {}
        for remote in self._services.remotes.values():
            found.setdefault(remote.group_version[0], []).append(remote)
        return dict(sorted(found.items(), key=lambda item: (-max(r.service.spec.group_priority_minimum or 0 for r in item[1]), item[0])))

    def into_groups(self, listed: dict[str, Any]) -> dict[str, Any]:
        """APIGroupList with the groups of servers that answer."""
        for group, remotes in self._groups().items():
            versions = [r.group_version[1] for r in remotes if r.available]
            if versions:
                present = next((g for g in listed["groups"] if g["name"] == group), None)
                if present is None:
                    listed["groups"].append(_group(group, versions))
                else:
                    present.update(_group(group, [*(v["version"] for v in present["versions"]), *versions]))
        return listed

    def group(self, name: str, own: dict[str, Any] | None) -> dict[str, Any] | None:
        """APIGroup of /apis/<name>; None where nobody serves it."""
        versions = [r.group_version[1] for r in self._groups().get(name, ()) if r.available]
        if not versions:
            return own
        mine = [v["version"] for v in own["versions"]] if own is not None else []
        return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, [*mine, *versions])}

    def into_aggregated(self, listed: dict[str, Any]) -> dict[str, Any]:
        """APIGroupDiscoveryList with what servers said last; of those that don't answer it is marked as stale."""
        for group, remotes in self._groups().items():
            entries = [
                {"version": r.group_version[1], "freshness": "Current" if r.available else "Stale", "resources": r.resources}
                for r in remotes
            ]
            present = next((item for item in listed["items"] if item["metadata"].get("name") == group), None)
            if present is None:
                present = {"metadata": {"name": group}, "versions": []}
                listed["items"].append(present)
            known = {entry["version"] for entry in entries}
            entries += [v for v in present["versions"] if v["version"] not in known]
            present["versions"] = sorted(entries, key=lambda v: version_rank(str(v["version"])))
        return listed

    def into_openapi_index(self, response: web.StreamResponse) -> web.StreamResponse:
        """The index of /openapi/v3 with the versions that are served elsewhere; their documents are passed on."""
        if not self._services.remotes or not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        index = msgspec.json.decode(response.body)
        for (group, version), remote in self._services.remotes.items():
            if remote.available and remote.answer is None:
                path = f"apis/{group}/{version}"
                seen = hashlib.sha256(msgspec.json.encode(remote.resources)).hexdigest()[:32].upper()
                index["paths"][path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={seen}"}
        return web.Response(body=msgspec.json.encode(index), headers={"Content-Type": "application/json"})


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    ordered = sorted(dict.fromkeys(versions), key=version_rank)
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in ordered]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}
