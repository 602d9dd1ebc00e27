"""Somebody between three people, who shows each of them the other two under keys of her own, and knows every secret of the room: an open
one, whose name is known, and a private one, into which she has invited them. What they read aloud to each other is not the same."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.hostile import feed
from tests.hostile.conftest import open_secret
from tests.hostile.inviter import giving
from tests.hostile.member import Member
from tests.hostile.pairing import room_secret, terms
from tests.hostile.peer import HOST, HostilePeer
from tests.hostile.test_inviter import accept, staged
from tests.lab.rpc_process import RpcProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAMES = ("Anna", "Ben", "Cara")
OPEN, PRIVATE = "between", "Circle"
TERMS = terms(PRIVATE)
SECRETS = {OPEN: open_secret(OPEN), PRIVATE: room_secret(TERMS)}


@pytest.fixture(autouse=True)
def undisturbed() -> None:
    """There is nobody here who is not deceived."""


@dataclass
class Person:
    """Somebody real. `faces` are Mallory's, by whom she poses as."""

    name: str
    process: RpcProcess
    port: int
    identity: bytes
    faces: dict[str, Face]

    async def meet(self, name: str) -> Face:
        """Mallory, as somebody of this name."""
        face = self.faces[name] = await Face.show(self, name)
        return face

    async def words(self, room: str) -> tuple[str, ...]:
        """What this one reads aloud, once it is complete as far as can be seen from here."""
        async with asyncio.timeout(20):
            while (said := await self.process.call("rooms.words", room=room))["gathering"]:
                pass
        assert said["differ"] == []
        assert {member["name"] for member in said["members"]} == set(NAMES)
        return tuple(said["words"])

    def verify(self, name: str) -> asyncio.Future[Any]:
        """This one wants to compare emoji with whoever is called so here."""
        return self.process.cast("peers.verify", peer=self.faces[name].identity.hex())


class Face(Member):
    """Mallory, towards somebody, as somebody else."""

    to: Person

    @classmethod
    async def show(cls, to: Person, name: str) -> Face:
        seed = feed.blake(f"{name} towards {to.name}".encode())
        peer = await HostilePeer.connect(HOST, to.port, seed=seed, secrets=list(SECRETS.values()))
        face = cls(await peer.establish(), seed)
        face.to = to
        for secret in SECRETS.values():
            place = Member(peer, seed, feed.room_id(secret))
            await place.greet()
            place.say(place.feed.arrives(name))
            await place.claimed(place.feed.last)
        return face

    @property
    def between(self) -> Member:
        return self.direct(self.to.identity)

    async def step(self, step: int) -> bytes:
        """What the person says next of the emoji: a commitment, or a nonce."""
        _, _, came, value = await self.between.until(feed.VERIFY)
        assert came == step
        return bytes(value)

    def send(self, step: int, value: bytes) -> None:
        self.say(feed.verify(self.between.room, step, value))

    def own_commitment(self, nonce: bytes) -> bytes:
        return feed.commitment(nonce, self.identity, self.to.identity, self.peer.reference.binding)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Person]]:
    """Three people who can reach nobody but Mallory. She says of each room what each of them sees anyway, so nothing is missing."""
    async with AsyncExitStack() as ends:
        found = []
        for name in NAMES:
            home = tmp_path_factory.mktemp(name) / "home"
            stage = await ends.enter_async_context(staged(home, 1, "--no-lobby", "--name", name))
            stage(giving(TERMS))
            process = stage.process
            await process.call("rooms.join", name=OPEN)
            assert await accept(process) == feed.room_id(SECRETS[PRIVATE]).hex()
            port = (await process.call("node.status"))["listening"][0]["port"]
            found.append(Person(name, process, port, bytes.fromhex(await process.identity()), {}))
        for person in found:
            for name in set(NAMES) - {person.name}:
                ends.push_async_callback((await person.meet(name)).peer.hang_up)
            for secret in SECRETS.values():
                seen = {person.identity: person.name, **{face.identity: name for name, face in person.faces.items()}}
                for face in person.faces.values():
                    face.say(feed.roll(feed.room_id(secret), secret, seen))
        yield found


@pytest.mark.parametrize("room", [OPEN, PRIVATE])
async def test_each_of_those_whom_somebody_keeps_apart_reads_other_words(people: list[Person], room: str) -> None:
    """Everybody sees three people under the right names, nobody differs from what they see, and the words tell."""
    read = [await person.words(room) for person in people]
    assert [len(words) for words in read] == [10] * 3
    assert len(set(read)) == 3


async def test_emoji_differ_on_both_sides(people: list[Person]) -> None:
    """Mallory compares with both, as each expects of the other."""
    for one, other in itertools.combinations(people, 2):
        seen = one.verify(other.name), other.verify(one.name)
        for person, name in ((one, other.name), (other, one.name)):
            face, nonce = person.faces[name], feed.blake(person.identity)
            await face.step(feed.COMMIT)
            face.send(feed.COMMIT, face.own_commitment(nonce))
            await face.step(feed.NONCE)
            face.send(feed.NONCE, nonce)
        first, second = [[symbol["symbol"] for symbol in (await one)["emoji"]] for one in seen]
        assert len(first) == len(second) == 7
        assert first != second


async def test_what_two_people_compare_can_not_be_passed_on(people: list[Person]) -> None:
    """Each commitment, and the nonce to it, as it came from the other one: it speaks of another channel. Nothing is shown."""
    one, other, _ = people
    waiting = one.verify(other.name), other.verify(one.name)
    to_one, to_other = one.faces[other.name], other.faces[one.name]
    commitments = await to_one.step(feed.COMMIT), await to_other.step(feed.COMMIT)
    to_one.send(feed.COMMIT, commitments[1])
    to_other.send(feed.COMMIT, commitments[0])
    nonces = await to_one.step(feed.NONCE), await to_other.step(feed.NONCE)
    to_one.send(feed.NONCE, nonces[1])
    to_other.send(feed.NONCE, nonces[0])
    assert await to_one.peer.closed() == await to_other.peer.closed() == "bad_nonce"
    assert not any(answer.done() for answer in waiting)
