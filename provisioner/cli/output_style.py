"""How results are written, as ansible.cfg and $ANSIBLE_* have it: JSON or YAML, which hosts show at all, where else lines go."""

from __future__ import annotations

import getpass
import json
import os
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import yaml

from provisioner.templating.sorted_json import sorted_json, told

_BREAKS = "\n\x85\u2028\u2029"  # what YAML takes for the end of a line
_TRAILING = re.compile(rf" +([{_BREAKS}])")
_SPECIAL = re.compile("[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_INDENT = 4


@dataclass(frozen=True)
class OutputStyle:
    """Named as the options of Ansible's default callback."""

    result_format: str = "json"
    headed: bool = False
    """YAML as the callback community.general.yaml writes it: whether something changed or was skipped stands before it."""
    pretty: bool | None = None
    """None: YAML always, JSON where somebody asked to see a result."""
    skipped_hosts: bool = True
    ok_hosts: bool = True
    failed_stderr: bool = False
    task_path_on_failure: bool = False
    per_host_start: bool = False
    custom_stats: bool = False
    check_markers: bool = False
    arguments: bool = False
    """Titles of tasks have their arguments."""
    check: bool = False
    """The whole run is in check mode."""
    diff_context: int = 3
    log: Path | None = None
    callbacks: tuple[str, ...] = ()
    """Those of callbacks_enabled, without their collections."""
    colour: bool | None = None
    """None: where somebody sits at a terminal."""

    @classmethod
    def of(cls, settings: Mapping[str, Any], *, check: bool = False) -> OutputStyle:
        chosen = str(settings.get("DEFAULT_STDOUT_CALLBACK", "default")).split(".")[-1]
        log = settings.get("DEFAULT_LOG_PATH")
        return cls(
            result_format="yaml" if chosen == "yaml" else str(settings.get("CALLBACK_RESULT_FORMAT", "json")),
            headed=chosen == "yaml",
            pretty=settings.get("CALLBACK_FORMAT_PRETTY"),
            skipped_hosts=bool(settings.get("DISPLAY_SKIPPED_HOSTS", chosen != "dense")),
            ok_hosts=bool(settings.get("DISPLAY_OK_HOSTS", True)),
            failed_stderr=bool(settings.get("DISPLAY_FAILED_STDERR")),
            task_path_on_failure=bool(settings.get("SHOW_TASK_PATH_ON_FAILURE")),
            per_host_start=bool(settings.get("SHOW_PER_HOST_START")),
            custom_stats=bool(settings.get("SHOW_CUSTOM_STATS")),
            check_markers=bool(settings.get("CHECK_MODE_MARKERS")),
            arguments=bool(settings.get("DISPLAY_ARGS_TO_STDOUT")),
            check=check,
            diff_context=int(settings.get("DIFF_CONTEXT", 3)),
            log=Path(log) if log else None,
            callbacks=tuple(str(name).split(".")[-1] for name in settings.get("CALLBACKS_ENABLED", ())),
            colour=_colour(settings),
        )

    def is_coloured(self, stream: TextIO) -> bool:
        return stream.isatty() if self.colour is None else self.colour

    @property
    def hides(self) -> bool:
        """Whether a task's title waits for something to show below it."""
        return not (self.skipped_hosts and self.ok_hosts)

    def dump(self, result: Mapping[str, Any], *, wide: bool) -> str:
        """A result as it stands behind `=>`; `wide`: somebody asked to see it."""
        indent = _INDENT if (wide or self.pretty) and self.pretty is not False else None
        if self.result_format == "yaml":
            return _as_headed_yaml(result) if self.headed else _as_yaml(result, lossy=self.pretty is not False)
        return sorted_json(result, default=told, indent=indent, ensure_ascii=False)


def _colour(settings: Mapping[str, Any]) -> bool | None:
    if settings.get("ANSIBLE_FORCE_COLOR"):
        return True
    return False if settings.get("ANSIBLE_NOCOLOR") or "NO_COLOR" in os.environ else None


def _as_yaml(result: Mapping[str, Any], *, lossy: bool) -> str:
    shown = _without_lines(result) if lossy else json.loads(json.dumps(result, default=told))
    dumper = _Readable if lossy else _Exact
    return "\n" + textwrap.indent(_dumped(shown, dumper, _INDENT if lossy else None), " " * _INDENT)


def _as_headed_yaml(result: Mapping[str, Any]) -> str:
    shown = _without_lines(result)
    head = "".join(f"{name}={str(shown.pop(name)).lower()} " for name in ("changed", "skipped") if name in shown)
    return (head + "\n" + textwrap.indent(_dumped(shown, _Readable, None, width=1000), "  ") if shown else head).rstrip()


def _without_lines(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result whose streams are not told twice."""
    shown: dict[str, Any] = json.loads(json.dumps(result, default=told))
    for stream in ("stdout", "stderr"):
        if stream in shown and f"{stream}_lines" in shown:
            shown[f"{stream}_lines"] = "<omitted>"
    return shown


def _dumped(value: Any, dumper: type[_Exact], indent: int | None, width: int | None = None) -> str:
    text: str = yaml.dump(value, Dumper=dumper, allow_unicode=True, default_flow_style=False, indent=indent, width=width)
    return text.removesuffix("\n")


class _Exact(yaml.SafeDumper):
    """Texts of several lines stand in blocks."""

    lossy = False

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Readable(_Exact):
    """What YAML would have to quote in a block is left out of it."""

    lossy = True


def _text(dumper: _Exact, text: str) -> yaml.ScalarNode:
    if not any(char in text for char in _BREAKS):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text)
    if dumper.lossy:
        text = _TRAILING.sub(r"\1", _SPECIAL.sub("", text.rstrip().expandtabs()))
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")


for _dumper in (_Exact, _Readable):
    _dumper.add_representer(str, _text)


def log_line(text: str) -> str:
    """A line of the log file, with when, which process and whose it is."""
    moment = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    return f"{moment} p={os.getpid()} u={getpass.getuser()} n=ansible INFO| {text}\n"
