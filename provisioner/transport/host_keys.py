"""Who answers is who should: host keys from known_hosts, pinned in the inventory, or taken on first use where the inventory says so."""

from __future__ import annotations

import base64
import binascii
import threading
from pathlib import Path

import paramiko
from paramiko.pkey import UnknownKeyType

from provisioner.transport.errors import HostKeyError
from provisioner.transport.settings import ConnectionSettings

STEP = "checking the host key"
# Sessions of many hosts write to one file.
_WRITING = threading.Lock()


class UnknownKey(paramiko.SSHException):
    """The key is none that we know; `pinned` is the fingerprint that was wanted, if any."""

    def __init__(self, key: paramiko.PKey, pinned: str = "") -> None:
        super().__init__("unknown host key")
        self.key, self.pinned = key, pinned


class _Refuse(paramiko.MissingHostKeyPolicy):
    def __init__(self, fingerprint: str = "") -> None:
        self._fingerprint = fingerprint

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        if not self._fingerprint or key.fingerprint != self._fingerprint:
            raise UnknownKey(key, self._fingerprint)


class _AcceptNew(paramiko.MissingHostKeyPolicy):
    """Trust on first use: the key is written down and must be the same from then on."""

    def __init__(self, known_hosts: Path, alias: str) -> None:
        self._known_hosts = known_hosts
        self._alias = alias

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        with _WRITING:
            self._known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._known_hosts.open("a") as file:
                file.write(f"{self._alias or hostname} {key.get_name()} {key.get_base64()}\n")


def expect(client: paramiko.SSHClient, settings: ConnectionSettings) -> None:
    """Tell the client which keys the host may show. Raises HostKeyError for a pinned key that is none."""
    if settings.pinned_host_key is not None:
        pinned = settings.pinned_host_key.strip()
        if pinned.startswith("SHA256:"):
            client.set_missing_host_key_policy(_Refuse(pinned.rstrip("=")))
            return
        key = _parsed(settings, pinned)
        client.get_host_keys().add(_address(settings), key.get_name(), key)
        client.set_missing_host_key_policy(_Refuse())
        return
    for path in settings.known_hosts:
        if path.is_file() and settings.host_key_alias:
            for kind, key in (paramiko.HostKeys(str(path)).lookup(settings.host_key_alias) or {}).items():
                client.get_host_keys().add(_address(settings), kind, key)
        elif path.is_file():
            client.load_system_host_keys(str(path))
    accept = settings.host_key_policy == "accept-new" and settings.known_hosts
    client.set_missing_host_key_policy(_AcceptNew(settings.known_hosts[0], settings.host_key_alias) if accept else _Refuse())


def _parsed(settings: ConnectionSettings, pinned: str) -> paramiko.PKey:
    kind, _, rest = pinned.partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0], validate=True))
    except (paramiko.SSHException, UnknownKeyType, binascii.Error, IndexError, ValueError) as error:
        cause = f"ansible_host_key is no key: {pinned[:60]!r}"
        raise HostKeyError(settings.name, STEP, cause, 'write it as in known_hosts ("ssh-ed25519 AAAA..."), or as "SHA256:..."') from error


def _entry(settings: ConnectionSettings) -> str:
    """How known_hosts names the host."""
    return settings.host_key_alias or _address(settings)


def _address(settings: ConnectionSettings) -> str:
    """How paramiko asks for its key."""
    return settings.address if settings.port == 22 else f"[{settings.address}]:{settings.port}"


def changed(settings: ConnectionSettings, shown: paramiko.PKey, known: paramiko.PKey) -> HostKeyError:
    """The host shows another key than the one that is known."""
    where = "the inventory (ansible_host_key)" if settings.pinned_host_key else _files(settings)
    cause = f"{settings.address} shows {printed(shown)}, but {where} has {printed(known)}"
    if settings.pinned_host_key:
        remove = "pin the new key"
    else:
        remove = f"remove the old key: ssh-keygen -R '{_entry(settings)}' -f {settings.known_hosts[0] if settings.known_hosts else '...'}"
    return HostKeyError(settings.name, STEP, cause, f"if the host was set up anew, {remove}; else find out who answers there")


def unknown(settings: ConnectionSettings, shown: paramiko.PKey, pinned: str) -> HostKeyError:
    """The host's key is not known at all, or not the pinned one."""
    if pinned:
        cause = f"{settings.address} shows {printed(shown)}, but the inventory (ansible_host_key) has {pinned}"
        return HostKeyError(settings.name, STEP, cause, "if the host was set up anew, pin the new key; else find out who answers there")
    if settings.pinned_host_key:
        cause = f"{settings.address} shows {printed(shown)}, which is not the key that the inventory has (ansible_host_key)"
        return HostKeyError(settings.name, STEP, cause, "if the host was set up anew, pin the new key; else find out who answers there")
    hint = (
        f"compare the fingerprint on the host's console, then: ssh-keyscan -p {settings.port} {settings.address} >> "
        f"{settings.known_hosts[0] if settings.known_hosts else 'known_hosts'}; "
        "or trust on first use: ansible_ssh_common_args: -o StrictHostKeyChecking=accept-new"
    )
    return HostKeyError(settings.name, STEP, f"{settings.address}'s key {printed(shown)} is not in {_files(settings)}", hint)


def _files(settings: ConnectionSettings) -> str:
    return ", ".join(str(path) for path in settings.known_hosts) or "any known_hosts file"


def printed(key: paramiko.PKey) -> str:
    """Type and fingerprint, as ssh-keygen -l shows them."""
    return f"{key.get_name()} {key.fingerprint}"
