"""Proves that etcd never sees what is encrypted, that keys rotate, and that the cache and clients see plain text."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

KEYS = {name: base64.b64encode(os.urandom(32)).decode() for name in ("one", "two")}


def config(path: Path, *providers: str, resources: str = "[secrets]") -> Path:
    listed = "".join(f"  - {provider}\n" for provider in providers)
    head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n"
    path.write_text(f"{head}- resources: {resources}\n  providers:\n{listed}")
    path.chmod(0o600)
    return path


def keys(kind: str, *names: str) -> str:
    listed = ", ".join(f"{{name: {name}, secret: {KEYS[name]}}}" for name in names)
    return f"{kind}: {{keys: [{listed}]}}"


def stored(server: Any, key: str) -> bytes:
    """What etcd has under a key."""
    pki = server.pki
    argv = ["etcdctl", f"--endpoints={server.etcd_url}", f"--cacert={pki.path('ca.crt')}", f"--cert={pki.path('server.crt')}"]
    argv += [f"--key={pki.path('server.key')}", "get", "--print-value-only", f"/chain-{server.port}/{key}"]
    return subprocess.run(argv, capture_output=True, timeout=20, check=True, env={**os.environ, "ETCDCTL_API": "3"}).stdout


def restart(server: Any, path: Path) -> None:
    server.stop()
    server.extra = (*(e for e in server.extra if "encryption-provider" not in e), f"--encryption-provider-config={path}")
    server.start()


def password(server: Any, name: str) -> str:
    status, found = server.call("GET", f"/api/v1/namespaces/default/secrets/{name}")
    assert status == 200, found
    return base64.b64decode(found["data"]["p"]).decode()


def test_life_of_keys(make_server: Any, tmp_path: Path) -> None:
    kind, server = "secretbox", make_server()
    make = lambda name: server.call(  # noqa: E731
        "POST", "/api/v1/namespaces/default/secrets", {"metadata": {"name": name}, "stringData": {"p": f"secret-{name}"}}
    )
    assert make("before")[0] == 201
    restart(server, config(tmp_path / "1.yaml", keys(kind, "one"), "identity: {}"))
    assert make("after")[0] == 201
    assert stored(server, "core/secrets/default/before").startswith(b"{")
    assert stored(server, "core/secrets/default/after").startswith(f"k8s:enc:{kind}:v1:one:".encode())
    assert b"metadata" not in stored(server, "core/secrets/default/after")
    assert [password(server, n) for n in ("before", "after")] == ["secret-before", "secret-after"]
    # Writing it again, unchanged, encrypts what was there before.
    _, before = server.call("GET", "/api/v1/namespaces/default/secrets/before")
    assert server.call("PUT", "/api/v1/namespaces/default/secrets/before", before)[0] == 200
    assert stored(server, "core/secrets/default/before").startswith(f"k8s:enc:{kind}:v1:one:".encode())
    # A new key in front: what is read is opened by the old one, what is written is sealed by the new one.
    restart(server, config(tmp_path / "2.yaml", keys(kind, "two", "one")))
    assert password(server, "after") == "secret-after"
    _, after = server.call("GET", "/api/v1/namespaces/default/secrets/after")
    assert server.call("PUT", "/api/v1/namespaces/default/secrets/after", after)[0] == 200
    assert stored(server, "core/secrets/default/after").startswith(f"k8s:enc:{kind}:v1:two:".encode())
    # Back to plain text.
    restart(server, config(tmp_path / "3.yaml", "identity: {}", keys(kind, "two", "one")))
    assert (
        server.call("PUT", "/api/v1/namespaces/default/secrets/after", server.call("GET", "/api/v1/namespaces/default/secrets/after")[1])[0]
        == 200
    )
    assert stored(server, "core/secrets/default/after").startswith(b"{")
    server.stop()


def test_wildcards_and_group_commit(make_server: Any, tmp_path: Path) -> None:
    """Writes that share a transaction are sealed each for itself; watches and lists are plain."""
    from concurrent.futures import ThreadPoolExecutor

    path = config(tmp_path / "all.yaml", keys("aesgcm", "one"), "identity: {}", resources='["*."]')
    server = make_server(f"--encryption-provider-config={path}")
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda i: _config_map(server, f"c{i}"), range(24)))
    assert codes == [201] * 24
    assert all(stored(server, f"core/configmaps/default/c{i}").startswith(b"k8s:enc:aesgcm:v1:one:") for i in range(0, 24, 5))
    assert b'"kind":"ClusterRole"' in stored(server, "rbac.authorization.k8s.io/clusterroles/view")
    status, listed = server.call("GET", "/api/v1/namespaces/default/configmaps")
    assert status == 200 and {i["data"]["k"] for i in listed["items"] if "data" in i and "k" in i["data"]} == {f"c{i}" for i in range(24)}
    server.stop()
    server.start()
    assert server.call("GET", "/api/v1/namespaces/default/configmaps/c7")[1]["data"] == {"k": "c7"}


def _config_map(server: Any, name: str) -> int:
    return server.call("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": name}, "data": {"k": name}})[0]


def test_what_nobody_can_read_is_an_error_until_it_is_deleted_unread(make_server: Any, tmp_path: Path) -> None:
    server = make_server(f"--encryption-provider-config={config(tmp_path / 'a.yaml', keys('aesgcm', 'one'))}")
    path = "/api/v1/namespaces/default/secrets"
    assert server.call("POST", path, {"metadata": {"name": "lost"}})[0] == 201
    restart(server, config(tmp_path / "b.yaml", keys("aesgcm", "two")))
    for method, where in (("GET", f"{path}/lost"), ("GET", path), ("GET", "/api/v1/secrets"), ("DELETE", f"{path}/lost")):
        code, found = server.call(method, where)
        assert (code, found["reason"]) == (500, "InternalError") and "unable to transform" in found["message"], (method, where)
    assert server.call("GET", f"{path}/other")[0] == 404 and server.call("GET", "/api/v1/namespaces/kube-system/secrets")[0] == 200
    unsafe = f"{path}/lost?ignoreStoreReadErrorWithClusterBreakingPotential=true"
    assert server.call("DELETE", unsafe, user="alice")[0] == 403
    assert server.call("DELETE", f"{unsafe}&dryRun=All")[0] == 200 and server.call("GET", f"{path}/lost")[0] == 500
    assert server.call("DELETE", unsafe)[0] == 200
    assert server.call("GET", f"{path}/lost")[0] == 404 and server.call("GET", path)[0] == 200
