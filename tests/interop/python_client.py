"""Runs the scenarios of scenarios.ts with Python's websockets: python_client.py '[target, ...]' [compression].

Prints a line of JSON for each scenario and target, as client.ts does.
"""

import asyncio
import hashlib
import json
import random
import sys
from urllib.parse import quote

import websockets

MEBIBYTE = 1_048_576
TEXT = "Hello, w\u00f6rld: \U0001f30a \0 \ufeff end"

# How long one scenario may take, in seconds.
TIMEOUT = 4.5

MESSAGES = {
    "text": TEXT,
    "binary": bytes(range(256)),
    "empty text": "",
    "empty binary": b"",
    "1 MiB of text": "0123456789abcde\n" * (MEBIBYTE // 16),
    "1 MiB of binary": bytes((i * 7 ^ i >> 9) & 255 for i in range(MEBIBYTE)),
}


def summary(message):
    kind = "text" if isinstance(message, str) else "binary"
    data = message.encode() if isinstance(message, str) else message
    return f"{kind} of {len(data)} bytes, {hashlib.sha256(data).hexdigest()[:16]}"


async def end(socket):
    await socket.wait_closed()
    code = socket.close_code
    return {"code": code, "reason": socket.close_reason, "clean": code not in (None, 1006)}


def echo(message):
    async def run(socket):
        await socket.send(message)
        return summary(await socket.recv())

    return "echo", "", run


async def ping(socket):
    await (await socket.ping(b"are you there?"))
    return True


async def close(socket):
    await socket.close(4000, "bye \u2014 s\u00fc\u00df")
    return await end(socket)


REASON = quote("enough \u2014 s\u00fc\u00df")
SCENARIOS = {name: echo(message) for name, message in MESSAGES.items()} | {
    "a Ping of the client": ("echo", "", ping),
    "a Ping of the server": ("initiator", "/ping?data=are+you+there%3F", lambda socket: socket.recv()),
    "a close by the client": ("echo", "", close),
    "a close by the server": ("initiator", f"/close?code=4001&reason={REASON}", end),
}


# How many messages of a series may be under way, and how long it may take, in seconds.
UNDER_WAY = 64
SERIES_TIMEOUT = 40


def json_message(i):
    source = random.Random(i)
    names = ("ada", "grace", "linus", "barbara", "edsger")
    items = [
        {"id": source.randrange(1_000_000), "user": source.choice(names), "text": source.choice(names) * 3}
        for _ in range(2 + i * 7919 % 30)
    ]
    return json.dumps(items)


def series(count):
    messages = [json_message(i) for i in range(count)]

    async def run(socket):
        for i in range(count + UNDER_WAY):
            if i < count:
                await socket.send(messages[i])
            if i >= UNDER_WAY and await socket.recv() != messages[i - UNDER_WAY]:
                raise ValueError(f"Message {i - UNDER_WAY} is another")
        return True

    return run


PARTS = [json_message(100 + i) for i in range(3)]


async def extension(socket):
    return [extension.name for extension in socket.extensions] == ["permessage-deflate"]


async def fragments(socket):
    await socket.send(PARTS)
    return await socket.recv() == "".join(PARTS)


async def server_fragments(socket):
    await socket.send("".join(PARTS))
    return await socket.recv() == "".join(PARTS)


def deflate_scenarios(target):
    return SCENARIOS | {
        "the extension": ("echo", "", extension),
        "fragments of the client": ("echo", "", fragments),
        "fragments of the server": ("echo", "/fragments", server_fragments),
        "a series of JSON": ("echo", "", series(target["series"])),
    }


COMPRESSION = "deflate" if len(sys.argv) > 2 else None


async def carry_out(url, run):
    socket = await websockets.connect(url, compression=COMPRESSION)
    value = await run(socket)
    await socket.close()
    await socket.wait_closed()
    return value


async def main(targets):
    for target in targets:
        scenarios = deflate_scenarios(target) if COMPRESSION else SCENARIOS
        for name, (server, path, run) in scenarios.items():
            timeout = SERIES_TIMEOUT if name == "a series of JSON" else TIMEOUT
            result = {"target": target["name"], "scenario": name}
            try:
                result["value"] = await asyncio.wait_for(carry_out(target[server] + path, run), timeout)
            except Exception as error:
                result["error"] = repr(error)
            print(json.dumps(result), flush=True)


asyncio.run(main(json.loads(sys.argv[1])))
