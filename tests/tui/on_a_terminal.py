"""The screen over a fake node, on whatever terminal this is started on: `python -m tests.tui.on_a_terminal NOTES [what]`.

What becomes of the node is written to the file NOTES. `what`: "crash" fails as soon as somebody writes, "talkative" lets much be
drawn while it closes, "ascii" has no marks.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from peertalk import tui
from peertalk.config import Settings
from peertalk.core.events import Message
from peertalk.tui import app
from tests.tui.fake_node import FakeNode

SECRET = "what nobody else should see"


class NotingNode(FakeNode):
    """A node that writes down what happens to it."""

    notes = Path(sys.argv[-1] if len(sys.argv) == 1 else sys.argv[1])

    async def send(self, room: str, text: str, *, reply_to: str | None = None) -> Message:
        if "crash" in sys.argv:
            said = SECRET
            raise ValueError(said)
        return await super().send(room, text, reply_to=reply_to)

    async def close(self) -> None:
        for number in range(300 if "talkative" in sys.argv else 0):
            self.hear("lobby", "Mira", f"do not go yet ({number})")
            await asyncio.to_thread(self.notes.write_text, "closing")
        await super().close()
        self.notes.write_text("closed")


async def opener(settings: Settings, _passphrase: str | None) -> NotingNode:
    node = NotingNode(settings)
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
