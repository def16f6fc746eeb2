"""Docker's Engine API with the standard library: over its unix socket, or over TCP with or without TLS."""

import base64
import http.client
import json
import os
import socket
import ssl
import urllib.parse
from typing import Any, Dict, List, Optional, Tuple

from provisioner.agent.context import Context, ModuleFailed

# Arguments of every module that speaks with Docker.
DOCKER_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "docker_host": {"aliases": ["docker_url"]},
    "tls_hostname": {},
    "api_version": {"default": "auto", "aliases": ["docker_api_version"]},
    "timeout": {"type": "int", "default": 60},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"]},
    "tls": {"type": "bool", "default": False},
    "use_ssh_client": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": False, "aliases": ["tls_verify"]},
    "debug": {"type": "bool", "default": False},
}
TOGETHER = [["client_cert", "client_key"]]
DEFAULT_HOST = "unix:///var/run/docker.sock"
DEFAULT_REGISTRY = "https://index.docker.io/v1/"
# An image's layers and a container's log are read in parts of this size.
CHUNK_BYTES = 64 * 1024
# Of what a container says, so much is kept.
MAX_OUTPUT_BYTES = 16 * 1024 * 1024


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: Optional[float]) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Docker:
    """One daemon. A refusal raises ModuleFailed with the daemon's own words, but for the statuses a caller expects."""

    def __init__(self, args: Dict[str, Any]) -> None:
        self.host = args["docker_host"] or os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        self._args = args
        version = args["api_version"]
        self._prefix = "" if version == "auto" else "/v%s" % version

    def _connection(self, timeout_s: Optional[float]) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.host)
        if parts.scheme in ("unix", "http+unix"):
            return _Unix(parts.path, timeout_s)
        if parts.scheme not in ("tcp", "http", "https"):
            raise ModuleFailed("docker_host: expected unix://, tcp:// or https://, got %s" % self.host)
        args = self._args
        if not (args["tls"] or args["validate_certs"] or parts.scheme == "https"):
            return http.client.HTTPConnection(parts.hostname or "localhost", parts.port or 2375, timeout=timeout_s)
        context = ssl.create_default_context(cafile=args["ca_path"])
        if not args["validate_certs"]:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if args["client_cert"]:
            context.load_cert_chain(args["client_cert"], args["client_key"])
        return http.client.HTTPSConnection(parts.hostname or "localhost", parts.port or 2376, timeout=timeout_s, context=context)

    def open(
        self,
        method: str,
        path: str,
        query: Optional[Dict[str, Any]] = None,
        body: Any = None,
        headers: Optional[Dict[str, str]] = None,
        timeout_s: Optional[float] = None,
    ) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """A request and its answer, whose body is still to be read. `body`: a file or bytes, or what becomes JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        shown = {key: json.dumps(v) if isinstance(v, (dict, list)) else v for key, v in (query or {}).items() if v is not None}
        target = self._prefix + urllib.parse.quote(path) + ("?" + urllib.parse.urlencode(shown) if shown else "")
        connection = self._connection(timeout_s or self._args["timeout"])
        try:
            connection.request(method, target, body=body, headers=headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ModuleFailed("Error connecting to Docker at %s: %s" % (self.host, error))

    def ask(self, method: str, path: str, ok: Tuple[int, ...] = (), **more: Any) -> Tuple[int, Any]:
        """(status, decoded answer). Statuses from 400 on must be in `ok`."""
        connection, answer = self.open(method, path, **more)
        try:
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ModuleFailed("Docker at %s broke off: %s" % (self.host, error))
        finally:
            connection.close()
        if answer.status >= 400 and answer.status not in ok:
            raise ModuleFailed("Docker refused %s %s: %s" % (method, path, _message(raw)), status=answer.status)
        return answer.status, _decoded(raw)

    def find(self, path: str) -> Optional[Dict[str, Any]]:
        """An object, None where there is none."""
        status, found = self.ask("GET", path, ok=(404,))
        return None if status == 404 else found

    def progress(self, method: str, path: str, **more: Any) -> List[Dict[str, Any]]:
        """What a long job (pull, build, load, push) tells line by line. Raises ModuleFailed with its error."""
        connection, answer = self.open(method, path, **more)
        lines: List[Dict[str, Any]] = []
        try:
            if answer.status >= 400:
                raise ModuleFailed("Docker refused %s %s: %s" % (method, path, _message(answer.read())), status=answer.status)
            for raw in answer:
                line = _decoded(raw.strip()) if raw.strip() else None
                if isinstance(line, dict):
                    if line.get("error"):
                        raise ModuleFailed(str(line["error"]).strip())
                    lines = lines[-9999:] + [line]
        except (OSError, http.client.HTTPException) as error:
            raise ModuleFailed("Docker at %s broke off: %s" % (self.host, error))
        finally:
            connection.close()
        return lines

    def image(self, name: str) -> Optional[Dict[str, Any]]:
        return self.find("/images/%s/json" % name)

    def pull(self, name: str, tag: str, platform: Optional[str] = None) -> List[Dict[str, Any]]:
        """Has the daemon fetch an image; a digest is a tag, too."""
        query = {"fromImage": name, "tag": tag, "platform": platform}
        try:
            return self.progress("POST", "/images/create", query=query, headers=registry_auth(name))
        except ModuleFailed as error:
            raise ModuleFailed("Error pulling image %s:%s - %s" % (name, tag, error.msg), **error.more)


def _message(raw: bytes) -> str:
    found = _decoded(raw)
    return str(found["message"]) if isinstance(found, dict) and "message" in found else raw.decode("utf-8", "replace").strip()


def _decoded(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def split_name(name: str) -> Tuple[str, str]:
    """(repository, tag or digest); no tag is "". A registry's port is no tag."""
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "")


def joined(repository: str, tag: str) -> str:
    return "%s%s%s" % (repository, "@" if ":" in tag else ":", tag)


def registry_auth(name: str) -> Dict[str, str]:
    """The header with what `docker login` has left for the image's registry."""
    first = name.split("/")[0]
    registry = first if "/" in name and ("." in first or ":" in first or first == "localhost") else DEFAULT_REGISTRY
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            known = json.load(file).get("auths", {}).get(registry, {}).get("auth")
        user, _, password = base64.b64decode(known or "").decode().partition(":")
    except (OSError, ValueError, AttributeError):
        return {}
    if not user:
        return {}
    secret = json.dumps({"username": user, "password": password, "serveraddress": registry})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(secret.encode()).decode()}


def told(
    context: Context, debug: bool, actions: List[str], before: Dict[str, Any], after: Dict[str, Any], differences: Optional[List[str]]
) -> Dict[str, Any]:
    """What networks and volumes answer besides themselves: names of options that differ in check mode, their values with --diff, what is done
    in check mode. `differences` is None for what is taken away, whose actions are always told."""
    result: Dict[str, Any] = {"changed": bool(actions)}
    if context.diff or context.check or debug:
        result["diff"] = dict(
            {"before": before, "after": after} if context.diff else {}, **{} if differences is None else {"differences": differences}
        )
    if context.check or debug or differences is None:
        result["actions"] = actions
    return result


def demultiplexed(raw: bytes) -> str:
    """What a container without terminal said: frames of an 8-byte header (stream, 3 zeros, size) each."""
    parts, at = [], 0
    while at + 8 <= len(raw) and raw[at] in (0, 1, 2) and raw[at + 1 : at + 4] == b"\0\0\0":
        size = int.from_bytes(raw[at + 4 : at + 8], "big")
        parts.append(raw[at + 8 : at + 8 + size])
        at += 8 + size
    return b"".join(parts).decode("utf-8", "replace") if parts or not raw else raw.decode("utf-8", "replace")
