"""Proves that admission's steps, plug-ins and webhooks are timed under upstream's names, and refusals told apart."""

from __future__ import annotations

import contextlib

from prometheus_client import CollectorRegistry, generate_latest

from provisioner.kube.apiserver.admission.times import Times


def lines(times: Times, name: str) -> list[str]:
    registry = CollectorRegistry()
    registry.register(times)
    return [line for line in generate_latest(registry).decode().splitlines() if line.startswith(name)]


def test_who_had_a_say_and_who_refused() -> None:
    times = Times()
    with times.step("CREATE", "admit") as step:
        for name in ("First", "", "Second"):
            step.turn_of(name)
    with contextlib.suppress(ValueError), times.step("UPDATE", "validate") as step:
        step.turn_of("First")
        raise ValueError
    name = "apiserver_admission_controller_admission_duration_seconds_count"
    assert lines(times, name) == [
        f'{name}{{name="{plugin}",operation="{operation}",rejected="{rejected}",type="{kind}"}} 1.0'
        for plugin, operation, rejected, kind in (
            ("First", "CREATE", "false", "admit"),
            ("Second", "CREATE", "false", "admit"),
            ("First", "UPDATE", "true", "validate"),
        )
    ]
    name = "apiserver_admission_step_admission_duration_seconds_count"
    assert lines(times, name) == [
        f'{name}{{operation="CREATE",rejected="false",type="admit"}} 1.0',
        f'{name}{{operation="UPDATE",rejected="true",type="validate"}} 1.0',
    ]


def test_webhooks() -> None:
    times = Times()
    times.webhook("a.example.com", ("CREATE", "validating"), 0.3, rejected=True)
    times.rejection("a.example.com", ("CREATE", "validating"), "no_error", 403)
    name = "apiserver_admission_webhook_admission_duration_seconds_bucket"
    found = {line.partition('le="')[2].partition('"')[0]: line[-3:] for line in lines(times, name)}
    assert found["0.1"] == "0.0" and found["0.5"] == found["25"] == found["+Inf"] == "1.0"
    refused = 'error_type="no_error",name="a.example.com",operation="CREATE",rejection_code="403",type="validating"'
    assert lines(times, "apiserver_admission_webhook_rejection_count") == [f"apiserver_admission_webhook_rejection_count{{{refused}}} 1.0"]
