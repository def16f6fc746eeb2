"""docker_image: images pulled, built, loaded from an archive, tagged, pushed, written to an archive, or removed."""

import json
import os
import re
import tarfile
import tempfile
from typing import Any, Dict, List, Optional

from provisioner.agent import docker_api
from provisioner.agent.context import Context, ModuleFailed

BUILD: Dict[str, Any] = {
    "path": {"type": "path", "required": True}, "dockerfile": {}, "args": {"type": "dict"}, "target": {}, "platform": {}, "network": {},
    "cache_from": {"type": "list", "elements": "str"}, "nocache": {"type": "bool", "default": False}, "rm": {"type": "bool", "default": True},
    "pull": {"type": "bool", "default": False}, "http_timeout": {"type": "int"}, "use_config_proxy": {"type": "bool"}, "shm_size": {},
    "etc_hosts": {"type": "dict"}, "labels": {"type": "dict"},
    "container_limits": {"type": "dict", "options": {"memory": {}, "memswap": {}, "cpushares": {"type": "int"}, "cpusetcpus": {}}},
}  # fmt: skip
ARGUMENTS = dict(
    docker_api.DOCKER_ARGUMENTS,
    name={"required": True},
    tag={"default": "latest"},
    state={"default": "present", "choices": ["absent", "present"]},
    source={"choices": ["build", "load", "pull", "local"]},
    build={"type": "dict", "options": BUILD},
    pull={"type": "dict", "options": {"platform": {}}},
    load_path={"type": "path"},
    archive_path={"type": "path"},
    repository={},
    push={"type": "bool", "default": False},
    force_source={"type": "bool", "default": False},
    force_absent={"type": "bool", "default": False},
    force_tag={"type": "bool", "default": False},
    _rules={
        "required_if": [["state", "present", ["source"]], ["source", "build", ["build"]], ["source", "load", ["load_path"]]],
        "required_together": docker_api.TOGETHER,
    },
)
# A build may take its time between two lines of output.
BUILD_SILENCE_S = 600.0


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    work = _Image(docker_api.Docker(args), args, context)
    if args["state"] == "absent":
        work.remove()
    else:
        work.bring_about()
    return work.result


class _Image:
    def __init__(self, docker: docker_api.Docker, args: Dict[str, Any], context: Context) -> None:
        self._docker, self._args, self._context = docker, args, context
        repository, tag = docker_api.split_name(args["name"])
        is_id = args["name"].startswith("sha256:")
        self._repository: str = args["name"] if is_id else repository
        self._tag: str = "" if is_id else tag or args["tag"]
        self._name = args["name"] if is_id else docker_api.joined(self._repository, self._tag)
        self.result: Dict[str, Any] = {"changed": False, "actions": [], "image": {}}

    def _did(self, text: str) -> None:
        self.result["changed"] = True
        self.result["actions"].append(text)

    def remove(self) -> None:
        found = self._docker.image(self._name)
        if found is None:
            return
        self._did("Removed image %s" % self._name)
        if not self._context.check:
            self._docker.ask("DELETE", "/images/%s" % self._name, query={"force": str(self._args["force_absent"]).lower()})
        self.result["image"] = {"state": "Deleted"}

    def bring_about(self) -> None:
        args, source = self._args, self._args["source"]
        found = self._docker.image(self._name)
        if found is None or args["force_source"]:
            before = (found or {}).get("Id")
            {"build": self._build, "load": self._load, "pull": self._pull, "local": self._missing}[source](found)
            found = self._docker.image(self._name) if not self._context.check else found
            if before is not None and found is not None and found["Id"] == before and source != "build":
                self.result["changed"] = False
        self.result["image"] = found or {}
        if args["archive_path"]:
            self._archive(found)
        if args["repository"] and found is not None:
            self._retag(found)
        elif args["push"]:
            self._push(self._repository, self._tag)

    def _missing(self, found: Optional[Dict[str, Any]]) -> None:
        if found is None:
            raise ModuleFailed("Cannot find the image %s locally." % self._name)

    def _pull(self, found: Optional[Dict[str, Any]]) -> None:
        self._did("Pulled image %s" % self._name)
        if not self._context.check:
            self._docker.pull(self._repository, self._tag, (self._args["pull"] or {}).get("platform"))

    def _load(self, found: Optional[Dict[str, Any]]) -> None:
        path = self._args["load_path"]
        self._did("Loaded image %s from %s" % (self._name, path))
        if not os.path.isfile(path):
            raise ModuleFailed("Error loading image %s. Specified path %s does not exist." % (docker_api.split_name(self._name)[0], path))
        if self._context.check:
            return
        with open(path, "rb") as file:
            headers = {"Content-Type": "application/x-tar", "Content-Length": str(os.fstat(file.fileno()).st_size)}
            lines = self._docker.progress("POST", "/images/load", body=file, headers=headers)
        said = "".join(str(line.get("stream", "")) for line in lines)
        self.result["stdout"] = said
        if self._docker.image(self._name) is None:
            loaded = re.findall(r"^Loaded image(?: ID)?: (.+)$", said, re.MULTILINE)
            held = ", ".join(sorted(name if name.startswith("sha256:") else "'%s'" % name for name in loaded))
            raise ModuleFailed("The archive did not contain image '%s'. Instead, found %s." % (self._name, held), stdout=said)

    def _build(self, found: Optional[Dict[str, Any]]) -> None:
        build = self._args["build"]
        folder = build["path"]
        if not os.path.isdir(folder):
            raise ModuleFailed("Requested build path %s could not be found or you do not have access." % folder)
        self._did("Built image %s from %s" % (self._name, folder))
        if self._context.check:
            return
        with tempfile.TemporaryFile() as packed:
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(folder, ".")
            packed.seek(0)
            lines = self._docker.progress(
                "POST",
                "/build",
                query=self._build_query(build),
                body=packed,
                headers={"Content-Type": "application/x-tar", "Content-Length": str(os.fstat(packed.fileno()).st_size)},
                timeout_s=float(build.get("http_timeout") or BUILD_SILENCE_S),
            )
        self.result["stdout"] = "".join(str(line.get("stream", "")) for line in lines)

    def _build_query(self, build: Dict[str, Any]) -> Dict[str, Any]:
        limits = build.get("container_limits") or {}
        hosts = ["%s:%s" % pair for pair in (build.get("etc_hosts") or {}).items()]
        return {
            "t": self._name,
            "dockerfile": build.get("dockerfile"),
            "buildargs": {str(key): str(value) for key, value in (build.get("args") or {}).items()} or None,
            "cachefrom": build.get("cache_from"),
            "labels": build.get("labels"),
            "networkmode": build.get("network"),
            "nocache": _flag(build.get("nocache", False)),
            "platform": build.get("platform"),
            "pull": _flag(build.get("pull", False)),
            "rm": _flag(build.get("rm", True)),
            "target": build.get("target"),
            "extrahosts": ",".join(hosts) or None,
            "memory": limits.get("memory"),
            "memswap": limits.get("memswap"),
            "cpushares": limits.get("cpushares"),
            "cpusetcpus": limits.get("cpusetcpus"),
        }

    def _archive(self, found: Optional[Dict[str, Any]]) -> None:
        path = self._args["archive_path"]
        if found is None:
            if not self._context.check:
                raise ModuleFailed("Cannot archive image %s: it was not found" % self._name)
            return
        reason = _why_archived(path, found["Id"], self._name)
        if reason is None:
            return
        self._did("Archived image %s to %s, %s" % (self._name, path, reason))
        if self._context.check:
            return
        connection, answer = self._docker.open("GET", "/images/%s/get" % self._name)
        beside = "%s.provision" % path
        try:
            with open(beside, "wb") as out:
                for chunk in iter(lambda: answer.read(docker_api.CHUNK_BYTES), b""):
                    out.write(chunk)
            os.rename(beside, path)
        except OSError as error:
            raise ModuleFailed("Error writing image archive %s - %s" % (path, error))
        finally:
            connection.close()

    def _retag(self, found: Dict[str, Any]) -> None:
        repository, tag = docker_api.split_name(self._args["repository"])
        tag = tag or self._tag
        there = self._docker.image(docker_api.joined(repository, tag))
        if there is None or self._args["force_tag"]:
            changed = self.result["changed"]
            self._did("Tagged image %s to %s:%s" % (self._name, repository, tag))
            if there is not None and there["Id"] == found["Id"]:
                self.result["changed"] = changed  # it had that name
            if not self._context.check:
                self._docker.ask("POST", "/images/%s/tag" % self._name, query={"repo": repository, "tag": tag})
                self.result["image"] = self._docker.image(docker_api.joined(repository, tag)) or {}
        if self._args["push"]:
            self._push(repository, tag)

    def _push(self, repository: str, tag: str) -> None:
        where = docker_api.joined(repository, tag)
        named = re.match(r"localhost/|[^/]*[.:][^/]*/", where)
        self._did("Pushed image %s to %s" % (docker_api.split_name(self._name)[0], where if named else "docker.io/" + where))
        if self._context.check:
            return
        headers = docker_api.registry_auth(repository) or {"X-Registry-Auth": "e30="}
        try:
            lines = self._docker.progress("POST", "/images/%s/push" % repository, query={"tag": tag}, headers=headers)
        except ModuleFailed as error:
            raise ModuleFailed("Error pushing image %s: %s" % (repository, error.msg), **error.more)
        if any("already exists" in str(line.get("status", "")).lower() for line in lines) and not any(
            line.get("status") == "Pushed" for line in lines
        ):
            self.result["changed"] = len(self.result["actions"]) > 1
        self.result["image"] = dict(self.result["image"], push_status="Pushed")


def _flag(value: Any) -> str:
    return "true" if value else "false"


def _why_archived(path: str, wanted: str, name: str) -> Optional[str]:
    """Why an archive has to be written; None where it holds this image, under this name alone."""
    if not os.path.exists(path):
        return "since none present"
    try:
        with tarfile.open(path) as archive:
            manifest = archive.extractfile("manifest.json")
            images: List[Dict[str, Any]] = json.load(manifest) if manifest is not None else []
        [image] = images
        config = os.path.basename(str(image["Config"]))
    except (OSError, KeyError, ValueError, tarfile.TarError):
        return "overwriting an unreadable archive file"
    digest = config[:-5] if config.endswith(".json") else config
    tags = [str(tag) for tag in image.get("RepoTags") or []]
    if "sha256:" + digest == wanted and tags == [name]:
        return None
    return "overwriting archive with image %s named %s" % (digest, ", ".join(tags))
