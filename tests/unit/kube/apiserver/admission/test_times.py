"""Proves that admission's steps, plug-ins and webhooks are timed under upstream's names, and refusals told apart."""

from __future__ import annotations

import contextlib

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from provisioner.kube.apiserver.admission.times import Timed, Times


def lines(times: Times, name: str) -> list[str]:
    registry = CollectorRegistry()
    registry.register(times)
    return [line for line in generate_latest(registry).decode().splitlines() if line.startswith(name)]


def test_who_had_a_say_and_who_refused() -> None:
    times = Times()
    created = times.tally("CREATE", "admit", ("First", "", "Second"))
    for _ in range(2):
        with Timed(times, created) as step:
            for _name in created.names:
                step.done()
    with contextlib.suppress(ValueError), Timed(times, times.tally("UPDATE", "validate", ("First", "Second"))) as step:
        step.done()
        raise ValueError
    name = "apiserver_admission_controller_admission_duration_seconds_count"
    assert sorted(lines(times, name)) == sorted(
        f'{name}{{name="{plugin}",operation="{operation}",rejected="{rejected}",type="{kind}"}} {count}'
        for plugin, operation, rejected, kind, count in (
            ("First", "CREATE", "false", "admit", 2.0),
            ("Second", "CREATE", "false", "admit", 2.0),
            ("First", "UPDATE", "false", "validate", 1.0),
            ("Second", "UPDATE", "true", "validate", 1.0),
        )
    )
    name = "apiserver_admission_step_admission_duration_seconds_count"
    assert sorted(lines(times, name)) == [
        f'{name}{{operation="CREATE",rejected="false",type="admit"}} 2.0',
        f'{name}{{operation="UPDATE",rejected="true",type="validate"}} 1.0',
    ]


def test_slow_steps_are_told_by_their_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.02 s of the first, 0.3 s of the second, 0.04 s more of the first; then 0.001 s of each. What scrapes ask for twice is the same."""
    times = Times()
    clock = iter([0.0, 0.02, 0.32, 0.36, 1.0, 1.001, 1.002])
    monkeypatch.setattr("provisioner.kube.apiserver.admission.times.perf_counter", lambda: next(clock))
    tally = times.tally("CREATE", "admit", ("First", "Second"))
    with Timed(times, tally) as step:
        step.done()
        step.done()
        step.again("First")
        step.done()
    with Timed(times, tally) as step:
        step.done()
        step.done()
    name = "apiserver_admission_controller_admission_duration_seconds"
    for _ in range(2):
        found = {line.split("{")[1].split("}")[0]: line.rpartition(" ")[2] for line in lines(times, f"{name}_bucket")}
        counts = {
            plugin: [
                found[f'le="{le}",name="{plugin}",operation="CREATE",rejected="false",type="admit"']
                for le in ("0.005", "0.025", "0.1", "0.5")
            ]
            for plugin in ("First", "Second")
        }
        assert counts == {"First": ["1.0", "2.0", "3.0", "3.0"], "Second": ["1.0", "1.0", "1.0", "2.0"]}
    (total,) = lines(times, "apiserver_admission_step_admission_duration_seconds_sum")
    assert float(total.rpartition(" ")[2]) == pytest.approx(0.362)


def test_webhooks() -> None:
    times = Times()
    times.webhook("a.example.com", ("CREATE", "validating"), 0.3, rejected=True)
    times.rejection("a.example.com", ("CREATE", "validating"), "no_error", 403)
    name = "apiserver_admission_webhook_admission_duration_seconds_bucket"
    found = {line.partition('le="')[2].partition('"')[0]: line[-3:] for line in lines(times, name)}
    assert found["0.1"] == "0.0" and found["0.5"] == found["25"] == found["+Inf"] == "1.0"
    refused = 'error_type="no_error",name="a.example.com",operation="CREATE",rejection_code="403",type="validating"'
    assert lines(times, "apiserver_admission_webhook_rejection_count") == [f"apiserver_admission_webhook_rejection_count{{{refused}}} 1.0"]
