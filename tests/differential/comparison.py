"""Runs a playbook with either program and brings what came out into one form that can be compared."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.differential.reference import ansible_playbook

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# A larger file is compared by its size.
MAX_SHOWN_BYTES = 256 * 1024
# Times, process ids, what only one of the two programs tells about itself. `skip_reason` and friends do count.
VOLATILE = frozenset(
    {
        "start", "end", "delta", "invocation", "warnings", "deprecations", "exception", "ansible_job_id", "results_file", "atime", "mtime", "ctime",
        "inode", "dev", "uuid", "action", "discovered_interpreter_python", "started_at", "version", "elapsed", "expand_argument_vars",
        "child_pid", "erased", "stop", "attempts", "cache_update_time", "attr_flags", "attributes", "block_size", "blocks",
        "failed_when_suppressed_exception", "argument_spec_data", "include_args", "_ansible_delegated_vars", "btime",
    }
)  # fmt: skip
# What ours says in addition: what was meant, and where a file was looked for.
_HINT = re.compile(
    r"\.? Did you mean '[^']*'( or '[^']*')?\?| Looked (in|for) .*| Use -vvvvv to see paths searched\.|Unexpected AnsibleActionFail error: |(?s:Searched in:.* on the Ansible Controller)\."
    # Of a condition that is no boolean: where it stands (ours), or where the value that it came to was written.
    r"| at '[^']*'(?=\. Conditionals must have)"
)

_BACKUP = re.compile(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~")
# The host's own number of files, which dpkg counts.
_COUNTED = re.compile(r"(?<=\(Reading database \.\.\. )\d+(?= files)")
_PAUSED = re.compile(r"Paused for [\d.]+")
_TEMPORARY = re.compile(r"[^\s']*/ansible-home/tmp/[^\s']+|/\w+/ansible[._][\w.-]+|[^\s']*/ansible-moduletmp-[^\s']+|/tmp/provision-[\w-]+")


@dataclass
class Observed:
    """What one program did."""

    exit_code: int
    results: dict[str, list[Any]] = field(default_factory=dict)
    """By host: (task, event, cleaned result)."""
    stats: dict[str, dict[str, int]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """By path under the scratch folder: mode and content."""
    output: str = ""


def clean(value: Any, root: str) -> Any:
    """A result without what differs between any two runs."""
    if isinstance(value, dict):
        if "checksum" in value and "src" in value:  # of a copy: a temporary file's name
            value = {k: v for k, v in value.items() if k != "src"}
        if value.get("state") == "directory":  # its size is the file system's affair
            value = {k: v for k, v in value.items() if k != "size"}
        return {clean(k, root): clean(v, root) for k, v in value.items() if k not in VOLATILE and not k.startswith("_ansible")}
    if isinstance(value, list):
        if value and all(isinstance(item, dict) and "path" in item for item in value):  # of find, in no order
            value = sorted(value, key=lambda item: str(item["path"]))
        return [clean(item, root) for item in value]
    if isinstance(value, str):
        value = _COUNTED.sub("some", _PAUSED.sub("Paused for some", value))
        return _TEMPORARY.sub(
            "TEMPORARY", _BACKUP.sub(".BACKUP~", _HINT.sub("", value.replace(root, "ROOT").replace(str(ROOT), "REPOSITORY")))
        )
    return value


def tree(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if path.is_symlink():
            shown = f"link {path.readlink()}"
        elif path.is_dir():
            shown = f"folder {status.st_mode & 0o7777:o}"
        elif not path.is_file():
            shown = "device"
        else:
            content = path.read_text(errors="replace") if status.st_size < MAX_SHOWN_BYTES else f"{status.st_size} bytes"
            shown = f"file {status.st_mode & 0o7777:o} {content}"
        found[str(path.relative_to(root)).replace(str(root), "/ROOT")] = shown.replace(str(root), "ROOT")
    return found


def _records(lines: list[str], observed: Observed, root: str) -> None:
    for line in lines:
        record = json.loads(line)
        event = record["_event"]
        if event == "v2_playbook_on_stats":
            observed.stats = {host: {k: n for k, n in counted.items() if n} for host, counted in record["stats"].items()}
        elif event.startswith("v2_runner_on_"):
            for host, result in record["hosts"].items():
                if _is_include(event, result):
                    continue
                made = clean({k: v for k, v in result.items() if k not in ("failed", "skipped")}, root)  # the event says it
                if "censored" in made:
                    made["censored"] = ""
                observed.results.setdefault(host, []).append((record["task"]["name"], event.removeprefix("v2_runner_on_"), made))


def _is_include(event: str, result: dict[str, Any]) -> bool:
    """The programs tell about a dynamic include in other ways; what it includes is compared."""
    if event != "v2_runner_on_ok":
        return False
    parts = [result, *(part for part in result.get("results") or [] if isinstance(part, dict))]
    return any("include_args" in part or "include" in part for part in parts)


def run_reference(
    playbook: Path, inventory: Path, root: Path, arguments: list[str], timeout_s: float = 300, before: Sequence[str] = ()
) -> Observed:
    """Runs real ansible-playbook."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
        "ANSIBLE_STDOUT_CALLBACK": "recorder",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "recorder"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_HOME": str(root.parent / "ansible-home"),
        "ANSIBLE_CONFIG": str(HERE / "recorder" / "ansible.cfg"),
    }
    command = [*before, str(ansible_playbook()), "-i", str(inventory), "-e", f"root={root}", str(playbook), *arguments]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=timeout_s)
    observed = Observed(ran.returncode, output=ran.stdout + ran.stderr)
    prefix = "RECORD "
    _records([line[len(prefix) :] for line in ran.stdout.splitlines() if line.startswith(prefix)], observed, str(root))
    observed.files = tree(root)
    return observed


def run_ours(playbook: Path, inventory: Path, root: Path, arguments: list[str], before: Sequence[str] = ()) -> Observed:
    """Runs `provision play`; `before` are words to begin the command with."""
    command = [
        *before,
        sys.executable,
        "-m",
        "provisioner.cli",
        "play",
        "-i",
        str(inventory),
        "-e",
        f"root={root}",
        str(playbook),
        "--output",
        "jsonl",
    ]
    ran = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, cwd=ROOT)
    observed = Observed(ran.returncode, output=ran.stdout + ran.stderr)
    _records([line for line in ran.stdout.splitlines() if line.startswith('{"_event"')], observed, str(root))
    observed.files = tree(root)
    return observed


def differences(ours: Observed, theirs: Observed) -> list[str]:
    """One line for each thing that is not equal."""
    found: list[str] = []
    if ours.exit_code != theirs.exit_code:
        found.append(f"exit code: ours {ours.exit_code}, theirs {theirs.exit_code}")
    for host in sorted({*ours.results, *theirs.results}):
        found.extend(f"{host}: {line}" for line in _sequence(ours.results.get(host, []), theirs.results.get(host, [])))
    if ours.stats != theirs.stats:
        found.append(f"recap: ours {ours.stats}\n       theirs {theirs.stats}")
    for path in sorted({*ours.files, *theirs.files}):
        if ours.files.get(path) != theirs.files.get(path):
            found.append(f"file {path}:\n   ours   {ours.files.get(path)!r}\n   theirs {theirs.files.get(path)!r}")
    return found


def _sequence(ours: list[Any], theirs: list[Any]) -> list[str]:
    if [entry[0] for entry in ours] != [entry[0] for entry in theirs]:
        left = [f"{task}: {event}" for task, event, _ in ours]
        right = [f"{task}: {event}" for task, event, _ in theirs]
        at = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
        more = [str(entries[at][2])[:600] if at < len(entries) else "-" for entries in (ours, theirs)]
        return [f"tasks differ at {at}: ours {left[at : at + 3]}, theirs {right[at : at + 3]}\n   ours   {more[0]}\n   theirs {more[1]}"]
    found: list[str] = []
    for (task, came, mine), (_, wanted, real) in zip(ours, theirs, strict=True):
        found.extend(f"[{task}] {line}" for line in [*_values("event", came, wanted), *_values("", mine, real)])
    return found


def _values(path: str, mine: Any, real: Any) -> list[str]:
    if isinstance(mine, dict) and isinstance(real, dict):
        missing = "<absent>"
        keys = sorted({*mine, *real}, key=str)
        return [line for key in keys for line in _values(f"{path}.{key}", mine.get(key, missing), real.get(key, missing))]
    if isinstance(mine, list) and isinstance(real, list) and len(mine) == len(real):
        return [line for i, (a, b) in enumerate(zip(mine, real, strict=True)) for line in _values(f"{path}[{i}]", a, b)]
    if mine == real and type(mine) is type(real):
        return []
    return [f"{path}:\n   ours   {mine!r:.700}\n   theirs {real!r:.700}"]
