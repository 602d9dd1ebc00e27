"""All pictures of the screen: `python tests/tui/screens.py DIRECTORY [NAME]` writes them as SVG (and PNG, where rsvg-convert is there).

The picture in the README is `chat-dark.svg`: `python tests/tui/screens.py --readme docs/images/screen.svg` writes that one alone.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import msgspec
from fake_node import FakeNode, identity
from textual.pilot import Pilot

from peertalk import i18n
from peertalk.config import Settings
from peertalk.core.events import Author, MessageArrived, Room
from peertalk.errors import StartError
from peertalk.tui.app import PeerTalkApp

SETTINGS = Settings(home=Path("/nowhere"))
Show = Callable[[Pilot[None], FakeNode], Awaitable[None]]


def friendly() -> FakeNode:
    """A circle on a Tuesday evening."""
    node = FakeNode(SETTINGS)
    node.add_room("Tuesday circle")
    node.add_room("workshop", "open", unread=3)
    node.add_room("Jonas", "direct")
    node.add_room("Lena", "direct")
    node.add_peer("Jonas", "lobby", "Tuesday circle", "Jonas", trust="verified")
    node.add_peer("Mira", "lobby", "Tuesday circle", trust="verified")
    node.add_peer("Sam", "lobby", "Tuesday circle")
    node.add_peer("Tarek", "lobby", "Tuesday circle")
    node.add_peer("Lena", "Lena", online=False)
    _talk(node)
    return node


def _talk(node: FakeNode) -> None:
    room = "Tuesday circle"
    everyone = [peer.id for peer in node.peers_by_id.values() if f"room-{room}" in peer.rooms]
    node.says(room, "Jonas", "Jonas", kind="here", minutes=0)
    node.says(room, "Mira", "I have been putting off that phone call for two weeks now.", minutes=2)
    first = node.says(room, "Mira", "Saying it here makes it a bit smaller.", minutes=0)
    node.says(room, "Robin", "It does. Thank you for starting.", reply_to=first.id, delivered_to=everyone, minutes=2)
    node.says(room, "Tarek", "I know that one. What helped me last time: I wrote down the first sentence and read it out loud. "
              "After that the rest came by itself, and the call took four minutes.", minutes=1)
    node.says(room, "Sam", "Sam", kind="here", minutes=1)
    node.says(room, "Sam", "Sorry I'm late, the train stood in a field for half an hour 🚆", minutes=1)
    node.says(room, "Mira", "Good that you are here.", minutes=1)
    node.says(room, "Robin", "We are just getting going, tea is on the table.", delivered_to=everyone[:3], minutes=1)
    node.says(room, "Jonas", "Mira, shall I sit beside you while you call tomorrow? Ten o'clock, before the others come.", minutes=2)
    node.says(room, "Mira", "Yes. Please.", minutes=1)
    node._put(replace_unread(node.rooms_by_id[f"room-{room}"], 2))


def replace_unread(room: Room, unread: int) -> Room:
    return msgspec.structs.replace(room, unread=unread)


def lonely() -> FakeNode:
    """The first one on a network."""
    return FakeNode(SETTINGS)


# ── what is done before each picture ─────────────────────────────────────────────────────────────────────────────────


async def chat(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()
    node.writes("Tuesday circle", "Jonas")
    await pilot.pause()


async def members(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press("f8", *"That sounds good", "ctrl+j", *"I can bring")
    await pilot.pause()


async def rooms(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press("f7")
    await pilot.pause()


async def help_(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press("f1")
    await pilot.pause()


async def palette(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press("ctrl+p")
    await pilot.pause(0.3)


async def notes(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press(*"/who", "enter")
    await pilot.pause()
    await pilot.press(*"/jion workshop", "enter")
    await pilot.press(*"/le", "tab")
    await pilot.pause()


async def leave(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press(*"/leave", "enter")
    await pilot.pause()


async def states(pilot: Pilot[None], node: FakeNode) -> None:
    """All states of messages, a late one, somebody passed on, and new ones below."""
    room = "Tuesday circle"
    await chat(pilot, node)
    author = Author(**identity("Lena"), via="Mira")
    node.emit(*(MessageArrived(message=message) for message in (
        node.says(room, "Lena", "I wrote this on the way home.", late=True, minutes=-30),
        node.says(room, "Lena", "And this came through Mira.", author=author, minutes=40),
        node.says(room, "Robin", "Nobody has this yet", state="waiting", seq=None, lamport=None),
        node.says(room, "Robin", "nor this", state="waiting", seq=None, lamport=None, minutes=0),
    )))  # fmt: skip
    await pilot.pause()


async def empty_at_once(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()


async def empty_later(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()
    pilot.app.chat._began -= 12
    pilot.app.chat._draw()
    await pilot.pause()


async def first_name(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()


async def first_history(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.press("enter")
    await pilot.pause()


async def first_passphrase(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press(*"two words", "enter")
    await pilot.pause()
    await pilot.press(*"other", "enter")
    await pilot.pause()


async def first_lobby(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("down", "enter")
    await pilot.pause()


async def wrong_passphrase(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()
    await pilot.press(*"oops", "enter")
    await pilot.pause()


async def trouble(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()


@dataclass(frozen=True)
class Picture:
    name: str
    make: Callable[[], FakeNode]
    show: Show
    profile: str = "key_file"
    error: StartError | None = None


PICTURES = (
    Picture("chat", friendly, chat),
    Picture("members", friendly, members),
    Picture("rooms", friendly, rooms),
    Picture("help", friendly, help_),
    Picture("palette", friendly, palette),
    Picture("notes", friendly, notes),
    Picture("leave", friendly, leave),
    Picture("states", friendly, states),
    Picture("empty-at-once", lonely, empty_at_once),
    Picture("empty-later", lonely, empty_later),
    Picture("first-name", lonely, first_name, "new"),
    Picture("first-history", lonely, first_history, "new"),
    Picture("first-passphrase", lonely, first_passphrase, "new"),
    Picture("first-lobby", lonely, first_lobby, "new"),
    Picture("wrong-passphrase", lonely, wrong_passphrase, "passphrase", StartError("wrong_passphrase")),
    Picture("trouble", lonely, trouble, "key_file", StartError("port_in_use", port=47000)),
)


async def draw(picture: Picture, size: tuple[int, int], theme: str, **settings: object) -> str:
    """One picture, as SVG without anything from the network."""
    node = picture.make()

    async def opener(_settings: Settings, _passphrase: str | None) -> FakeNode:
        if picture.error is not None:
            raise picture.error
        return node

    app = PeerTalkApp(opener, replace(SETTINGS, **settings), picture.profile, lambda _key, _value: None, theme)  # type: ignore[arg-type]
    with patch("peertalk.say.made_up_name", lambda _random: "Quiet Otter"):
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await picture.show(pilot, node)
            return local(app.export_screenshot(title="PeerTalk"))


def local(svg: str) -> str:
    """No fonts from the network, and one that is there."""
    svg = re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "'DejaVu Sans Mono', Menlo, Consolas, monospace").replace("font-size: 20px", "font-size: 20.26px")
    return svg.replace(" textLength=", ' xml:space="preserve" lengthAdjust="spacingAndGlyphs" textLength=')


async def all_pictures(directory: Path, only: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "de"):
        i18n.activate(lang)
        for picture in PICTURES:
            if only not in picture.name:
                continue
            for theme in ("dark", "light"):
                for size in ((120, 40), (80, 24)):
                    name = f"{picture.name}-{size[0]}-{theme}-{lang}"
                    write(directory / f"{name}.svg", await draw(picture, size, theme))


def write(path: Path, svg: str) -> None:
    path.write_text(svg, encoding="utf-8")
    convert = shutil.which("rsvg-convert")
    if convert is not None and path.parent.name != "images":
        subprocess.run([convert, "--zoom", "0.9", str(path), "-o", str(path.with_suffix(".png"))], check=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--readme"]:
        write(Path(arguments[1]), asyncio.run(draw(PICTURES[0], (108, 34), "dark")))
    else:
        asyncio.run(all_pictures(Path(arguments[0]), arguments[1] if len(arguments) > 1 else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
