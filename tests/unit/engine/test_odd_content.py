"""Proves that no content, however odd, ends in anything but a PlaybookError or an ordinary result."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.engine import PlaybookError
from tests.unit.engine.fakes import play

SCALARS = st.sampled_from([None, True, 0, 1, -1, 1.5, "", "x", "{{ x }}", "{{", "a: b", "{{ 1 }}", "no", "é\n", "h1", "all", "never"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "msg", "name", "x"]), inner, max_size=2),
    max_leaves=4,
)
ACTIONS = st.sampled_from(["debug", "command", "set_fact", "assert", "fail", "include_tasks", "import_tasks", "include_role", "import_role", "meta",
                           "add_host", "group_by", "include_vars", "copy", "template", "ping", "set_stats"])  # fmt: skip
KEYWORDS = st.sampled_from(["when", "register", "loop", "loop_control", "vars", "notify", "tags", "become", "delegate_to", "run_once", "until", "failed_when",
                            "changed_when", "environment", "with_items", "with_dict", "args", "no_log", "ignore_errors", "name", "module_defaults", "listen",
                            "check_mode", "throttle", "timeout", "any_errors_fatal"])  # fmt: skip
TASKS = st.builds(lambda action, value, more: {action: value, **more}, ACTIONS, VALUES, st.dictionaries(KEYWORDS, VALUES, max_size=2))
BLOCKS = st.builds(lambda block, rescue: {"block": block, "rescue": rescue}, st.lists(TASKS, max_size=2), st.lists(TASKS, max_size=1))
PLAY_KEYS = st.sampled_from(["vars", "vars_files", "roles", "handlers", "pre_tasks", "serial", "strategy", "tags", "environment", "max_fail_percentage", "order",
                             "become", "any_errors_fatal", "gather_subset", "force_handlers"])  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tasks=st.lists(TASKS | BLOCKS | VALUES, max_size=3), keys=st.dictionaries(PLAY_KEYS, VALUES, max_size=2))
def test_any_play_ends_in_a_result_or_a_playbook_error(tasks: list[Any], keys: dict[str, Any]) -> None:
    document = [{"hosts": "all", "gather_facts": False, "tasks": tasks, **keys}]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = play(Path(folder), yaml.safe_dump(document))
        except PlaybookError as e:
            assert str(e)
        else:
            assert done.result.exit_code in (0, 2, 4)
