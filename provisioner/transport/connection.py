"""One verified SSH connection, by Fabric, with the hops before it; errors translated."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass
from typing import Any

import fabric
import paramiko

from provisioner.transport import host_keys
from provisioner.transport.errors import AuthenticationError, ConnectError, ResolveError, TransportError
from provisioner.transport.proxy_command import ProxyCommand
from provisioner.transport.settings import ConnectionSettings

# Unanswered data for this long ends the connection: three missed keepalives at the usual interval.
DEAD_MS = 45_000
# To log in, and for a channel on a connection that stands: a host that has just booted, with much to do, was seen to take more than ten seconds.
LOGIN_S = 30.0
# paramiko's thread logs with a traceback what it raises to us as well; without a handler of anybody's that would go to the terminal.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass
class Link:
    """An open connection. Closing it closes its gateways too."""

    connection: fabric.Connection
    gateway: Link | None
    proxy: ProxyCommand | None = None

    @property
    def transport(self) -> paramiko.Transport:
        found: paramiko.Transport = self.connection.transport
        return found

    def is_open(self) -> bool:
        return bool(self.connection.is_connected)

    def close(self) -> None:
        self.connection.close()
        if self.proxy is not None:
            self.proxy.close()
        if self.gateway is not None:
            self.gateway.close()


def connect(settings: ConnectionSettings) -> Link:
    """An open connection. Raises TransportError."""
    kwargs = _login(settings)
    gateway = connect(settings.gateway) if settings.gateway is not None else None
    proxy = ProxyCommand(settings.proxy_command) if settings.proxy_command is not None else None
    try:
        if proxy is not None:
            kwargs["sock"] = proxy.sock
        elif gateway is None:
            _resolve(settings)
        connection = fabric.Connection(
            settings.address,
            user=settings.user,
            port=settings.port,
            gateway=gateway.connection if gateway is not None else None,
            connect_kwargs=kwargs,
            config=fabric.Config(overrides={"load_ssh_configs": False}),
        )
        host_keys.expect(connection.client, settings)
        _open(settings, connection)
    except TransportError as error:
        if proxy is not None:
            said = proxy.said()
            proxy.close()
            raise type(error)(
                error.host, error.step, f"{error.cause} (by way of: {settings.proxy_command})", error.hint, lines=said
            ) from error
        if gateway is not None:
            gateway.close()
        raise
    return Link(connection, gateway, proxy)


def _login(settings: ConnectionSettings) -> dict[str, Any]:
    """What paramiko is told about keys and passwords."""
    for path in settings.private_key_files:
        try:
            path.open("rb").close()
        except OSError as error:
            cause = f"{path}: {error.strerror}"
            raise AuthenticationError(settings.name, "reading the key", cause, "check ansible_ssh_private_key_file") from error
    kwargs: dict[str, Any] = {
        # Fabric's own connect_timeout knows whole seconds only.
        "timeout": settings.connect_timeout_s,
        "channel_timeout": LOGIN_S,
        "allow_agent": not settings.identities_only,
        "look_for_keys": settings.is_gateway or not settings.private_key_files,
        "banner_timeout": settings.connect_timeout_s * 1.5,
        "auth_timeout": LOGIN_S,
    }
    if settings.private_key_files:
        kwargs["key_filename"] = [str(path) for path in settings.private_key_files]
    if settings.password is not None:
        kwargs["password"] = settings.password.reveal()
    return kwargs


def _open(settings: ConnectionSettings, connection: fabric.Connection) -> None:
    try:
        connection.open()
    except Exception as error:  # paramiko raises dozens of kinds; every one becomes ours
        connection.close()
        connection.client.close()
        raise translated(settings, error) from error
    transport = connection.transport
    transport.set_keepalive(settings.keepalive_s)
    sock = getattr(transport, "sock", None)
    if isinstance(sock, socket.socket) and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_MS)


def _resolve(settings: ConnectionSettings) -> None:
    """The first gateway's name is looked up here, all others behind it."""
    try:
        socket.getaddrinfo(settings.address, settings.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "check ansible_host, or the name servers of this machine"
        raise ResolveError(settings.name, "looking up the address", f"{settings.address}: {reason}", hint) from error


def translated(settings: ConnectionSettings, error: Exception) -> TransportError:
    """Our error for one of paramiko's."""
    name, where = settings.name, f"{settings.user}@{settings.address}:{settings.port}"
    if isinstance(error, paramiko.BadHostKeyException):
        return host_keys.changed(settings, error.key, error.expected_key)
    if isinstance(error, host_keys.UnknownKey):
        return host_keys.unknown(settings, error.key, error.pinned)
    if isinstance(error, paramiko.PasswordRequiredException):
        keys = ", ".join(str(path) for path in settings.private_key_files) or "a key"
        return AuthenticationError(name, "logging in", f"{keys} is protected by a passphrase", "load it into an agent: ssh-add")
    if isinstance(error, paramiko.BadAuthenticationType):
        allowed = ", ".join(error.allowed_types)
        return AuthenticationError(name, "logging in", f"{where} takes only {allowed}", "give what it takes: a key, or ansible_password")
    if isinstance(error, paramiko.AuthenticationException):
        tried = _tried(settings)
        hint = "check ansible_user; is the key in the host's authorized_keys, or the password right?"
        return AuthenticationError(name, "logging in", f"{where} did not take {tried} ({error})", hint)
    if isinstance(error, TimeoutError | socket.timeout):
        cause = f"{where} did not answer within {settings.connect_timeout_s:g} s"
        return ConnectError(name, "connecting", cause, "is the host up, and the port open?")
    text = str(error) or type(error).__name__
    if any(part in text.lower() for part in ("private key", "no authentication methods", "not a valid", "encountered rsa key")):
        return AuthenticationError(name, "logging in", f"{where}: {text}", "check ansible_user and the key or password")
    if isinstance(error, paramiko.ChannelException):
        return ConnectError(
            name, "connecting", f"the gateway could not reach {where}: {text}", "is the host up, and may the gateway forward?"
        )
    if "reset by peer" in text:
        cause = f"{where} broke the connection before it said what it is"
        return ConnectError(
            name, "connecting", cause, "is the host just going down, or does it turn this computer away (sshd's MaxStartups)?"
        )
    if "banner" in text.lower():
        return ConnectError(name, "connecting", f"what answers at {where} is no SSH server: {text}", "check ansible_host and ansible_port")
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        text = "; ".join(sorted({str(getattr(cause, "strerror", None) or cause) for cause in error.errors.values()}))
    return ConnectError(name, "connecting", f"{where}: {text}", "is the host up, and does sshd run there?")


def _tried(settings: ConnectionSettings) -> str:
    tried = [str(path) for path in settings.private_key_files] or ["the agent's and the user's keys"]
    return " and ".join(tried + (["the password"] if settings.password is not None else []))
