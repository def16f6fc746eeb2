"""Writes down what ansible-core answers to the playbooks here: `python -m tests.differential_modules.record [--compare] [NAME…]`.

A playbook may begin with `# arguments: …`, options for either program. With --compare, ours is run as well and what differs is shown.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.differential.comparison import Observed, clean, differences, run_ours, run_reference
from tests.differential.test_playbooks import INVENTORY, arguments_of

HERE = Path(__file__).resolve().parent
PLAYBOOKS = sorted((HERE / "playbooks").glob("*.yml"))


def privately(playbook: Path, root: Path) -> list[str]:
    """What a command begins with that is to have the whole host for itself: a playbook that changes it says `# private root`."""
    if not playbook.read_text().startswith("# private root\n"):
        return []
    return ["unshare", "--mount", "--uts", "sh", str(HERE / "private_root.sh"), str(root.parent)]


def record_of(playbook: Path) -> Path:
    return HERE / "recorded" / f"{playbook.stem}.json"


def recorded(playbook: Path) -> Observed:
    """What the real program did, when it was recorded."""
    document = json.loads(record_of(playbook).read_text())
    results = {
        host: [(task, event, clean(result, "ROOT")) for task, event, result in entries] for host, entries in document.pop("results").items()
    }
    return Observed(results=results, **document)


def record(playbook: Path, root: Path) -> None:
    observed = asdict(run_reference(playbook, INVENTORY, root, arguments_of(playbook), 900, privately(playbook, root)))
    if not observed["stats"]:
        raise SystemExit(f"{playbook}: {observed['output'][-3000:]}")
    del observed["output"]
    record_of(playbook).write_text(json.dumps(observed, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def new_root() -> Path:
    """An empty folder whose path is as long as when it was recorded: sizes of links tell."""
    root = Path(tempfile.mkdtemp(prefix="differential-")) / "root"
    root.mkdir()
    return root


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if not name.startswith("-")]
    for playbook in [path for path in PLAYBOOKS if not names or path.stem in names]:
        if "--ours" not in arguments:
            record(playbook, new_root())
        if "--compare" in arguments or "--ours" in arguments:
            root = new_root()
            found = differences(run_ours(playbook, INVENTORY, root, arguments_of(playbook), privately(playbook, root)), recorded(playbook))
            print(f"{playbook.stem}:", *(found or ["equal"]), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
