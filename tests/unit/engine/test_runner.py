"""Proves the language on an in-memory session: conditions, loops, blocks, handlers, includes, roles, precedence, strategies, recap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.engine import PlaybookError
from provisioner.engine.events import Included, TaskStarted, Warned
from tests.unit.engine.fakes import play, tasks

E: dict[str, Any] = {}


def test_when_register_and_recap(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: echo hi
  register: out
- debug: {msg: "{{ out.stdout }} {{ out is changed }} {{ out.failed }}"}
- debug: msg=never
  when: out.stdout == 'no'
- debug: msg="two words"
  when: [out.rc == 0, true]
"""),
    )
    assert done.messages() == ["hi True False", None, "two words"]
    assert done.stats() == {"ok": 3, "changed": 1, "skipped": 1}
    assert done.result.exit_code == 0


def test_a_failed_task_ends_its_host_only(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: fail
  when: inventory_hostname == 'h1'
- debug: msg=after
"""),
        inventory="h1,h2,",
    )
    assert done.stats("h1") == {"failed": 1}
    assert done.stats("h2") == {"ok": 1, "skipped": 1}
    assert done.result.exit_code == 2


def test_unreachable_host(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- ping:\n- ping:"), inventory="h1,h2,", down=["h1"])
    assert done.stats("h1") == {"unreachable": 1}
    assert done.stats("h2") == {"ok": 2}
    assert done.result.exit_code == 4


def test_loops(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: "echo {{ item }}"
  loop: [a, b, c]
  when: item != 'b'
  register: out
- debug: {msg: "{{ out.results | map(attribute='skipped', default=false) | list }} {{ out.results[0].item }} {{ out.changed }} {{ out.msg }}"}
- debug: {msg: "{{ k }}{{ i }}{{ ansible_loop.last }}"}
  with_dict: {x: 1}
  loop_control: {loop_var: k, index_var: i, extended: true}
- set_fact: {total: "{{ (total | default([])) + [item] }}"}
  with_items: [[1, 2], 3]
- debug: {msg: "{{ total }}"}
- command: echo {{ item }}
  loop: []
  register: empty
- debug: {msg: "{{ empty is skipped }}"}
- debug: msg=x
  with_sequence: start=1 end=2
"""),
    )
    assert done.messages() == [
        "[False, True, False] a True All items completed",
        "All items completed",
        [1, 2, 3],
        True,
        "All items completed",
    ]
    assert done.pool.sessions["h1"].batches == [2]


def test_a_failed_item_does_not_stop_the_others(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: "{{ item }}"
  loop: [echo a, fail, echo c]
  register: out
  ignore_errors: true
- debug: {msg: "{{ out.results | map(attribute='failed') | list }} {{ out is failed }} {{ out.msg }}"}
"""),
    )
    assert done.messages() == ["[False, True, False] True One or more items failed"]
    assert done.stats() == {"ok": 2, "changed": 1, "ignored": 1}


def test_until(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: count
  register: n
  until: n.stdout | int >= 3
  retries: 5
  delay: 0
- debug: {msg: "{{ n.attempts }} {{ n.stdout }}"}
- command: fail
  register: f
  until: f is success
  retries: 2
  delay: 0
  ignore_errors: true
- debug: {msg: "{{ f.attempts }} {{ f.failed }}"}
"""),
    )
    assert done.messages() == ["3 3", "2 True"]


def test_changed_when_and_failed_when(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: echo x
  register: r
  changed_when: "'y' in r.stdout"
  failed_when: [r.rc == 0, "'z' in r.stdout"]
- command: fail
  register: r
  failed_when: false
- debug: {msg: "{{ r.failed }} {{ r.failed_when_result }}"}
"""),
    )
    assert done.stats() == {"ok": 3, "changed": 1}
    assert done.messages() == ["False False"]


def test_blocks(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- block:
    - command: fail
      name: breaks
    - debug: msg=unreached
  rescue:
    - debug: {msg: "{{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}"}
  always:
    - debug: msg=always
- block:
    - block:
        - fail: {msg: inner}
      always:
        - debug: msg=inner-always
  always:
    - debug: msg=outer-always
- debug: msg=unreached
"""),
    )
    assert done.messages() == ["breaks 1", "always", "inner-always", "outer-always"]
    assert done.stats() == {"ok": 4, "failed": 1, "rescued": 1}


def test_handlers(tmp_path: Path) -> None:
    text = (
        tasks("""
- command: echo 1
  notify: second
- command: echo 2
  notify: [first, topic]
- command: echo 3
  notify: first
- debug: msg=not-yet
- meta: flush_handlers
- debug: msg=after
- command: echo 4
  notify: chain
""")
        + """\
  handlers:
    - {name: first, debug: {msg: h-first}}
    - {name: second, debug: {msg: h-second}}
    - {name: listener, listen: topic, debug: {msg: h-topic}}
    - {name: chained, debug: {msg: h-chained}}
    - {name: chain, command: echo, notify: chained}
"""
    )
    assert play(tmp_path, text).messages() == ["not-yet", "h-first", "h-second", "h-topic", "after", "h-chained"]


def test_handlers_of_imported_roles_come_after_those_of_the_play(tmp_path: Path) -> None:
    files = {f"roles/{name}/handlers/main.yml": f"- {{name: h, debug: {{msg: of {name}}}}}\n" for name in ("listed", "early", "late")}
    text = tasks("- import_role: {name: late}\n- ping:\n  changed_when: true\n  notify: ['listed : h', own, 'early : h', 'late : h']")
    text += "  roles: [listed]\n  post_tasks: [{import_role: {name: early}}]\n  handlers: [{name: own, debug: {msg: own}}]\n"
    assert play(tmp_path, text, files=files).messages() == ["of listed", "own", "of early", "of late"]


def test_a_role_is_called_as_its_path_was_written(tmp_path: Path) -> None:
    text = tasks("- import_role: {name: roles/r}\n- include_role: {name: ./roles/r}")
    done = play(tmp_path, text, files={"roles/r/tasks/main.yml": "- debug: {msg: '{{ role_name }}'}\n"})
    assert done.messages() == ["roles/r", "./roles/r"]
    assert done.done()[0] == "roles/r : debug=ok"


def test_handlers_of_failed_hosts_run_only_when_forced(tmp_path: Path) -> None:
    text = tasks("- command: echo\n  notify: h\n- fail:") + "  handlers:\n    - {name: h, debug: {msg: ran}}\n"
    assert play(tmp_path, text).messages() == []
    assert play(tmp_path, text, force_handlers=True).messages() == ["ran"]


def test_unknown_handler_is_named(tmp_path: Path) -> None:
    text = tasks("- command: echo\n  notify: restrat") + "  handlers:\n    - {name: restart, ping: }\n"
    with pytest.raises(PlaybookError, match="Did you mean 'restart'"):
        play(tmp_path, text)


ROLE = {
    "roles/app/defaults/main.yml": "size: 1\ncolor: default\n",
    "roles/app/vars/main.yml": "kind: role-var\n",
    "roles/app/tasks/main.yml": "- debug: {msg: 'app {{ size }} {{ color }} {{ kind }} {{ role_name }}'}\n- include_tasks: more.yml\n",
    "roles/app/tasks/more.yml": "- debug: {msg: more}\n- command: echo\n  notify: app handler\n",
    "roles/app/handlers/main.yml": "- {name: app handler, debug: {msg: handled}}\n",
    "roles/app/meta/main.yml": "dependencies: [{role: dep, word: given}]\n",
    "roles/dep/tasks/main.yml": "- debug: {msg: 'dep {{ word }}'}\n",
    "roles/dep/defaults/main.yml": "word: none\n",
}


def test_roles(tmp_path: Path) -> None:
    text = """
- hosts: all
  gather_facts: false
  vars: {color: play}
  pre_tasks: [{debug: {msg: pre}}]
  roles:
    - app
    - {role: app, size: 2, tags: [x]}
    - app
  tasks: [{debug: {msg: "task {{ size }}"}}]
  post_tasks: [{debug: {msg: post}}]
"""
    assert play(tmp_path, text, files=ROLE).messages() == [
        "pre", "dep given", "app 1 play role-var app", "more", "app 2 play role-var app", "more", "task 1", "handled", "post",
    ]  # fmt: skip


def test_include_and_import_role(tmp_path: Path) -> None:
    text = tasks("""
- import_role: {name: dep}
  vars: {word: imported}
- include_role: {name: dep}
  vars: {word: "{{ item }}"}
  loop: [a, b]
- include_role: {name: dep, tasks_from: other}
""")
    files = {**ROLE, "roles/dep/tasks/other.yml": "- debug: {msg: 'other {{ word }}'}\n"}
    assert play(tmp_path, text, files=files).messages() == ["dep imported", "dep a", "dep b", "other none"]


def test_include_tasks_differs_by_host(tmp_path: Path) -> None:
    text = tasks("""
- include_tasks: "{{ inventory_hostname }}.yml"
- import_tasks: shared.yml
  when: inventory_hostname == 'h2'
""")
    files = {"h1.yml": "- debug: {msg: one}\n", "h2.yml": "- debug: {msg: two}\n", "shared.yml": "- debug: {msg: shared}\n"}
    done = play(tmp_path, text, files=files, inventory="h1,h2,")
    assert (done.messages("h1"), done.messages("h2")) == (["one", None], ["two", "shared"])


def test_precedence(tmp_path: Path) -> None:
    """Each level wins over those before it; the task shows which value each variable got."""
    inventory = """
all:
  vars: {v: all, v_inv: inventory}
  hosts:
    h1: {v_host: host, v_play: host, v_set: host, v_task: host, v_extra: host}
"""
    files = {
        "group_vars/all.yml": "v: file\nv_fact: file\n",
        "vars/f.yml": "v_files: vars_files\nv_role: vars_files\n",
        "roles/r/defaults/main.yml": "v: default\nv_default: default\nv_inv: default\n",
        "roles/r/vars/main.yml": "v_role: role\nv_block: role\n",
        "roles/r/tasks/main.yml": """
- block:
    - set_fact: {v_set: fact, v_param: fact}
    - debug:
        msg: "{{ v }} {{ v_inv }} {{ v_default }} {{ v_host }} {{ v_play }} {{ v_files }} {{ v_role }} {{ v_block }} {{ v_task }} {{ v_set }} {{ v_param }} {{ v_extra }}"
      vars: {v_task: task, v_set: task, v_extra: task}
  vars: {v_block: block, v_task: block}
""",
    }
    text = """
- hosts: all
  gather_facts: false
  vars: {v_play: play, v_files: play}
  vars_files: [vars/f.yml]
  roles: [{role: r, v_param: param}]
"""
    done = play(tmp_path, text, files=files, inventory=inventory, extra_vars={"v_extra": "extra"})
    assert done.messages() == ["file inventory default host play vars_files role block task fact param extra"]


def test_facts_are_gathered_once_while_nothing_changes(tmp_path: Path) -> None:
    one = "- hosts: all\n  tasks: [{debug: {msg: '{{ ansible_distribution }} {{ ansible_facts.hostname }}'}}]\n"
    changing = "- hosts: all\n  gather_facts: false\n  tasks: [{command: echo}]\n"
    done = play(tmp_path, one + one + changing + one)
    assert done.messages() == ["Debian h1"] * 3
    assert [module for module, _ in done.pool.sessions["h1"].log] == ["setup", "command", "setup"]
    assert done.stats() == {"ok": 7, "changed": 1}


def test_run_once_delegate_and_hostvars(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks("""
- command: echo once
  run_once: true
  register: r
- debug: {msg: "{{ r.stdout }}"}
- command: "echo {{ inventory_hostname }}"
  delegate_to: h2
- set_fact: {mine: "{{ inventory_hostname }}"}
- debug: {msg: "{{ hostvars['h2'].mine }} {{ groups.all }} {{ ansible_play_hosts }}"}
"""),
        inventory="h1,h2,",
    )
    assert done.messages("h1") == done.messages("h2") == ["once", "h2 ['h1', 'h2'] ['h1', 'h2']"]
    assert [args["_raw_params"] for _, args in done.pool.sessions["h2"].log] == ["echo h1", "echo h2"]


def test_serial_and_max_fail_percentage(tmp_path: Path) -> None:
    text = tasks("- command: \"{{ 'fail' if inventory_hostname == 'h2' else 'echo' }}\"", serial=[1, 2], max_fail_percentage=30)
    done = play(tmp_path, text, inventory="h1,h2,h3,h4,")
    assert done.done() == ["command=changed", "command=failed", "command=changed"]


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "mitogen_free", "mitogen_linear", "mitogen"])
def test_a_strategy_runs_everything(tmp_path: Path, strategy: str) -> None:
    done = play(tmp_path, tasks("- ping:\n- debug: msg=x", strategy=strategy), inventory="h[1:8],", forks=3)
    assert all(done.stats(f"h{n}") == {"ok": 2} for n in range(1, 9))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["a", "b", "plain", "always"]),
        ({"tags": ("a",)}, ["a", "always"]),
        ({"tags": ("never",)}, ["never", "always"]),
        ({"tags": ("hidden",)}, ["never", "always"]),
        ({"skip_tags": ("b",)}, ["a", "plain", "always"]),
        ({"tags": ("untagged",)}, ["plain", "always"]),
        ({"tags": ("tagged",)}, ["a", "b", "always"]),
        ({"skip_tags": ("always",)}, ["a", "b", "plain"]),
        ({"start_at_task": "b*"}, ["b", "plain", "always"]),
    ],
)
def test_tags(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    text = tasks("""
- debug: msg=a
  tags: a
- block:
    - {name: bee, debug: {msg: b}}
  tags: [b]
- debug: msg=plain
- debug: msg=never
  tags: [never, hidden]
- debug: msg=always
  tags: always
""")
    assert play(tmp_path, text, **options).messages() == expected


def test_template_and_copy(tmp_path: Path) -> None:
    files = {"templates/t.j2": "{{ ansible_managed }} {{ name }}\n", "files/f.txt": "raw {{ }}\n"}
    done = play(
        tmp_path,
        tasks(
            """
- template: {src: t.j2, dest: /etc/t, mode: "0644"}
- copy: {src: f.txt, dest: /etc/}
- copy: {content: {a: 1}, dest: /etc/json}
- template: {src: t.j2, dest: /etc/t}
""",
            vars={"name": "x"},
        ),
        files=files,
    )
    assert done.pool.sessions["h1"].files == {"/etc/t": b"Ansible managed x\n", "/etc/f.txt": b"raw {{ }}\n", "/etc/json": b'{"a": 1}'}
    assert done.stats() == {"ok": 4, "changed": 3}


def test_template_errors_name_template_line_and_host(tmp_path: Path) -> None:
    files = {"templates/t.j2": "fine\n{{ nmae }}\n"}
    done = play(tmp_path, tasks("- template: {src: t.j2, dest: /t}", vars={"name": 1}), files=files)
    message = done.results("template")[0]["msg"]
    assert "t.j2:2" in message and "Did you mean 'name'" in message and "host h1" in message


def test_environment_check_mode_no_log_and_become(tmp_path: Path) -> None:
    text = tasks(
        """
- command: echo secret
  no_log: true
  environment: {A: "{{ 1 }}", B: task}
- command: echo
  check_mode: false
""",
        environment={"B": "play", "C": "play"},
    )
    done = play(tmp_path, text, check=True)
    session = done.pool.sessions["h1"]
    assert session.environments[0] == {"A": "1", "B": "task", "C": "play"}
    assert session.checks == [True, False]
    assert "censored" in done.results("command")[0] and "stdout" not in done.results("command")[0]


def test_assert_fail_and_undefined(tmp_path: Path) -> None:
    done = play(
        tmp_path,
        tasks(
            """
- assert: {that: [1 == 1, name is defined], success_msg: fine}
- assert: {that: 1 == 2, fail_msg: "no {{ name }}"}
  ignore_errors: true
- debug: {msg: "{{ nmae }}"}
""",
            vars={"name": "x"},
        ),
    )
    first, second = done.results("assert")
    assert first["msg"] == "fine"
    assert (second["msg"], second["assertion"], second["evaluated_to"]) == ("no x", "1 == 2", False)
    assert "Did you mean 'name'" in done.results("debug")[0]["msg"]


def test_set_fact_include_vars_add_host_group_by(tmp_path: Path) -> None:
    text = (
        tasks("""
- include_vars: x.yml
- include_vars: {file: x.yml, name: inner}
- debug: {msg: "{{ from_file }} {{ inner.from_file }}"}
- group_by: {key: "kind_{{ from_file }}"}
- add_host: {name: h9, groups: [fresh], color: red}
- meta: end_play
- debug: msg=unreached
""")
        + tasks("- debug: {msg: '{{ color }} {{ group_names }}'}", hosts="fresh")
        + tasks("- debug: msg=grouped", hosts="kind_1")
    )
    done = play(tmp_path, text, files={"vars/x.yml": "from_file: 1\n"})
    assert done.messages("h1") == ["1 1", "grouped"]
    assert done.messages("h9") == ["red ['fresh']"]


def test_module_defaults_and_omit(tmp_path: Path) -> None:
    text = tasks(
        "- ping: {data: '{{ nothing | default(omit) }}'}\n- ping: {data: own}\n- ping:", module_defaults={"ping": {"data": "shared"}}
    )
    done = play(tmp_path, text)
    assert [args.get("data") for _, args in done.pool.sessions["h1"].log] == [None, "own", "shared"]


def test_argument_specs(tmp_path: Path) -> None:
    files = {
        "roles/r/meta/argument_specs.yml": "argument_specs: {main: {options: {port: {type: int, required: true}, mode: {choices: [a, b]}}}}\n",
        "roles/r/tasks/main.yml": "- debug: msg=ran\n",
    }
    text = "- hosts: all\n  gather_facts: false\n  roles: [{role: r, mode: c}]\n"
    done = play(tmp_path, text, files=files)
    result = next(iter(done.results("r : Validating arguments against arg spec 'main'")))
    assert result["argument_errors"] == ["missing required arguments: port", "value of mode must be one of: a, b, got: c"]
    assert done.messages() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- hosts: all\n  task: []\n", "play.yml:2:3: 'task' is not a valid attribute for a Play (did you mean 'tasks'?)"),
        ("- tasks: []\n", "play.yml:1:3: the field 'hosts' is required but was not set"),
        ("hosts: all\n", "A playbook must be a list of plays"),
        (tasks("- coppy: {src: a}"), "couldn't resolve module/action 'coppy' (did you mean 'copy'?)"),
        (tasks("- rescue: []"), "'rescue' keyword cannot be used without 'block'"),
        (tasks("- ping"), ":5: a task must be a mapping, not 'ping' (write '- debug:'"),
        (tasks("- import_tasks: none.yml"), ":7: Could not find or access 'none.yml'; looked for"),
        (tasks("- ping:\n  wen: x"), "'wen' is not a valid attribute for a Task (did you mean 'when'?)"),
        (tasks("- {ping: , command: x}"), "conflicting action statements: ping, command"),
        (tasks("- name: only"), "no module/action detected in task"),
        (tasks("- ping:\n  loop_control: {lop_var: x}"), "did you mean 'loop_var'?"),
        (tasks("- import_tasks: none.yml"), "Could not find or access 'none.yml'"),
        (tasks("- ping:\n  with_itmes: []"), "'with_itmes' is not a loop (did you mean 'with_items'?)"),
        ("- hosts: all\n  roles: [nope]\n", "the role 'nope' was not found"),
        ("- hosts: all\n  tasks: [{ping: }\n", "YAML"),
    ],
)
def test_mistakes_are_found_before_anything_runs(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        play(tmp_path, text)
    assert message in str(caught.value)


def test_a_play_without_the_task_to_start_at_is_passed_over(tmp_path: Path) -> None:
    text = """
- hosts: h1
  tasks: [{name: one, debug: {msg: one}}]
- hosts: h1
  tasks: [{name: two, debug: {msg: two}}, {name: three, debug: {msg: three}}]
"""
    done = play(tmp_path, text, start_at_task="tw*")
    assert done.messages() == ["two", "three"] and not done.result.start_missing
    assert play(tmp_path, text, start_at_task="four").result.start_missing


def test_a_pattern_that_matches_nothing_is_told_once(tmp_path: Path) -> None:
    text = "- {hosts: 'h1:nobody', gather_facts: false}\n- {hosts: 'nobody', gather_facts: false}\n"
    warned = [event.message for event in play(tmp_path, text, inventory="h1,h2,", limit="h1:h9").events if isinstance(event, Warned)]
    assert warned == [f"Could not match supplied host pattern, ignoring: {name}" for name in ("nobody", "h9")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- hosts: all\n  tasks:\n    - include: x.yml\n", "play.yml:3:7: The 'ansible.builtin.include' action plugin has been removed"),
        ("- hosts: all\n  vars: {1a: 2}\n", "Invalid variable name '1a'"),
        ("- hosts: all\n  tasks:\n    - debug:\n      vars: {a-b: 2}\n", "play.yml:4:14: Invalid variable name 'a-b'"),
        ("- hosts: all\n  tasks:\n    - block: [{debug: }]\n      vars: {a: 1, class: 2}\n", "Invalid variable name 'class'"),
        (
            "- hosts: all\n  tasks:\n    - block: [{debug: }]\n      vars: [{a: 1}]\n",
            "play.yml:4:13: Vars in a Block must be specified as a dictionary",
        ),
        ("- hosts: all\n  tasks:\n    - debug:\n      vars: [{a: 1}]\n", "play.yml:4:13: Vars in a Task must be specified as a dictionary"),
        ("- hosts: all\n  roles: [{role: r, vars: [{a: 1}]}]\n", "play.yml:2:27: Vars in a RoleInclude must be specified as a dictionary"),
        ("- hosts: all\n  roles: [{role: r, vars: {a-b: 1}}]\n", "Invalid variable name 'a-b'"),
        ("- hosts: all\n  vars: [{a: 1}]\n", "play.yml:2:9: Vars in a Play must be specified as a dictionary"),
        ("- hosts: all\n  tasks:\n    - block: []\n      rescue: [{debug: }]\n", "'rescue' keyword cannot be used without 'block'"),
        ("- hosts: all\n  tasks:\n    - {block: , always: [{debug: }]}\n", "'always' keyword cannot be used without 'block'"),
    ],
)
def test_names_and_blocks_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlaybookError, match=message):
        play(tmp_path, text)


def test_a_variable_file_that_is_missing_is_told_and_left_out(tmp_path: Path) -> None:
    done = play(tmp_path, tasks("- debug: {msg: '{{ a }}'}", vars_files=["none.yml", "a.yml"]), files={"a.yml": "a: 1"})
    assert done.messages() == [1]
    assert [event.message for event in done.events if isinstance(event, Warned)] == ["vars file none.yml was not found, and is left out"]


def test_meta_tasks_are_told_of_for_each_host_they_ask(tmp_path: Path) -> None:
    listed = tasks("- {name: flush, meta: flush_handlers}\n- {name: clear, meta: clear_facts}\n- {name: end, meta: end_host, when: false}")
    started = [event for event in play(tmp_path, listed, inventory="h1,h2,").events if isinstance(event, TaskStarted)]
    assert [(event.name, event.hosts) for event in started] == [
        ("flush", ("h1",)), ("flush", ("h2",)), ("clear", ("h1",)), ("end", ("h1",)), ("end", ("h2",)),
    ]  # fmt: skip


def test_a_loop_of_includes_is_told_with_its_labels_before_any_of_it_runs(tmp_path: Path) -> None:
    listed = tasks("- {include_tasks: inc.yml, loop: [{n: 1}, {n: 2}], loop_control: {label: 'no {{ item.n }}'}}")
    done = play(tmp_path, listed, files={"inc.yml": "- debug: {msg: '{{ item.n }}'}"})
    told = [event for event in done.events if isinstance(event, (Included, TaskStarted))]
    assert [event.label if isinstance(event, Included) else event.action for event in told] == [
        "include_tasks", "no 1", "no 2", "debug", "debug",
    ]  # fmt: skip
    assert done.messages() == [1, 2]


def test_what_is_omitted_is_not_notified(tmp_path: Path) -> None:
    text = tasks(
        "- {command: echo, notify: '{{ omit }}'}\n- {command: echo, notify: ['{{ omit }}', h]}", handlers=[{"name": "h", "debug": None}]
    )
    assert play(tmp_path, text).done() == ["command=changed", "command=changed", "h=ok"]
