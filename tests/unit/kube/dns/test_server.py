"""Proves the wire: answers over UDP and TCP, truncation, unreadable messages, forwarding, and dead resolvers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dnslib import EDNS0, QTYPE, RCODE, RR, A, DNSHeader, DNSRecord

from provisioner.kube.client.tasks import spawn
from provisioner.kube.dns.server import MAX_CNAMES, MAX_IN_FLIGHT, MAX_TCP, Resolver, UdpServer, forwarder, serve_tcp, upstream_resolvers
from provisioner.kube.dns.zone import Endpoint, Entry, Zone

WEB = "web.default.svc.cluster.local"


def zone_with(addresses: int) -> Zone:
    zone = Zone("cluster.local")
    endpoints = [Endpoint(f"e{i}", f"10.0.{i // 250}.{i % 250 + 1}", ()) for i in range(addresses)]
    zone.put("default", "web", Entry(headless=True, endpoints=endpoints))
    return zone


def question(name: str, rtype: str = "A") -> bytes:
    packed: bytes = DNSRecord.question(name, rtype).pack()
    return packed


async def test_answers_from_the_zone() -> None:
    reply = DNSRecord.parse(await Resolver(zone_with(2), None).respond(question("web.default.svc.cluster.local"), tcp=False))
    assert sorted(str(r.rdata) for r in reply.rr) == ["10.0.0.1", "10.0.0.2"]
    assert reply.header.aa == 1


async def test_the_first_address_differs() -> None:
    resolver = Resolver(zone_with(5), None)
    wire = question("web.default.svc.cluster.local")
    firsts = {str(DNSRecord.parse(await resolver.respond(wire, tcp=False)).rr[0].rdata) for _ in range(50)}
    assert len(firsts) > 1


@pytest.mark.parametrize(("name", "rtype", "rcode"), [("no.default.svc.cluster.local", "A", "NXDOMAIN"), (WEB, "AAAA", "NOERROR")])
async def test_what_is_not_there_says_for_how_long(name: str, rtype: str, rcode: str) -> None:
    reply = DNSRecord.parse(await Resolver(zone_with(1), None).respond(question(name, rtype), tcp=False))
    assert (RCODE[reply.header.rcode], reply.rr) == (rcode, [])
    assert (str(reply.auth[0].rname), reply.auth[0].ttl) == ("cluster.local.", 5)


async def test_a_search_path_ends_at_the_first_name_that_is() -> None:
    resolver = Resolver(zone_with(1), None)
    codes = []
    for suffix in ("default.svc.cluster.local", "svc.cluster.local", "cluster.local"):
        reply = DNSRecord.parse(await resolver.respond(question(f"web.default.{suffix}"), tcp=False))
        codes.append((RCODE[reply.header.rcode], len(reply.rr)))
    assert codes == [("NXDOMAIN", 0), ("NOERROR", 1), ("NXDOMAIN", 0)]


@pytest.mark.parametrize("known", [True, False])
async def test_an_external_name_comes_with_its_address(known: bool) -> None:
    asked = []

    async def elsewhere(wire: bytes, tcp: bool) -> bytes | None:
        query = DNSRecord.parse(wire)
        asked.append((str(query.q.qname), tcp))
        reply = query.reply()
        reply.add_answer(RR("example.org", QTYPE.A, rdata=A("192.0.2.1"), ttl=60))
        return bytes(reply.pack()) if known else None

    zone = zone_with(1)
    zone.put("default", "out", Entry(external_name="example.org"))
    zone.put("default", "alias", Entry(external_name=WEB))
    resolver = Resolver(zone, elsewhere)
    reply = DNSRecord.parse(await resolver.respond(question("out.default.svc.cluster.local"), tcp=False))
    assert [str(r.rdata) for r in reply.rr] == ["example.org.", *(["192.0.2.1"] if known else [])]
    assert asked == [("example.org.", True)]
    inside = DNSRecord.parse(await resolver.respond(question("alias.default.svc.cluster.local"), tcp=False))
    assert [str(r.rdata) for r in inside.rr] == [f"{WEB}.", "10.0.0.1"]


async def test_edns_allows_longer_answers() -> None:
    resolver = Resolver(zone_with(50), None)
    query = DNSRecord.question(WEB, "A")
    query.add_ar(EDNS0(udp_len=4096))
    assert len(DNSRecord.parse(await resolver.respond(query.pack(), tcp=False)).rr) == 50


async def test_edns_is_answered_in_kind() -> None:
    resolver = Resolver(zone_with(1), None)
    for name in (WEB, "no.default.svc.cluster.local", "example.org"):
        query = DNSRecord.question(name, "A")
        assert DNSRecord.parse(await resolver.respond(query.pack(), tcp=False)).ar == []
        query.add_ar(EDNS0(udp_len=4096))
        assert [r.rtype for r in DNSRecord.parse(await resolver.respond(query.pack(), tcp=False)).ar] == [QTYPE.OPT]


async def test_names_that_stand_for_names_are_followed_and_a_ring_ends() -> None:
    zone = zone_with(1)
    for name, target in (("one", "two"), ("two", "web"), ("round", "about"), ("about", "round")):
        zone.put("default", name, Entry(external_name=f"{target}.default.svc.cluster.local"))
    resolver = Resolver(zone, None)
    reply = DNSRecord.parse(await resolver.respond(question("one.default.svc.cluster.local"), tcp=False))
    assert [str(r.rdata).partition(".")[0] for r in reply.rr] == ["two", "web", "10"]
    ring = DNSRecord.parse(await resolver.respond(question("round.default.svc.cluster.local"), tcp=True))
    assert len(ring.rr) == 1 + MAX_CNAMES


async def test_srv_comes_with_the_addresses_of_its_targets() -> None:
    zone = Zone("cluster.local")
    ports = (("http", "tcp", 80),)
    zone.put("default", "web", Entry(headless=True, endpoints=[Endpoint("a", "10.0.0.1", ports), Endpoint("b", "10.0.0.2", ports)]))
    reply = DNSRecord.parse(await Resolver(zone, None).respond(question(f"_http._tcp.{WEB}", "SRV"), tcp=False))
    assert sorted((str(r.rname), str(r.rdata)) for r in reply.ar) == [(f"a.{WEB}.", "10.0.0.1"), (f"b.{WEB}.", "10.0.0.2")]


@pytest.mark.parametrize(("opcode", "questions", "rcode"), [(2, 1, "NOTIMP"), (0, 2, "FORMERR"), (0, 0, "FORMERR")])
async def test_what_is_no_question_of_ours(opcode: int, questions: int, rcode: str) -> None:
    query = DNSRecord(DNSHeader(id=7, opcode=opcode), questions=[DNSRecord.question(WEB).q] * questions)
    query.header.opcode = opcode
    reply = DNSRecord.parse(await Resolver(zone_with(1), None).respond(query.pack(), tcp=False))
    assert RCODE[reply.header.rcode] == rcode


async def test_too_many_tcp_clients_are_turned_away() -> None:
    resolver = Resolver(zone_with(1), None)
    resolver.tcp_clients = MAX_TCP
    server = await asyncio.start_server(lambda r, w: serve_tcp(resolver, r, w), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert await reader.read() == b""
    writer.close()
    server.close()
    await server.wait_closed()


async def test_past_the_bound_questions_are_dropped() -> None:
    waiting = asyncio.Event()

    async def slow(wire: bytes, tcp: bool) -> None:
        await waiting.wait()

    class Nowhere(asyncio.DatagramTransport):
        def sendto(self, *_: object) -> None:
            return

    server = UdpServer(Resolver(Zone("cluster.local"), slow), spawn)
    server.connection_made(Nowhere())
    for number in range(MAX_IN_FLIGHT + 3):
        server.datagram_received(question("example.org"), ("127.0.0.1", number))
    assert server.dropped == 3
    waiting.set()
    async with asyncio.timeout(5):
        while server._in_flight:
            await asyncio.sleep(0)


async def test_a_long_udp_answer_is_truncated_and_whole_over_tcp() -> None:
    resolver = Resolver(zone_with(100), None)
    wire = question("web.default.svc.cluster.local")
    cut = await resolver.respond(wire, tcp=False)
    assert cut is not None
    assert (DNSRecord.parse(cut).header.tc, len(DNSRecord.parse(cut).rr)) == (1, 29)
    assert len(cut) <= 512
    assert len(DNSRecord.parse(await resolver.respond(wire, tcp=True)).rr) == 100


async def test_unknown_names_and_other_domains() -> None:
    resolver = Resolver(zone_with(1), None)
    assert DNSRecord.parse(await resolver.respond(question("no.default.svc.cluster.local"), tcp=False)).header.rcode == RCODE.NXDOMAIN
    assert DNSRecord.parse(await resolver.respond(question("example.org"), tcp=False)).header.rcode == RCODE.SERVFAIL


async def test_an_unreadable_message_is_a_format_error_and_noise_gets_no_reply() -> None:
    resolver = Resolver(zone_with(1), None)
    reply = await resolver.respond(b"\x12\x34" + b"\xff" * 20, tcp=False)
    assert reply is not None
    assert DNSRecord.parse(reply).header.rcode == RCODE.FORMERR
    assert await resolver.respond(b"hello", tcp=False) is None


async def test_udp_and_tcp_servers_and_forwarding_between_two() -> None:
    loop = asyncio.get_running_loop()

    async def elsewhere(wire: bytes, tcp: bool) -> bytes:
        reply = DNSRecord.parse(wire).reply()
        reply.add_answer(RR("example.org", QTYPE.A, rdata=A("192.0.2.1"), ttl=60))
        packed: bytes = reply.pack()
        return packed

    upstream = Resolver(Zone("other.local"), elsewhere)
    transport, _ = await loop.create_datagram_endpoint(lambda: UdpServer(upstream, spawn), local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    server = await asyncio.start_server(lambda r, w: serve_tcp(upstream, r, w), "127.0.0.1", port)
    try:
        resolver = Resolver(zone_with(1), forwarder(["127.0.0.1"], port))
        for tcp in (False, True):
            reply = DNSRecord.parse(await resolver.respond(question("example.org"), tcp=tcp))
            assert [str(r.rdata) for r in reply.rr] == ["192.0.2.1"]
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


async def test_a_dead_resolver_is_a_server_failure() -> None:
    resolver = Resolver(zone_with(1), forwarder(["127.0.0.1"], 1, timeout_s=0.2))
    assert DNSRecord.parse(await resolver.respond(question("example.org"), tcp=False)).header.rcode == RCODE.SERVFAIL


def test_our_own_address_is_no_upstream(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("search x\nnameserver 10.96.0.10\nnameserver 192.0.2.53\n")
    assert upstream_resolvers(conf, ["10.96.0.10"]) == ("192.0.2.53",)
    assert upstream_resolvers(tmp_path / "missing", []) == ()
