"""The same work in each tool's own language: of every 100 tasks 15 templates, 15 copies (1 KB each), 20 directories, 20 lines in files,
10 commands, 10 looks at files, 10 states of units.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = "/srv/work"
UNITS = ("ssh", "dbus", "systemd-journald", "systemd-logind", "systemd-user-sessions")
LINE = "0123456789 abcdefghijklmnopqrstuvwxyz .,;:-_ ABCDEFGHIJKLMNOPQR\n"  # 64 bytes, 16 of which are a file
PLAY = "site.yaml"
DEPLOY = "deploy.py"


def write(folder: Path, tasks: int) -> None:
    """site.yaml with its templates/ and files/ for Ansible's language, deploy.py for pyinfra. `tasks` is a multiple of 100."""
    sets = tasks // 100
    for name in ("templates", "files"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for n in range(15 * sets):
        (folder / "templates" / f"t{n}.j2").write_text(f"# {n} {{{{ who }}}}\n" + LINE * 15)
        (folder / "files" / f"c{n}").write_text(f"# {n}\n" + LINE * 15)
    made = list(_tasks(sets))
    assert len(made) == tasks
    play = [{"hosts": "all", "gather_facts": False, "vars": {"who": "everyone"}, "tasks": made}]
    (folder / PLAY).write_text(yaml.safe_dump(play, sort_keys=False))
    (folder / DEPLOY).write_text(_deploy(sets))


def _tasks(sets: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for n in range(20 * sets):
        made.append(_task(f"folder {n}", "file", path=f"{ROOT}/d{n}", state="directory", mode="0755"))
    for n in range(15 * sets):
        made.append(_task(f"template {n}", "template", src=f"t{n}.j2", dest=f"{ROOT}/d{n}/t{n}", mode="0644"))
        made.append(_task(f"copy {n}", "copy", src=f"c{n}", dest=f"{ROOT}/d{n}/c{n}", mode="0644"))
    for n in range(20 * sets):
        where = f"{ROOT}/d{n % (15 * sets)}/lines"
        made.append(_task(f"line {n}", "lineinfile", path=where, line=f"key{n} = {n}", regexp=f"^key{n} =", create=True, mode="0644"))
    for n in range(10 * sets):
        made.append({**_task(f"command {n}", "command", cmd="/bin/true"), "changed_when": False})
        made.append(_task(f"look {n}", "stat", path=f"{ROOT}/d{n}"))
        made.append(_task(f"unit {n}", "systemd", name=UNITS[n % len(UNITS)], state="started"))
    return made


def _task(title: str, module: str, /, **args: Any) -> dict[str, Any]:
    return {"name": title, f"ansible.builtin.{module}": args}


def _deploy(sets: int) -> str:
    return f"""
from pyinfra import host
from pyinfra.facts.files import File, Directory
from pyinfra.operations import files, server, systemd

ROOT, UNITS, SETS = {ROOT!r}, {UNITS!r}, {sets}
for n in range(20 * SETS):
    files.directory(name=f"folder {{n}}", path=f"{{ROOT}}/d{{n}}", mode="755")
for n in range(15 * SETS):
    files.template(name=f"template {{n}}", src=f"templates/t{{n}}.j2", dest=f"{{ROOT}}/d{{n}}/t{{n}}", mode="644", who="everyone")
    files.put(name=f"copy {{n}}", src=f"files/c{{n}}", dest=f"{{ROOT}}/d{{n}}/c{{n}}", mode="644")
for n in range(20 * SETS):
    where = f"{{ROOT}}/d{{n % (15 * SETS)}}/lines"
    files.line(name=f"line {{n}}", path=where, line=f"^key{{n}} =.*$", replace=f"key{{n}} = {{n}}", ensure_newline=True)
for n in range(10 * SETS):
    server.shell(name=f"command {{n}}", commands=["/bin/true"])
    host.get_fact(Directory, path=f"{{ROOT}}/d{{n}}")
    systemd.service(name=f"unit {{n}}", service=f"{{UNITS[n % len(UNITS)]}}.service", running=True)
"""
