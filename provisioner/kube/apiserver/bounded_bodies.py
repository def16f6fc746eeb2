"""Bodies of answers from servers that are not trusted to keep them small."""

from __future__ import annotations

import aiohttp


async def read_at_most(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body. Raises ValueError where it has more than `most` bytes."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > most:
            raise ValueError(f"the answer has more than {most} bytes")
    return bytes(body)
