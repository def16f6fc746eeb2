"""Proves which strings have their format, and that formats nobody knows refuse nothing."""

from __future__ import annotations

import pytest

from provisioner.kube.apiserver.custom.formats import fits


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        ("byte", "aGk=", "a"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("date", "2026-01-31", "2026-02-31"),
        ("date-time", "2026-01-31T00:00:00Z", "2026-01-31"),
        ("duration", "1h30m", "soon"),
        ("email", "a@example.com", "example.com"),
        ("hostname", "a.example.com", "-a"),
        ("ipv4", "10.0.0.1", "::1"),
        ("ipv6", "::1", "10.0.0.1"),
        ("k8s-short-name", "a-b", "A.b"),
        ("k8s-long-name", "a.b", "a_b"),
        ("mac", "00:00:5e:00:53:01", "00:00"),
        ("uri", "https://example.com/x", "x y"),
        ("uuid", "a987fbc9-4bed-3078-cf07-9141ba07c9f3", "a987fbc9"),
        ("uuid4", "57b73598-8764-4ad0-a76a-679bb6640eb1", "57b73598-8764-3ad0-a76a-679bb6640eb1"),
    ],
)
def test_formats(form: str, right: str, wrong: str) -> None:
    assert fits(right, form) and not fits(wrong, form)


def test_unknown_formats_refuse_nothing() -> None:
    assert fits("anything", "password") and fits("anything", "made-up")
