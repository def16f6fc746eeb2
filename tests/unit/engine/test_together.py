"""Proves which tasks share a message, and that all else is as if they had gone one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.engine.events import HostDone, TaskStarted
from tests.unit.engine.fakes import Played, play, tasks

FILE = "- file: path=/{}\n"
FILES = "".join(FILE.format(n) for n in range(3))


def batches(done: Played, host: str = "h1") -> list[int]:
    return done.pool.sessions[host].batches


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILES, [3]),
        ("- command: one\n- file: path=/a\n- file: path=/b", [3]),
        ("- file: path=/a\n- command: one\n- file: path=/b", [1, 2]),  # a command may wait for another host's file
        ("- command: one\n- command: two", [1, 1]),
        ("- file: path=/a\n  register: a\n- file: path=/b", [1, 1]),  # and what uses it may do so by way of any variable
        ('- file: path=/a\n- file: path=/b\n  register: b\n- debug: msg="{{ b.path }}"', [2]),
        ("- file: path=/a\n  failed_when: false\n- file: path=/b", [1, 1]),
        ("- file: path=/a\n  changed_when: false\n- file: path=/b", [2]),
        ("- file: path=/a\n  changed_when: nothing.like\n  ignore_errors: true\n- file: path=/b", [1, 1]),
        ("- file: path=/a\n  become: true\n- file: path=/b", [1, 1]),
        ("- file: path=/a\n- file: path={{ item }}\n  loop: [/b, /c]\n- file: path=/d", [1, 2, 1]),
        ("- file: path=/a\n- debug: msg=here\n- file: path=/b", [1, 1]),
        ("- file: path=/a\n- file: path=/b\n  when: false\n- file: path=/c", [2]),
        ("- file: path=/a\n- file: path=/b\n  delegate_to: h1\n- file: path=/c", [1, 1, 1]),
        ("- file: path=/a\n  any_errors_fatal: true\n- file: path=/b", [1, 1]),
        ("- copy: {content: x, dest: /a}\n- template: {src: t.j2, dest: /b}\n- file: path=/c", [3]),
        ("- copy: {src: folder, dest: /a}\n- file: path=/b", [1, 1, 1]),  # a folder takes several calls
        (f"- copy: {{content: '{'x' * 300_000}', dest: /a}}\n- file: path=/b", [1, 1]),
    ],
)
def test_what_shares_a_message(tmp_path: Path, text: str, expected: list[int]) -> None:
    done = play(tmp_path, tasks(text), files={"t.j2": "{{ inventory_hostname }}", "folder/one": "1"})
    assert batches(done) == expected


def test_each_task_is_told_about_in_its_order(tmp_path: Path) -> None:
    done = play(tmp_path, tasks(FILES), inventory="h1,h2,")
    told = [(type(e).__name__, e.serial, getattr(e, "host", "")) for e in done.events if isinstance(e, TaskStarted | HostDone)]
    serials = sorted({serial for _, serial, _ in told})
    assert told == [
        entry for n in serials for entry in (("TaskStarted", n, ""), ("HostDone", n, "h1"), ("HostDone", n, "h2"))
    ] and len(serials) == 3  # fmt: skip
    assert batches(done, "h2") == [3] and done.stats("h2") == {"ok": 3, "changed": 3}


def test_a_failure_ends_the_row_on_its_host_only(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("- file: path=/a\n- file: path=/{{ 'missing' if inventory_hostname == 'h1' else 'b' }}\n- file: path=/c"),
        inventory="h1,h2,",
    )
    assert done.stats("h1") == {"ok": 1, "changed": 1, "failed": 1} and done.stats("h2") == {"ok": 3, "changed": 3}
    assert [args["path"] for _, args in done.pool.sessions["h1"].log] == ["/a", "/missing"]


def test_a_failure_that_is_ignored_lets_the_row_go_on(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- file: path=/a\n- file: path=/missing\n  ignore_errors: true\n- file: path=/c\n- file: path=/d"))
    assert done.stats() == {"ok": 4, "changed": 3, "ignored": 1} and batches(done) == [4, 2]


def test_a_template_that_cant_be_rendered_fails_after_what_stands_before_it(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- file: path=/a\n- file: path=/{{ nothing }}\n- file: path=/c"))
    assert done.stats() == {"ok": 1, "changed": 1, "failed": 1}
    assert [args["path"] for _, args in done.pool.sessions["h1"].log] == ["/a"]


def test_an_unreachable_host_is_so_at_the_first_of_the_row(tmp_path: Path) -> None:
    done = play(tmp_path, tasks(FILES), inventory="h1,h2,", down=["h1"])
    assert done.stats("h1") == {"unreachable": 1} and done.stats("h2") == {"ok": 3, "changed": 3}
    ignored = play(tmp_path, tasks(FILES, ignore_unreachable=True), down=["h1"])
    assert ignored.stats() == {"ok": 3, "ignored": 3} and ignored.result.exit_code == 0


def test_a_rescue_and_handlers_see_what_they_would_have_seen(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- block:
    - file: path=/a
      notify: said
    - file: path=/missing
    - file: path=/never
  rescue:
    - debug: {msg: "{{ ansible_failed_result.msg }}"}
""")
        + "  handlers:\n    - name: said\n      debug: msg=handled\n",
    )
    assert done.messages() == ["there is none", "handled"] and done.stats()["rescued"] == 1


def test_tags_and_the_start_are_chosen_within_a_row(tmp_path: Path) -> None:
    text = tasks("- {name: one, file: path=/a, tags: x}\n- {name: two, file: path=/b}\n- {name: three, file: path=/c, tags: x}")
    assert batches(play(tmp_path, text, tags=("x",))) == [2]
    assert play(tmp_path, text, start_at_task="two").done() == ["two=changed", "three=changed"]


def test_where_the_controller_is_the_host_nothing_is_read_before_it_is_written(tmp_path: Path) -> None:
    done = play(tmp_path, tasks(FILES), inventory="localhost,")
    assert batches(done, "localhost") == [1, 1, 1]
