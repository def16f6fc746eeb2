"""Proves how long tasks and runs are said to take."""

from __future__ import annotations

from provisioner.cli.timings import Timings, filled


def test_tasks_and_the_run() -> None:
    moments = iter([0.0, *(0.25, 0.25), *(62.25, 62.25, 62.25), *(62.5, 62.5), 90061.0])
    timings = Timings(lambda: next(moments))
    assert "(0:00:00.250)       0:00:00.250 *" in timings.start(1, "quick")
    assert "(0:01:02.000)       0:01:02.250 *" in timings.start(2, "slow")
    line, rule, *tasks = timings.slowest()
    assert "(0:00:00.250)       0:01:02.500" in line and rule == "=" * 79 + " "
    assert [(len(task), task[:8], task[-8:]) for task in tasks] == [(79, "quick --", "- 62.00s"), (79, "slow ---", "-- 0.25s")]
    assert timings.whole() == "Playbook run took 1 days, 1 hours, 1 minutes, 1 seconds"


def test_a_line_is_filled() -> None:
    assert filled("a" * 70) == "a" * 70 + " ******** "
    assert filled("a" * 90) == "a" * 90 + " *** "
