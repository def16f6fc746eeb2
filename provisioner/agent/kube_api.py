"""The Kubernetes API with the standard library: who we are (kubeconfig, token, certificates), kinds by discovery, and requests."""

import base64
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import urllib.parse
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from provisioner.agent.context import ModuleFailed

# Arguments of every module that speaks with a cluster. `_kubeconfig` is the file's content, which the controller has parsed.
KUBE_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "kubeconfig": {"type": "raw"},
    "_kubeconfig": {"type": "dict"},
    "_kubeconfig_folder": {"type": "path"},
    "context": {},
    "host": {},
    "api_key": {"no_log": True},
    "username": {},
    "password": {"no_log": True},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"]},
    "proxy": {},
    "no_proxy": {},
    "proxy_headers": {"type": "dict"},
    "persist_config": {"type": "bool"},
    "impersonate_user": {},
    "impersonate_groups": {"type": "list", "elements": "str"},
}
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TIMEOUT_S = 60.0
_ENVIRONMENT = "K8S_AUTH_"


class Kind(NamedTuple):
    """`path` is the prefix of its group and version, as /api/v1."""

    name: str
    api_version: str
    plural: str
    namespaced: bool
    path: str

    def url(self, namespace: Optional[str], name: Optional[str] = None) -> str:
        parts = [self.path]
        if self.namespaced and namespace:
            parts += ["namespaces", urllib.parse.quote(namespace, "")]
        parts.append(self.plural)
        return "/".join(parts + ([urllib.parse.quote(name, "")] if name else []))


class Refused(ModuleFailed):
    """The server's own answer of 400 or more; `reason` is HTTP's (Not Found), as the collection tells it."""

    def __init__(self, status: int, body: Any, raw: str, reason: str = "") -> None:
        found = body if isinstance(body, dict) else {}
        self.code, self.raw, self.detail = status, raw, str(found.get("message") or raw)
        super().__init__(self.detail, error=status, status=status, reason=reason or str(found.get("reason", "")))


class Cluster:
    """One API server and one identity."""

    def __init__(self, args: Dict[str, Any]) -> None:
        args = {name: _given(args, name) for name in KUBE_ARGUMENTS}
        cluster, user = _chosen(args)
        self._server = urllib.parse.urlsplit(args["host"] or cluster.get("server") or "")
        if not self._server.hostname:
            raise ModuleFailed("Could not create API client: Invalid kube-config file. No configuration found.")
        self._proxy = args["proxy"] or cluster.get("proxy-url")
        self._headers = _identity(args, user)
        self._tls = _tls(args, cluster, user) if self._server.scheme == "https" else None
        self._kinds: Dict[str, List[Dict[str, Any]]] = {}

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._server.hostname or "", self._server.port
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        if not self._proxy:
            return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._tls)
        proxy = urllib.parse.urlsplit(self._proxy)
        connection = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, timeout=TIMEOUT_S, context=self._tls)
        connection.set_tunnel(host, port or 443)
        return connection

    def ask(
        self, method: str, path: str, query: Optional[Dict[str, Any]] = None, body: Any = None, kind: str = "application/json"
    ) -> Tuple[Any, List[str]]:
        """(answer, warnings). Raises Refused."""
        headers = dict(self._headers, Accept="application/json")
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), kind
        shown = {key: value for key, value in (query or {}).items() if value not in (None, "")}
        target = self._server.path.rstrip("/") + path + ("?" + urllib.parse.urlencode(shown) if shown else "")
        connection = self._connection()
        try:
            connection.request(method, target, body=data, headers=headers)
            answer = connection.getresponse()
            raw = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise ModuleFailed("Failed to reach the API server at %s: %s" % (self._server.geturl(), error))
        finally:
            connection.close()
        try:
            found = json.loads(raw) if raw else {}
        except ValueError:
            found = raw
        if answer.status >= 400:
            raise Refused(answer.status, found, raw, answer.reason)
        return found, [_warning(text) for text in answer.headers.get_all("Warning") or []]

    def kind(self, api_version: str, kind: str) -> Optional[Kind]:
        """A kind by its name, plural, singular or short name; None where the server has none such."""
        path = "/api/" + api_version if "/" not in api_version else "/apis/" + api_version
        if path not in self._kinds:
            try:
                self._kinds[path] = self.ask("GET", path)[0].get("resources", [])
            except Refused as error:
                if error.code != 404:
                    raise
                self._kinds[path] = []
        for entry in self._kinds[path]:
            names = [entry["kind"], entry["name"], entry.get("singularName"), *(entry.get("shortNames") or [])]
            if "/" not in entry["name"] and (kind in names or kind.lower() in names):
                return Kind(entry["kind"], api_version, entry["name"], entry["namespaced"], path)
        return None


def _given(args: Dict[str, Any], name: str) -> Any:
    value = args.get(name)
    if value is None and not name.startswith("_"):
        value = os.environ.get(_ENVIRONMENT + name.upper())
        if value is not None and name == "validate_certs":
            return value.lower() not in ("false", "no", "0", "off")
        if value is not None and name == "impersonate_groups":
            return value.split(",")
    return value


def _chosen(args: Dict[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """(cluster, user) of the context in the kubeconfig, or of the pod that we run in."""
    config = args["_kubeconfig"]
    if not config:
        token = os.path.join(SERVICE_ACCOUNT, "token")
        if not args["host"] and os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(token):
            server = "https://%s:%s" % (os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443"))
            return {"server": server, "certificate-authority": os.path.join(SERVICE_ACCOUNT, "ca.crt")}, {"tokenFile": token}
        return {}, {}
    name = args["context"] or config.get("current-context")
    context = _named(config, "contexts", "context", name)
    if context is None:
        raise ModuleFailed("Could not create API client: Invalid kube-config file. Expected object with name %s in contexts list" % name)
    cluster = _named(config, "clusters", "cluster", context.get("cluster")) or {}
    user = _named(config, "users", "user", context.get("user")) or {}
    folder = args["_kubeconfig_folder"] or ""
    for part in (cluster, user):
        for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
            if part.get(key):
                part[key] = os.path.join(folder, part[key])
    return cluster, user


def _named(config: Dict[str, Any], plural: str, singular: str, name: Any) -> Optional[Dict[str, Any]]:
    for entry in config.get(plural) or []:
        if entry.get("name") == name:
            return dict(entry.get(singular) or {})
    return None


def _identity(args: Dict[str, Any], user: Dict[str, Any]) -> Dict[str, str]:
    headers = {"User-Agent": "provision"}
    token = args["api_key"] or user.get("token")
    if not token and user.get("tokenFile"):
        with open(user["tokenFile"], encoding="utf-8") as file:
            token = file.read().strip()
    if not token and user.get("exec"):
        token = _executed(user["exec"], user)
    name, password = args["username"] or user.get("username"), args["password"] or user.get("password")
    if token:
        headers["Authorization"] = token if token.lower().startswith(("bearer ", "basic ")) else "Bearer " + token
    elif name and password:
        headers["Authorization"] = "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode()
    acting = args["impersonate_user"] or user.get("as")
    if acting:
        headers["Impersonate-User"] = acting
    groups = args["impersonate_groups"] or user.get("as-groups") or []
    if groups:
        headers["Impersonate-Group"] = groups[0]
        if len(groups) > 1:
            raise ModuleFailed("impersonate_groups: only one group can be told in a request here, got %s" % ", ".join(groups))
    return headers


def _executed(plugin: Dict[str, Any], user: Dict[str, Any]) -> Optional[str]:
    """A token, or a certificate that `user` gets, from the user's credential plug-in (client.authentication.k8s.io)."""
    request = json.dumps({"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}})
    environment = dict(os.environ, KUBERNETES_EXEC_INFO=request)
    environment.update({entry["name"]: entry["value"] for entry in plugin.get("env") or []})
    try:
        ran = subprocess.run(
            [plugin["command"], *(plugin.get("args") or [])],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT_S,
        )
        status = json.loads(ran.stdout)["status"]
    except (OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        raise ModuleFailed("the credential plug-in %s gave no credentials: %s" % (plugin.get("command"), error))
    for key, field in (("clientCertificateData", "client-certificate-data"), ("clientKeyData", "client-key-data")):
        if status.get(key):
            user[field] = base64.b64encode(status[key].encode()).decode()
    token: Optional[str] = status.get("token")
    return token


def _tls(args: Dict[str, Any], cluster: Dict[str, Any], user: Dict[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context()
        if args["ca_cert"] or cluster.get("certificate-authority"):
            context.load_verify_locations(cafile=args["ca_cert"] or cluster["certificate-authority"])
        elif cluster.get("certificate-authority-data"):
            context.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if args["validate_certs"] is False or (args["validate_certs"] is None and cluster.get("insecure-skip-tls-verify")):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        certificate, key = args["client_cert"] or user.get("client-certificate"), args["client_key"] or user.get("client-key")
        if certificate:
            context.load_cert_chain(certificate, key)
        elif user.get("client-certificate-data"):
            _load_data(context, user)
        return context
    except (OSError, ValueError) as error:
        raise ModuleFailed("Could not create API client: certificates or keys can't be used: %s" % error)


def _load_data(context: ssl.SSLContext, user: Dict[str, Any]) -> None:
    """ssl takes certificates from files only: one that only we can read, for a moment."""
    handle, path = tempfile.mkstemp(prefix="provision-")
    try:
        with os.fdopen(handle, "wb") as file:
            for key in ("client-certificate-data", "client-key-data"):
                file.write(base64.b64decode(user.get(key, "")) + b"\n")
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _warning(text: str) -> str:
    """What stands in quotes in a header as 299 - "text"."""
    return text.partition('"')[2].rpartition('"')[0].replace('\\"', '"') or text
