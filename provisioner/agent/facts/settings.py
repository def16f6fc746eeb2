"""What the system was told: resolver, kernel command line, keys of its SSH server, LSB release, and facts that people leave in facts.d."""

import configparser
import glob
import json
import os
import shlex
import shutil
import subprocess
from typing import Any, Dict, List, Tuple

from provisioner.agent.facts import reading

_FACT_TIMEOUT_S = 60.0


def resolver(path: str = "/etc/resolv.conf") -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for line in reading.lines(path):
        words = line.split()
        if not words or words[0].startswith(("#", ";")):
            continue
        if words[0] == "nameserver" and len(words) > 1:
            found.setdefault("nameservers", []).extend(words[1:])
        elif words[0] == "domain" and len(words) > 1:
            found["domain"] = words[1]
        elif words[0] in ("search", "sortlist"):
            found[words[0]] = words[1:]
        elif words[0] == "options":
            options = found.setdefault("options", {})
            for word in words[1:]:
                name, sign, value = word.partition(":")
                options[name] = value if sign else True
    return {"dns": found}


def command_line(path: str = "/proc/cmdline") -> Dict[str, Any]:
    """`cmdline` keeps the last value of a name, `proc_cmdline` all of them."""
    last: Dict[str, Any] = {}
    every: Dict[str, Any] = {}
    text = reading.text(path) or ""
    try:
        words = shlex.split(text, posix=False)
    except ValueError:
        words = text.split()
    for word in words:
        name, sign, value = word.partition("=")
        last[name] = value if sign else True
        if name in every and sign:
            every[name] = [*every[name], value] if isinstance(every[name], list) else [every[name], value]
        else:
            every[name] = value if sign else True
    return {"cmdline": last, "proc_cmdline": every} if text else {}


def ssh_keys() -> Dict[str, Any]:
    for folder in ("/etc/ssh", "/etc/openssh", "/etc"):
        found = {}
        for kind in ("dsa", "rsa", "ecdsa", "ed25519"):
            words = (reading.text("%s/ssh_host_%s_key.pub" % (folder, kind)) or "").split()
            if len(words) > 1:
                found["ssh_host_key_%s_public" % kind] = words[1]
                found["ssh_host_key_%s_public_keytype" % kind] = words[0]
        if found:
            return found
    return {}


def fips() -> Dict[str, Any]:
    return {"fips": reading.text("/proc/sys/crypto/fips_enabled") == "1"}


def load() -> Dict[str, Any]:
    one, five, fifteen = os.getloadavg()
    return {"loadavg": {"1m": one, "5m": five, "15m": fifteen}}


def lsb() -> Dict[str, Any]:
    program = shutil.which("lsb_release")
    found = _lsb_asked(program) if program else {}
    if not found:
        names = {"DISTRIB_ID": "id", "DISTRIB_RELEASE": "release", "DISTRIB_DESCRIPTION": "description", "DISTRIB_CODENAME": "codename"}
        for line in reading.lines("/etc/lsb-release"):
            key, sign, value = line.partition("=")
            if sign and key in names:
                found[names[key]] = value.strip("\"'")
    if "release" in found:
        found["major_release"] = found["release"].split(".")[0]
    return {"lsb": found}


def _lsb_asked(program: str) -> Dict[str, str]:
    try:
        done = subprocess.run(
            [program, "-a"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_FACT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    names = {"Distributor ID": "id", "Description": "description", "Release": "release", "Codename": "codename", "LSB Version": "version"}
    found = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        key, sign, value = line.partition(":")
        if sign and key in names:
            found[names[key]] = value.strip()
    return found


def initiators() -> Dict[str, Any]:
    for line in reading.lines("/etc/iscsi/initiatorname.iscsi"):
        if line.startswith("InitiatorName="):
            return {"iscsi_iqn": line.partition("=")[2].strip()}
    return {"iscsi_iqn": ""}


def nvme() -> Dict[str, Any]:
    lines = [line for line in reading.lines("/etc/nvme/hostnqn") if line.startswith("nqn.")]
    return {"hostnqn": lines[0] if lines else ""}


def fibre_channel() -> Dict[str, Any]:
    found = [reading.text(path) or "" for path in sorted(glob.glob("/sys/class/fc_host/*/port_name"))]
    return {"fibre_channel_wwn": [name[2:] if name.startswith("0x") else name for name in found]}


def local(folder: str, warnings: List[str]) -> Dict[str, Any]:
    """Facts of the host's own: *.fact files in JSON or INI, or programs that print those."""
    found: Dict[str, Any] = {}
    if not folder or not os.path.isdir(folder):
        return {"local": found}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.fact"))):
        name = os.path.basename(path)[: -len(".fact")]
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            told = _run_fact(path)
        else:
            read = reading.text(path)
            told = (read, "") if read is not None else ("", "unable to read fact file: %s" % path)
        found[name] = told[1] or _parsed(path, told[0])
        if isinstance(found[name], str) and (told[1] or found[name].startswith("error loading")):
            warnings.append(found[name])
    return {"local": found}


def _run_fact(path: str) -> Tuple[str, str]:
    """(output, problem)"""
    try:
        done = subprocess.run([path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=_FACT_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", "Could not execute fact script (%s): %s" % (path, error)
    if done.returncode != 0:
        error_text = done.stderr.decode("utf-8", "replace")
        return "", "Failure executing fact script (%s), rc: %s, err: %s" % (path, done.returncode, error_text)
    return done.stdout.decode("utf-8", "replace"), ""


def _parsed(path: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        return {section: {option: parser.get(section, option) for option in parser.options(section)} for section in parser.sections()}
    except (configparser.Error, ValueError):
        return "error loading facts as JSON or ini - please check content: %s" % path
