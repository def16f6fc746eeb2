"""What roles leave on a host, as data that can be compared. Runs on the host itself: `python3 - < snapshot.py` prints it as JSON."""

import grp
import hashlib
import json
import os
import pwd
import stat
import subprocess

ROOTS = ("/etc", "/opt", "/root", "/usr/local", "/usr/lib/systemd", "/var/lib/provision", "/var/spool/cron")
# What differs between any two hosts, or from one minute to the next, whoever made them.
VOLATILE = (
    "/etc/ssh/ssh_host_",  # a host's own keys
    "/etc/machine-id",
    "/etc/docker/key.json",  # made by dockerd
    "/etc/ld.so.cache",
    "/root/.ansible",  # each tool's own folder
    "/root/.cache",
    "/root/.bash_history",
    "/root/.ssh/authorized_keys",  # the key the lab logs in with, a new one for each host
)


def name_of(find, number):
    try:
        return find(number)[0]
    except KeyError:
        return str(number)


def entry(path):
    status = os.lstat(path)
    shown = [oct(stat.S_IMODE(status.st_mode)), name_of(pwd.getpwuid, status.st_uid), name_of(grp.getgrgid, status.st_gid)]
    if stat.S_ISLNK(status.st_mode):
        return ["link", *shown[1:], os.readlink(path)]
    if stat.S_ISDIR(status.st_mode):
        return ["folder", *shown]
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return ["file", *shown, hashlib.sha256(file.read()).hexdigest()]
    return ["other", *shown]


def files():
    found = {}
    for root in ROOTS:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in [*folders, *names]:
                path = os.path.join(folder, name)
                if not path.startswith(VOLATILE):
                    found[path] = entry(path)
    return found


def lines(*command):
    try:
        return sorted(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines())
    except FileNotFoundError:
        return [f"no {command[0]}"]


def unit_files():
    """Those that somebody wrote: sessions and what systemd-run starts have transient ones."""
    return [line for line in lines("systemctl", "list-unit-files", "--no-legend", "--plain") if "transient" not in line.split()]


def unit_states():
    """How every service is that is enabled or runs: transient ones (sessions, scopes) are the moment's."""
    found = {}
    for line in lines("systemctl", "list-units", "--all", "--type=service", "--plain", "--no-legend"):
        name, load, active, sub = line.split()[:4]
        if "@" not in name and not name.startswith("run-"):
            found[name] = [load, active, sub]
    return found


print(
    json.dumps(
        {
            "files": files(),
            "packages": lines("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\\n"),
            "unit files": unit_files(),
            "units": unit_states(),
            "images": lines("docker", "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
            "modules": lines("cat", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/panic"),
        }
    )
)
