"""wait_for: until a port answers or is silent, a file is there, gone or has a text, or connections are drained."""

import os
import re
import socket
import time
from typing import Any, Dict, List, Optional, Tuple, cast

from provisioner.agent import attributes
from provisioner.agent.context import Context, ModuleFailed

ARGUMENTS: Dict[str, Any] = {
    "host": {"default": "127.0.0.1"},
    "timeout": {"type": "int", "default": 300},
    "connect_timeout": {"type": "int", "default": 5},
    "delay": {"type": "int", "default": 0},
    "port": {"type": "int"},
    "active_connection_states": {
        "type": "list",
        "elements": "str",
        "default": ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"],
    },
    "path": {"type": "path"},
    "search_regex": {},
    "state": {"default": "started", "choices": ["absent", "drained", "present", "started", "stopped"]},
    "exclude_hosts": {"type": "list", "elements": "str"},
    "sleep": {"type": "int", "default": 1},
    "msg": {},
}
# States of connections as /proc/net/tcp has them (linux/tcp_states.h).
_STATES = {
    "ESTABLISHED": "01",
    "SYN_SENT": "02",
    "SYN_RECV": "03",
    "FIN_WAIT1": "04",
    "FIN_WAIT2": "05",
    "TIME_WAIT": "06",
}
# A peer that talks and talks without ever matching.
_MAX_BYTES = 16 * 1024 * 1024
Found = Tuple[List[Any], Dict[str, Any]]
NOTHING: Found = ([], {})


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    if context.check:
        return {"changed": False, "skipped": True, "msg": "remote module (wait_for) does not support check mode"}
    waiting = Waiting(args)
    _check(args, waiting)
    if args["delay"]:
        time.sleep(args["delay"])
    found = NOTHING
    state, port, path = args["state"], args["port"], args["path"]
    if not port and not path and state != "drained":
        time.sleep(max(args["timeout"] - waiting.elapsed(), 0))
    elif state == "drained":
        waiting.until(lambda: _connections(args) == 0, "Timeout when waiting for %s:%s to drain" % (args["host"], port))
    elif state in ("started", "present"):
        found = _present(args, waiting)
    elif path:
        waiting.until(lambda: not os.path.lexists(path), "Timeout when waiting for %s to be absent." % path)
    else:
        waiting.until(lambda: not _answers(args, waiting), "Timeout when waiting for %s:%s to stop." % (args["host"], port))
    result = {
        "changed": False,
        "state": state,
        "port": port,
        "search_regex": args["search_regex"],
        "match_groups": found[0],
        "match_groupdict": found[1],
        "path": path,
        "elapsed": waiting.elapsed(),
    }
    if path:
        result.update(attributes.describe(path))
    return result


class Waiting:
    """The time that has passed, and the failure when it is over."""

    def __init__(self, args: Dict[str, Any]) -> None:
        self._args, self._start = args, time.monotonic()

    def elapsed(self) -> int:
        return int(time.monotonic() - self._start)

    def left_s(self) -> float:
        return self._args["timeout"] - (time.monotonic() - self._start)  # type: ignore[no-any-return]

    def until(self, done: Any, msg: str) -> Any:
        """What `done` answers when that is something; it is asked once even when there is no time at all. Raises ModuleFailed."""
        while True:
            answer = done()
            if answer:
                return answer
            if self.left_s() <= 0:
                raise ModuleFailed(self._args["msg"] or msg, elapsed=self.elapsed())
            time.sleep(max(min(self._args["sleep"], self.left_s()), 0.01))


def _check(args: Dict[str, Any], waiting: Waiting) -> None:
    problem = ""
    unknown = [state for state in args["active_connection_states"] if state not in _STATES]
    if args["port"] and args["path"]:
        problem = "port and path parameter can not both be passed to wait_for"
    elif args["path"] and args["state"] in ("stopped", "drained"):
        problem = "state=%s should only be used for checking a port in the wait_for module" % args["state"]
    elif args["exclude_hosts"] is not None and args["state"] != "drained":
        problem = "exclude_hosts should only be with state=drained"
    elif unknown:
        problem = "unknown active_connection_state (%s) defined" % unknown[0]
    if problem:
        raise ModuleFailed(problem, elapsed=waiting.elapsed())


def _present(args: Dict[str, Any], waiting: Waiting) -> Found:
    path, text = args["path"], args["search_regex"]
    where = path or "%s:%s" % (args["host"], args["port"])
    pattern: "Optional[re.Pattern[bytes]]" = None
    if text is not None:
        try:
            pattern = re.compile(text.encode("utf-8", "surrogateescape"), re.MULTILINE)
        except re.error as error:
            raise ModuleFailed("Invalid regular expression: %s" % error, elapsed=0)
    if pattern is not None:
        msg = "Timeout when waiting for search string %s in %s" % (text, where)
    else:
        msg = "Timeout when waiting for file %s" % path if path else "Timeout when waiting for %s" % where
    if path:
        return cast(Found, waiting.until(lambda: _in_file(path, pattern), msg))
    return cast(Found, waiting.until(lambda: _answers(args, waiting, pattern), msg))


def _of(match: "re.Match[bytes]") -> Found:
    groups = [None if group is None else group.decode("utf-8", "replace") for group in match.groups()]
    return groups, {key: None if value is None else value.decode("utf-8", "replace") for key, value in match.groupdict().items()}


def _in_file(path: str, pattern: "Optional[re.Pattern[bytes]]") -> Optional[Found]:
    if pattern is None:
        return NOTHING if os.access(path, os.F_OK) else None
    try:
        with open(path, "rb") as file:
            match = pattern.search(file.read())
    except OSError:
        return None
    return _of(match) if match else None


def _answers(args: Dict[str, Any], waiting: Waiting, pattern: "Optional[re.Pattern[bytes]]" = None) -> Optional[Found]:
    """Whether the port takes a connection and, with a pattern, says what is waited for."""
    limit_s = max(min(args["connect_timeout"], waiting.left_s()), 0.1)
    try:
        with socket.create_connection((args["host"], args["port"]), limit_s) as connection:
            if pattern is None:
                return NOTHING
            said = b""
            while len(said) < _MAX_BYTES:
                connection.settimeout(max(waiting.left_s(), 0.1))
                part = connection.recv(65536)
                said += part
                match = pattern.search(said)
                if match:
                    return _of(match)
                if not part:
                    return None
            return None
    except OSError:
        return None


def _connections(args: Dict[str, Any]) -> int:
    """How many connections to the port are in one of the states."""
    states = {_STATES[state] for state in args["active_connection_states"]}
    excluded = _addresses(args["exclude_hosts"] or [])
    local = _addresses([args["host"]])
    count = 0
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/net/" + name) as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            ours, theirs = row[1].split(":"), row[2].split(":")
            if row[3] not in states or int(ours[1], 16) != args["port"]:
                continue
            anywhere = args["host"] in ("0.0.0.0", "::")
            if (anywhere or readable(ours[0]) in local) and readable(theirs[0]) not in excluded:
                count += 1
    return count


def _addresses(hosts: List[str]) -> List[str]:
    found: List[str] = []
    for host in hosts:
        try:
            found.extend(str(entry[4][0]) for entry in socket.getaddrinfo(host, None))
        except OSError as error:
            raise ModuleFailed("Unable to resolve %s: %s" % (host, error), elapsed=0)
    return found


def readable(number: str) -> str:
    """An address of /proc/net/tcp: words of four bytes, each in the machine's order."""
    raw = b"".join(bytes.fromhex(number[at : at + 8])[::-1] for at in range(0, len(number), 8))
    if len(raw) == 4:
        return socket.inet_ntop(socket.AF_INET, raw)
    text = socket.inet_ntop(socket.AF_INET6, raw)
    return text[len("::ffff:") :] if text.startswith("::ffff:") and "." in text else text
