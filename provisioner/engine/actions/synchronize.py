"""synchronize: rsync from the controller (or the host that the task is delegated to) to the task's host, with its connection's keys and names."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.engine.actions.action_call import ActionCall, Plan
from provisioner.engine.errors import TaskError

if TYPE_CHECKING:
    from provisioner.transport.settings import ConnectionSettings

LOCALHOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def plan(call: ActionCall) -> Plan:
    args = dict(call.args)
    if args.get("src") is None or args.get("dest") is None:
        raise TaskError("synchronize requires both src and dest parameters are set")
    settings: ConnectionSettings = call.run.targets.session(call.state, call.context, call.task, call.templar, delegated=False).settings  # type: ignore[attr-defined]
    here = not call.delegated or call.target.name in LOCALHOSTS
    same = (call.delegated and call.target.name == call.state.name) or (here and settings.connection == "local")
    ours, theirs = ("src", "dest") if str(args.get("mode", "push")) == "push" else ("dest", "src")
    if here:
        args[ours] = _local_path(call, str(args[ours]), is_source=ours == "src")
    if not same:
        _over_ssh(call, args, settings, theirs)
    if here:
        # rsync runs on the controller, as whoever runs this program.
        call.target, call.become, call.environment = call.run.targets.delegate("localhost"), None, {}
    result = yield call.module("synchronize", args)
    return result


def _local_path(call: ActionCall, path: str, *, is_source: bool) -> str:
    """A path of the controller: sources are looked for as files of a role are. A slash at the end keeps its meaning."""
    if path.startswith(("/", "~", "rsync://")) or "::" in path:
        return str(Path(path).expanduser()) + ("/" if path.endswith("/") and path != "/" else "")
    if not is_source:
        return str(call.run.directory / path) + ("/" if path.endswith("/") else "")
    try:
        found = str(call.find(path.rstrip("/"), "files"))
    except TaskError:
        found = str(call.run.directory / path.rstrip("/"))  # rsync says that it is not there
    return found + ("/" if path.endswith("/") else "")


def _over_ssh(call: ActionCall, args: dict[str, Any], settings: ConnectionSettings, theirs: str) -> None:
    path = str(args[theirs])
    if "::" in path or path.startswith("rsync://"):
        return  # an rsync daemon: no SSH
    address = f"[{settings.address}]" if ":" in settings.address else settings.address
    user = f"{settings.user}@" if call.flag("set_remote_user", True) else ""
    args[theirs] = f"{user}{address}:{path}"
    port = int(args.pop("dest_port", None) or settings.port)
    keys = (Path(str(args["private_key"])).expanduser(),) if args.get("private_key") else settings.private_key_files
    args["_ssh"] = shlex.join(ssh_command(settings, port, keys))
    if settings.password is not None:
        args["_password"] = settings.password.reveal()
    if call.become is not None and not args.get("rsync_path"):
        if call.become.method != "sudo":
            raise TaskError(f"synchronize can become another user by sudo only, not by {call.become.method}; give rsync_path")
        args["rsync_path"] = f"sudo -n -u {shlex.quote(call.become.user)} rsync"


def ssh_command(settings: ConnectionSettings, port: int | None = None, keys: tuple[Path, ...] = ()) -> list[str]:
    """ssh with what the connection knows: port, keys, known hosts and hops. Raises TaskError for a pinned key, which ssh doesn't know."""
    if settings.pinned_host_key:
        raise TaskError("synchronize knows host keys from known_hosts only: put the one in ansible_host_key there, too")
    command = ["ssh", "-F", "none", "-p", str(port or settings.port), "-o", f"ConnectTimeout={int(settings.connect_timeout_s)}"]
    for key in keys or settings.private_key_files:
        command += ["-i", str(key)]
    checking = "accept-new" if settings.host_key_policy == "accept-new" else "yes"
    command += ["-o", f"StrictHostKeyChecking={checking}", "-o", "UserKnownHostsFile=" + " ".join(map(str, settings.known_hosts))]
    if settings.password is None:
        command += ["-o", "BatchMode=yes"]
    if settings.gateway is not None:
        hop = settings.gateway
        command += ["-o", "ProxyCommand=" + shlex.join([*ssh_command(hop), "-W", "%h:%p", f"{hop.user}@{hop.address}"])]
    elif settings.proxy_command is not None:
        command += ["-o", "ProxyCommand=" + settings.proxy_command.replace("%", "%%")]
    return command
