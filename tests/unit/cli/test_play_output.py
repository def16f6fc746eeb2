"""The engine's events in Ansible's words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.output_style import OutputStyle
from provisioner.cli.play_output import PlayOutput
from provisioner.engine.attributes import Attributes
from provisioner.engine.events import Event, HostDone, Included, ItemDone, PlaybookStarted, PlayStarted, Recap, Retrying, TaskStarted
from provisioner.engine.playbook import Play, Task
from provisioner.engine.results import HostStats, Status


def done(host: str, status: Status, **result: Any) -> HostDone:
    return HostDone(host, "install", "apt", 1, status, result)


def show(capsys: pytest.CaptureFixture[str], *events: Event, verbosity: int = 0) -> list[str]:
    output = PlayOutput(verbosity, colour=False)
    for event in events:
        output(event)
    return [line for line in capsys.readouterr().out.splitlines() if line]


def test_task_title_comes_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, PlayStarted("web", ("a", "b")), TaskStarted("install", "apt", 1), done("a", Status.OK), done("b", Status.CHANGED))
    assert lines[0].startswith("PLAY [web] ***")
    assert lines[1].startswith("TASK [install] ***")
    assert lines[2:] == ["ok: [a]", "changed: [b]"]


@pytest.mark.parametrize(("is_free", "shown"), [(False, ["PLAY", "TASK [meta]", "TASK [meta]"]), (True, ["PLAY"])])
def test_a_meta_task_has_its_title_without_any_result(capsys: pytest.CaptureFixture[str], is_free: bool, shown: list[str]) -> None:
    started = [TaskStarted("meta", "meta", serial) for serial in (1, 2)]
    lines = show(capsys, PlayStarted("", ("a", "b"), is_free=is_free), *started)
    assert [line.rstrip("* ") for line in lines] == shown


def test_failure_shows_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, TaskStarted("install", "apt", 1), done("a", Status.FAILED, failed=True, msg="no such package"))
    assert lines[1:] == ["[ERROR]: Task failed: Module failed: no such package", 'fatal: [a]: FAILED! => {"msg": "no such package"}']


def test_items_have_their_own_lines(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemDone("a", "install", 1, "git", Status.CHANGED, {"changed": True})
    lines = show(capsys, TaskStarted("install", "apt", 1), item, done("a", Status.CHANGED, results=[{}]))
    assert lines[1:] == ["changed: [a] => (item=git)"]


def test_recap_is_ansibles(capsys: pytest.CaptureFixture[str]) -> None:
    lines = show(capsys, Recap({"a": HostStats(ok=3, changed=1)}))
    assert lines[1] == f"{'a':<26} : ok=3    changed=1    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   "


def test_items_that_fail_are_told_and_their_sum_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemDone("a", "install", 1, {"k": "v"}, Status.FAILED, {"failed": True, "msg": "no"})
    lines = show(capsys, TaskStarted("install", "apt", 1), item, HostDone("a", "install", "apt", 1, Status.FAILED, {"results": [{}]}, True))
    assert lines[1:] == ["[ERROR]: Task failed: Module failed: no", """failed: [a] (item={'k': 'v'}) => {"msg": "no"}""", "...ignoring"]


def test_a_loop_of_debug_that_fails_says_so_once_more(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemDone("a", "say", 1, 1, Status.FAILED, {"failed": True, "msg": "no"})
    whole = {"results": [{}], "msg": "One or more items failed", "_ansible_verbose_always": True}
    lines = show(capsys, TaskStarted("say", "debug", 1), item, HostDone("a", "say", "debug", 1, Status.FAILED, whole, False))
    assert lines[-1] == 'fatal: [a]: FAILED! => {"msg": "One or more items failed"}'


def test_equal_errors_are_explained_once(capsys: pytest.CaptureFixture[str]) -> None:
    failed = [done(host, Status.FAILED, failed=True, msg="no") for host in "ab"]
    assert sum(line.startswith("[ERROR]") for line in show(capsys, TaskStarted("install", "apt", 1), *failed)) == 1


def test_delegation_shows_where_to(capsys: pytest.CaptureFixture[str]) -> None:
    item = ItemDone("a", "install", 1, "x", Status.OK, {}, False, "b", "10.0.0.2")
    whole = HostDone("a", "install", "apt", 1, Status.OK, {}, False, "b", 0.0, None, "b")
    assert show(capsys, TaskStarted("install", "apt", 1), item)[1:] == ["ok: [a -> b(10.0.0.2)] => (item=x)"]
    assert show(capsys, TaskStarted("install", "apt", 1), whole)[1:] == ["ok: [a -> b]"]


def test_includes_and_retries_come_under_their_task(capsys: pytest.CaptureFixture[str]) -> None:
    events = [TaskStarted("more", "include_tasks", 1), ItemDone("a", "more", 1, 1, Status.OK, {}), Included("/x.yml", ("a", "b"), "1")]
    assert show(capsys, *events)[1:] == ["included: /x.yml for a, b => (item=1)"]
    lines = show(capsys, TaskStarted("again", "command", 2), Retrying("a", "again", 1, 2, {}))
    assert lines[0].startswith("TASK [again]") and lines[1:] == ["FAILED - RETRYING: [a]: again (2 retries left)."]


def test_debug_shows_what_it_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"x": 1, "changed": False, "failed": False, "ansible_loop_var": "item", "_ansible_verbose_always": True}
    shown = show(capsys, TaskStarted("d", "debug", 1), HostDone("a", "d", "debug", 1, Status.OK, result))
    assert shown[1:] == ["ok: [a] => {", '    "x": 1', "}"]


@pytest.mark.parametrize("asked", [True, False])
def test_a_difference_that_nobody_asked_for_is_not_shown(capsys: pytest.CaptureFixture[str], asked: bool) -> None:
    result = {"changed": True, "diff": {"before": "a\n", "after": "b\n"}}
    events = [
        ItemDone("a", "install", 1, "git", Status.CHANGED, result, shows_diff=asked),
        HostDone("b", "install", "apt", 1, Status.CHANGED, result, shows_diff=asked),
    ]
    lines = show(capsys, TaskStarted("install", "apt", 1), *events)
    assert [line for line in lines if line in ("-a", "+b")] == ["-a", "+b"] * 2 * asked


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        (OutputStyle(skipped_hosts=False), ["TASK [ran]", "ok: [a]", "TASK [fell]", "[ERROR]: Task failed: Module failed: no", 'fatal: [a]: FAILED! => {"msg": "no"}']),
        (OutputStyle(ok_hosts=False), ["TASK [left out]", "skipping: [a]", "TASK [fell]", "[ERROR]: Task failed: Module failed: no", 'fatal: [a]: FAILED! => {"msg": "no"}']),
        (OutputStyle(ok_hosts=False, skipped_hosts=False, failed_stderr=True), ["TASK [fell]"]),
        (OutputStyle("yaml", ok_hosts=False, skipped_hosts=False), ["TASK [fell]", "[ERROR]: Task failed: Module failed: no", "fatal: [a]: FAILED! =>", "    msg: 'no'"]),
        (
            OutputStyle(skipped_hosts=False, ok_hosts=False, per_host_start=True),
            [" [started TASK: ran on a]", " [started TASK: left out on a]", " [started TASK: fell on a]", "TASK [fell]", "[ERROR]: Task failed: Module failed: no", 'fatal: [a]: FAILED! => {"msg": "no"}'],
        ),
    ],
)  # fmt: skip
def test_settings_choose_what_is_shown(capsys: pytest.CaptureFixture[str], style: OutputStyle, shown: list[str]) -> None:
    output = PlayOutput(colour=False, style=style)
    ends: list[tuple[str, Status, dict[str, Any]]] = [
        ("ran", Status.OK, {}),
        ("left out", Status.SKIPPED, {"skipped": True}),
        ("fell", Status.FAILED, {"failed": True, "msg": "no"}),
    ]
    for serial, (name, status, result) in enumerate(ends):
        output(TaskStarted(name, "apt", serial, hosts=("a",)))
        output(HostDone("a", name, "apt", serial, status, result))
    assert [line.rstrip("* ") for line in capsys.readouterr().out.splitlines() if line] == shown


def test_callbacks_stats_and_the_log(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    style = OutputStyle(custom_stats=True, callbacks=("timer", "profile_tasks", "unheard_of"), log=log)
    output = PlayOutput(colour=True, style=style)
    output(TaskStarted("install", "apt", 1, hosts=("a",)))
    output(done("a", Status.OK))
    output(Recap({"a": HostStats(ok=1)}, {"a": {"x": 1}, "_run": {"y": [1]}}))
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    heads = [line.split(" **")[0] for line in lines if line.endswith("***")]
    assert heads == ["TASK [install]", "PLAY RECAP", "CUSTOM STATS:", "PLAYBOOK RECAP", "TASKS RECAP"]
    assert lines[2] == "\033[32mok: [a]\033[0m" and '\ta: { "x": 1}' in lines and '\tRUN: { "y": [  1 ]}' in lines
    assert [line.split("INFO| ")[1] for line in log.read_text().splitlines() if "ok: [a]" in line] == ["ok: [a]"]
    assert any(line.startswith("install ---") for line in lines) and "Playbook run took 0 days, 0 hours, 0 minutes, 0 seconds" in lines


def test_facts_are_not_shown_however_much_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    events = [HostDone("a", "Gathering Facts", "gather_facts", 1, Status.OK, {"ansible_facts": {"x": 1}})]
    assert show(capsys, TaskStarted("Gathering Facts", "gather_facts", 1), *events, verbosity=1)[1:] == ["ok: [a]"]


def test_titles_say_what_only_checks_and_with_which_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    output = PlayOutput(colour=False, style=OutputStyle.of({"CHECK_MODE_MARKERS": True, "DISPLAY_ARGS_TO_STDOUT": True}, check=True))
    play = Play("web", "all", Attributes())
    shown = Task("copy", {"src": "{{ a }}", "dest": "/b"}, Attributes())
    hidden = Task("copy", {"src": "c"}, Attributes(values={"no_log": True, "check_mode": False}))
    for event in (
        PlaybookStarted("p"),
        PlayStarted("web", ("a",), play=play),
        TaskStarted("one", "copy", 1, task=shown),
        TaskStarted("two", "copy", 2, task=hidden),
        Recap({}),
    ):
        output(event)
    titles = [line.rstrip("* ") for line in capsys.readouterr().out.splitlines() if line]
    assert titles == [
        "DRY RUN",
        "PLAY [web] [CHECK MODE]",
        "TASK [one src={{ a }}, dest=/b] [CHECK MODE]",
        "TASK [two]",
        "PLAY RECAP",
        "DRY RUN",
    ]
