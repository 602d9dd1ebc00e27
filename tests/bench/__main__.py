"""All measurements: `python -m tests.bench [--only chat,catchup,start,crowds] [--messages N] [--machine WORDS] [--write FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import catchup, chat, crowds, start, store
from tests.bench.peer import here
from tests.bench.report import Row, conditions, page, show

NOTES = """\
* Clients speak JSON over pipes, as any front end may (docs/rpc.md); their part is in all times, but that the requests of a burst are
  written down before it begins.
* Messages are texts of 62 to 66 characters. Signed by itself one takes some 350 bytes: a header of 161, a body that is padded to 128,
  a signature of 64.
* A round trip ends when the author is told that the other side has the message on disk. 1,000 are made, one after the other.
* In a burst a client asks for 20,000 messages at once, line by line, and time ends when the other side has told of the last of them. What
  waits while another is on its way to the disk goes under one signature. Of three bursts the median counts; that all came, in order
  and once, is checked.
* The long history is made by the program's own core, with the author's own key and real signatures, and put into the author's database by
  the program's own store: byte by byte what would be there if each message had been sent and had settled before the next one was
  written. In pages 200 messages have one signature.
* The newcomer comes in by a code. Time begins when the code is given to it, and ends when it has told of the last message, which it does
  once that is on disk; "searchable" ends when a search that is asked for then has found this message. That all of them are there, in
  order and once, is checked, and that the first and the middle one are found too. The rate is that of the time after it has entered
  the room.
* The most memory is what the system says (VmHWM), from the moment the code is given until the search has answered, that of the
  processes that verify signatures added.
* While one more newcomer catches up (signed one by one), there are three chats: somebody with it, somebody with the one who serves, and
  these two with each other. In each something is said every 50 ms, whatever has become of what was said before, and all of it counts
  that is said after the newcomer has entered the room.
* Yardsticks are medians of three runs, the round trip of the bare loop is the median of 1,000.
* Forty processes are in forty network namespaces with real multicast, all on this machine with what reads their events.
"""


async def _measure(only: list[str], messages: int, home: Path) -> tuple[list[Row], list[str]]:
    parts: dict[str, Callable[[], Awaitable[list[Row]]]] = {
        "chat": lambda: chat.rows(home / "chat", min(messages, chat.MOST)),
        "catchup": lambda: catchup.measured(here(home / "catchup"), home / "catchup", messages),
        "start": lambda: asyncio.to_thread(start.rows),
        "crowds": crowds.rows,
    }
    rows, left_out = [], [name for name in parts if name not in only]
    if "crowds" in only and (reason := crowds.left_out()):
        left_out.append(reason)
        only = [name for name in only if name != "crowds"]
    for name in only:
        (home / name).mkdir()
        for row in await parts[name]():
            show(row)
            rows.append(row)
    return rows, left_out


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--only", default="chat,catchup,start,crowds", help="which parts")
    parser.add_argument("--messages", type=int, default=catchup.FULL, help="in the long history")
    parser.add_argument("--machine", help="the machine, in words")
    parser.add_argument("--write", type=Path, help="where the page goes")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    with TemporaryDirectory(prefix="peertalk-bench-") as home:
        told = conditions(chosen.machine, load, store.syncs(Path(home) / "yardstick"))
        rows, left_out = asyncio.run(_measure(chosen.only.split(","), chosen.messages, Path(home)))
    if chosen.write:
        chosen.write.write_text(page(rows, told, left_out, NOTES), encoding="utf-8")


if __name__ == "__main__":
    main()
