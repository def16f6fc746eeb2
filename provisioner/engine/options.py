"""What the person who starts a run chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.templating.vault import VaultSecrets

if TYPE_CHECKING:
    from provisioner.engine.task_debugger import Answer, Stopped


def _no_answer(prompt: str, private: bool) -> str:
    raise EOFError(f"nobody answers {prompt!r}")


@dataclass(frozen=True)
class RunOptions:
    """Options of one run, named as ansible-playbook's."""

    check: bool = False
    """Report what would change, change nothing."""
    diff: bool = False
    """Results carry the differences of files and templates."""
    tags: tuple[str, ...] = ()
    """Run only tasks with one of these tags; empty means all but `never`."""
    skip_tags: tuple[str, ...] = ()
    """Leave out tasks with one of these tags."""
    limit: str | None = None
    """Host pattern that narrows every play."""
    forks: int = 5
    """Hosts worked on at a time."""
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    """Variables that win over all others."""
    start_at_task: str | None = None
    """Skip everything before the first task of this name (wildcards allowed)."""
    force_handlers: bool = False
    """Run notified handlers on hosts that failed, too."""
    become: bool | None = None
    """Privilege escalation for plays that do not say; None means no."""
    become_user: str | None = None
    become_method: str | None = None
    become_password: str | None = field(default=None, repr=False)
    remote_user: str | None = None
    ssh_common_args: str | None = None
    module_path: tuple[Path, ...] = ()
    """Folders of modules besides the library/ of playbooks and roles."""
    private_key_file: Path | None = None
    connection_password: str | None = field(default=None, repr=False)
    connection: str | None = None
    timeout_s: float | None = None
    """Limit for one task on one host; None means none."""
    verbosity: int = 0
    playbook_dir: Path | None = None
    """Where roles, files and group_vars are looked for; None: where the playbook is."""
    vault: VaultSecrets | None = None
    """Opens encrypted files and values."""
    roles_path: tuple[Path, ...] = ()
    """Directories of roles besides those beside the playbook."""
    step: Callable[[str, str | None], str] | None = None
    """Asked before each task with its name, and with the host where each goes on by itself; answers yes, no or continue (without asking)."""
    debugger: Callable[[Stopped], Answer] | None = None
    """Asks what is to become of a task that the task debugger has stopped at; None: it never stops."""
    prompt: Callable[[str, bool], str] = _no_answer
    """Asks the person (vars_prompt, pause); the flag says that the answer must not be shown."""
    flush_cache: bool = False
    fact_cache: Path | None = None
    """Directory where facts are kept between runs; None means only within the run."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What ansible.cfg and $ANSIBLE_* say beyond what other fields hold, by Ansible's names (`ansible_config.SETTINGS`)."""
