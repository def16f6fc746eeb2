"""Names of variables that are a playbook's keywords or a template's functions too: they work, but one is easily taken for the other."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.inventory.documents import Location, location_of

# Keywords of plays, roles, blocks and tasks (Ansible's "Playbook Keywords" but for gather_subset), then the functions of templates.
RESERVED = frozenset({
    "action", "always", "any_errors_fatal", "args", "async", "async_val", "become", "become_exe", "become_flags", "become_method",
    "become_user", "block", "changed_when", "check_mode", "collections", "connection", "debugger", "delay", "delegate_facts",
    "delegate_to", "diff", "environment", "fact_path", "failed_when", "force_handlers", "gather_facts", "gather_timeout",
    "handlers", "hosts", "ignore_errors", "ignore_unreachable", "local_action", "loop", "loop_control", "loop_with",
    "max_fail_percentage", "module_defaults", "name", "no_log", "notify", "order", "poll", "port", "post_tasks", "pre_tasks",
    "register", "remote_user", "rescue", "retries", "roles", "run_once", "serial", "strategy", "tags", "tasks", "throttle",
    "timeout", "until", "vars_files", "vars_prompt", "when", "with_", "cycler", "dict", "joiner", "lipsum", "lookup", "namespace",
    "now", "omit", "q", "query", "range", "undef",
})  # fmt: skip


class ReservedNames:
    """Finds each such name once for each place where it was written."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Location | None], None] = {}
        self._told = 0

    def look(self, names: Iterable[str], place: Location | None = None) -> None:
        """`place`: of what sets them, where they don't say themselves where they stand."""
        for name in RESERVED.intersection(names):
            self._found.setdefault((name, location_of(names, name) or place))

    def news(self) -> list[tuple[str, Location | None]]:
        """What was found since this was last asked: (what to warn of, where it stands)."""
        found = list(self._found)[self._told :]
        self._told += len(found)
        return [(f"Found variable using reserved name '{name}'.", place) for name, place in found]
