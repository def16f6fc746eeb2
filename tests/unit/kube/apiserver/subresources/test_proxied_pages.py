"""Proves that links of proxied pages lead below the proxy, whatever the page looks like, and that nothing else of it changes."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from provisioner.kube.apiserver.subresources.proxied_pages import PAGE_BYTES, Place, rewritten

PREFIX = "/api/v1/namespaces/d/pods/p:80/proxy"
PLACE = Place(PREFIX, "10.0.0.7:80", "localhost:8001")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", f"{PREFIX}/"),
        ("/a/b", f"{PREFIX}/a/b"),
        ("/a/b/?q=1&r=/x#part", f"{PREFIX}/a/b/?q=1&r=/x#part"),
        ("/a/../b", f"{PREFIX}/b"),
        ("/../../../../nodes", f"{PREFIX}/nodes"),
        ("a/b", "a/b"),
        ("", ""),
        ("#top", "#top"),
        ("?a=b", "?a=b"),
        ("http://10.0.0.7:80/a", f"{PREFIX}/a"),
        ("http://localhost:8001/a", f"http://localhost:8001{PREFIX}/a"),
        ("//10.0.0.7:80/a", f"{PREFIX}/a"),
        ("https://elsewhere.example/a", "https://elsewhere.example/a"),
        ("http://10.0.0.7:81/a", "http://10.0.0.7:81/a"),
        ("mailto:a@b", "mailto:a@b"),
        ("data:text/plain,/a", "data:text/plain,/a"),
        (f"{PREFIX}/a", f"{PREFIX}/a"),
        ("http://[bad/a", "http://[bad/a"),
    ],
)
def test_links(target: str, expected: str) -> None:
    assert PLACE.link(target) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<a href="/x">t</a>', f'<a href="{PREFIX}/x">t</a>'),
        ("<A HREF=/x>", f'<A HREF="{PREFIX}/x">'),
        ("<a class=c href='/x?a=1&amp;b=2' id=i>", f'<a class=c href="{PREFIX}/x?a=1&amp;b=2" id=i>'),
        ('<a title="/x" href="y">', '<a title="/x" href="y">'),
        ('<img src="/i.png"/><br/>', f'<img src="{PREFIX}/i.png"/><br/>'),
        ('<form action = "/go"\nmethod=post>', f'<form action = "{PREFIX}/go"\nmethod=post>'),
        ('<script>var a = "<a href=\'/x\'>"</script><a href="/y">', f'<script>var a = "<a href=\'/x\'>"</script><a href="{PREFIX}/y">'),
        ('<script src="/s.js"></script>', f'<script src="{PREFIX}/s.js"></script>'),
        ('<!-- <a href="/x"> --><a href="/y">', f'<!-- <a href="/x"> --><a href="{PREFIX}/y">'),
        ('<!doctype html><p>1 < 2</p><a href="/y">', f'<!doctype html><p>1 < 2</p><a href="{PREFIX}/y">'),
        ('<a href="/x', '<a href="/x'),
        ('<!-- <a href="/x">', '<!-- <a href="/x">'),
        ("<a href>", "<a href>"),
        ('<a href="/é">ü</a>', f'<a href="{PREFIX}/é">ü</a>'),
        ("", ""),
    ],
)
def test_pages(page: str, expected: str) -> None:
    assert rewritten(page.encode(), "", PLACE.link) == expected.encode()


def test_bytes_that_are_no_text_stay() -> None:
    assert rewritten(b'\xff<a href="/x">\xfe', "", PLACE.link) == b'\xff<a href="%b/x">\xfe' % PREFIX.encode()


def test_packed_pages() -> None:
    page, expected = b'<a href="/x">', f'<a href="{PREFIX}/x">'.encode()
    packed = zlib.compressobj(wbits=-15)
    assert rewritten(gzip.compress(page), "gzip", PLACE.link) == expected
    assert rewritten(packed.compress(page) + packed.flush(), "deflate", PLACE.link) == expected
    assert rewritten(page, "gzip", PLACE.link) is None
    assert rewritten(page, "br", PLACE.link) is None
    assert rewritten(gzip.compress(bytes(PAGE_BYTES + 1)), "gzip", PLACE.link) is None


@pytest.mark.parametrize("part", [b"<a ", b'<a "', b'<a b="', b"<a b =", b"<!--", b"<script>", b"< ", b"<a\n\n\n\n", b"<a href='"])
def test_pages_that_mean_harm_are_read_once(part: bytes) -> None:
    page = part * (256 * 1024 // len(part))
    began = time.process_time()
    assert rewritten(page, "", PLACE.link) == page
    assert time.process_time() - began < 2
