"""The parts of the Docker Engine API's answers (v1.41) that we read. Go's zero values come as they are: "" and 0001-01-01T00:00:00Z."""

from __future__ import annotations

from typing import Any

import msgspec


class Answer(msgspec.Struct, rename="pascal", frozen=True):
    """Fields we don't name are dropped."""


class State(Answer, frozen=True):
    status: str = ""
    running: bool = False
    oom_killed: bool = msgspec.field(name="OOMKilled", default=False)
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str = ""
    finished_at: str = ""


class InspectConfig(Answer, frozen=True):
    image: str = ""
    tty: bool = False
    open_stdin: bool = False
    labels: dict[str, str] | None = None


class HostResources(Answer, frozen=True):
    memory: int = 0
    cpu_shares: int = 0
    cpu_quota: int = 0


class Inspect(Answer, frozen=True):
    id: str
    name: str = ""
    created: str = ""
    image: str = ""
    log_path: str = ""
    state: State = State()
    config: InspectConfig = InspectConfig()
    host_config: HostResources = HostResources()


class Summary(Answer, frozen=True):
    id: str
    state: str = ""
    labels: dict[str, str] | None = None
    created: int = 0


class ImageSummary(Answer, frozen=True):
    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    size: int = 0
    created: int = 0


class ImageConfig(Answer, frozen=True):
    user: str = ""
    env: list[str] | None = None
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None


class Image(Answer, frozen=True):
    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    size: int = 0
    config: ImageConfig | None = None


class Actor(Answer, frozen=True):
    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] = {}


class Event(Answer, frozen=True):
    type: str = msgspec.field(name="Type", default="")
    action: str = msgspec.field(name="Action", default="")
    actor: Actor = Actor()
    time_nano: int = msgspec.field(name="timeNano", default=0)


class Version(Answer, frozen=True):
    version: str = ""
    api_version: str = ""


class ExecState(Answer, frozen=True):
    running: bool = False
    exit_code: int | None = None
    pid: int = 0


class PullProgress(msgspec.Struct):
    error: str = ""
    status: str = ""


Body = dict[str, Any]
