"""A member of the lobby that never reads: `python -m tests.lab.deaf HOST:PORT…` links with each of these, says `up`, and from then on
takes nothing more from its connections. It goes on showing life on them, so that nobody has a reason to think that it is gone."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from tests.core.reference import PONG
from tests.hostile.feed import blake, open_secret
from tests.hostile.member import Member
from tests.hostile.peer import HostilePeer

SIGN = 2.0


async def member(host: str, port: int) -> Member:
    seed = blake(b"somebody who does not listen")
    peer = await HostilePeer.connect(host, port, secrets=[open_secret("lobby")], seed=seed)
    made = Member(await peer.establish(), seed)
    await made.greet()
    return made


async def main(*addresses: str) -> None:
    members = [await member(*_parts(address)) for address in addresses]
    for one in members:
        one.peer.listen(False)
    print("up", flush=True)
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not over.done():
        for one in members:
            if not one.peer.over:
                one.peer.send_record(PONG)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(over), SIGN)


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
