"""Proves the wire: answers over UDP and TCP, truncation, unreadable messages, forwarding, and dead resolvers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from provisioner.kube.dns.server import Resolver, UdpServer, forwarder, serve_tcp, upstream_resolvers
from provisioner.kube.dns.zone import Endpoint, Entry, Zone


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
    assert [str(r.rdata) for r in reply.rr] == ["10.0.0.1", "10.0.0.2"]
    assert reply.header.aa == 1


async def test_a_long_udp_answer_is_truncated_and_whole_over_tcp() -> None:
    resolver = Resolver(zone_with(100), None)
    wire = question("web.default.svc.cluster.local")
    assert DNSRecord.parse(await resolver.respond(wire, tcp=False)).header.tc == 1
    assert len(DNSRecord.parse(await resolver.respond(wire, tcp=True)).rr) == 100


async def test_unknown_names_and_other_domains() -> None:
    resolver = Resolver(zone_with(1), None)
    assert DNSRecord.parse(await resolver.respond(question("no.default.svc.cluster.local"), tcp=False)).header.rcode == RCODE.NXDOMAIN
    assert DNSRecord.parse(await resolver.respond(question("example.org"), tcp=False)).header.rcode == RCODE.REFUSED


async def test_an_unreadable_message_is_a_format_error_and_noise_gets_no_reply() -> None:
    resolver = Resolver(zone_with(1), None)
    reply = await resolver.respond(b"\x12\x34" + b"\xff" * 20, tcp=False)
    assert reply is not None
    assert DNSRecord.parse(reply).header.rcode == RCODE.FORMERR
    assert await resolver.respond(b"hello", tcp=False) is None


async def test_udp_and_tcp_servers_and_forwarding_between_two() -> None:
    loop = asyncio.get_running_loop()

    def spawn(name: str, work):  # type: ignore[no-untyped-def]
        return loop.create_task(work, name=name)

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
