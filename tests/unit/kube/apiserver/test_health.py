"""Proves what health says of a server that is well, waits, or stops, and which checks can be asked for and left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.kube.apiserver import health


def _checks(**wrong: str) -> dict[str, health.Check]:
    def says(part: str) -> Callable[[], str | None]:
        return lambda: wrong.get(part)

    return health.checks(*(says(part) for part in ("etcd", "loaded", "bootstrapped", "registered", "shutdown")))


@pytest.mark.parametrize(
    ("kind", "name", "excluded", "wrong", "status", "within"),
    [
        ("livez", "", (), {}, 200, "[+]poststarthook/rbac/bootstrap-roles ok\n"),
        ("readyz", "", (), {}, 200, "[+]informer-sync ok\n"),
        ("livez", "", (), {"shutdown": "x"}, 200, "livez check passed\n"),
        ("readyz", "", (), {"shutdown": "x"}, 500, "[-]shutdown failed: reason withheld\n"),
        ("healthz", "", (), {"etcd": "x"}, 500, "[-]etcd failed: reason withheld\n"),
        ("livez", "", ("etcd",), {"etcd": "x"}, 200, "[+]etcd excluded: ok\n"),
        ("livez", "", ("nope",), {}, 200, 'warn: some health checks cannot be excluded: no matches for "nope"\n'),
        ("livez", "ping", (), {"etcd": "x"}, 200, "ok"),
        ("readyz", "etcd", (), {"etcd": "x"}, 500, "readyz check failed\n"),
        ("livez", "shutdown", (), {}, None, ""),
        ("readyz", "poststarthook/crd-informer-synced", (), {"loaded": "x"}, 500, "crd-informer-synced failed"),
    ],
)
def test_health(kind: str, name: str, excluded: tuple[str, ...], wrong: dict[str, str], status: int | None, within: str) -> None:
    found = health.answer(kind, name, _checks(**wrong), set(excluded), verbose=True)
    assert found.status == status and within in found.text


def test_without_details_it_is_one_word() -> None:
    assert health.answer("livez", "", _checks(), set(), verbose=False) == (200, "ok")


def test_slis_say_what_each_check_says() -> None:
    slis = health.Slis(_checks(etcd="away"))
    for looked in (1, 2):
        found = {(m.name, *sorted(sample.labels.values())): sample.value for m in slis.collect() for sample in m.samples}
        assert found["kubernetes_healthcheck", "etcd", "livez"] == 0 and found["kubernetes_healthcheck", "livez", "ping"] == 1
        assert found["kubernetes_healthchecks", "error", "etcd", "readyz"] == looked
        assert ("kubernetes_healthcheck", "livez", "shutdown") not in found
