"""The host's own logs at /logs/: files below /var/log and lists of folders, as Go's file server shows them."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

ROOT = Path("/var/log")
# Of a folder; more are left out of its list.
MAX_ENTRIES = 10_000


def routes(root: Path) -> list[web.RouteDef]:
    async def serve(request: web.Request) -> web.StreamResponse:
        """A link that leads out of the folder is not followed. Raises HTTPNotFound, HTTPMovedPermanently."""
        asked = request.match_info.get("path", "")
        path = (root / asked).resolve()
        if not path.is_relative_to(root.resolve()) or not path.exists():
            raise web.HTTPNotFound(text="404 page not found\n")
        if path.is_file():
            return web.FileResponse(path)
        if not path.is_dir():
            raise web.HTTPNotFound(text="404 page not found\n")
        if not request.path.endswith("/"):
            raise web.HTTPMovedPermanently(location=f"{quote(path.name)}/")
        return web.Response(text=listing(path), content_type="text/html")

    return [web.get("/logs/{path:.*}", serve)]


def listing(folder: Path) -> str:
    names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in folder.iterdir())[:MAX_ENTRIES]
    lines = "".join(f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names)
    return f"<pre>\n{lines}</pre>\n"
