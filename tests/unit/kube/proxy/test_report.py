"""Proves what kube-proxy answers of itself: health in upstream's form, the mode, and upstream's series."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from provisioner.kube.api._generated import core_v1, meta_v1
from provisioner.kube.client.clock import FakeClock
from provisioner.kube.client.series import rendered
from provisioner.kube.proxy.report import LEAVING, Report, is_eligible


async def asked(routes: list[web.RouteDef], *paths: str) -> list[tuple[int, str]]:
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app)) as client:
        return [(answer.status, await answer.text()) for path in paths for answer in [await client.get(path)]]


@pytest.mark.parametrize(
    ("eligible", "problems", "statuses"),
    [(True, {}, (200, 200)), (False, {}, (503, 200)), (True, {"rules": "nft failed"}, (503, 503))],
)
async def test_health(eligible: bool, problems: dict[str, str], statuses: tuple[int, int]) -> None:
    clock = FakeClock()
    report = Report(lambda: eligible, clock)
    await clock.advance(60)
    (healthz, body), (livez, _) = await asked(report.health_routes(lambda: problems), "/healthz", "/livez")
    assert (healthz, livez) == statuses
    updated = "2026-01-01T00:00:00Z" if problems else "2026-01-01T00:01:00Z"
    assert f'"lastUpdated":"{updated}","currentTime":"2026-01-01T00:01:00Z","nodeEligible":{str(eligible).lower()}' in body
    assert f'kubeproxy_proxy_healthz_total{{code="{healthz}"}} 1' in rendered(report.samples())


def test_a_node_that_leaves_is_not_eligible() -> None:
    node = core_v1.Node(metadata=meta_v1.ObjectMeta(name="n"), spec=core_v1.NodeSpec())
    assert is_eligible(None) and is_eligible(node)
    node.spec.taints = [core_v1.Taint(key=LEAVING, effect="NoSchedule")]
    assert not is_eligible(node)


async def test_the_mode_and_the_series() -> None:
    report = Report(lambda: True, FakeClock())
    report.service_changes = 3
    report.synced(0.003, True)
    report.synced(0.5, False)
    assert await asked(report.mode_routes(), "/proxyMode") == [(200, "nftables")]
    text = rendered(report.samples())
    for line in (
        'kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="0.004"} 1',
        'kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} 2',
        'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 1',
        "kubeproxy_sync_proxy_rules_service_changes_total 3",
    ):
        assert line in text.splitlines()
