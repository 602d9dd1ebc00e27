"""`python -m tests.lab.searcher`: only the discovery, without a node. One JSON line for each thing it tells; ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from peertalk.cli.build import SystemClock
from peertalk.node.discovery import MdnsDiscovery


def tell(what: str, **values: object) -> None:
    print(json.dumps({"what": what, "at": time.time(), **values}), flush=True)


async def main() -> None:
    discovery = MdnsDiscovery(clock=SystemClock())
    await discovery.start(
        4711,
        lambda found: tell("found", instance=found.instance, addresses=found.addresses, port=found.port),
        lambda lost: tell("lost", instance=lost),
        lambda: tell("changed", interfaces=discovery.interfaces()),
    )
    tell("started", instance=discovery.instance, interfaces=discovery.interfaces())
    await asyncio.to_thread(sys.stdin.readline)
    await discovery.close()
    tell("closed")


if __name__ == "__main__":
    asyncio.run(main())
