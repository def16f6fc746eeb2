"""Proves that scheduling's times are told under upstream's names, as histograms that Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from provisioner.kube.client.series import rendered
from provisioner.kube.scheduler.times import Times


def test_what_is_told() -> None:
    times = Times()
    times.decided(0.002)
    times.attempted("scheduled", "default-scheduler", 0.003)
    times.attempted("unschedulable", "default-scheduler", 100.0)
    times.scheduled(20, 0.05)
    times.made_room(2)
    found = {
        f.name: {(s.name, *sorted(s.labels.items())): s.value for s in f.samples}
        for f in text_string_to_metric_families(rendered(times.samples()))
    }
    attempt = found["scheduler_scheduling_attempt_duration_seconds"]
    labels = (("profile", "default-scheduler"), ("result", "scheduled"))
    name = "scheduler_scheduling_attempt_duration_seconds"
    assert attempt[f"{name}_count", *labels] == 1 and attempt[f"{name}_sum", *labels] == 0.003
    assert [attempt[f"{name}_bucket", ("le", le), *labels] for le in ("0.002", "0.004", "+Inf")] == [0, 1, 1]
    assert attempt[f"{name}_bucket", ("le", "+Inf"), ("profile", "default-scheduler"), ("result", "unschedulable")] == 1
    assert (
        found["scheduler_pod_scheduling_sli_duration_seconds"]["scheduler_pod_scheduling_sli_duration_seconds_count", ("attempts", "16+")]
        == 1
    )
    assert found["scheduler_preemption_victims"][("scheduler_preemption_victims_sum",)] == 2
    assert set(found) >= {"scheduler_pod_scheduling_attempts", "scheduler_scheduling_algorithm_duration_seconds"}
