"""Wrong keys, suites, versions, rooms and identities, each in an otherwise flawless channel: what refuses them is the check that
is meant to, not a consequence. Frames are counted as in docs/protocol.md, "Setting up a channel"."""

from __future__ import annotations

import os
from typing import Any

import pytest
from noise.connection import Keypair, NoiseConnection

from tests.core.reference import PROVED, Reference
from tests.hostile.conftest import Hostile, open_secret
from tests.hostile.mallory import Mallory
from tests.hostile.peer import MALLORY
from tests.hostile.victim import Victim, dial

pytestmark = pytest.mark.asyncio(loop_scope="module")

P = 2**255 - 19
ONE, OTHER = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
LOW_ORDER = {
    "0": 0,
    "1": 1,
    "of order 8": ONE,
    "of order 8 too": OTHER,
    "p - 1": P - 1,
    "p": P,
    "p + 1": P + 1,
    "the top bit": 1 << 255,
    "0 with every bit set": 2**256 - 1,
    "of order 8 and the top bit": ONE | 1 << 255,
}
WHERE = {"NN e of the initiator": (1, "NN e"), "NN e of the responder": (2, "NN e")}
WHERE |= {"XX e of the initiator": (5, "XX e"), "XX e of the responder": (6, "XX e")}
WHERE |= {"XX s of the initiator": (7, "XX s"), "XX s of the responder": (6, "XX s")}

both_ways = pytest.mark.parametrize("last", [7, 6], ids=["dials", "is dialled"])


def top_bit_set(seed: bytes) -> bytes:
    """The public key of `seed`, written so that the same key is meant: X25519 would ignore the bit."""
    public = Mallory(initiator=True, seed=seed, secrets=[]).public
    return public[:31] + bytes([public[31] | 0x80])


@pytest.mark.parametrize("value", LOW_ORDER.values(), ids=LOW_ORDER)
@pytest.mark.parametrize(("frame", "key"), WHERE.values(), ids=WHERE)
async def test_a_key_that_makes_every_secret_zero(hostile: Hostile, frame: int, key: str, value: int) -> None:
    peer = await hostile.meet(frame, keys={key: (value.to_bytes(32, "little"), None)})
    peer.send_frame(await peer.due(frame))
    await peer.refused("bad_key")


@pytest.mark.parametrize(("frame", "key"), WHERE.values(), ids=WHERE)
async def test_a_good_key_written_in_another_way(hostile: Hostile, frame: int, key: str) -> None:
    peer = await hostile.meet(frame, keys={key: (top_bit_set(MALLORY), MALLORY)})
    peer.send_frame(await peer.due(frame))
    await peer.refused("bad_key")


# ── another protocol ─────────────────────────────────────────────────────────────────────────────────────────────────

PROTOCOLS: dict[str, dict[str, Any]] = {
    "no prologue": {"prologue": b""},
    "prologue of version 2": {"prologue": b"peertalk/2"},
    "prologue and more": {"prologue": b"peertalk/1\0"},
    "AESGCM": {"suite": "25519_AESGCM_BLAKE2s"},
    "SHA256": {"suite": "25519_ChaChaPoly_SHA256"},
    "BLAKE2b": {"suite": "25519_ChaChaPoly_BLAKE2b"},
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
async def test_nobody_is_dialled_who_speaks_another_protocol(hostile: Hostile, protocol: dict[str, Any]) -> None:
    peer = await hostile.lure(**protocol)
    peer.send_frame(await peer.due(2))
    await peer.refused("decrypt")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
async def test_nobody_is_answered_who_speaks_another_protocol(hostile: Hostile, protocol: dict[str, Any]) -> None:
    """Another prologue alone leaves the keys the same; but tags are bound to the hash."""
    peer = await hostile.dial(deaf=True, **protocol)
    peer.send_frame(await peer.due(3))
    await peer.refused()


@both_ways
async def test_identities_bound_to_something_else(hostile: Hostile, last: int) -> None:
    peer = await hostile.meet(last, bind=b"peertalk/1 identity" + bytes(32), deaf=True)
    peer.send_frame(await peer.due(last))
    await peer.refused("decrypt")


def pattern(name: str, *, initiator: bool) -> NoiseConnection:
    noise = NoiseConnection.from_name(f"Noise_{name}_25519_ChaChaPoly_BLAKE2s".encode())
    (noise.set_as_initiator if initiator else noise.set_as_responder)()
    noise.set_prologue(b"peertalk/1")
    noise.set_keypair_from_private_bytes(Keypair.STATIC, MALLORY)
    if name == "IK" and initiator:
        noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, Mallory(initiator=True, seed=MALLORY, secrets=[]).public)
    noise.start_handshake()
    return noise


@pytest.mark.parametrize("name", ["IK", "IX"])
async def test_nobody_is_answered_who_begins_with_an_identity(hostile: Hostile, name: str) -> None:
    peer = await hostile.dial()
    peer.send_frame(bytes(pattern(name, initiator=True).write_message()))
    await peer.refused()


async def test_nobody_is_answered_who_goes_on_with_an_identity(hostile: Hostile) -> None:
    """XX begins as NN does, and its second message would be longer."""
    peer = await hostile.dial()
    peer.send_frame(bytes(pattern("XX", initiator=True).write_message()))
    await peer.frame()
    peer.send_frame(bytes(48 + 16))
    await peer.refused()


@pytest.mark.parametrize(("name", "why"), [("XX", "malformed"), ("NX", "malformed")])
async def test_nobody_is_dialled_who_answers_with_an_identity(hostile: Hostile, name: str, why: str) -> None:
    peer = await hostile.lure()
    noise = pattern(name, initiator=False)
    noise.read_message(await peer.frame())
    peer.send_frame(bytes(noise.write_message()))
    await peer.refused(why)


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def listed(choice: int, count: int, *versions: int) -> bytes:
    return bytes([choice, count, *versions]).ljust(32, b"\0")


VERSIONS = {
    "none": (listed(0, 0), "malformed"),
    "more than there is room for": (listed(0, 31, *range(1, 31)), "malformed"),
    "255 of them": (listed(0, 255), "malformed"),
    "version 0": (listed(0, 2, 0, 1), "malformed"),
    "not ascending": (listed(0, 2, 2, 1), "malformed"),
    "one twice": (listed(0, 2, 1, 1), "malformed"),
    "more than counted": (listed(0, 1, 1, 2), "malformed"),
    "something behind": (listed(0, 1, 1)[:31] + b"\1", "malformed"),
    "only unknown ones": (listed(0, 2, 7, 9), "version"),
}
CHOICES = {
    "no choice": listed(0, 1, 1),
    "what only one speaks": listed(2, 2, 1, 2),
    "what neither lists": listed(9, 1, 1),
}


@both_ways
@pytest.mark.parametrize(("versions", "why"), VERSIONS.values(), ids=VERSIONS)
async def test_a_list_of_versions(hostile: Hostile, last: int, versions: bytes, why: str) -> None:
    peer = await hostile.meet(last, versions=(b"\1" if last == 7 else b"\0") + versions[1:])
    peer.send_frame(await peer.due(last))
    await peer.refused(why)


@pytest.mark.parametrize("versions", CHOICES.values(), ids=CHOICES)
async def test_a_choice_that_is_not_the_greatest_common_version(hostile: Hostile, versions: bytes) -> None:
    peer = await hostile.dial(versions=versions)
    peer.send_frame(await peer.due(7))
    await peer.refused()


@both_ways
async def test_thirty_versions_are_none_too_many(hostile: Hostile, last: int) -> None:
    peer = await hostile.meet(last, versions=listed(last == 7, 30, *range(1, 31)))
    assert await (await peer.establish()).message()


# ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_knows_no_room_is_not_answered(hostile: Hostile) -> None:
    peer = await hostile.dial(secrets=[os.urandom(32) for _ in range(64)])
    peer.send_frame(await peer.due(3))
    await peer.refused()


async def test_who_knows_no_room_learns_nothing_by_being_dialled(hostile: Hostile, lobby: bytes) -> None:
    peer = await hostile.lure(secrets=[], claims=[os.urandom(32) for _ in range(64)])
    peer.send_frame(await peer.due(4))
    await peer.refused("no_shared_room")


@both_ways
async def test_tags_of_another_channel(hostile: Hostile, last: int) -> None:
    old = await (await hostile.meet(last)).establish()
    peer = await hostile.meet(last, secrets=[], change=old.reference.said.get)
    peer.send_frame(await peer.due(3 if last == 7 else 4))
    await peer.refused("no_shared_room")


@both_ways
async def test_tags_of_the_other_role(hostile: Hostile, last: int) -> None:
    peer = await hostile.meet(last)
    swap = {b"i": b"r", b"r": b"i"}
    proof = peer.reference.proof

    def other_role(secrets: Any, context: bytes) -> bytes:
        label, role, rest = context[:15], context[15:16], context[16:]
        return proof(secrets, label + swap[role] + rest)

    peer.reference.proof = other_role
    peer.send_frame(await peer.due(3 if last == 7 else 4))
    await peer.refused("no_shared_room")


async def test_its_own_tags_sent_back(hostile: Hostile) -> None:
    peer = await hostile.lure()
    peer.reference.change = lambda number, plain: peer.reference.heard[3] if number == 4 else plain
    peer.send_frame(await peer.due(4))
    await peer.refused("no_shared_room")


@both_ways
async def test_one_room_64_times_is_one_room(hostile: Hostile, lobby: bytes, last: int) -> None:
    peer = await hostile.meet(last, secrets=[lobby] * 64)
    assert await (await peer.establish()).message()
    await peer.hang_up()


async def test_a_room_that_the_other_side_does_not_know_is_not_told_of(hostile: Hostile, victim: Victim, lobby: bytes) -> None:
    """Neither in the answers to its proofs nor by being dialled could a member of the lobby see that the victim is in there."""
    await victim.join("elsewhere")
    secret = open_secret("elsewhere")
    peer = await (await hostile.dial()).establish()
    assert peer.reference.shared == {lobby}
    other = Reference(initiator=False, seed=MALLORY, secrets=[secret])
    assert other.proven(peer.reference.heard[4], b"peertalk/1 room" + b"r" + peer.reference.anonymous) == set()
    peer.reference.question([os.urandom(32)], 1)
    peer.send_raw(peer.reference.drain())
    while (record := await peer.receive())[0] != PROVED:
        pass
    assert other.proven(record[1][4:], b"peertalk/1 proved" + b"r" + record[1][:4] + peer.reference.binding) == set()
    peer.reference.secrets.append(secret)  # now that it knows
    peer.reference.question([secret], 2)
    peer.send_raw(peer.reference.drain())
    while (record := await peer.receive())[0] != PROVED:
        pass
    assert secret in peer.reference.shared


# ── identities ───────────────────────────────────────────────────────────────────────────────────────────────────────


@both_ways
async def test_the_identity_of_the_victim_itself(hostile: Hostile, victim: Victim, last: int) -> None:
    """Whoever shows it without its private half: the initiator can't know, and closes all the same."""
    peer = await hostile.meet(last, keys={"XX s": (bytes.fromhex(victim.id), MALLORY)}, deaf=True)
    peer.send_frame(await peer.due(last))
    await peer.refused("decrypt", "self")


@both_ways
async def test_the_identity_of_its_friend(hostile: Hostile, victim: Victim, last: int) -> None:
    peer = await hostile.meet(last, keys={"XX s": (bytes.fromhex(victim.friend_id), MALLORY)}, deaf=True)
    peer.send_frame(await peer.due(last))
    await peer.refused("decrypt")


async def test_the_victim_dials_itself(victim: Victim) -> None:
    assert await dial(victim.process, victim.port) == "self"
