"""All pictures of the screen: `python -m tests.tui.screens DIRECTORY [NAME]` writes them as SVG (and PNG, where rsvg-convert is there).

The picture in the README shows what there is today: `python -m tests.tui.screens --readme docs/images/screen.svg` writes it; and
`python -m tests.tui.screens --docs docs/images` those of the guide.
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

import msgspec
from textual.pilot import Pilot

from peertalk import i18n
from peertalk.config import Settings
from peertalk.core.events import Author, Check, Message, MessageArrived, Report, Room
from peertalk.errors import StartError
from peertalk.tui.app import PeerTalkApp
from tests.tui import circle_screens
from tests.tui.fake_node import FakeNode, identity

SETTINGS = Settings(home=Path("/nowhere"))
Show = Callable[[Pilot[None], FakeNode], Awaitable[None]]


def friendly(room: str = "Tuesday circle", kind: str = "private", trust: str = "verified", *, replies: bool = True) -> FakeNode:
    """A circle on a Tuesday evening."""
    node = FakeNode(SETTINGS)
    node.add_room(room, kind, language=i18n.language())
    node.add_room("workshop", "open", unread=3)
    node.add_room("Jonas", "direct")
    node.add_room("Lena", "direct")
    node.add_peer("Jonas", "lobby", room, "Jonas", trust=trust)
    node.add_peer("Mira", "lobby", room, trust=trust)
    node.add_peer("Sam", "lobby", room)
    node.add_peer("Tarek", "lobby", room)
    node.add_peer("Lena", "Lena", online=False)
    _talk(node, room, replies=replies)
    return node


def circle() -> FakeNode:
    """The same, where some are not verified yet, and it begins in that room."""
    node = friendly(trust="known")
    named = {peer.name: peer for peer in node.peers_by_id.values()}
    node._put(replace_unread(node.rooms_by_id["room-workshop"], 0))
    node.peers_by_id[named["Mira"].id] = msgspec.structs.replace(named["Mira"], trust="verified")
    return node


def today() -> FakeNode:
    """The same with what there is today: replies are not yet."""
    return friendly(replies=False)


def _talk(node: FakeNode, room: str, *, replies: bool) -> None:
    everyone = [peer.id for peer in node.peers_by_id.values() if f"room-{room}" in peer.rooms]

    def say(name: str, text: str, minutes: float, **fields: object) -> Message:
        return node.says(room, name, text, minutes=minutes, **fields)

    say("Mira", "I have been putting off that phone call for two weeks now.", 2)
    first = say("Mira", "Saying it here makes it a bit smaller.", 0)
    say("Robin", "It does. Thank you for starting.", 2, reply_to=first.id if replies else None, delivered_to=everyone)
    say("Tarek", "I know that one. What helped me last time: I wrote down the first sentence and read it out loud. "
        "After that the rest came by itself, and the call took four minutes.", 1)  # fmt: skip
    say("Sam", "Sam", 1, kind="here")
    say("Sam", "Sorry I'm late, the train stood in a field for half an hour 🚆", 1)
    say("Robin", "We are just getting going, tea is on the table.", 1, delivered_to=everyone[:3])
    say("Jonas", "Mira, shall I sit beside you while you call tomorrow? Ten o'clock, before the others come.", 2)
    say("Mira", "Yes. Please.", 1)
    node._put(replace_unread(node.rooms_by_id[f"room-{room}"], 2))


def story(node: FakeNode) -> str:
    """The room in which the story is told."""
    return next(room.name for room in node.rooms_by_id.values() if node.texts[room.id])


def replace_unread(room: Room, unread: int) -> Room:
    return msgspec.structs.replace(room, unread=unread)


def lonely() -> FakeNode:
    """The first one on a network."""
    return FakeNode(SETTINGS)


def kept_apart() -> FakeNode:
    """Two on a guest Wi-Fi."""
    node = FakeNode(SETTINGS)
    found = [Check(id="isolation", state="fail", case="likely", values={"n": 1})]
    node.report = Report(verdict="isolated", checks=[*node.report.checks[:1], *found])
    return node


def alone() -> FakeNode:
    """All is well, but for others."""
    node = FakeNode(SETTINGS)
    node.report = Report(verdict="alone", checks=node.report.checks[:1])
    return node


def filtered() -> FakeNode:
    """A network that does not pass on the search."""
    node = FakeNode(SETTINGS)
    node.report = Report(verdict="filtered", checks=[Check(id="multicast", state="fail", case="filtered")])
    return node


def tunnelled() -> FakeNode:
    """Everything goes into a VPN."""
    node = FakeNode(SETTINGS)
    node.present = [("wlan0", "192.168.1.7"), ("tun0", "10.9.0.2")]
    node.report = Report(verdict="vpn", checks=[Check(id="route", state="warn", case="vpn", values={"interface": "tun0"})])
    return node


def unplugged() -> FakeNode:
    """In no network."""
    node = FakeNode(SETTINGS)
    node.present = []
    node.report = Report(verdict="no_interface", checks=[Check(id="interfaces", state="fail", case="none")])
    return node


# ── what is done before each picture ─────────────────────────────────────────────────────────────────────────────────


async def chat(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()
    node.writes(story(node), "Jonas")
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


async def privacy(pilot: Pilot[None], node: FakeNode) -> None:
    await chat(pilot, node)
    await pilot.press(*"/help privacy", "enter")
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
    room = story(node)
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
    pilot.app.chat.draw()
    await pilot.pause()


async def empty_examined(pilot: Pilot[None], node: FakeNode) -> None:
    """What the doctor has found out while nobody was here."""
    await pilot.pause()
    pilot.app.chat._began -= 12
    pilot.app.chat.draw()
    await pilot.pause()
    await pilot.pause()


async def doctor(pilot: Pilot[None], node: FakeNode) -> None:
    await pilot.pause()
    await pilot.press(*"/doctor", "enter")
    await pilot.pause()
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
    Picture("privacy", friendly, privacy),
    Picture("palette", friendly, palette),
    Picture("notes", friendly, notes),
    Picture("leave", friendly, leave),
    Picture("states", friendly, states),
    Picture("empty-at-once", lonely, empty_at_once),
    Picture("empty-later", lonely, empty_later),
    Picture("empty-alone", alone, empty_examined),
    Picture("empty-filtered", filtered, empty_examined),
    Picture("empty-vpn", tunnelled, empty_examined),
    Picture("empty-isolated", kept_apart, empty_examined),
    Picture("empty-no-network", unplugged, empty_examined),
    Picture("doctor", kept_apart, doctor),
    Picture("first-name", lonely, first_name, "new"),
    Picture("first-history", lonely, first_history, "new"),
    Picture("first-passphrase", lonely, first_passphrase, "new"),
    Picture("first-lobby", lonely, first_lobby, "new"),
    Picture("wrong-passphrase", lonely, wrong_passphrase, "passphrase", StartError("wrong_passphrase")),
    Picture("trouble", lonely, trouble, "key_file", StartError("port_in_use", port=47000)),
    *(Picture(f"circle-{name}", circle, show) for name, show in circle_screens.ALL.items()),
)


async def draw(picture: Picture, size: tuple[int, int], theme: str, **settings: object) -> str:
    """One picture, as SVG without anything from the network."""
    node = picture.make()

    async def opener(_settings: Settings, _passphrase: str | None) -> FakeNode:
        if picture.error is not None:
            raise picture.error
        return node

    app = PeerTalkApp(opener, replace(SETTINGS, **settings), picture.profile, lambda _key, _value: None, theme)  # type: ignore[arg-type]
    now = lambda: node._time + 60_000  # noqa: E731
    with patch("peertalk.say.made_up_name", lambda _random: "Quiet Otter"), patch("peertalk.tui.screens.chat._wall", now):
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await picture.show(pilot, node)
            return local(app.export_screenshot(title="PeerTalk"))


def local(svg: str) -> str:
    """No fonts from the network, and one that is there."""
    svg = re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "'DejaVu Sans Mono', Menlo, Consolas, monospace")
    svg = svg.replace("font-size: 20px", "font-size: 20.26px")  # the cells of that font are a little narrower
    return svg.replace(" textLength=", ' xml:space="preserve" lengthAdjust="spacingAndGlyphs" textLength=')


async def all_pictures(directory: Path, only: str) -> None:
    for lang in ("en", "de"):
        i18n.activate(lang)
        for picture in PICTURES:
            if only not in picture.name:
                continue
            for theme in ("dark", "light"):
                for size in ((120, 40), (80, 24)):
                    name = f"{picture.name}-{size[0]}-{theme}-{lang}"
                    write(directory / f"{name}.svg", await draw(picture, size, theme))


DOCUMENTED = ("create", "invite", "accept", "words", "words-differ", "emoji", "caller", "offer-open", "sealed", "doubtful")
"""What the guide shows, as docs/images/circle-NAME.svg."""


async def for_documents(directory: Path) -> None:
    for name in DOCUMENTED:
        picture = next(picture for picture in PICTURES if picture.name == f"circle-{name}")
        for lang, suffix in (("en", ""), ("de", "-de")):
            i18n.activate(lang)
            write(directory / f"{picture.name}{suffix}.svg", await draw(picture, (104, 37), "dark"))


def write(path: Path, svg: str) -> None:
    path.write_text(svg, encoding="utf-8")
    convert = shutil.which("rsvg-convert")
    if convert is not None and path.parent.name != "images":
        subprocess.run([convert, "--zoom", "0.9", str(path), "-o", str(path.with_suffix(".png"))], check=True)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--docs"]:
        asyncio.run(for_documents(Path(arguments[1])))
    elif arguments[:1] == ["--readme"]:
        write(Path(arguments[1]), asyncio.run(draw(Picture("readme", today, chat), (104, 37), "dark")))
    else:
        Path(arguments[0]).mkdir(parents=True, exist_ok=True)
        asyncio.run(all_pictures(Path(arguments[0]), arguments[1] if len(arguments) > 1 else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
