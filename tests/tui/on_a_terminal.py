"""The screen over a fake node, on whatever terminal this is started on: `python -m tests.tui.on_a_terminal NOTES [what]`.

What becomes of the node is written to the file NOTES. `what`: "crash" fails as soon as somebody writes, "talkative" lets much be
drawn while it closes, "ascii" has no marks, "hostile" is full of people and rooms whose names would do something to a terminal.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path

import msgspec

from peertalk import text, tui
from peertalk.config import Settings
from peertalk.core.events import Message
from peertalk.tui import app
from tests.tui.fake_node import FakeNode

SECRET = "what nobody else should see"


class NotingNode(FakeNode):
    """A node that writes down what happens to it."""

    notes = Path(sys.argv[-1] if len(sys.argv) == 1 else sys.argv[1])

    async def send(self, room: str, text: str, *, reply_to: str | None = None, **more: object) -> Message:
        if "crash" in sys.argv:
            said = SECRET
            raise ValueError(said)
        return await super().send(room, text, reply_to=reply_to, **more)

    async def close(self) -> None:
        for number in range(300 if "talkative" in sys.argv else 0):
            self.hear("lobby", "Mira", f"do not go yet ({number})")
            await asyncio.to_thread(self.notes.write_text, "closing")
        await super().close()
        self.notes.write_text("closed")


NAMES = ("\x1b]0;owned\x07Eve", "[@click=app.quit]Ada[/]", "\x9b31m\u202eBen", "Zoe\r\n\x1b[2J", "$(x)`y`\x00")


def hostile(node: NotingNode) -> None:
    """A circle of such people, as the node would name them, who want all kinds of things."""
    node.now = time.time_ns() // 1_000_000
    room = node.add_room(text.line("[red]circle\x1b]52;c;eA==\x07\n\u202e"))
    people = [node.add_peer(text.name(name), room.name) for name in NAMES]
    for person in people:
        node.invited_by[room.id, person.name] = people[0].name
    node.says(room.name, people[1].name, text.name(NAMES[1]), kind="here", about=people[:2])
    node.says(room.name, people[1].name, "good evening")
    node._put(msgspec.structs.replace(node.rooms_by_id[room.id], unread=1))
    node.offers_to_follow(room, people[0], people[1:3], (room.name,))


async def opener(settings: Settings, _passphrase: str | None) -> NotingNode:
    node = NotingNode(settings)
    if "hostile" in sys.argv:
        hostile(node)
        return node
    node.add_peer("Mira", "lobby")
    node.says("lobby", "Mira", "good evening")
    return node


def main() -> int:
    app.GOODBYE = 60  # what is shown is that it ends, and how; not how fast
    logging.basicConfig(filename=f"{sys.argv[1]}.log", force=True)
    settings = Settings(home=Path("/nowhere"), ascii="ascii" in sys.argv)
    return tui.run(opener, settings, profile="key_file", remember=lambda _key, _value: None)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
