"""DNS over UDP and TCP (RFC 1035, RFC 7766): cluster names from the zone, every other name from the host's resolvers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from dnslib import AAAA, CNAME, EDNS0, PTR, QTYPE, RCODE, RR, SOA, SRV, TXT, A, DNSError, DNSHeader, DNSRecord

from provisioner.kube.dns.zone import Record, Zone

log = logging.getLogger(__name__)

# Short, so that a pod that moved is found again; CoreDNS's default for cluster names.
TTL_S = 5
# A resolver that has not answered by then is asked no longer; stub resolvers retry after 5 s themselves.
FORWARD_TIMEOUT_S = 2.0
# Guess: far above what the pods of a few hundred nodes ask at once, far below what would hurt the process.
MAX_IN_FLIGHT = 1000
UDP_PAYLOAD_BYTES = 512
# What we take over UDP, and the most we send: what fits any path unfragmented (DNS flag day 2020) is our say, what clients allow theirs.
OWN_PAYLOAD_BYTES = 1232
MAX_PAYLOAD_BYTES = 4096
# How many names may stand for one another before the last; a ring of ExternalNames ends here.
MAX_CNAMES = 8
# Guess: far above what needs TCP at once; more are turned away, and clients ask again.
MAX_TCP = 256

Asker = Callable[[bytes, bool], Awaitable[bytes | None]]
_DATA: dict[str, Callable[[Any], Any]] = {
    "A": A,
    "AAAA": AAAA,
    "CNAME": lambda target: CNAME(target + "."),
    "PTR": lambda target: PTR(target + "."),
    "TXT": TXT,
    "SRV": lambda data: SRV(data[0], data[1], data[2], data[3] + "."),
}


def upstream_resolvers(resolv_conf: Path, own: Sequence[str]) -> tuple[str, ...]:
    """The nameservers a host uses, without ourselves (a loop), in their order; empty where there are none."""
    try:
        lines = resolv_conf.read_text().splitlines()
    except OSError:
        return ()
    servers = (line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1)
    return tuple(s for s in servers if s not in own)


def resource_record(record: Record) -> Any:
    """A zone's record as the wire library's."""
    return RR(record.name, getattr(QTYPE, record.type), rdata=_DATA[record.type](record.data), ttl=TTL_S)


class Resolver:
    """Answers one wire message. Raises nothing: what can't be answered is FORMERR, NOTIMP or SERVFAIL."""

    def __init__(self, zone: Zone, ask_upstream: Asker | None) -> None:
        self.zone = zone
        self._ask_upstream = ask_upstream
        self.tcp_clients = 0

    async def respond(self, wire: bytes, tcp: bool) -> bytes | None:
        """The reply to `wire`, or None for what is no question at all and gets no reply."""
        try:
            query = DNSRecord.parse(wire)
        except (DNSError, IndexError, ValueError, UnicodeDecodeError):
            return formerr(wire)
        if query.header.qr:
            return None
        if query.header.opcode or len(query.questions) != 1:
            return empty(query, RCODE.NOTIMP if query.header.opcode else RCODE.FORMERR)
        name = str(query.q.qname)
        if not self.zone.covers(name):
            answer = await self._ask_upstream(wire, tcp) if self._ask_upstream else None
            return answer or empty(query, RCODE.SERVFAIL)
        return await self._own(query, name, tcp)

    async def _own(self, query: Any, name: str, tcp: bool) -> bytes:
        rtype = str(QTYPE.get(query.q.qtype))
        found = self.zone.answer(name, rtype)
        if not found.exists:
            return self._negative(query, RCODE.NXDOMAIN)
        records = [resource_record(record) for record in found.records]
        # Clients take the first address: which one that is, is to differ.
        random.shuffle(records)
        if found.records and found.records[0].type == "CNAME" and rtype not in ("CNAME", "ANY"):
            records += await self._behind(str(found.records[0].data), rtype)
        if not records:
            return self._negative(query, RCODE.NOERROR)
        return fitted(query, records, self._targets(found.records), None if tcp else payload_limit(query))

    def _targets(self, records: Iterable[Record]) -> list[Any]:
        """The addresses of what SRV records name, which whoever asks for those asks for next."""
        names = dict.fromkeys(record.data[3] for record in records if isinstance(record.data, tuple))
        return [resource_record(record) for name in names for record in self.zone.answer(name, "A").records]

    async def _behind(self, target: str, rtype: str) -> list[Any]:
        """What a CNAME leads to: the resolvers in programs don't follow it by themselves. Empty where nobody knows."""
        passed: list[Record] = []
        while self.zone.covers(target):
            records = self.zone.answer(target, rtype).records
            passed += records
            if not records or records[0].type != "CNAME" or len(passed) >= MAX_CNAMES:
                return [resource_record(record) for record in passed]
            target = str(records[0].data)
        return [*map(resource_record, passed), *await self._elsewhere(target, rtype)]

    async def _elsewhere(self, target: str, rtype: str) -> list[Any]:
        if self._ask_upstream is None:
            return []
        answer = await self._ask_upstream(DNSRecord.question(target, rtype).pack(), True)
        try:
            return list(DNSRecord.parse(answer).rr) if answer else []
        except (DNSError, IndexError, ValueError, UnicodeDecodeError):
            return []

    def _negative(self, query: Any, rcode: int) -> bytes:
        """A name, or a type of it, that is not there; the zone's SOA says for how long to believe it (RFC 2308)."""
        reply = reply_to(query, rcode)
        times = (1, 7200, 1800, 86400, TTL_S)
        domain = self.zone.domain
        reply.add_auth(RR(f"{domain}.", QTYPE.SOA, rdata=SOA(f"ns.dns.{domain}.", f"hostmaster.{domain}.", times), ttl=TTL_S))
        packed: bytes = reply.pack()
        return packed


def payload_limit(query: Any) -> int:
    """How long a UDP reply may be: what EDNS0 (RFC 6891) says, else 512 bytes."""
    sizes = [int(r.rclass) for r in query.ar if r.rtype == QTYPE.OPT]
    return min(max(sizes[0], UDP_PAYLOAD_BYTES), MAX_PAYLOAD_BYTES) if sizes else UDP_PAYLOAD_BYTES


def reply_to(query: Any, rcode: int = 0) -> Any:
    """A reply without records yet; it says that we know EDNS0 where the question does."""
    reply = query.reply(ra=1, aa=1)
    reply.header.rcode = rcode
    if any(r.rtype == QTYPE.OPT for r in query.ar):
        reply.add_ar(EDNS0(udp_len=OWN_PAYLOAD_BYTES))
    return reply


def empty(query: Any, rcode: int) -> bytes:
    """A reply with a response code and nothing else."""
    packed: bytes = reply_to(query, rcode).pack()
    return packed


def fitted(query: Any, records: Sequence[Any], additional: Sequence[Any], limit: int | None) -> bytes:
    """The reply with these records; over UDP with as many as `limit` bytes hold, and marked as cut (RFC 2181, 9) where answers are missing.

    A cut answer holds what it can: old C libraries (musl before 1.2.4) never ask again over TCP.
    """

    def packed(answers: int, extra: int) -> bytes:
        reply = reply_to(query)
        reply.header.tc = int(answers < len(records))
        reply.add_answer(*records[:answers])
        reply.add_ar(*additional[:extra])
        wire: bytes = reply.pack()
        return wire

    whole = packed(len(records), len(additional))
    if limit is None or len(whole) <= limit:
        return whole
    # Records of one question are about as long as each other: their mean tells how many fit, and a few steps where it is wrong.
    answers = len(records)
    while len(wire := packed(answers, 0)) > limit and answers:
        answers = min(answers - 1, answers * limit // len(wire))
    return wire


def formerr(wire: bytes) -> bytes | None:
    """A reply to a message that can't be read, where at least its id can."""
    if len(wire) < 12:
        return None
    header = DNSHeader(id=int.from_bytes(wire[:2], "big"), qr=1, rcode=RCODE.FORMERR)
    packed: bytes = DNSRecord(header).pack()
    return packed


class _Ask(asyncio.DatagramProtocol):
    """One question to one upstream resolver over UDP."""

    def __init__(self, wire: bytes, answer: asyncio.Future[bytes]) -> None:
        self.wire, self.answer = wire, answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.DatagramTransport, transport).sendto(self.wire)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if data[:2] == self.wire[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


def forwarder(servers: Sequence[str], port: int = 53, timeout_s: float = FORWARD_TIMEOUT_S) -> Asker | None:
    """Asks the resolvers in turn until one answers; None where there are none."""
    if not servers:
        return None

    async def ask_udp(server: str, wire: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Ask(wire, answer), remote_addr=(server, port))
        try:
            return await answer
        finally:
            transport.close()

    async def ask_tcp(server: str, wire: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(server, port)
        try:
            writer.write(len(wire).to_bytes(2, "big") + wire)
            return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        finally:
            writer.close()

    async def ask(wire: bytes, tcp: bool) -> bytes | None:
        for server in servers:
            try:
                async with asyncio.timeout(timeout_s):
                    return await (ask_tcp if tcp else ask_udp)(server, wire)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                log.warning("forward failed server=%s error=%r", server, str(error) or type(error).__name__)
        return None

    return ask


class UdpServer(asyncio.DatagramProtocol):
    """Each datagram is answered in a task of its own; past the bound questions are dropped, and clients ask again."""

    def __init__(self, resolver: Resolver, spawn: Callable[[str, Any], asyncio.Task[Any]]) -> None:
        self._resolver, self._spawn = resolver, spawn
        self._in_flight = 0
        self.dropped = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if self._in_flight >= MAX_IN_FLIGHT:
            self.dropped += 1
            return
        self._in_flight += 1
        self._spawn("dns-query", self._answer(data, addr))

    async def _answer(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        try:
            reply = await self._resolver.respond(data, tcp=False)
            if reply is not None:
                self._transport.sendto(reply, addr)
        finally:
            self._in_flight -= 1


async def serve_tcp(resolver: Resolver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_s: float = 10.0) -> None:
    """One TCP client: length-prefixed questions, answered in order, until it is idle or leaves."""
    if resolver.tcp_clients >= MAX_TCP:
        writer.close()
        return
    resolver.tcp_clients += 1
    try:
        while True:
            async with asyncio.timeout(idle_s):
                size = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(size)
            reply = await resolver.respond(wire, tcp=True)
            if reply is None:
                return
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
    except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        resolver.tcp_clients -= 1
        writer.close()
