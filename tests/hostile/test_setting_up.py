"""Whoever breaks the rules while a channel is set up gets none, is told nothing, and learns nothing. Frames are counted as in
docs/protocol.md, "Setting up a channel": the victim is who takes frame n, so it has accepted the connection where n is odd, and
dialled where it is even. Only where it has dialled can be seen what it calls the reason."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import Hostile
from tests.hostile.victim import MARK

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRAMES = range(1, 8)
SIZES = {1: 32, 2: 48, 3: 1040, 4: 1040, 5: 48, 6: 144, 7: 112}

each_frame = pytest.mark.parametrize("frame", FRAMES, ids=[f"frame {number}" for number in FRAMES])
from_frame_3 = pytest.mark.parametrize("frame", FRAMES[2:], ids=[f"frame {number}" for number in FRAMES[2:]])


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


# ── what is no frame ─────────────────────────────────────────────────────────────────────────────────────────────────

STRANGE = {
    "no content": b"\0\0",
    "1 byte": b"\0\1",
    "65,535 bytes, announced": b"\xff\xff",
    "65,535 bytes": b"\xff\xff" + MARK.encode() * 3855,
    "HTTP": f"GET /{MARK} HTTP/1.1\r\nHost: {MARK}\r\n\r\n".encode(),
    "SSH": f"SSH-2.0-{MARK}\r\n".encode(),
    "TLS": bytes.fromhex("160301020001fc0303") + bytes(503),
    "a line": MARK.encode() + b"\n",
    "PeerTalk's name": b"peertalk/1",
    "zeros": bytes(4096),
}


@each_frame
@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
async def test_what_is_no_frame_of_this_protocol(hostile: Hostile, frame: int, data: bytes) -> None:
    peer = await hostile.meet(frame)
    await peer.due(frame)
    peer.send_raw(data)
    await peer.refused("malformed")


@each_frame
async def test_the_frame_of_another_stage(hostile: Hostile, frame: int) -> None:
    for size in {*SIZES.values(), SIZES[frame] - 1, SIZES[frame] + 1} - {SIZES[frame]}:
        peer = await hostile.meet(frame)
        await peer.due(frame)
        peer.send_raw(size.to_bytes(2, "big"))  # its length is enough
        await peer.refused("malformed")


@each_frame
async def test_who_hangs_up(hostile: Hostile, frame: int) -> None:
    """With a FIN, before and in the middle of a frame. What it means to who had dialled is in "States"."""
    means = "no_shared_room" if frame == 4 else "handshake_cut"
    for part in (0, 1, 2, 3, SIZES[frame] + 1):
        peer = await hostile.meet(frame)
        content = await peer.due(frame)
        peer.send_raw((len(content).to_bytes(2, "big") + content)[:part])
        peer.finish()
        await peer.refused(means)


async def test_who_hangs_up_while_it_is_being_refused(hostile: Hostile) -> None:
    peer = await hostile.dial(secrets=[])
    peer.send_frame(await peer.due(3))
    peer.finish()
    await peer.refused()


@pytest.mark.parametrize("dials", [True, False], ids=["dials", "is dialled"])
async def test_who_hangs_up_at_once_and_hard(hostile: Hostile, dials: bool) -> None:
    for _ in range(20):
        peer = await (hostile.dial() if dials else hostile.lure())
        await peer.hang_up()


# ── frames that are not authentic ────────────────────────────────────────────────────────────────────────────────────


@from_frame_3
@pytest.mark.parametrize("at", [0, 15, 31, 32, -17, -16, -1])
async def test_a_flipped_bit(hostile: Hostile, frame: int, at: int) -> None:
    peer = await hostile.meet(frame)
    peer.send_frame(flipped(await peer.due(frame), at, bit=at % 8))
    await peer.refused("decrypt")


@pytest.mark.parametrize("at", [0, 7, 31, 32, 47])
async def test_a_flipped_bit_in_frame_2(hostile: Hostile, at: int) -> None:
    peer = await hostile.lure()
    peer.send_frame(flipped(await peer.due(2), at))
    await peer.refused("decrypt")


@pytest.mark.parametrize("at", [0, 7, 31])
async def test_a_flipped_bit_in_frame_1_is_noticed_at_frame_3(hostile: Hostile, at: int) -> None:
    peer = await hostile.dial(deaf=True)
    peer.send_frame(flipped(await peer.due(1), at))
    peer.send_frame(await peer.due(3))
    await peer.refused()


INSIDE = {5: (0, 31), 6: (0, 31, 32, 63, 64, 79, 80, 111, 127), 7: (0, 31, 32, 47, 48, 79, 95)}


@pytest.mark.parametrize(("frame", "at"), [(frame, at) for frame, places in INSIDE.items() for at in places])
async def test_a_flipped_bit_inside_of_what_is_authentic(hostile: Hostile, frame: int, at: int) -> None:
    """Who runs NN can change what is in it: XX is authentic by itself, its first message from the second on."""
    peer = await hostile.meet(frame, deaf=True, change=lambda number, inner: flipped(inner, at) if number == frame else inner)
    peer.send_frame(await peer.due(max(frame, 6 + frame % 2)))
    await peer.refused("decrypt")


@each_frame
async def test_a_frame_of_an_earlier_session(hostile: Hostile, frame: int) -> None:
    old = await hostile.meet(frame)
    await old.establish()
    peer = await hostile.meet(frame, deaf=True)
    await peer.due(frame)
    peer.send_frame(old.sent[frame])
    if frame == 1:
        await peer.frame()
        peer.send_frame(old.sent[3])
    await peer.refused("decrypt")


@each_frame
async def test_a_whole_earlier_session_again(hostile: Hostile, frame: int) -> None:
    old = await (await hostile.meet(frame)).establish()
    peer = await hostile.meet(frame)
    if not frame % 2:
        await peer.frame()
    for number in sorted(old.sent):
        peer.send_frame(old.sent[number])
    await peer.closed()
    if peer.dialling:
        assert await peer.dialling in {"malformed", "decrypt"}


@pytest.mark.parametrize("frame", FRAMES[:5])
async def test_a_frame_twice(hostile: Hostile, frame: int) -> None:
    peer = await hostile.meet(frame)
    content = await peer.due(frame)
    peer.send_frame(content)
    peer.send_frame(content)
    await peer.closed()
    if peer.dialling:
        assert await peer.dialling == "malformed"


@pytest.mark.parametrize(("frame", "reason"), [(6, "decrypt"), (7, "malformed")])
async def test_the_last_frame_twice(hostile: Hostile, frame: int, reason: str) -> None:
    """The second one counts as a record."""
    peer = await hostile.meet(frame)
    content = await peer.due(frame)
    peer.send_frame(content)
    peer.send_frame(content)
    await peer.begin()
    assert await peer.closed() == reason


@each_frame
async def test_its_own_frame_sent_back(hostile: Hostile, frame: int) -> None:
    peer = await hostile.meet(frame)
    await peer.due(frame)
    if peer.frames:
        peer.send_frame(peer.frames[-1])
        await peer.refused("malformed", "decrypt")


@from_frame_3
async def test_a_record_before_there_is_a_channel(hostile: Hostile, frame: int) -> None:
    peer = await hostile.meet(frame)
    await peer.due(frame)
    peer.send_frame(bytes(64 + 16))
    await peer.refused("malformed")
