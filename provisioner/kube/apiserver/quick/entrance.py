"""Who may take the short way, and to what: a request's line and headers read as narrowly as most clients write them, then the same kinds,
authenticator, authorizer and seats as on the long way. None anywhere means that the long way is to look at it; nothing has been done then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from multidict import CIMultiDict

from provisioner.kube.api.errors import StatusError
from provisioner.kube.apiserver import pretty
from provisioner.kube.apiserver.app import Forward, Gate, Seat, Seats
from provisioner.kube.apiserver.context import User
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.registry import VIRTUAL, Registry
from provisioner.kube.apiserver.requests import Target, target_of

# Request lines and heads that are kept, parsed; all are forgotten when there are more.
KEPT_LINES = 2048
LINE_BYTES = 512
KEPT_HEADS = 8
# A longer head than this takes the long way.
HEAD_BYTES = 4096

_LINE = re.compile(rb"(GET|POST|PUT|PATCH) (/apis?/[A-Za-z0-9/._-]+)(?:\?([A-Za-z0-9=&._-]+))? HTTP/1\.1")
_OPTIONS = {
    "get": re.compile("resourceVersion=0"),
    "list": re.compile("resourceVersion=0|limit=[0-9]{1,9}|continue=[A-Za-z0-9_-]+"),
    "write": re.compile("(?:fieldManager|fieldValidation|force)=[A-Za-z0-9._-]+"),
}
_OPTION = re.compile("|".join(f"(?:{option.pattern})" for option in _OPTIONS.values()))
_VERBS = {"GET": ("get", "list"), "POST": ("create",), "PUT": ("update",), "PATCH": ("patch",)}
_HEADER = re.compile(rb"([A-Za-z0-9-]+): *([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
# Headers that a request for an object may have without their meaning more than is looked at here.
_KNOWN = frozenset(
    b"host user-agent accept accept-encoding authorization connection cache-control content-type kubectl-command kubectl-session".split()
)
# What means JSON: protobuf is never what we answer.
_PLAIN = frozenset(
    (
        b"application/json",
        b"*/*",
        b"application/json, */*",
        b"application/json,*/*",
        b"application/vnd.kubernetes.protobuf,application/json",
        b"application/vnd.kubernetes.protobuf, application/json",
    )
)


class Client(Protocol):
    """A connection, as far as it says who is there."""

    @property
    def peer(self) -> Mapping[str, Any] | None: ...
    def certificate(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request line that is about an object, with POST about a new one, or asks for a list without selectors."""

    target: Target
    query: Mapping[str, str]


class Entrance:
    """One for all connections."""

    def __init__(self, gate: Gate, seats: Seats, forward: Forward, registry: Registry) -> None:
        self._gate, self._seats, self._forward, self._registry = gate, seats, forward, registry
        self._lines: dict[bytes, Asked | None] = {}

    def asked(self, line: bytes) -> Asked | None:
        try:
            return self._lines[line]
        except KeyError:
            if len(line) > LINE_BYTES:
                return None
            found = read_line(line)
            if b"continue=" not in line:  # such a line comes once
                if len(self._lines) >= KEPT_LINES:
                    self._lines.clear()
                self._lines[line] = found
            return found

    def kind(self, target: Target) -> Kind | None:
        """The kind, where it serves that verb there with what is stored, and has nothing to warn of."""
        kind = self._registry.find(target.group, target.version, target.resource)
        if kind is None or kind.deprecation or not kind.as_stored or kind.converts:
            return None
        if kind.resource.namespaced != bool(target.namespace) and (target.namespace or target.verb != "list"):
            return None
        if target.subresource and not kind.strategy.has_status:
            return None
        return kind if target.verb in kind.resource.verbs and not self._forward.takes(target) else None

    def user(self, client: Client, target: Target, headers: Mapping[str, str]) -> User | None:
        """Who asks, if that may be known and allowed at once."""
        try:
            user = self._gate.authenticator.authenticate(client.peer, client.certificate, headers, target.path)
        except StatusError:
            return None
        verdict = self._gate.authorizer.decide(user, target) if user is not None else None
        return user if verdict is not None and verdict.allowed else None

    def seat(self, user: User, asked: Asked) -> Seat | None:
        """The last question: a seat that is given must be left."""
        return self._seats.enter(user, asked.target, asked.query)


def read_line(line: bytes) -> Asked | None:
    match = _LINE.fullmatch(line)
    if match is None or b"//" in match[2] or b"/." in match[2]:
        return None
    query: dict[str, str] = {}
    options = match[3].decode().split("&") if match[3] else ()
    for option in options:
        if not _OPTION.fullmatch(option):
            return None
        name, _, query[name] = option.partition("=")
    target = target_of(match[1].decode(), match[2].decode(), query)
    known = _OPTIONS.get(target.verb, _OPTIONS["write"])
    if len(query) < len(options) or not all(map(known.fullmatch, options)):
        return None
    named = target.verb not in ("create", "list")
    if target.verb not in _VERBS[match[1].decode()] or bool(target.name) != named or target.resource in VIRTUAL:
        return None
    if target.resource == "componentstatuses" or target.rest:
        return None
    return Asked(target, query) if target.subresource in (("", "status") if match[1] in (b"PUT", b"PATCH") else ("",)) else None


def read_headers(head: bytes) -> Mapping[str, str] | None:
    """Header lines, each with its end; None where one of them has something to say that isn't looked at here."""
    found: CIMultiDict[str] = CIMultiDict()
    for line in head[:-2].split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        if match is None or (name := match[1].lower()) not in _KNOWN or name.decode() in found:
            return None
        value = match[2]
        if (name == b"accept" and value not in _PLAIN) or (name == b"connection" and value.lower() != b"keep-alive"):
            return None
        if name == b"user-agent" and pretty.is_read_by_people(value.decode()):
            return None
        found[name.decode()] = value.decode()
    return found if "host" in found else None
