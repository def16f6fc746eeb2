"""Proves what clients are told of a webhook's refusal: its own Status, as upstream passes it on."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.kube.apiserver.admission.webhooks import refusal


@pytest.mark.parametrize(
    ("status", "code", "reason", "told"),
    [
        ({"message": "bad"}, 400, "", "denied the request: bad"),
        ({"reason": "the data is bad"}, 400, "the data is bad", "denied the request: the data is bad"),
        ({}, 400, "", "denied the request without explanation"),
        ({"code": 200, "message": "m"}, 400, "", "denied the request: m"),
        ({"code": 403, "reason": "Forbidden", "message": "m"}, 403, "Forbidden", "denied the request: m"),
        ({"code": 422, "reason": "Invalid", "message": "m", "details": {"name": "n"}}, 422, "Invalid", "denied the request: m"),
    ],
)
def test_refusals(status: dict[str, Any], code: int, reason: str, told: str) -> None:
    found = refusal("h.example.com", status)
    assert (found.code, found.reason, found.message) == (code, reason, f'admission webhook "h.example.com" {told}')
    assert found.details == status.get("details", {}) or found.details is None
