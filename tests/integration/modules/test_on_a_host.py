"""Proves modules on a real host: check mode changes nothing and says what would, the first run changes, the second does not.

One host and one session serve all: each module has its tasks in TASKS, which don't need each other, and one playbook of all of them is run
four times. What was made is then asked of the host itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.engine import Runner, RunOptions
from provisioner.engine.events import Event, HostDone
from provisioner.engine.sessions import Target
from provisioner.inventory import load
from provisioner.machines import provider_for
from provisioner.transport.session import HostSession

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

INVENTORY = """
all:
  vars:
    cluster: {{name: modules}}
    machines: {{provider: nspawn, network: {network}, memory_mib: 512, cpus: 2}}
  children:
    masters: {{hosts: {{box: {{}}}}}}
    etcd: {{hosts: {{box: {{}}}}}}
    workers: {{hosts: {{box: {{}}}}}}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
UNIT = "[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"
# What the tasks find on the host.
SETUP = (
    "mkdir -p /srv/m/parts && cd /srv/m && printf 'a=1\\nb=2\\n' >lines && printf 'x y x\\n' >words && echo one >parts/1 && echo two >parts/2"
    f" && tar czf a.tgz parts && mkdir out && printf '{UNIT}' >/etc/systemd/system/mine.service && systemctl daemon-reload"
)
# name -> (task, whether a diff is told)
TASKS: dict[str, tuple[dict[str, Any], bool]] = {
    "user": ({"user": {"name": "u1", "uid": 4200, "comment": "A B", "shell": "/bin/sh", "password": "$6$salt$hash"}}, False),
    "system user": ({"user": {"name": "u2", "system": True, "create_home": False, "password_lock": True}}, False),
    "group": ({"group": {"name": "g1", "gid": 4300}}, False),
    "authorized_key": ({"authorized_key": {"user": "daemon", "path": "/srv/m/keys/daemon", "key": f"{KEY} a@b"}}, True),
    "known_hosts": ({"known_hosts": {"name": "h.org", "key": f"h.org {KEY}", "path": "/srv/m/known"}}, True),
    "hashed known_hosts": ({"known_hosts": {"name": "h.org", "key": f"h.org {KEY}", "path": "/srv/m/hashed", "hash_host": True}}, True),
    "cron": ({"cron": {"name": "job", "job": "true", "user": "root", "cron_file": "/srv/m/cron", "special_time": "daily"}}, True),
    "apt_repository": ({"apt_repository": {"repo": "deb http://127.0.0.1:9/d stable main", "update_cache": False}}, True),
    "deb822_repository": ({"deb822_repository": {"name": "mine", "uris": "http://127.0.0.1:9/", "suites": "./"}}, True),
    "dpkg_selections": ({"dpkg_selections": {"name": "sudo", "selection": "hold"}}, False),
    "debconf": ({"debconf": {"name": "mine", "question": "mine/q", "vtype": "string", "value": "v w"}}, True),
    "copy": ({"copy": {"content": "text\n", "dest": "/srv/m/copied", "mode": "0640"}}, True),
    "lineinfile": ({"lineinfile": {"path": "/srv/m/lines", "regexp": "^b=", "line": "b=3"}}, True),
    "blockinfile": ({"blockinfile": {"path": "/srv/m/block", "block": "in", "create": True}}, True),
    "replace": ({"replace": {"path": "/srv/m/words", "regexp": "x", "replace": "z"}}, True),
    "ini_file": ({"ini_file": {"path": "/srv/m/ini", "section": "s", "option": "o", "value": "v"}}, True),
    "file": ({"file": {"path": "/srv/m/folder/deep", "state": "directory", "mode": "0750"}}, True),
    "link": ({"file": {"path": "/srv/m/link", "src": "/etc/hosts", "state": "link"}}, True),
    # Ansible shows a difference only where the parts come from the controller.
    "assemble": ({"assemble": {"src": "/srv/m/parts", "dest": "/srv/m/assembled"}}, False),
    "unarchive": ({"unarchive": {"src": "/srv/m/a.tgz", "dest": "/srv/m/out", "remote_src": True}}, False),
    "archive": ({"archive": {"path": "/srv/m/parts", "dest": "/srv/m/made.tgz", "mode": "0600"}}, False),
    "get_url": ({"get_url": {"url": "file:///srv/m/parts/1", "dest": "/srv/m/fetched", "mode": "0600"}}, False),
    "sysctl": ({"sysctl": {"name": "kernel.panic", "value": "3", "sysctl_file": "/srv/m/sysctl", "reload": False}}, False),
    "yum_repository": ({"yum_repository": {"name": "r", "description": "R", "baseurl": "http://r/", "reposdir": "/srv/m"}}, True),
    "command": ({"command": "touch /srv/m/touched creates=/srv/m/touched"}, False),
    "systemd": ({"systemd": {"name": "mine.service", "state": "started", "enabled": True}}, False),
    "mount": ({"mount": {"path": "/srv/m/tmp", "src": "tmpfs", "fstype": "tmpfs", "state": "mounted"}}, False),
}
# Tasks that tell something and change nothing.
ASKING: dict[str, dict[str, Any]] = {
    "getent": {"getent": {"database": "passwd", "key": "root"}},
    "stat": {"stat": {"path": "/etc/hostname"}},
    "find": {"find": {"paths": "/srv/m/parts"}},
    "slurp": {"slurp": {"src": "/srv/m/parts/1"}},
    "package_facts": {"package_facts": {}},
    "service_facts": {"service_facts": {}},
    "seboolean": {"seboolean": {"name": "x", "state": True}, "ignore_errors": True},
}
# Of these nobody can say before what they would do: as with Ansible they are skipped in check mode.
UNKNOWN_BEFORE = {"unarchive"}
Done = dict[str, dict[str, Any]]


class Pool:
    def __init__(self) -> None:
        self.sessions: dict[Any, HostSession] = {}

    def session(self, host: Target) -> HostSession:
        return self.sessions.setdefault(host.connection, HostSession(host.connection))


class Host:
    def __init__(self, folder: Path, variables: dict[str, Any]) -> None:
        self._folder, self._variables, self.pool = folder, variables, Pool()

    def play(self, tasks: list[dict[str, Any]], **options: Any) -> Done:
        path = self._folder / "play.yml"
        path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        inventory = load(["box,"], extra_vars=self._variables)
        events: list[Event] = []
        run_options = RunOptions(extra_vars=inventory.extra_vars, **options)
        Runner(inventory, options=run_options, sessions=self.pool, callbacks=[events.append]).run([path])
        return {event.task: event.result for event in events if isinstance(event, HostDone)}

    def shell(self, command: str) -> str:
        done = self.play([{"name": "asked", "shell": command}])["asked"]
        assert done["rc"] == 0, done
        return str(done["stdout"])


@pytest.fixture(scope="module")
def host(labs_folder: Path, free_network: Callable[[], str]) -> Iterator[Host]:
    folder = labs_folder / "modules"
    folder.mkdir()
    path = folder / "inventory.yaml"
    path.write_text(INVENTORY.format(network=free_network()))
    provider = provider_for(load([path]), path)
    assert provider is not None
    try:
        provider.create()
        provider.start()
        made = Host(folder, dict(provider.connection_vars()["box"]))
        made.shell(SETUP)
        yield made
        for session in made.pool.sessions.values():
            session.close()
    finally:
        provider.destroy()


@pytest.fixture(scope="module")
def runs(host: Host) -> dict[str, Done]:
    """The results of the same tasks: in check mode twice, then for real twice."""
    tasks = [{"name": name, "ignore_errors": True, **task} for name, (task, _) in TASKS.items()]
    return {
        "check": host.play(tasks, check=True, diff=True),
        "check again": host.play(tasks, check=True, diff=True),
        "first": host.play(tasks, diff=True),
        "second": host.play(tasks, diff=True),
    }


@pytest.mark.parametrize("name", TASKS)
def test_check_first_and_second_run(runs: dict[str, Done], name: str) -> None:
    found = {run: done[name] for run, done in runs.items()}
    assert [run for run, result in found.items() if result.get("failed")] == [], found
    # Were it changed in check mode, the next check would find nothing to do.
    told = name not in UNKNOWN_BEFORE
    expected = {"check": told, "check again": told, "first": True, "second": False}
    assert {run: result["changed"] for run, result in found.items()} == expected, found
    if TASKS[name][1]:
        for run in ("check", "first"):
            shown = found[run]["diff"]
            parts = shown if isinstance(shown, list) else [shown]
            assert any(part.get("before") != part.get("after") for part in parts), found[run]


def test_what_is_on_the_host(host: Host, runs: dict[str, Done]) -> None:
    assert runs["second"]["user"]["uid"] == 4200
    assert host.shell("getent passwd u1; getent group g1 | cut -d: -f3; grep ^u1: /etc/shadow | cut -d: -f2").splitlines() == [
        "u1:x:4200:4200:A B:/home/u1:/bin/sh", "4300", "$6$salt$hash",
    ]  # fmt: skip
    assert host.shell("cd /srv/m; cat cron known lines words assembled out/parts/2; stat -c '%a %U' keys/daemon copied").splitlines() == [
        "#Ansible: job", "@daily root true", f"h.org {KEY}", "a=1", "b=3", "z y z", "one", "two", "two", "600 daemon", "640 root",
    ]  # fmt: skip
    assert host.shell("systemctl is-active mine; systemctl is-enabled mine; findmnt -no FSTYPE /srv/m/tmp").split() == [
        "active", "enabled", "tmpfs",
    ]  # fmt: skip
    assert host.shell("dpkg --get-selections sudo").split() == ["sudo", "hold"]


def test_modules_that_ask(host: Host, runs: dict[str, Done]) -> None:
    done = host.play([{"name": name, **task} for name, task in ASKING.items()])
    assert done["getent"]["ansible_facts"]["getent_passwd"]["root"][1] == "0"
    assert done["stat"]["stat"]["isreg"] is True
    assert [Path(file["path"]).name for file in done["find"]["files"]] == ["1", "2"]
    assert done["slurp"]["content"] == "b25lCg=="
    assert "systemd" in done["package_facts"]["ansible_facts"]["packages"]
    assert done["service_facts"]["ansible_facts"]["services"]["ssh.service"]["state"] == "running"
    assert done["seboolean"]["msg"] == "SELinux is disabled on this host."
    assert not any(result["changed"] for result in done.values())
