"""Which events are worth a line, and what the line says."""

from __future__ import annotations

import io

import pytest

from provisioner.cli.progress import LineDrawing, LiveDrawing, Underway, drawing, line_of
from provisioner.cluster.events import Event


@pytest.mark.parametrize(
    ("event", "verbosity", "line"),
    [
        (Event("stage_start", "apply"), 0, "== apply"),
        (Event("stage_end", "apply", "", {"ok": True, "seconds": 12.34}), 0, "== apply done in 12.3 s"),
        (Event("stage_end", "apply", "", {"ok": False, "seconds": 1}), 0, "== apply FAILED in 1.0 s"),
        (Event("progress", "waiting for nodes: a"), 0, "   waiting for nodes: a"),
        (Event("would", "create b", "b"), 0, "   b  would create b"),
        (Event("result", "etcd : x", "m", {"status": "ok"}), 0, None),
        (Event("result", "etcd : x", "m", {"status": "ok"}), 1, "   m  ok       etcd : x"),
        (Event("result", "etcd : x", "m", {"status": "changed", "seconds": 3.21}), 0, "   m  changed  etcd : x  (3.2 s)"),
        (Event("result", "x", "m", {"status": "failed", "msg": "no\nspace"}), 0, "   m  failed   x\n      | no\n      | space"),
        (Event("task", "x"), 0, None),
    ],
)
def test_lines(event: Event, verbosity: int, line: str | None) -> None:
    assert line_of(event, verbosity) == line


def test_lines_go_out_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with LineDrawing() as view:
        view(Event("stage_start", "machines"))
        view(Event("task", "quiet"))
    assert capsys.readouterr().out == "== machines\n"


def test_a_long_task_says_every_ten_seconds_that_it_goes_on() -> None:
    now = [0.0]
    underway = Underway(lambda: now[0])
    underway.follow(Event("task", "docker : Package docker.io", "a"))
    underway.follow(Event("task", "etcd : etcd runs", "b"))
    assert (underway.of("a"), underway.of("c"), underway.overdue()) == ("docker : Package docker.io", "", [])
    now[0] = 9.0
    underway.follow(Event("result", "etcd : etcd runs", "b"))
    now[0] = 11.0
    assert underway.overdue() == ["   a  goes on   docker : Package docker.io (11 s)"]
    now[0] = 20.0
    assert underway.overdue() == []
    now[0] = 21.0
    assert underway.overdue() == ["   a  goes on   docker : Package docker.io (21 s)"]
    underway.follow(Event("stage_end", "apply"))
    now[0] = 99.0
    assert underway.overdue() == []


def test_a_terminal_gets_a_row_for_each_host_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a real terminal, where all of it is drawn."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    view = drawing()
    assert isinstance(view, LiveDrawing)
    with view:
        view(Event("stage_start", "apply"))
        view(Event("task", "etcd : etcd runs", "master-1"))
        view(Event("result", "etcd : Settings of etcd", "master-1", {"status": "changed", "changed": True}))
        view(Event("progress", "waiting for nodes: worker-1"))
        view.refresh()
        view(Event("stage_end", "apply", data={"ok": True, "seconds": 1.5}))
    shown = terminal.getvalue()
    for text in (
        "master-1  changed  etcd : Settings of etcd",
        "1 changed",
        "etcd : etcd runs",
        "waiting for nodes: worker-1",
        "== apply done in 1.5 s",
    ):
        assert text in shown, shown


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True
