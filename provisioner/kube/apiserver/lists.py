"""Lists: pages of the cache's bytes, selected, cut at `limit`, continued from a snapshot so that every page is of one moment."""

from __future__ import annotations

import base64
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from provisioner.kube.api import errors
from provisioner.kube.api.selectors import FieldSelector, LabelSelector, SelectorError, parse_field_selector, parse_label_selector
from provisioner.kube.apiserver.kinds import Kind
from provisioner.kube.apiserver.requests import whole
from provisioner.kube.storage.cache import Entry, WatchCache
from provisioner.kube.storage.versions import last_of, revision_of

# Lists that wait for their next page; each holds references to the bytes that the cache had. The oldest goes first.
SNAPSHOTS = 128


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


def selection_of(kind: Kind, namespace: str, name: str, query: Mapping[str, str]) -> Selection:
    """Raises 400 for selectors that can't be parsed, or name a field that the kind doesn't offer."""
    try:
        labels, fields = parse_label_selector(query.get("labelSelector")), parse_field_selector(query.get("fieldSelector"))
    except SelectorError as error:
        raise errors.bad_request(str(error)) from error
    known = kind.strategy.field_names()
    for field, _, _ in fields.terms:
        if field not in known:
            raise errors.bad_request(f"field label not supported: {field}")
    if name:
        fields = FieldSelector((*fields.terms, ("metadata.name", name, True)))
    wanted_namespace = namespace or (fields.exact("metadata.namespace") or "")
    return Selection(f"{wanted_namespace}/" if kind.resource.namespaced and wanted_namespace else "", labels, fields)


@dataclass(frozen=True, slots=True)
class Page:
    """`version` is the list's resourceVersion; `remaining` is None where selectors make it unknown."""

    entries: list[Entry]
    version: int
    continue_: str = ""
    remaining: int | None = None


class _Token(msgspec.Struct):
    rv: int
    after: str
    snapshot: int


class Lists:
    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache
        self._snapshots: OrderedDict[int, tuple[int, list[Entry]]] = OrderedDict()
        self._numbers = itertools.count(1)

    async def page(self, kind: Kind, selection: Selection, query: Mapping[str, str]) -> Page:
        """Raises StatusError: 400, 410 where the rest of a list is no longer kept."""
        limit = whole(query, "limit") or 0
        if query.get("continue"):
            return self._continued(query["continue"], limit, selection)
        await self._wait(query)
        collection = self._cache.collection(kind.stored_as)
        version = last_of(self._cache.revision)
        entries = collection.page(selection.prefix)
        if not selection.everything:
            entries = [entry for entry in entries if selection.wants(entry)]
        return self._cut(entries, limit, version, selection)

    async def _wait(self, query: Mapping[str, str]) -> None:
        wanted, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
        if match and not wanted:
            raise errors.bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided")
        if match not in ("", "NotOlderThan", "Exact"):
            raise errors.bad_request(f'resourceVersionMatch: Unsupported value: "{match}": supported values: "Exact", "NotOlderThan"')
        if wanted == "0" and match != "Exact":
            return
        if not wanted:
            await self._cache.fresh()
        elif not wanted.isdigit():
            raise errors.bad_request(f'Invalid value: "{wanted}": resourceVersion: must be a number')
        else:
            await self._cache.reach(revision_of(int(wanted)))
            if match == "Exact" and revision_of(int(wanted)) != self._cache.revision:
                raise errors.expired("The provided resourceVersion is too old to be listed exactly; list without it.")

    def _cut(self, entries: list[Entry], limit: int, version: int, selection: Selection) -> Page:
        if not limit or len(entries) <= limit:
            return Page(entries, version)
        rest = entries[limit:]
        number = next(self._numbers)
        self._snapshots[number] = (version, rest)
        while len(self._snapshots) > SNAPSHOTS:
            self._snapshots.popitem(last=False)
        token = base64.urlsafe_b64encode(msgspec.json.encode(_Token(version, entries[limit - 1].key, number))).decode().rstrip("=")
        return Page(entries[:limit], version, token, len(rest) if selection.everything else None)

    def _continued(self, token: str, limit: int, selection: Selection) -> Page:
        try:
            found = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=_Token)
        except (ValueError, msgspec.DecodeError):
            raise errors.bad_request("continue key is not valid: it was not made by this API") from None
        version, entries = self._snapshots.get(found.snapshot, (0, []))
        if version != found.rv or (entries and entries[0].key <= found.after):
            raise errors.expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter."
            )
        return self._cut(entries, limit, version, selection)


def encode_list(kind: Kind, page: Page) -> list[bytes]:
    """The list object in parts: the items' bytes as the cache has them, not copied."""
    more = f',"continue":"{page.continue_}"' if page.continue_ else ""
    if page.remaining is not None:
        more += f',"remainingItemCount":{page.remaining}'
    head = f'{{"kind":"{kind.list_kind}","apiVersion":"{kind.resource.api_version}","metadata":{{"resourceVersion":"{page.version}"{more}}},"items":['
    parts = [b","] * max(2 * len(page.entries) - 1, 0)
    parts[::2] = [entry.data for entry in page.entries] if kind.as_stored else [kind.shown(entry.data) for entry in page.entries]
    return [head.encode(), *parts, b"]}"]
