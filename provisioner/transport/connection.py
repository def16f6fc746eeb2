"""One verified SSH connection, by Fabric; errors translated, host keys never accepted silently."""

from __future__ import annotations

import base64
import socket
from pathlib import Path
from typing import Any

import fabric
import paramiko

from provisioner.transport.errors import AuthenticationError, ConnectError, HostKeyError, ResolveError, TransportError
from provisioner.transport.settings import ConnectionSettings

KEY_HINT = "if the host was set up anew, remove its old key (ssh-keygen -R), else find out who answers there"


class _Refuse(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise _UnknownKey(key)


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust on first use, where the inventory says so: the key is written down and must be the same from then on."""

    def __init__(self, known_hosts: Path) -> None:
        self._known_hosts = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._known_hosts.open("a") as file:
            file.write(f"{hostname} {key.get_name()} {key.get_base64()}\n")


class _UnknownKey(paramiko.SSHException):
    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


def connect(settings: ConnectionSettings) -> fabric.Connection:
    """An open connection. Raises TransportError."""
    gateway = connect(settings.gateway) if settings.gateway is not None else None
    _resolve(settings)
    kwargs: dict[str, Any] = {
        "allow_agent": True,
        "look_for_keys": not settings.private_key_files,
        "banner_timeout": settings.connect_timeout_s + 5,
    }
    for path in settings.private_key_files:
        if not path.is_file():
            raise AuthenticationError(settings.name, "reading the key", f"{path} is no file", "check ansible_ssh_private_key_file")
    if settings.private_key_files:
        kwargs["key_filename"] = [str(path) for path in settings.private_key_files]
    if settings.password is not None:
        kwargs["password"] = settings.password.reveal()
    connection = fabric.Connection(
        settings.address,
        user=settings.user,
        port=settings.port,
        gateway=gateway,
        connect_timeout=settings.connect_timeout_s,
        connect_kwargs=kwargs,
        config=fabric.Config(overrides={"load_ssh_configs": False}),
    )
    _host_keys(connection.client, settings)
    try:
        connection.open()
    except Exception as error:  # paramiko raises dozens of kinds; every one becomes ours
        if gateway is not None:
            gateway.close()
        raise _translated(settings, error) from error
    transport = connection.transport
    transport.set_keepalive(settings.keepalive_s)
    sock = getattr(transport, "sock", None)
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _resolve(settings: ConnectionSettings) -> None:
    if settings.gateway is not None:
        return
    try:
        socket.getaddrinfo(settings.address, settings.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise ResolveError(
            settings.name, "looking up the address", f"{settings.address}: {error.strerror}", "check ansible_host"
        ) from error


def _host_keys(client: paramiko.SSHClient, settings: ConnectionSettings) -> None:
    if settings.pinned_host_key is not None:
        kind, _, data = settings.pinned_host_key.strip().partition(" ")
        name = settings.address if settings.port == 22 else f"[{settings.address}]:{settings.port}"
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(data.split()[0]))
        client.get_host_keys().add(name, kind, key)
        client.set_missing_host_key_policy(_Refuse())
        return
    for path in settings.known_hosts:
        if path.is_file():
            client.load_system_host_keys(str(path))
    accept = settings.host_key_policy == "accept-new" and settings.known_hosts
    client.set_missing_host_key_policy(_AcceptNew(settings.known_hosts[0]) if accept else _Refuse())


def _translated(settings: ConnectionSettings, error: Exception) -> TransportError:
    name, where = settings.name, f"{settings.user}@{settings.address}:{settings.port}"
    if isinstance(error, paramiko.BadHostKeyException):
        return HostKeyError(
            name, "checking the host key", f"{settings.address} shows another key than the known one ({_print(error.key)})", KEY_HINT
        )
    if isinstance(error, _UnknownKey):
        files = ", ".join(str(p) for p in settings.known_hosts) or "the inventory"
        hint = "add it (ssh-keyscan, and compare the fingerprint), or set ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new"
        return HostKeyError(name, "checking the host key", f"{settings.address}'s key ({_print(error.key)}) is not in {files}", hint)
    if isinstance(error, paramiko.AuthenticationException | paramiko.PasswordRequiredException):
        return AuthenticationError(
            name, "logging in", f"{where} took no key and no password ({error})", "check ansible_user and the key or password"
        )
    if isinstance(error, TimeoutError | socket.timeout):
        return ConnectError(
            name, "connecting", f"{where} did not answer within {settings.connect_timeout_s:.0f} s", "is the host up, and the port open?"
        )
    if isinstance(error, OSError | paramiko.SSHException | EOFError):
        if "private key" in str(error).lower() or "no authentication methods" in str(error).lower():
            return AuthenticationError(name, "logging in", f"{where}: {error}", "check ansible_user and the key or password")
        return ConnectError(name, "connecting", f"{where}: {error or type(error).__name__}", "is the host up, and does sshd run there?")
    return ConnectError(name, "connecting", f"{where}: {type(error).__name__}: {error}")


def _print(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"
