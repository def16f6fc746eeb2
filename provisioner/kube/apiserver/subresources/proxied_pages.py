"""Links of pages that are seen through a proxy: made to lead below the proxy's path, in HTML and in redirects. Pure.

Source: upstream's proxy transport: links to the page's own host that begin with a slash are changed, all others are right as they are.
"""

from __future__ import annotations

import html
import posixpath
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

# A guess: larger pages are passed on as they are.
PAGE_BYTES = 4 * 1024 * 1024
_ATTRIBUTES: dict[str, frozenset[str]] = {
    tag: frozenset(names.split())
    for tags, names in (
        ("a area base link", "href"),
        ("audio embed script source", "src"),
        ("blockquote del ins q", "cite"),
        ("applet", "codebase"),
        ("body", "background"),
        ("button", "formaction"),
        ("command", "icon"),
        ("form", "action"),
        ("frame iframe", "longdesc src"),
        ("head", "profile"),
        ("html", "manifest"),
        ("img", "longdesc src usemap"),
        ("input", "formaction src usemap"),
        ("object", "classid codebase data usemap"),
        ("video", "poster src"),
    )
    for tag in tags.split()
}
# Elements whose text has no tags in it.
_RAW = frozenset({"iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp"})
_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>"'][^\s>]*))?""")
_TAG_END = re.compile(r"[\s/]*>")


@dataclass(frozen=True, slots=True)
class Place:
    """`prefix` is the proxy's path, without a slash at its end; hosts are as `name:port`: the server's, and the one the client asked."""

    prefix: str
    server_host: str
    client_host: str

    def link(self, target: str) -> str:
        try:
            url = urlsplit(target)
        except ValueError:
            return target
        if url.netloc not in ("", self.server_host, self.client_host) or not url.path.startswith("/"):
            return target
        scheme, host = (url.scheme, url.netloc) if url.netloc == self.client_host else ("", "")
        path = url.path
        if not path.startswith(self.prefix):
            # A browser knows nothing above the root, either.
            below = posixpath.normpath(path).strip("/")
            path = f"{self.prefix}/{below}" + ("/" if below and path.endswith("/") else "")
        return urlunsplit((scheme, host, path, url.query, url.fragment))


def rewritten(page: bytes, encoding: str, link: Callable[[str], str]) -> bytes | None:
    """A page with its links changed, no longer encoded; None for one that can't be read, or grows too large."""
    if encoding in ("gzip", "deflate"):
        inflate = zlib.decompressobj(wbits=31 if encoding == "gzip" else -15)
        try:
            page = inflate.decompress(page, PAGE_BYTES)
        except zlib.error:
            return None
        if not inflate.eof:
            return None
    elif encoding:
        return None
    return _with_links(page.decode("utf-8", "surrogateescape"), link).encode("utf-8", "surrogateescape")


def _with_links(text: str, link: Callable[[str], str]) -> str:
    """Goes forward only: a tag that never ends is left as it is, with all that follows."""
    out: list[str] = []
    done = at = 0
    while (start := text.find("<", at)) >= 0:
        if text.startswith("<!--", start):
            at = text.find("-->", start)
            if at < 0:
                break
            continue
        name = _NAME.match(text, start + 1)
        if name is None:
            at = start + 1
            continue
        tag = name[0].lower()
        at = name.end()
        links = _ATTRIBUTES.get(tag, frozenset())
        while (end := _TAG_END.match(text, at)) is None:
            attribute = _ATTRIBUTE.match(text, at)
            if attribute is None:
                return "".join((*out, text[done:]))
            at = attribute.end()
            if attribute[1].lower() in links and attribute[2]:
                value = html.unescape(attribute[2].strip("\"'"))
                changed = link(value)
                if changed != value:
                    out += [text[done : attribute.start(2)], f'"{html.escape(changed)}"']
                    done = at
        at = end.end()
        if tag in _RAW:
            closing = re.compile(f"</{tag}", re.IGNORECASE).search(text, at)
            if closing is None:
                break
            at = closing.start()
    return "".join((*out, text[done:]))
