"""timezone: the time zone of the host, and whether its hardware clock keeps UTC; by timedatectl where systemd runs, else in the files."""

import os
import re
from typing import Any, Dict, List, Optional

from provisioner.agent import contents
from provisioner.agent.context import Context, ModuleFailed, shown

ARGUMENTS = {
    "name": {},
    "hwclock": {"choices": ["local", "UTC"], "aliases": ["rtc"]},
    "_rules": {"required_one_of": [["hwclock", "name"]]},
}
ZONES = "/usr/share/zoneinfo"
LOCALTIME = "/etc/localtime"
TIMEZONE = "/etc/timezone"
ADJTIME = "/etc/adjtime"
# Where the setting of the hardware clock stands, by distribution.
CLOCK_FILES = ("/etc/default/rcS", "/etc/sysconfig/clock")


def run(args: Dict[str, Any], context: Context) -> Dict[str, Any]:
    clock: Any = _Timedatectl(context)
    if not clock.works:
        clock = _Files(context)
    wanted = {key: args[key] for key in ("hwclock", "name") if args[key] is not None}
    if "name" in wanted and not os.path.isfile(os.path.join(ZONES, wanted["name"])):
        raise ModuleFailed('Error message:\ngiven timezone "%s" is not available' % wanted["name"])
    before = {key: clock.get(key) for key in wanted}
    changed = before != wanted
    if changed and not context.check:
        for key, value in wanted.items():
            if before[key] != value:
                clock.set(key, value)
        after = {key: clock.get(key) for key in wanted}
        if after != wanted:
            raise ModuleFailed("still not desired state, though changes have made - planned: %s, after: %s" % (wanted, after))
    result: Dict[str, Any] = {"changed": changed, "diff": {"before": before, "after": wanted}}
    if clock.messages:
        result["msg"] = "\n".join(clock.messages)
    return result


class _Timedatectl:
    """The host's own way where systemd runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.messages: List[str] = []
        try:
            self._program = context.which("timedatectl")
            code, self._status, _ = context.run([self._program])
            self.works = code == 0
        except ModuleFailed:
            self.works = False

    def get(self, key: str) -> Optional[str]:
        pattern = r"^\s*Time ?zone\s*:\s*([^\s]+)" if key == "name" else r"^\s*RTC in local TZ\s*:\s*([^\s]+)"
        found = re.search(pattern, self._status, re.MULTILINE)
        if found is None:
            raise ModuleFailed("timedatectl does not tell the %s" % ("time zone" if key == "name" else "hardware clock's mode"))
        if key == "name":
            return found.group(1)
        return "local" if found.group(1) == "yes" else "UTC"

    def set(self, key: str, value: str) -> None:
        words = ["set-timezone", value] if key == "name" else ["set-local-rtc", "yes" if value == "local" else "no"]
        self._context.run([self._program, *words], ok=[0])
        self.messages.append("executed `%s`" % shown([self._program, *words]))
        self._status = self._context.run([self._program], ok=[0])[1]


class _Files:
    """Where systemd doesn't run: a link, and what distributions keep beside it."""

    works = True

    def __init__(self, context: Context) -> None:
        self._context = context
        self.messages: List[str] = []

    def get(self, key: str) -> Optional[str]:
        return _zone() if key == "name" else _hardware_clock()

    def set(self, key: str, value: str) -> None:
        if key == "name":
            self._set_zone(value)
        else:
            self._set_hardware_clock(value)

    def _set_zone(self, name: str) -> None:
        beside = LOCALTIME + ".provision"
        if os.path.lexists(beside):
            os.unlink(beside)
        os.symlink(os.path.join(ZONES, name), beside)
        os.rename(beside, LOCALTIME)
        if os.path.exists(TIMEZONE) or os.path.exists("/etc/debian_version"):
            self._write(TIMEZONE, name + "\n")
        elif os.path.exists(CLOCK_FILES[1]):
            self._set_line(CLOCK_FILES[1], "ZONE", '"%s"' % name)

    def _set_hardware_clock(self, value: str) -> None:
        command = [self._context.which("hwclock"), "--systohc", "--localtime" if value == "local" else "--utc"]
        code, out, err = self._context.run(command)
        if code != 0:
            raise ModuleFailed(err.rstrip(), cmd=shown(command), rc=code, stdout=out, stderr=err)
        for path in CLOCK_FILES:
            if os.path.exists(path):
                self._set_line(path, "UTC", "no" if value == "local" else "yes")

    def _set_line(self, path: str, key: str, value: str) -> None:
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if not re.match(r"\s*%s\s*=" % key, line)]
        self._write(path, "\n".join([*lines, "%s=%s" % (key, value)]) + "\n")

    def _write(self, path: str, text: str) -> None:
        old = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                old = file.read()
        contents.write(path, text.encode())
        gone = len([line for line in old.splitlines() if line not in text.splitlines()])
        self.messages.append("Added 1 line and deleted %d line(s) on %s" % (gone, path))


def _zone() -> Optional[str]:
    """The name in /etc/timezone when it agrees with the link; the link is what programs go by."""
    if os.path.islink(LOCALTIME):
        target = os.path.join(os.path.dirname(LOCALTIME), os.readlink(LOCALTIME))
        if target.startswith(ZONES + "/"):
            linked = target[len(ZONES) + 1 :]
            written = _read(TIMEZONE)
            return linked if written in (None, linked) else "n/a"
    return _read(TIMEZONE)


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip() or None
    except OSError:
        return None


def _hardware_clock() -> str:
    lines = (_read(ADJTIME) or "").splitlines()
    if len(lines) > 2:
        return "local" if lines[2].strip() == "LOCAL" else "UTC"
    for path in CLOCK_FILES:
        found = re.search(r"^\s*UTC\s*=\s*\"?(\w+)", _read(path) or "", re.MULTILINE)
        if found:
            return "UTC" if found.group(1).lower() in ("yes", "true") else "local"
    return "UTC"
