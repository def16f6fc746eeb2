"""Proves the way in, on a real sshd: keys, passwords and agents open it, and everything that keeps it shut is one error of its own class
that names the host, the step, the likely cause and what to do next."""

from __future__ import annotations

import dataclasses
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from private_host import PASSWORD, PrivateHost, Wire, free_port, ssh_agent

from provisioner.transport import ConnectionSettings, HostSession, Secret, TransportError
from provisioner.transport.errors import AuthenticationError, ConnectError, HostKeyError, ResolveError

Make = Callable[[ConnectionSettings], HostSession]


def refused(make: Make, settings: ConnectionSettings, kind: type[TransportError]) -> TransportError:
    with pytest.raises(kind) as caught:
        make(settings).raw("true")
    error = caught.value
    assert type(error) is kind and error.host == settings.name and error.step and error.cause and error.hint
    assert str(error).startswith(f"{settings.name}: {error.step}: ") and error.hint in str(error)
    return error


def who(make: Make, settings: ConnectionSettings) -> str:
    return make(settings).raw("id -un").stdout.strip()


# -- what opens ----------------------------------------------------------------------------------------------------


def test_a_key_opens(host: PrivateHost, session: Make) -> None:
    assert who(session, host.settings("admin")) == "admin"


def test_a_password_opens(host: PrivateHost, session: Make) -> None:
    assert who(session, host.settings("guest", private_key_files=(), password=Secret(PASSWORD))) == "guest"


def test_an_agent_opens(host: PrivateHost, session: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with ssh_agent(host.key) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        assert who(session, host.settings("admin", private_key_files=())) == "admin"


def test_the_users_own_key_opens_where_none_is_named(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir(mode=0o700)
    (tmp_path / ".ssh" / "id_ed25519").write_bytes(host.key.read_bytes())
    (tmp_path / ".ssh" / "id_ed25519").chmod(0o600)
    assert who(session, host.settings("deploy", private_key_files=())) == "deploy"


# -- what does not -------------------------------------------------------------------------------------------------


def test_a_wrong_key(host: PrivateHost, session: Make) -> None:
    key = host.other_key("stranger")
    error = refused(session, host.settings("admin", private_key_files=(key,)), AuthenticationError)
    assert error.kind == "authenticate" and str(key) in error.cause and "admin@127.0.0.1" in error.cause


def test_a_wrong_password(host: PrivateHost, session: Make) -> None:
    error = refused(session, host.settings("admin", private_key_files=(), password=Secret("hunter2")), AuthenticationError)
    assert "the password" in error.cause and "hunter2" not in str(error)


def test_no_key_and_no_password(host: PrivateHost, session: Make) -> None:
    refused(session, host.settings("admin", private_key_files=()), AuthenticationError)


def test_a_key_with_a_passphrase(host: PrivateHost, session: Make) -> None:
    error = refused(session, host.settings("admin", private_key_files=(host.other_key("locked", "secret"),)), AuthenticationError)
    assert "passphrase" in error.cause and "ssh-add" in error.hint


def test_a_key_file_that_is_missing_or_is_no_key(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    missing = refused(session, host.settings(private_key_files=(tmp_path / "none",)), AuthenticationError)
    assert "No such file" in missing.cause and "ansible_ssh_private_key_file" in missing.hint
    (tmp_path / "text").write_text("hello\n")
    refused(session, host.settings(private_key_files=(tmp_path / "text",)), AuthenticationError)


def test_a_name_without_an_address(host: PrivateHost, session: Make) -> None:
    error = refused(session, host.settings(address="no-such-host.invalid"), ResolveError)
    assert error.kind == "resolve" and "no-such-host.invalid" in error.cause


def test_nobody_listens(host: PrivateHost, session: Make) -> None:
    error = refused(session, host.settings(port=free_port()), ConnectError)
    assert error.kind == "connect" and "sshd" in error.hint


def test_nobody_answers_in_time(host: PrivateHost, session: Make) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        started = time.monotonic()
        error = refused(session, host.settings(port=port, connect_timeout_s=0.5), ConnectError)
        assert time.monotonic() - started < 3 and "within 0.5 s" in error.cause
        for sock in waiting:
            sock.close()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_answers_is_no_ssh_server(host: PrivateHost, session: Make, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def answer() -> None:
            sock, _ = listener.accept()
            sock.sendall(said)
            sock.shutdown(socket.SHUT_WR)
            kept.append(sock)

        kept: list[socket.socket] = []
        threading.Thread(target=answer, daemon=True).start()
        error = refused(session, host.settings(port=listener.getsockname()[1], connect_timeout_s=1.0), ConnectError)
        assert "no SSH server" in error.cause
        for sock in kept:
            sock.close()


def test_a_host_that_breaks_the_connection_is_not_called_a_stranger(host: PrivateHost, session: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def reset() -> None:
            sock, _ = listener.accept()
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            sock.close()

        threading.Thread(target=reset, daemon=True).start()
        error = refused(session, host.settings(port=listener.getsockname()[1], connect_timeout_s=5.0), ConnectError)
        assert "broke the connection" in error.cause and "going down" in error.hint


# -- who answers ---------------------------------------------------------------------------------------------------


@pytest.fixture
def others_key(host: PrivateHost) -> str:
    return host.other_key("other_host").with_suffix(".pub").read_text().rsplit(" ", 1)[0]


def fingerprint(key: str) -> str:
    import base64
    import hashlib

    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(key.split()[1])).digest()).decode().rstrip("=")


def test_an_unknown_host_key(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    error = refused(session, host.settings(known_hosts=(tmp_path / "empty",)), HostKeyError)
    assert error.kind == "host key" and fingerprint(host.host_key) in error.cause and str(tmp_path / "empty") in error.cause
    assert "ssh-keyscan" in error.hint and not (tmp_path / "empty").exists()


def test_a_host_goes_by_another_name_in_known_hosts(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("".join(f"behind-nat {line.split(' ', 1)[1]}\n" for line in host.known_hosts.read_text().splitlines()))
    refused(session, host.settings(known_hosts=(known,)), HostKeyError)
    assert who(session, host.settings(known_hosts=(known,), host_key_alias="behind-nat")) == "root"


def test_a_changed_host_key(host: PrivateHost, session: Make, tmp_path: Path, others_key: str) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{host.port} {others_key}\n")
    for policy in ("strict", "accept-new"):
        error = refused(session, host.settings(known_hosts=(known,), host_key_policy=policy), HostKeyError)
        assert fingerprint(host.host_key) in error.cause and fingerprint(others_key) in error.cause
        assert f"ssh-keygen -R '[127.0.0.1]:{host.port}' -f {known}" in error.hint


def test_a_pinned_host_key(host: PrivateHost, session: Make, others_key: str) -> None:
    for right in (host.host_key, fingerprint(host.host_key)):
        assert who(session, host.settings(known_hosts=(), pinned_host_key=right)) == "root"
    for wrong in (others_key, fingerprint(others_key)):
        error = refused(session, host.settings(pinned_host_key=wrong), HostKeyError)
        assert fingerprint(host.host_key) in error.cause and "ansible_host_key" in error.cause
    assert "write it as in known_hosts" in refused(session, host.settings(pinned_host_key="nonsense"), HostKeyError).hint


def test_trust_on_first_use(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    known = tmp_path / "new" / "known_hosts"
    settings = host.settings(known_hosts=(known,), host_key_policy="accept-new")
    assert who(session, settings) == "root"
    assert known.read_text() == f"[127.0.0.1]:{host.port} {host.host_key}\n"
    assert who(session, dataclasses.replace(settings, host_key_policy="strict")) == "root"


# -- by way of others ----------------------------------------------------------------------------------------------


@pytest.fixture
def wire(host: PrivateHost) -> Iterator[Wire]:
    found = Wire(host.port)
    yield found
    found.close()


def jumping(host: PrivateHost, tmp_path: Path, jump: str, **more: object) -> ConnectionSettings:
    known = tmp_path / "known_hosts"
    known.write_text(host.known_hosts.read_text())
    arguments = f"-o UserKnownHostsFile={known} -o ProxyJump={jump}"
    variables = {
        "ansible_host": "127.0.0.1",
        "ansible_port": host.port,
        "ansible_user": "deploy",
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": arguments,
        **more,
    }
    return ConnectionSettings.from_vars("inner", variables)


def test_a_jump_host(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    one = session(jumping(host, tmp_path, f"guest@127.0.0.1:{host.port}"))
    assert one.raw("echo $USER $SSH_CONNECTION").stdout.startswith("deploy 127.0.0.1")
    with_agent = one.call([_ping()])
    assert with_agent[0]["ping"] == "pong"
    people = one.raw("ps -eo args").stdout
    assert "sshd: guest" in people and "sshd: deploy" in people
    one.close()


def test_a_host_of_the_users_configuration(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    """By its alias alone, and by way of an alias."""
    (tmp_path / ".ssh").mkdir(exist_ok=True)
    (tmp_path / ".ssh" / "known_hosts").write_text(host.known_hosts.read_text())
    (tmp_path / ".ssh" / "config").write_text(f"""
Host box gate
    HostName 127.0.0.1
    Port {host.port}
    User guest
    IdentityFile {host.key}
Host behind
    ProxyJump admin@gate
    HostName 127.0.0.1
    Port {host.port}
    User deploy
    IdentityFile {host.key}
""")
    assert who(session, ConnectionSettings.from_vars("box", {})) == "guest"
    assert who(session, ConnectionSettings.from_vars("b1", {"ansible_host": "box", "ansible_user": "admin"})) == "admin"
    one = session(ConnectionSettings.from_vars("behind", {}))
    assert one.raw("id -un").stdout == "deploy\n" and "sshd: admin" in one.raw("ps -eo args").stdout


def test_a_command_is_the_connection(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    known = host.known_hosts
    bastion = f"ssh -F none -o UserKnownHostsFile={known} -i {host.key} -p {host.port} -W %h:%p -q guest@127.0.0.1 2>/dev/null"
    arguments = f"-o UserKnownHostsFile={known} -o ProxyCommand='{bastion}'"
    told = {"ansible_host": "127.0.0.1", "ansible_port": host.port, "ansible_user": "deploy", "ansible_ssh_private_key_file": str(host.key)}
    one = session(ConnectionSettings.from_vars("inner", {**told, "ansible_ssh_common_args": arguments}))
    assert one.raw("id -un").stdout == "deploy\n" and "sshd: guest" in one.raw("ps -eo args").stdout
    assert one.call([_ping()])[0]["ping"] == "pong"
    one.close()
    failing = ConnectionSettings.from_vars("inner", {**told, "ansible_ssh_common_args": "-o ProxyCommand='echo no way >&2; exit 1'"})
    assert refused_by_name(session, failing, ConnectError).lines == "no way"
    assert not subprocess.run(["pgrep", "-f", f"{host.port} -W 127.0.0.1"], stdout=subprocess.PIPE, check=False).stdout


def test_a_gateway_may_be_the_users_own(
    host: PrivateHost, session: Make, tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's key and its file of known hosts are a lab's; the way to it is known to the user alone."""
    own = tmp_path / "home/.ssh"
    own.mkdir(parents=True)
    (own / "known_hosts").write_text(f"[127.0.0.1]:{wire.port} {host.host_key}\n")
    shutil.copy(host.key, own / "id_ed25519")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    lab_key = tmp_path / "lab_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab_key], check=True)
    told = {"ansible_ssh_private_key_file": str(lab_key), "ansible_password": PASSWORD}
    one = session(jumping(host, tmp_path, f"guest@127.0.0.1:{wire.port}", **told))
    assert one.raw("id -un").stdout == "deploy\n"
    one.close()


def test_a_gateway_and_two_hops(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    hop = f"127.0.0.1:{host.port}"
    settings = jumping(host, tmp_path, "none", gateway=f"guest@{hop},admin@{hop}")
    assert settings.gateway is not None and settings.gateway.user == "admin"
    assert who(session, settings) == "deploy"


def test_closing_ends_the_hops_too(host: PrivateHost, session: Make, tmp_path: Path, wire: Wire) -> None:
    settings = jumping(host, tmp_path, f"guest@127.0.0.1:{wire.port}")
    with (tmp_path / "known_hosts").open("a") as file:
        file.write(f"[127.0.0.1]:{wire.port} {host.host_key}\n")
    one, watcher = session(settings), session(host.settings())
    assert one.raw("id -un").stdout == "deploy\n" and "sshd: guest" in watcher.raw("ps -eo args").stdout
    one.close()
    deadline = time.monotonic() + 5
    while "sshd: guest" in watcher.raw("ps -eo args").stdout:
        assert time.monotonic() < deadline, watcher.raw("ps -eo args").stdout
        time.sleep(0.02)


def test_trouble_at_a_gateway_names_it(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    error = refused_by_name(session, jumping(host, tmp_path, f"127.0.0.1:{free_port()}"), ConnectError)
    assert error.host == "inner (by way of 127.0.0.1)"
    (host_without_key := tmp_path / "known_hosts").write_text("")
    settings = dataclasses.replace(jumping(host, tmp_path, f"127.0.0.1:{host.port}"))
    host_without_key.write_text("")
    assert refused_by_name(session, settings, HostKeyError).host == "inner (by way of 127.0.0.1)"


def test_a_gateway_that_can_not_reach_the_host(host: PrivateHost, session: Make, tmp_path: Path) -> None:
    settings = dataclasses.replace(jumping(host, tmp_path, f"127.0.0.1:{host.port}"), port=free_port())
    error = refused_by_name(session, settings, ConnectError)
    assert error.host == "inner" and "the gateway could not reach" in error.cause


def refused_by_name(make: Make, settings: ConnectionSettings, kind: type[TransportError]) -> TransportError:
    with pytest.raises(kind) as caught:
        make(settings).raw("true")
    return caught.value


def _ping() -> object:
    from provisioner.transport import ModuleCall

    return ModuleCall("ansible.builtin.ping", {})
