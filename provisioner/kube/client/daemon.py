"""The one daemon skeleton: event loop, log, health and metrics endpoints, systemd notification, signals, an orderly stop.

    main(argv) -> run_daemon(name, start) -> start(daemon): build informers, `daemon.spawn` the loops, `await daemon.ready()`

READY goes to systemd when `start` says so, and not before. SIGTERM sets `stopping`, runs the stop hooks in reverse order, each in what is
left of STOP_S, and ends with exit code 0. A spawned loop that ends by itself is a bug or a lost lease: the daemon stops with code 1 and
systemd starts it again. A configuration error ends the start with one message and exit code 2.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import uvloop
from aiohttp import web

from provisioner.kube.api.errors import StatusError
from provisioner.kube.client import memory, series, zpages
from provisioner.kube.client.clock import SystemClock
from provisioner.kube.client.flags import FlagError, Flags, FlagSet
from provisioner.kube.client.kubeconfig import ConfigError
from provisioner.kube.client.notify import notify, watchdog_interval_s
from provisioner.kube.client.tasks import spawn, stop

log = logging.getLogger(__name__)

# systemd's default TimeoutStopSec is 90 s; a daemon that needs more than a third of it hangs.
STOP_S = 30.0
PATHS = ("/configz", "/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz")

Check = Callable[[], str | None]
StopHook = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """Where /healthz and /metrics answer. Port 0 turns it off; `tls` None is plain HTTP, for loopback alone."""

    address: str
    port: int
    tls: ssl.SSLContext | None = None


class Daemon:
    """What a daemon's `start` gets. All of it belongs to the running loop."""

    def __init__(self, name: str, flags: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self._flags, self._started = flags or {}, SystemClock().now()
        self._configuration: dict[str, Any] = {}
        self.stopping = asyncio.Event()
        self.exit_code = 0
        self._checks: dict[str, Check] = {}
        self._hooks: list[tuple[str, StopHook, float]] = []
        self._reloads: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._runners: list[web.AppRunner] = []
        self._ready = False

    def spawn(self, name: str, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a loop for the daemon's life."""
        task = spawn(name, coro)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not self.stopping.is_set() and not task.cancelled():
            log.error("loop ended task=%s: stopping", task.get_name())
            self.exit_code = 1
            self.stopping.set()

    def add_check(self, name: str, check: Check) -> None:
        """`check` returns None when well, else what is wrong; it shows on /healthz and decides its status."""
        self._checks[name] = check

    def on_stop(self, name: str, hook: StopHook, limit_s: float = 0.0) -> None:
        """Run at the stop, last added first; must be safe when its start was cut short. `limit_s` is time of its own, besides STOP_S."""
        self._hooks.append((name, hook, limit_s))

    def on_reload(self, hook: Callable[[], None]) -> None:
        """Run at SIGHUP, in the loop."""
        self._reloads.append(hook)

    def reload(self) -> None:
        log.info("reloading daemon=%s", self.name)
        for hook in self._reloads:
            hook()

    async def ready(self) -> None:
        """Say that we serve: caches are in sync, ports are open."""
        self._ready = True
        notify("READY=1", f"STATUS={self.name} is serving")
        log.info("ready daemon=%s", self.name)

    async def serve(self, listener: Listener, routes: Sequence[web.RouteDef] = ()) -> None:
        """Open the health and metrics endpoints, and `routes` beside them, or in their place where the path is the same."""
        if not listener.port:
            return
        app = web.Application()
        own: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
            "/healthz": self._healthz,
            "/livez": self._healthz,
            "/readyz": self._readyz,
            "/metrics": _metrics,
        }
        if listener.address in ("localhost", "::1") or listener.address.startswith("127."):
            # What a daemon tells of its settings is for whoever is on its host.
            own |= self.pages()
        taken = {route.path for route in routes}
        app.add_routes([*(web.get(path, handler) for path, handler in own.items() if path not in taken), *routes])
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, listener.address, listener.port, ssl_context=listener.tls, reuse_address=True).start()

    def configured(self, group: str, settings: Any) -> None:
        """What the daemon runs by, for /configz; anything that msgspec encodes, without secrets."""
        self._configuration[group] = settings

    def problems(self) -> dict[str, str]:
        """What the checks that fail say, by their names."""
        return {name: problem for name, check in self._checks.items() if (problem := check())}

    def pages(self) -> dict[str, Callable[[web.Request], Awaitable[web.Response]]]:
        """What it tells of itself, by path."""

        async def configz(_: web.Request) -> web.Response:
            if not self._configuration:
                raise web.HTTPNotFound
            return web.Response(body=msgspec.json.encode(self._configuration), headers={"Content-Type": zpages.JSON})

        async def flagz(request: web.Request) -> web.Response:
            return _or_refused(lambda: zpages.flagz(request, self.name, self._flags))

        async def statusz(request: web.Request) -> web.Response:
            return _or_refused(lambda: zpages.statusz(request, self.name, PATHS, self._started, SystemClock().now()))

        return {"/configz": configz, "/flagz": flagz, "/statusz": statusz}

    async def _healthz(self, request: web.Request) -> web.Response:
        return self._health(request, {})

    async def _readyz(self, request: web.Request) -> web.Response:
        return self._health(request, {} if self._ready else {"ready": "caches are not in sync yet"})

    def _health(self, request: web.Request, failed: dict[str, str]) -> web.Response:
        lines = []
        for name, check in self._checks.items():
            if problem := check():
                failed[name] = problem
            else:
                lines.append(f"[+]{name} ok")
        lines += [f"[-]{name} failed: {problem}" for name, problem in failed.items()]
        if failed:
            return web.Response(status=503, text="\n".join([*lines, "healthz check failed\n"]))
        return web.Response(text="\n".join([*lines, "healthz check passed\n"]) if "verbose" in request.query else "ok")

    async def watchdog(self) -> None:
        """Tell systemd that we live, for as long as every check is well."""
        interval_s = watchdog_interval_s()
        while interval_s:
            if not any(check() for check in self._checks.values()):
                notify("WATCHDOG=1")
            await asyncio.sleep(interval_s)

    async def close(self) -> None:
        """The orderly stop: hooks, loops, listeners."""
        notify("STOPPING=1")
        deadline = asyncio.get_running_loop().time() + STOP_S
        for name, hook, limit_s in reversed(self._hooks):
            if limit_s:
                # Its time and everyone's, so that systemd waits for both.
                notify(f"EXTEND_TIMEOUT_USEC={int((limit_s + STOP_S) * 1e6)}")
                deadline = asyncio.get_running_loop().time() + limit_s
            try:
                async with asyncio.timeout_at(deadline):
                    await hook()
            except TimeoutError:
                log.error("stop hook took too long hook=%s limit_s=%d", name, limit_s or STOP_S)
            if limit_s:
                deadline = asyncio.get_running_loop().time() + STOP_S
        await stop(*self._tasks)
        for runner in self._runners:
            await runner.cleanup()


def _or_refused(page: Callable[[], web.Response]) -> web.Response:
    try:
        return page()
    except StatusError as error:
        return web.Response(status=error.code, text=error.message)


async def _metrics(_: web.Request) -> web.Response:
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return web.Response(body=generate_latest() + series.text().encode(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def setup_logging(verbosity: int) -> None:
    """One event a line on standard error; under journald with the line's priority, and without a time that it adds itself."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_JournalFormatter("%(levelname)s %(name)s: %(message)s"))
    else:
        handler.setFormatter(_LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbosity >= 4 else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


class _LineFormatter(logging.Formatter):
    """A message that came with several lines (the API server's are, now and then) stays one event."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # the name that logging calls
        return " | ".join(super().formatMessage(record).splitlines())


class _JournalFormatter(_LineFormatter):
    """Marks each line with its syslog priority (sd-daemon(3)), tracebacks included."""

    PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

    def format(self, record: logging.LogRecord) -> str:
        record.name = record.name.rpartition(".")[2]
        mark = f"<{self.PRIORITY.get(record.levelno, 6)}>"
        return "\n".join(mark + line for line in super().format(record).splitlines())


async def _live(name: str, flags: Flags, start: Callable[[Daemon], Coroutine[Any, Any, None]]) -> int:
    daemon = Daemon(name, flags.as_dict())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.stopping.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload)
    starting = spawn(f"starting {name}", _started(start(daemon)))
    stopping = spawn("waiting for a signal", _wait(daemon.stopping))
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            problem = starting.result()
            if problem is not None:
                raise problem
            if watchdog_interval_s():
                daemon.spawn("watchdog", daemon.watchdog())
            memory.settle()
            daemon.spawn("memory", memory.keep(SystemClock()))
            await daemon.stopping.wait()
        log.info("stopping daemon=%s", name)
    finally:
        await stop(starting, stopping)
        await daemon.close()
    return daemon.exit_code


async def _started(start: Coroutine[Any, Any, None]) -> FlagError | ConfigError | OSError | None:
    """What is wrong with the configuration or the host is no crash: whoever waits for the start tells it."""
    try:
        await start
    except (FlagError, ConfigError, OSError) as error:
        log.debug("start failed", exc_info=error)
        return error
    return None


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def run_daemon(flag_set: FlagSet, argv: Sequence[str] | None, start: Callable[[Daemon, Flags], Coroutine[Any, Any, None]]) -> int:
    """A daemon's whole main: parse flags, run `start`, live until stopped. Returns the exit code."""
    try:
        flags = flag_set.parse(sys.argv[1:] if argv is None else argv)
    except FlagError as error:
        sys.stderr.write("".join(f"{flag_set.program}: {line}\n" for line in str(error).splitlines()))
        return 2
    setup_logging(flags.v)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_live(flag_set.program, flags, lambda daemon: start(daemon, flags)))
    except (ConfigError, FlagError) as error:
        sys.stderr.write(f"{flag_set.program}: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{flag_set.program}: can't start: {error}\n")
        return 1
