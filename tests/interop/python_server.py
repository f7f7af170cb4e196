"""A server made with Python's websockets: echoes, and closes or pings first as initiator.ts does.

With --compression it compresses, and path /fragments echoes in three frames.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

import websockets


def path_of(socket):
    # Before version 14 a connection had the path itself.
    request = getattr(socket, "request", None)
    return socket.path if request is None else request.path


async def serve(socket):
    url = urlsplit(path_of(socket))
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    if url.path == "/close":
        await socket.close(int(asked["code"]), asked.get("reason", ""))
    elif url.path == "/ping":
        await (await socket.ping(asked.get("data", "").encode()))
        await socket.send("answered")
        await socket.wait_closed()
    elif url.path == "/fragments":
        async for message in socket:
            third = -(-len(message) // 3)
            await socket.send([message[i * third:(i + 1) * third] for i in range(3)])
    else:
        async for message in socket:
            await socket.send(message)


async def main():
    compression = "deflate" if "--compression" in sys.argv else None
    async with websockets.serve(serve, "127.0.0.1", 0, compression=compression) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"listening on ws://{host}:{port}", flush=True)
        await asyncio.Future()


asyncio.run(main())
