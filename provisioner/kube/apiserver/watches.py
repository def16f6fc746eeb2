"""Watches: the cache's changes as a stream of JSON lines, seen through a selection, with bookmarks and an initial list where asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api.selectors import parse_field_selector, parse_label_selector
from provisioner.kube.apiserver.crowds import CROWD, Crowd
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.list_options import check_watch_options, version_error, version_number
from provisioner.kube.apiserver.lists import Selection, reached
from provisioner.kube.apiserver.requests import flag, whole
from provisioner.kube.storage.cache import Change, Entry, Expired, WatchCache, Watcher
from provisioner.kube.storage.versions import last_of

# --min-request-timeout, as upstream: a watch without its own timeout ends after half an hour to an hour.
TIMEOUT_S = 1800
BOOKMARK_S = 60.0
INITIAL_EVENTS_END = '"annotations":{"k8s.io/initial-events-end":"true"},'

# Objects in one write of an initial list.
INITIAL_EVENTS = 256


@dataclass(frozen=True, slots=True)
class Form:
    """In which form objects are told of: `render` turns stored bytes into it, `bookmark` a version and annotations."""

    render: Callable[[bytes], bytes]
    bookmark: Callable[[int, str], bytes]


ALL = Selection("", parse_label_selector(""), parse_field_selector(""))


def _line(type_: bytes, data: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type_, data)


def seen_through(change: Change, selection: Selection) -> tuple[bytes, Entry] | None:
    """The event that a watcher with this selection gets: an object that comes into it is added, one that leaves it deleted."""
    before = change.old is not None and selection.wants(change.old)
    if change.new is not None and selection.wants(change.new):
        return (b"MODIFIED" if before else b"ADDED"), change.new
    if before:
        if change.new is None:
            return (b"DELETED", change.last) if change.last is not None else None
        # It still exists: watchers see it as it last was in their view, at the version of the change that took it out.
        assert change.old is not None
        last = change.old.data.replace(b'"resourceVersion":"%d"' % change.old.version, b'"resourceVersion":"%d"' % change.version, 1)
        return b"DELETED", replace(change.old, version=change.version, data=last)
    return None


class Watches:
    def __init__(self, cache: WatchCache, stopping: asyncio.Event, timeout_s: int = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._cache, self._stopping = cache, stopping
        # resource -> the last change that was put in a line, and the line
        self._lines: dict[str, tuple[Change, bytes]] = {}
        # (resource, prefix) -> those who see all of it as it is stored
        self._crowds: dict[tuple[str, str], Crowd] = {}

    async def stream(
        self, kind: Kind, selection: Selection, query: Mapping[str, str], form: Form, transport: asyncio.WriteTransport | None
    ) -> AsyncGenerator[bytes, None]:
        """Lines, each time one chunk of the answer. Where many see the same, chunks are also written to `transport` between two of them;
        None: never.

        Raises StatusError before the first only: what a version is too old for is told in the stream."""
        check_watch_options(query)
        # What can't be read is told before the stream begins.
        whole(query, "timeoutSeconds"), flag(query, "allowWatchBookmarks")
        since, initial = await self._start(kind, selection, query)
        try:
            # With a thousand nodes a pod concerns one of the thousand kubelets that watch their own: the others are not woken.
            wants = None if selection.everything else (lambda change: seen_through(change, selection) is not None)
            watcher, missed = self._cache.watch(kind.stored_as, selection.prefix, since, wants)
        except Expired:
            oldest = self._cache.collection(kind.stored_as).forgotten
            return _only(error_line(errors.expired(f"too old resource version: {since} ({oldest})")))
        return self._run(kind, selection, query, form, transport, watcher, missed, initial, since)

    async def _start(self, kind: Kind, selection: Selection, query: Mapping[str, str]) -> tuple[int, list[Entry] | None]:
        """(version to watch from, objects to begin with or None)."""
        if wrong := version_error(query.get("resourceVersion") or "0"):
            raise errors.invalid(kind.resource.plural, "", [wrong], kind.resource.group)
        wanted = version_number(query.get("resourceVersion"))
        send_initial = flag(query, "sendInitialEvents")
        if wanted is None:
            await self._cache.fresh()
        elif wanted:
            await reached(self._cache, wanted)
            if not send_initial:
                return wanted, None
        if "sendInitialEvents" in query and not send_initial:
            return last_of(self._cache.revision), None
        entries = [e for e in self._cache.collection(kind.stored_as).page(selection.prefix, "") if selection.wants(e)]
        return last_of(self._cache.revision), entries

    async def _run(
        self,
        kind: Kind,
        selection: Selection,
        query: Mapping[str, str],
        form: Form,
        transport: asyncio.WriteTransport | None,
        watcher: Watcher,
        missed: list[Change],
        initial: list[Entry] | None,
        since: int,
    ) -> AsyncGenerator[bytes, None]:
        timeout_s = whole(query, "timeoutSeconds") or random.randint(self._timeout_s, 2 * self._timeout_s)
        bookmarks = flag(query, "allowWatchBookmarks")
        loop = asyncio.get_running_loop()
        ends, next_bookmark = loop.time() + timeout_s, loop.time() + BOOKMARK_S * random.uniform(0.8, 1.0)
        version = since
        # Who sees everything as it is stored sees the same bytes as all the others who do.
        shared = transport is not None and selection.everything and kind.as_stored and form.render == kind.shown
        render = form.render
        try:
            if initial is not None:
                if kind.converts:
                    await kind.prepare(entry.data for entry in initial)
                # In parts, so that nobody else waits for the whole of them.
                for start in range(0, len(initial), INITIAL_EVENTS):
                    yield b"".join(_line(b"ADDED", render(entry.data)) for entry in initial[start : start + INITIAL_EVENTS])
                initial = None
                if flag(query, "sendInitialEvents") and bookmarks:
                    yield _line(b"BOOKMARK", form.bookmark(version, INITIAL_EVENTS_END))
            changes: list[Change] = missed
            while not self._stopping.is_set():
                lines = []
                if kind.converts and changes:
                    await kind.prepare(e.data for change in changes for e in (change.new, change.last) if e is not None)
                for change in changes:
                    version = change.version
                    if shared:
                        lines.append(self._line_of(kind, change))
                    elif (event := seen_through(change, selection)) is not None:
                        lines.append(_line(event[0], render(event[1].data)))
                if lines and (chunk_of_lines := b"".join(lines)):
                    yield chunk_of_lines
                now = loop.time()
                if watcher.cut or now >= ends:
                    return
                if bookmarks and now >= next_bookmark:
                    next_bookmark = now + BOOKMARK_S
                    version = max(version, last_of(self._cache.revision))
                    yield _line(b"BOOKMARK", form.bookmark(version, ""))
                wait_s = min(ends - now, next_bookmark - now if bookmarks else TIMEOUT_S)
                crowd = self._crowd(kind, selection.prefix) if shared else None
                if crowd is not None and transport is not None:
                    changes = await crowd.stay(watcher, transport, wait_s)
                else:
                    changes = await watcher.take(wait_s)
        finally:
            self._cache.unwatch(kind.stored_as, watcher)

    def _crowd(self, kind: Kind, prefix: str) -> Crowd | None:
        """Where there are many."""
        collection = self._cache.collection(kind.stored_as)
        found = self._crowds.get((kind.stored_as, prefix))
        if found is None:
            if len(collection.watchers) < CROWD:
                return None
            found = Crowd(collection, prefix, partial(self._line_of, kind), lambda: self._crowds.pop((kind.stored_as, prefix)))
            self._crowds[kind.stored_as, prefix] = found
        return found

    def _line_of(self, kind: Kind, change: Change) -> bytes:
        """The event's line for those who see everything, encoded once."""
        found = self._lines.get(kind.stored_as)
        if found is not None and found[0] is change:
            return found[1]
        event = seen_through(change, ALL)
        line = _line(event[0], event[1].data) if event is not None else b""
        self._lines[kind.stored_as] = (change, line)
        return line

    def wake_all(self) -> None:
        """At the server's stop: every stream looks at `stopping`."""
        for collection in self._cache.collections.values():
            for watcher in list(collection.watchers):
                watcher.cut = True
                watcher.wake()


def bookmark(kind: str, api_version: str, version: int, annotations: str = "") -> bytes:
    """An object of nothing but a resourceVersion."""
    return f'{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{{{annotations}"resourceVersion":"{version}"}}}}'.encode()


async def _only(line: bytes) -> AsyncGenerator[bytes, None]:
    yield line


def error_line(error: errors.StatusError) -> bytes:
    """An ERROR event, for what goes wrong after the stream has begun."""
    return _line(b"ERROR", msgspec.json.encode(error.to_status()))
