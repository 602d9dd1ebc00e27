"""Whoever breaks the rules on an established channel, as a member of the lobby: told why it is closed, and nothing else happens."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable

import pytest

from tests.core.reference import BYE, FINAL, MORE, PING, PONG, PROVE, PROVED, REKEY
from tests.hostile.conftest import Hostile, open_secret
from tests.hostile.peer import HostilePeer
from tests.hostile.victim import MARK, Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_ways = pytest.mark.parametrize("last", [7, 6], ids=["dials", "is dialled"])


@both_ways
async def test_a_peer_that_means_well_is_taken_in(hostile: Hostile, last: int) -> None:
    """What the other tests find is not for lack of that."""
    peer = await (await hostile.meet(last)).establish()
    assert await peer.message()
    peer.send_record(PING)
    await until(peer, PONG)
    peer.send_record(BYE, b"closing")
    assert await peer.closed() is None


async def until(peer: HostilePeer, kind: int) -> bytes:
    """The content of the next record of this kind."""
    while (record := await peer.receive())[0] != kind:
        pass
    return record[1]


# ── records that are wrong by themselves ─────────────────────────────────────────────────────────────────────────────


def plain(kind: int, content: bytes = b"", length: int | None = None, size: int = 64) -> bytes:
    length = len(content) if length is None else length
    return (bytes([kind]) + length.to_bytes(2, "big") + content).ljust(size, b"\0")


PLAINTEXTS = {
    "no plaintext": b"",
    "1 byte": b"\1",
    "not a size": plain(PING, size=65),
    "one more than there may be": plain(PING, size=4097),
    "padding that is not zero": plain(PING)[:-1] + b"\1",
    "padding that is text": plain(FINAL, b"\x93", size=3 + 1) + (MARK * 9).encode()[:60],
    "a length beyond the end": plain(FINAL, b"hello", length=62),
    "a length far beyond the end": plain(FINAL, b"hello", length=65535),
    "kind 8": plain(8),
    "kind 255": plain(255, MARK.encode()),
    "an empty message": plain(FINAL),
    "an empty part": plain(MORE),
    "a ping with content": plain(PING, MARK.encode()),
    "a pong with content": plain(PONG, MARK.encode()),
    "a rekey with content": plain(REKEY, MARK.encode()),
    "a question without tags": plain(PROVE, b"\0\0\0\1"),
    "a question that is too long": plain(PROVE, b"\0\0\0\1" + bytes(1025), size=2048),
    "a question with counter 0": plain(PROVE, bytes(1028), size=2048),
    "a question with counter 2": plain(PROVE, b"\0\0\0\2" + bytes(1024), size=2048),
    "a question with the last counter": plain(PROVE, b"\xff" * 4 + bytes(1024), size=2048),
    "an answer to no question": plain(PROVED, b"\0\0\0\1" + bytes(1024), size=2048),
    "a goodbye without a reason": plain(BYE),
    "a goodbye of capitals": plain(BYE, MARK.upper().encode()),
    "a goodbye that is too long": plain(BYE, (MARK * 2).encode()[:33]),
    "a giant goodbye": plain(BYE, (MARK * 4000).encode()[:65516], size=65519),
    "a goodbye in no encoding": plain(BYE, b"\xff\xfe\x80" + MARK.encode()),
    "a goodbye with control characters": plain(BYE, b"\x1b]0;" + MARK.encode() + b"\x07"),
    "a message that is none": plain(FINAL, MARK.encode()),
}


@both_ways
@pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS)
async def test_what_no_record_may_be(hostile: Hostile, last: int, plaintext: bytes) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_plaintext(plaintext)
    assert await peer.closed() == "malformed"


@both_ways
@pytest.mark.parametrize("reason", [MARK, "a", "z" * 32, "closing", "crossed"])
async def test_a_goodbye_of_any_word_is_no_more_than_a_goodbye(hostile: Hostile, last: int, reason: str) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_record(BYE, reason.encode())
    peer.send_message(MARK.encode())  # nothing counts after it
    assert await peer.closed() is None


# ── what is not authentic ────────────────────────────────────────────────────────────────────────────────────────────


def sealed(peer: HostilePeer) -> bytes:
    """The frame of a record that is as it should be, not sent."""
    peer.reference.record(PONG)
    return peer.reference.drain()


def flipped(frame: bytes, at: int) -> bytes:
    at %= len(frame)
    return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]


FORGERIES: dict[str, Callable[[HostilePeer], bytes]] = {
    "garbage": lambda peer: b"\0\x50" + os.urandom(80),
    "the greatest garbage": lambda peer: b"\xff\xff" + os.urandom(65535),
    "a flipped bit in the kind": lambda peer: flipped(sealed(peer), 2),
    "a flipped bit in the padding": lambda peer: flipped(sealed(peer), 40),
    "a flipped bit in the tag": lambda peer: flipped(sealed(peer), -1),
    "a record twice": lambda peer: sealed(peer) * 2,
    "two records, the second first": lambda peer: b"".join([sealed(peer), sealed(peer)][::-1]),
    "a record left out": lambda peer: (sealed(peer), sealed(peer))[1],
    "a change of keys that is none": lambda peer: peer.reference.seal(plain(REKEY)) + sealed(peer),
    "a record sent back": lambda peer: reflected(peer),  # noqa: PLW0108 - it is below
    "the last frame of setting up, padded": lambda peer: b"\0\x50" + peer.sent[max(peer.sent)][:80],
}


def reflected(peer: HostilePeer) -> bytes:
    """As if what the victim sends next came back."""
    theirs = peer.reference._inner.noise_protocol.cipher_state_decrypt
    frame = b"\0\x50" + bytes(theirs.encrypt_with_ad(None, plain(PONG)))
    theirs.n -= 1
    return frame


@both_ways
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
async def test_what_is_not_authentic(hostile: Hostile, last: int, forgery: Callable[[HostilePeer], bytes]) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_raw(forgery(peer))
    assert await peer.closed() == "decrypt"


@both_ways
@pytest.mark.parametrize("size", [0, 1, 16, 79, 81, 65534], ids=str)
async def test_a_frame_that_can_not_be_a_record_is_not_waited_for(hostile: Hostile, last: int, size: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_raw(size.to_bytes(2, "big"))
    assert await peer.closed() == "malformed"


@both_ways
@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x02\0"], ids=["HTTP", "SSH", "TLS"]
)
async def test_plain_text_after_all(hostile: Hostile, last: int, data: bytes) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_raw(data)
    assert await peer.closed() == "malformed"


@both_ways
@pytest.mark.parametrize("part", [0, 1, 2, 50], ids=str)
async def test_a_fin_in_the_middle(hostile: Hostile, last: int, part: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_raw(sealed(peer)[:part])
    peer.finish()
    assert await peer.closed() is None


# ── too much ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
async def test_a_message_without_an_end(hostile: Hostile, last: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    for _ in range(400):  # 26 MB: what is beyond 320 KiB is not kept
        peer.send_record(MORE, bytes(65516))
    assert await peer.closed() in {"too_large", None}  # what it did not read cuts the connection, maybe its goodbye too


@both_ways
async def test_a_message_of_many_small_parts_without_an_end(hostile: Hostile, last: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_record(MORE, bytes(65516))
    for _ in range(4):
        peer.send_record(MORE, bytes(65516))
    for _ in range(100):
        peer.send_record(MORE, b"x")
    peer.send_record(PING)
    await until(peer, PONG)
    peer.send_record(MORE, bytes(1))
    assert await peer.closed() == "too_large"


@both_ways
async def test_an_unfinished_message_that_is_given_up(hostile: Hostile, last: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    peer.send_record(MORE, MARK.encode() * 3000)
    peer.send_record(BYE, b"closing")
    assert await peer.closed() is None


@pytest.mark.parametrize("kind", [REKEY, PING, PONG], ids=["REKEY", "PING", "PONG"])
async def test_a_flood(hostile: Hostile, victim: Victim, kind: int) -> None:
    """It costs time, never memory, and is not answered by a flood."""
    peer = await (await hostile.dial()).establish()
    await peer.message()
    for _ in range(3000):
        peer.reference.record(kind)
    peer.send_raw(peer.reference.drain())
    await victim.talk()
    peer.reference.question([], 1)
    peer.send_raw(peer.reference.drain())
    await until(peer, PROVED)
    assert sum(kind == PONG for kind, _ in peer.reference.got) <= 5


# ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
async def test_a_second_question_before_the_first_is_answered(hostile: Hostile, last: int) -> None:
    peer = await (await hostile.meet(last)).establish()
    for count in (1, 2, 3):
        peer.reference.question([], count)
    peer.send_raw(peer.reference.drain())
    assert await peer.closed() == "malformed"


async def test_questions_are_answered_ten_times_a_second(hostile: Hostile) -> None:
    peer = await (await hostile.dial()).establish()
    started = asyncio.get_running_loop().time()
    for count in range(1, 7):
        peer.reference.question([os.urandom(32) for _ in range(64)], count)
        peer.send_raw(peer.reference.drain())
        await until(peer, PROVED)
    assert asyncio.get_running_loop().time() - started >= 0.45


async def test_answers_that_prove_everything(hostile: Hostile, victim: Victim) -> None:
    peer = await (await hostile.dial()).establish()
    peer.reference.silent = True
    await victim.join("new here")
    question = await until(peer, PROVE)
    peer.send_record(PROVED, question)  # each of its tags, but made by the other role
    peer.send_record(PING)
    await until(peer, PONG)
    room = hashlib.blake2b(b"peertalk/1 room id", key=open_secret("new-here"), digest_size=32).digest()
    assert not any(room in message for message in peer.reference.messages())
    peer.send_record(PROVED, question[:4] + os.urandom(1024))
    assert await peer.closed() == "malformed"


async def test_an_answer_with_another_counter(hostile: Hostile, victim: Victim) -> None:
    peer = await (await hostile.dial()).establish()
    peer.reference.silent = True
    await victim.join("new here too")
    await until(peer, PROVE)
    peer.send_record(PROVED, b"\0\0\0\2" + os.urandom(1024))
    assert await peer.closed() == "malformed"
