"""Proves whose pages may ask, and what browsers are told always."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.browsers import Browsers, directives, origins


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        ("//localhost(:|$),^https://a\\.example\\.com$", "http://localhost:8080", True),
        ("//localhost(:|$),^https://a\\.example\\.com$", "https://a.example.com", True),
        ("//localhost(:|$),^https://a\\.example\\.com$", "https://a.example.com.evil.org", False),
        (".*", "null", True),
        (".*", "", False),
    ],
)
def test_origins(allowed: str, origin: str, may: bool) -> None:
    browsers = Browsers(origins(allowed), [])
    headers = browsers.headers({"Origin": origin} if origin else {})
    assert headers.get("Access-Control-Allow-Origin") == (origin if may else None)
    assert browsers.is_preflight("OPTIONS", headers) is may and not browsers.is_preflight("GET", headers)
    assert Browsers([], []).headers({"Origin": origin}) == {}


def test_what_is_always_told() -> None:
    told = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload"}
    assert Browsers([], directives("max-age=31536000,includeSubDomains,preload")).headers({}) == told


@pytest.mark.parametrize("text", ["", "includeSubDomains", "max-age=x", "max-age=1,odd", "max-age=1\r\nX: y"])
def test_directives_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected max-age"):
        directives(text)


def test_origins_that_are_no_expressions() -> None:
    with pytest.raises(ValueError, match="is no regular expression"):
        origins("a,(")
