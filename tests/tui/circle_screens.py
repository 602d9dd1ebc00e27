"""Pictures of what a circle needs: rooms, invitations, words, symbols, offers. Part of tests/tui/screens.py."""

from __future__ import annotations

import time

import msgspec
from textual.pilot import Pilot

from peertalk import i18n
from peertalk.core.events import Author, PeerChanged, RoomChanged
from peertalk.core.events import Warning as Warned
from peertalk.errors import RequestError
from tests.tui.fake_node import FakeNode, identity

ROOM = "room-Tuesday circle"


async def settle(pilot: Pilot[None], turns: int = 4) -> None:
    for _turn in range(turns):
        await pilot.pause()


async def order(pilot: Pilot[None], *keys: str) -> None:
    await settle(pilot)
    await pilot.press(*keys)
    await settle(pilot)


def soon(node: FakeNode) -> None:
    """Invitations are made 19 seconds ago, by the clock on the wall."""
    node.now = time.time_ns() // 1_000_000 - 19_600


async def create(pilot: Pilot[None], node: FakeNode) -> None:
    await order(pilot, *"/create", "enter")
    await order(pilot, *"Tuesday circle", "enter")
    await order(pilot, "down")


async def created(pilot: Pilot[None], node: FakeNode) -> None:
    del node.rooms_by_id[ROOM]
    await order(pilot, *"/create", "enter")
    await order(pilot, *"Tuesday circle", "enter", "down", "down", "enter", "enter", "enter")


async def invite(pilot: Pilot[None], node: FakeNode) -> None:
    soon(node)
    await order(pilot, "f9")


async def invite_many(pilot: Pilot[None], node: FakeNode) -> None:
    await invite(pilot, node)
    await order(pilot, "right", "enter")
    code = next(iter(node.invites_by_code))
    for name in ("Ada", "Ben"):
        node.uses(code, node.add_peer(name))
    await order(pilot, "enter")


async def invite_dead(pilot: Pilot[None], node: FakeNode) -> None:
    await invite(pilot, node)
    node.dies(next(iter(node.invites_by_code)), "guessed")
    await settle(pilot)


async def accept(pilot: Pilot[None], node: FakeNode) -> None:
    pilot.app.chat.writing.work(lambda: __import__("peertalk.tui.flows").tui.flows.accept(pilot.app))
    await order(pilot, *("7 gitarre wie" if i18n.language() == "de" else "7 guitar me"))


async def accept_doubt(pilot: Pilot[None], node: FakeNode) -> None:
    await accept(pilot, node)
    await order(pilot, *"q co")


async def accept_wrong(pilot: Pilot[None], node: FakeNode) -> None:
    for code in ("7 guitar meadow comet", "7 gitarre wiese komet"):
        node.doors[code] = RequestError("bad_code", reason="wrong", code=code)
    await accept(pilot, node)
    await order(pilot, "tab", *(" komet" if i18n.language() == "de" else " comet"), "enter")


async def accept_looking(pilot: Pilot[None], node: FakeNode) -> None:
    import asyncio

    node.before_accept = asyncio.Event()
    await accept(pilot, node)
    await order(pilot, "tab", *(" komet" if i18n.language() == "de" else " comet"), "enter")
    pilot.app.screen._began -= 6
    pilot.app.screen._tick()
    await settle(pilot)


async def words(pilot: Pilot[None], node: FakeNode) -> None:
    await order(pilot, "f6")
    await order(pilot, "space", "right", "space", "right", "right", "space")


async def words_gathering(pilot: Pilot[None], node: FakeNode) -> None:
    node.gathering = True
    node.differ = [next(peer for peer in node.peers_by_id.values() if peer.name == "Tarek")]
    await order(pilot, "f6")


async def words_same(pilot: Pilot[None], node: FakeNode) -> None:
    await words(pilot, node)
    await order(pilot, "enter", "enter")


async def words_differ(pilot: Pilot[None], node: FakeNode) -> None:
    await words(pilot, node)
    await order(pilot, "enter", "right", "enter")


async def caller(pilot: Pilot[None], node: FakeNode) -> None:
    await settle(pilot)
    node.asks_to_verify(next(peer for peer in node.peers_by_id.values() if peer.name == "Jonas"))
    await settle(pilot)


async def emoji(pilot: Pilot[None], node: FakeNode) -> None:
    await caller(pilot, node)
    await order(pilot, "f5")


async def emoji_waiting(pilot: Pilot[None], node: FakeNode) -> None:
    import asyncio

    node.before_verify = asyncio.Event()
    await emoji(pilot, node)


async def emoji_match(pilot: Pilot[None], node: FakeNode) -> None:
    await emoji(pilot, node)
    await order(pilot, "right", "enter")


async def emoji_differ(pilot: Pilot[None], node: FakeNode) -> None:
    await emoji(pilot, node)
    await order(pilot, "left", "enter")


def people(node: FakeNode) -> dict[str, object]:
    return {peer.name: peer for peer in node.peers_by_id.values()}


async def offer(pilot: Pilot[None], node: FakeNode) -> None:
    await settle(pilot)
    named = people(node)
    made = node.offers_to_follow(node.rooms_by_id[ROOM], named["Mira"], [named["Sam"]], ("#workshop",))
    node.offers_by_id[made.offer] = msgspec.structs.replace(made, followers=[named["Mira"], named["Tarek"]])
    node.asks_to_verify(named["Jonas"])
    await settle(pilot)


async def offer_open(pilot: Pilot[None], node: FakeNode) -> None:
    await offer(pilot, node)
    pilot.app.chat.talk.callers.clear()
    await order(pilot, "f5")


async def archived(pilot: Pilot[None], node: FakeNode) -> None:
    await settle(pilot)
    node.hear("Tuesday circle", "Sam", "Where did everybody go?", after_split=True)
    node.change(ROOM, "archived", archived=True)
    await settle(pilot)


async def sealed(pilot: Pilot[None], node: FakeNode) -> None:
    await settle(pilot)
    node.change(ROOM, "sealed", sealed=True, retention="session")
    await order(pilot, "f8")


async def outside(pilot: Pilot[None], node: FakeNode) -> None:
    node.texts[ROOM].clear()
    node.change(ROOM, "outside", sealed=True, outside=True, online=1)
    await settle(pilot)
    pilot.app.chat.reading.reload()
    await settle(pilot)


async def key_changed(pilot: Pilot[None], node: FakeNode) -> None:
    node.refuse["send"] = RequestError("key_changed", name="Mira", room="Tuesday circle")
    await order(pilot, *"Are you there?", "enter")


async def doubtful(pilot: Pilot[None], node: FakeNode) -> None:
    sam = node.add_peer("Sam", "Tuesday circle", key="2")
    node.emit(PeerChanged(peer=sam, change="online"))
    node.emit(Warned(kind="same_name_new_key", text="Sam", peer=sam.id, room=ROOM))
    lena = identity("Lena")
    node.invited_by[ROOM, "Lena"] = "Jonas"
    node.add_peer("Lena", "Tuesday circle")
    node.emit(RoomChanged(room=node.rooms_by_id[ROOM], change="members"))
    node.hear("Tuesday circle", "Lena", "And this came through Mira.", author=Author(**lena, via="Mira"))
    await order(pilot, "f8")


async def waiting(pilot: Pilot[None], node: FakeNode) -> None:
    import asyncio

    node.before_verify = asyncio.Event()
    await order(pilot, *"/verify Jonas", "enter")


ALL = {
    "create": create, "created": created, "invite": invite, "invite-many": invite_many, "invite-dead": invite_dead,
    "accept": accept, "accept-doubt": accept_doubt, "accept-wrong": accept_wrong, "accept-looking": accept_looking,
    "words": words, "words-gathering": words_gathering, "words-same": words_same, "words-differ": words_differ,
    "caller": caller, "emoji": emoji, "emoji-waiting": emoji_waiting, "emoji-match": emoji_match, "emoji-differ": emoji_differ,
    "offer": offer, "offer-open": offer_open, "archived": archived, "sealed": sealed, "outside": outside,
    "key-changed": key_changed, "doubtful": doubtful, "waiting": waiting,
}  # fmt: skip
