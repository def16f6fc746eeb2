"""Lists: pages of the cache's bytes, selected, cut at `limit`, continued from a snapshot so that every page is of one moment."""

from __future__ import annotations

import base64
import bisect
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any

import msgspec

from provisioner.kube.api import errors, selectable
from provisioner.kube.api.go_json import syntax_error
from provisioner.kube.api.selectors import FieldSelector, LabelSelector, SelectorError, parse_field_selector, parse_label_selector
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.list_options import Age, ListOptions, list_options, too_new
from provisioner.kube.apiserver.replies import Listed
from provisioner.kube.storage.cache import Entry, NotFresh, WatchCache
from provisioner.kube.storage.etcd import Compacted
from provisioner.kube.storage.versions import last_of, revision_of

# Lists that wait for their next page in memory; each holds the bytes that the cache had. Those of one moment are one. The oldest goes first.
SNAPSHOTS = 128
# After as long as etcd's history is kept by default, the rest of a list is etcd's to know.
SNAPSHOT_S = 300.0

_key = attrgetter("key")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a collection a request wants."""

    prefix: str
    labels: LabelSelector
    fields: FieldSelector

    def wants(self, entry: Entry) -> bool:
        return self.labels.matches(entry.labels) and self.fields.matches(entry.fields)

    @property
    def everything(self) -> bool:
        return self.labels.everything and self.fields.everything


def unreadable(kind: Kind) -> errors.StatusError:
    """500 for what is stored and can't be decrypted or decoded."""
    what = errors.qualified(kind.resource.plural, kind.resource.group)
    return errors.internal(f"unable to transform or decode a stored object of {what}; the server's log names its key")


def selection_of(kind: Kind, namespace: str, name: str, query: Mapping[str, str]) -> Selection:
    """Raises 400 for selectors that can't be parsed, or name a field that the kind doesn't offer."""
    try:
        labels, fields = parse_label_selector(query.get("labelSelector")), parse_field_selector(query.get("fieldSelector"))
    except SelectorError as error:
        raise errors.bad_request(str(error)) from error
    known = kind.strategy.field_names()
    for field, _, _ in fields.terms:
        if field not in known:
            raise errors.bad_request(selectable.unsupported(field, custom=kind.strategy.has_own_fields or kind.type_key is None))
    if name:
        fields = FieldSelector((*fields.terms, ("metadata.name", name, True)))
    wanted_namespace = namespace or (fields.exact("metadata.namespace") or "")
    return Selection(f"{wanted_namespace}/" if kind.resource.namespaced and wanted_namespace else "", labels, fields)


_FORM, _NOW = "meta.k8s.io/v1", -1


@dataclass(frozen=True, slots=True)
class Page:
    """`version` is the list's resourceVersion; `remaining` is None where selectors make it unknown."""

    entries: list[Entry]
    version: int
    continue_: str = ""
    remaining: int | None = None


class _Token(msgspec.Struct):
    """Of upstream's form. `rv` is the version of the whole list, -1 for what goes on from now; `start` the last key given."""

    v: str = ""
    rv: int = 0
    start: str = ""


class Lists:
    """Pages go on from memory while it is kept, and from etcd's history while that is: on any server, also after this one has ended."""

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache
        # (group/plural, prefix, version) -> (when it was last used, after which key it begins, the objects of then)
        self._snapshots: OrderedDict[tuple[str, str, int], tuple[float, str, list[Entry]]] = OrderedDict()

    async def page(self, kind: Kind, selection: Selection, query: Mapping[str, str]) -> Page:
        """Raises StatusError: 400, 410 where the rest of a list is no longer kept, 422."""
        options = list_options(query)
        if options.continue_:
            return await self._continued(kind, options, selection)
        if options.age is Age.LATEST:
            await self._cache.fresh()
        elif options.age is not Age.ANY:
            await reached(self._cache, options.version)
            if options.age is Age.EXACT and revision_of(options.version) != self._cache.revision:
                return await self._past(kind, selection, "", options.limit, options.version)
        return self._now(kind, selection, "", options.limit)

    def at_hand(self, kind: Kind, selection: Selection, options: ListOptions) -> Page | None:
        """As `page`, of what memory has now; None where that is not what is asked for. Raises StatusError."""
        if options.continue_:
            return self._kept(kind, selection, _token(options.continue_, selection), options.limit)
        return self._now(kind, selection, "", options.limit) if options.age in (Age.LATEST, Age.ANY) else None

    def _now(self, kind: Kind, selection: Selection, after: str, limit: int) -> Page:
        if self._cache.unreadable and any(path.startswith(f"{kind.stored_as}/{selection.prefix}") for path in self._cache.unreadable):
            raise unreadable(kind)
        version = last_of(self._cache.revision)
        return self._cut(
            kind, self._cache.collection(kind.stored_as).page(selection.prefix, after), after, after, limit, version, selection
        )

    async def _past(self, kind: Kind, selection: Selection, after: str, limit: int, version: int) -> Page:
        """What there was at a version, from etcd."""
        try:
            entries = await self._cache.past(kind.stored_as, selection.prefix, after, revision_of(version))
        except Compacted:
            if not after:
                raise errors.expired("The resourceVersion for the provided list is too old.") from None
            error = errors.expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
                "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
                "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted "
                "between the time the first chunk was returned and now may show up in the list."
            )
            error.metadata["continue"] = _text(_NOW, after)
            raise error from None
        return self._cut(kind, entries, after, after, limit, version, selection)

    def _cut(self, kind: Kind, entries: list[Entry], begins: str, after: str, limit: int, version: int, selection: Selection) -> Page:
        """Of `entries`, which are all those after the key `begins`, the first ones after `after`."""
        start = bisect.bisect_right(entries, after, key=_key) if after != begins else 0
        if limit <= 0:
            limit = len(entries)
        if selection.everything:
            found = entries[start : start + limit] if start or limit < len(entries) else entries
            remaining = len(entries) - start - len(found)
        else:
            found = list(islice(filter(selection.wants, islice(entries, start, None)), limit + 1))
            remaining = len(found) - limit
            del found[limit:]
        if remaining <= 0:
            return Page(found, version)
        now, name = time.monotonic(), (kind.stored_as, selection.prefix, version)
        self._snapshots[name] = (now, begins, entries)
        self._snapshots.move_to_end(name)
        while len(self._snapshots) > SNAPSHOTS or next(iter(self._snapshots.values()))[0] < now - SNAPSHOT_S:
            self._snapshots.popitem(last=False)
        return Page(found, version, _text(version, found[-1].key), remaining if selection.everything else None)

    async def _continued(self, kind: Kind, options: ListOptions, selection: Selection) -> Page:
        token = _token(options.continue_, selection)
        if token.rv < 0:
            await self._cache.fresh()
            return self._now(kind, selection, token.start, options.limit)
        kept = self._kept(kind, selection, token, options.limit)
        if kept is not None:
            return kept
        await reached(self._cache, token.rv)
        return await self._past(kind, selection, token.start, options.limit, token.rv)

    def _kept(self, kind: Kind, selection: Selection, token: _Token, limit: int) -> Page | None:
        made, begins, entries = self._snapshots.get((kind.stored_as, selection.prefix, token.rv), (0.0, "", []))
        if entries and begins <= token.start and made >= time.monotonic() - SNAPSHOT_S:
            return self._cut(kind, entries, begins, token.start, limit, token.rv, selection)
        return None


def _token(text: str, selection: Selection) -> _Token:
    """Raises 400."""
    try:
        found = _read(text)
        if found.v != _FORM:
            raise ValueError(f"server does not recognize this encoded version {found.v}")
        if not found.rv:
            raise ValueError("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        if not found.start:
            raise ValueError("encoded start key empty (version meta.k8s.io/v1)")
        if not found.start.startswith(selection.prefix):
            raise ValueError(found.start)
    except ValueError as error:
        raise errors.bad_request(f"invalid continue token: continue key is not valid: {error}") from None
    return found


def _read(text: str) -> _Token:
    """Raises ValueError with what Go's decoders would say."""
    strange = re.search(r"[^A-Za-z0-9_-]", text)
    if strange is not None or len(text) % 4 == 1:
        raise ValueError(f"illegal base64 data at input byte {strange.start() if strange else len(text) - 1}")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    try:
        return msgspec.json.decode(data, type=_Token)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(syntax_error(data) or str(error)) from None


def _text(version: int, after: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Token(_FORM, version, after))).decode().rstrip("=")


async def reached(cache: WatchCache, version: int) -> None:
    """Wait until the cache has seen a version. Raises 504 where nobody has written it."""
    try:
        await cache.reach(revision_of(version))
    except NotFresh:
        raise too_new(version, last_of(cache.revision)) from None


def list_meta(page: Page) -> dict[str, Any]:
    """metadata of a list."""
    made: dict[str, Any] = {"resourceVersion": str(page.version)}
    if page.continue_:
        made["continue"] = page.continue_
    if page.remaining is not None:
        made["remainingItemCount"] = page.remaining
    return made


def encode_list(kind: Kind, page: Page) -> Listed:
    """The list object: the items' bytes as the cache has them, not copied."""
    meta = msgspec.json.encode(list_meta(page)).decode()
    head = f'{{"kind":"{kind.list_kind}","apiVersion":"{kind.resource.api_version}","metadata":{meta},"items":['
    items = [entry.data for entry in page.entries] if kind.as_stored else [kind.shown(entry.data) for entry in page.entries]
    return Listed(head.encode(), items, b"]}")
