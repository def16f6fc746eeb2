"""A floor for what the API server may cost: the same library, loop and TLS, answering one small JSON document and doing nothing else.

    python benchmarks/apiserver_floor.py PORT FOLDER

Says "ready" when the port of 127.0.0.1 answers; the certificate is made in FOLDER. Ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from provisioner.kube.client.serving import self_signed, serving_context

ANSWER = b'{"kind":"ConfigMap","data":{"k":"' + b"v" * 460 + b'"}}'


async def answer(_: web.BaseRequest) -> web.Response:
    return web.Response(body=ANSWER, content_type="application/json")


async def serve(port: int, folder: Path) -> None:
    pem = folder / "floor.pem"
    pem.touch(0o600)
    pem.write_bytes(self_signed(["127.0.0.1"]))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=serving_context(str(pem), "", names=())).start()
    print("ready", flush=True)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
