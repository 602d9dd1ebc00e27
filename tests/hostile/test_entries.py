"""A member whose headers, pages, signatures and texts are not what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from nacl import bindings

from tests.hostile import feed
from tests.hostile.conftest import Hostile
from tests.hostile.feed import FIELDS, NOBODY, Entry, Feed, body, pack, unpack
from tests.hostile.member import LOBBY, SHOWN, Member, overlook
from tests.hostile.victim import MARK, Victim

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAID = {"text": MARK}
L = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture(autouse=True)
def coming(shown: set[str]) -> None:
    shown |= SHOWN


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def wider(raw: bytes, at: int) -> bytes:
    """The same header with one element in a wider encoding than it needs."""
    parts = [pack(value) for value in unpack(raw)]
    value = unpack(raw)[at]
    parts[at] = {
        int: lambda: b"\xcf" + value.to_bytes(8, "big"),
        bytes: lambda: b"\xc5" + len(value).to_bytes(2, "big") + value,
        str: lambda: b"\xd9" + bytes([len(value)]) + value.encode(),
        list: lambda: b"\xdc\0\0",
    }[type(value)]()
    return bytes([0x9B]) + b"".join(parts)


WRONG_VALUES: dict[str, tuple[str, Any]] = {
    **{f"version {value}": ("version", value) for value in (0, 2, 2**53, -1, True, 1.0, "1")},
    **{f"seq {value}": ("seq", value) for value in (0, -1, 2**53, 2**64 - 1, 1.0, None)},
    **{f"lamport {value}": ("lamport", value) for value in (0, -1, 2**53, 2**63)},
    **{f"time {value}": ("time", value) for value in (-1, 2**53, 2**64 - 1, float("nan"))},
    **{f"kind {value!r}": ("kind", value) for value in ("", "x" * 17, "Text", "text\n", "te xt", "\u0442ext", b"text", 3)},
    **{f"size {value}": ("size", value) for value in (0, 31, 32_769, 2**32)},
    "a room of 31 bytes": ("room", LOBBY[:31]),
    "a feed of 33 bytes": ("feed", bytes(33)),
    "a body hash of 31 bytes": ("body", bytes(31)),
    "a predecessor at seq 1": ("prev", NOBODY),
    "half a predecessor": ("prev", NOBODY[:16]),
    "nine after": ("after", [bytes([number]) * 32 for number in range(9)]),
    "after out of order": ("after", [b"\2" * 32, b"\1" * 32]),
    "after twice": ("after", [b"\1" * 32, b"\1" * 32]),
    "after of 31 bytes": ("after", [b"\1" * 31]),
    "after a map": ("after", {}),
}

WRONG_BYTES: dict[str, Callable[[bytes], bytes]] = {
    **{
        f"a wide {FIELDS[at]}": lambda raw, at=at: wider(raw, at)
        for at in range(len(FIELDS))
        if FIELDS[at] not in ("prev", "time")
    },
    "a wide array": lambda raw: b"\xdc\x00\x0b" + raw[1:],
    "an element too many": lambda raw: b"\x9c" + raw[1:] + b"\xc0",
    "an element too few": lambda raw: b"\x9a" + raw[1:-2],
    "a trailing byte": lambda raw: raw + b"\0",
    "a map": lambda raw: pack(dict(zip(FIELDS, unpack(raw), strict=True))),
    "1,000 deep": lambda raw: b"\x91" * 1000 + b"\xc0",
    "not msgpack": lambda raw: b"\xc1" * 100,
    "a signed int": lambda raw: raw.replace(b"\xcf", b"\xd3", 1),
}


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
async def test_a_header_with_a_wrong_value_costs_the_link(hostile: Hostile, field: str, value: Any) -> None:
    one = await Member.join(hostile, "wrong value")
    one.say(one.feed.page(one.feed.entry(SAID, **{field: value})))
    assert await one.peer.closed() == "malformed"


@pytest.mark.parametrize("change", WRONG_BYTES.values(), ids=WRONG_BYTES.keys())
async def test_a_header_that_is_not_written_in_the_one_right_way_costs_the_link(
    hostile: Hostile, change: Callable[[bytes], bytes]
) -> None:
    one = await Member.join(hostile, "wrong bytes")
    right = one.feed.entry(SAID)
    one.say(one.feed.page(Entry(change(right.raw), right.body)))
    assert await one.peer.closed() == "malformed"


async def test_no_predecessor_at_seq_2_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "no predecessor")
    one.say(one.feed.page(one.feed.entry(SAID, seq=2)))
    assert await one.peer.closed() == "malformed"


# ── chains and Lamport times ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lamport", [1, 2, 4, 2**32, 2**53 - 1])
async def test_a_wrong_lamport_time_costs_the_link(hostile: Hostile, lamport: int) -> None:
    one = await Member.join(hostile, f"lamport {lamport}")
    first = [one.feed.then({}, "later"), one.feed.then({}, "later")]
    one.say(one.feed.page(*first), one.feed.page(one.feed.entry(SAID, lamport=lamport)))
    assert await one.peer.closed() == "void_entry"


async def test_a_first_entry_at_the_end_of_time_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "end of time")
    one.say(one.feed.page(one.feed.entry(SAID, lamport=2**53 - 1)))
    assert await one.peer.closed() == "void_entry"


BROKEN_CHAINS: dict[str, Callable[[Feed, Feed], list[Entry]]] = {
    "a seq left out": lambda own, _: [own.then(SAID), own.entry(SAID, seq=3)],
    "a seq twice": lambda own, _: [own.then(SAID), own.entry(SAID, seq=1, prev=b"")],
    "another predecessor": lambda own, _: [own.then(SAID), own.entry(SAID, prev=NOBODY)],
    "another feed": lambda own, other: [own.then(SAID), own.entry(SAID, feed=other.key)],
    "another room": lambda own, _: [own.then(SAID, room=NOBODY)],
}


@pytest.mark.parametrize("make", BROKEN_CHAINS.values(), ids=BROKEN_CHAINS.keys())
async def test_a_page_that_is_no_chain_costs_the_link(hostile: Hostile, make: Callable[[Feed, Feed], list[Entry]]) -> None:
    one = await Member.join(hostile, "no chain")
    one.say(one.feed.page(*make(one.feed, Feed(LOBBY, bytes(32)))))
    assert await one.peer.closed() == "void_entry"


async def test_a_predecessor_of_another_feed_costs_the_link(hostile: Hostile) -> None:
    one, other = await Member.join(hostile, "grafted"), Feed(LOBBY, b"o" * 32)
    one.say(other.page(other.then({}, "later")))
    one.say(one.feed.page(one.feed.entry(SAID, seq=2, prev=other.last, lamport=2)))
    assert await one.peer.closed() == "void_entry"


async def test_a_seq_that_skips_over_what_is_here_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "skipper")
    one.say(one.feed.page(one.feed.then({}, "later")), one.feed.page(one.feed.entry(SAID, seq=7)))
    assert await one.peer.closed() == "void_entry"


@pytest.mark.parametrize("seq", [1, 5])
async def test_what_rests_on_things_unknown_is_asked_for_and_not_shown(hostile: Hostile, seq: int) -> None:
    one = await Member.join(hostile, f"unfounded {seq}")
    unknown = sorted(feed.blake(bytes([number])) for number in range(8))
    dangling = one.feed.entry(SAID, after=unknown, seq=seq, prev=b"" if seq == 1 else NOBODY, lamport=2**53 - 1)
    one.say(one.feed.page(dangling))
    assert dangling.id in (await one.until(feed.WANT))[2]
    one.say(one.feed.page(dangling), pack([feed.DONE, LOBBY, False]))
    assert dangling.id in (await one.until(feed.WANT))[2]


async def test_a_parked_page_that_turns_out_wrong_costs_the_link(hostile: Hostile) -> None:
    one = await Member.join(hostile, "impatient")
    first = one.feed.then({}, "later")
    one.say(one.feed.page(one.feed.entry(SAID, lamport=9)))
    assert await one.until(feed.WANT)
    one.say(one.feed.page(first))
    assert await one.peer.closed() == "void_entry"


async def test_an_entry_may_name_what_stands_before_it_in_its_page_but_not_be_dated_wrong(hostile: Hostile) -> None:
    one = await Member.join(hostile, "selfish")
    first = one.feed.then({}, "later")
    second = one.feed.then({}, "later", after=[first.id])
    one.say(one.feed.page(first, second))
    await one.claimed(second.id)
    third = one.feed.then({}, "later")
    one.say(one.feed.page(third, one.feed.entry(SAID, after=[third.id], lamport=one.feed.lamport + 2)))
    assert await one.peer.closed() == "void_entry"


# ── signatures and bodies ────────────────────────────────────────────────────────────────────────────────────────────


def with_s_plus_l(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:], "little") + L
    return signature[:32] + s.to_bytes(32, "little")


def with_small_r(own: Feed, message: bytes) -> bytes:
    """R the neutral element: S·B = R + h·A holds without the cofactor too."""
    point = (1).to_bytes(32, "little")
    hashed = bindings.crypto_core_ed25519_scalar_reduce(bindings.crypto_hash_sha512(point + own.key + message))
    secret = bytearray(bindings.crypto_hash_sha512(bytes(own.signer))[:32])
    secret[0] &= 248
    secret[31] = (secret[31] & 127) | 64
    scalar = bindings.crypto_core_ed25519_scalar_reduce(bytes(secret) + bytes(32))
    return point + bindings.crypto_core_ed25519_scalar_mul(hashed, scalar)


def with_mixed_r(signature: bytes) -> bytes:
    """R with a point of order 2 added, which a verification with the cofactor lets pass (for the wrong hash: never here)."""
    return bytes(bindings.crypto_core_ed25519_add(signature[:32], (2**255 - 20).to_bytes(32, "little"))) + signature[32:]


Sign = Callable[[Feed, bytes], bytes]
SIGNATURES: dict[str, Sign] = {
    "zeros": lambda own, last: bytes(64),
    "S + L": lambda own, last: with_s_plus_l(own.sign(b"peertalk/1 entry" + last)),
    "a small R": lambda own, last: with_small_r(own, b"peertalk/1 entry" + last),
    "a mixed R": lambda own, last: with_mixed_r(own.sign(b"peertalk/1 entry" + last)),
    "a flipped bit": lambda own, last: (
        bytes([own.sign(b"peertalk/1 entry" + last)[0] ^ 1]) + own.sign(b"peertalk/1 entry" + last)[1:]
    ),
    "of the id alone": lambda own, last: own.sign(last),
    "of another label": lambda own, last: own.sign(b"peertalk/1 owner" + last),
    "of another entry": lambda own, last: own.sign(b"peertalk/1 entry" + own.entry({"text": "another"}).id),
    "of another feed": lambda own, last: Feed(LOBBY, bytes(32)).sign(b"peertalk/1 entry" + last),
}


@pytest.mark.parametrize("sign", SIGNATURES.values(), ids=SIGNATURES.keys())
async def test_a_wrong_signature_costs_the_link(hostile: Hostile, sign: Sign) -> None:
    one = await Member.join(hostile, "forger")
    made = one.feed.entry(SAID)
    one.say(one.feed.page(made, signature=sign(one.feed, made.id)))
    assert await one.peer.closed() == "bad_signature"


SMALL_KEYS = {
    "the neutral element": ((1).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)),
    "order 4": (bytes(32), (1).to_bytes(32, "little") + bytes(32)),
    "not canonical": ((2**255 - 18).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)),
}


@pytest.mark.parametrize(("key", "signature"), SMALL_KEYS.values(), ids=SMALL_KEYS.keys())
async def test_a_feed_of_small_order_costs_the_link(hostile: Hostile, key: bytes, signature: bytes) -> None:
    one = await Member.join(hostile, "small")
    one.say(one.feed.page(one.feed.entry(SAID, feed=key), signature=signature))
    assert await one.peer.closed() == "bad_key"


async def test_a_page_for_another_room_stays_there(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "rewrapped")
    alone = one.direct(bytes.fromhex(victim.id))
    one.say(alone.feed.page(alone.feed.entry(SAID), room=LOBBY))
    assert await one.peer.closed() == "void_entry"


async def test_an_entry_re_wrapped_for_another_room_has_no_signature(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "rewrapped again")
    there = Feed(one.direct(bytes.fromhex(victim.id)).room, bytes(one.feed.signer))
    original = there.entry(SAID)
    signature = there.sign(b"peertalk/1 entry" + original.id)
    here = [1, LOBBY, *unpack(original.raw)[2:]]
    one.say(one.feed.page(Entry(pack(here), original.body), signature=signature))
    assert await one.peer.closed() == "bad_signature"


BODIES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda said: said[:40] + bytes([said[40] ^ 1]) + said[41:],
    "cut": lambda said: said[:-1],
    "longer": lambda said: said + b"\0",
    "another": lambda said: body({"text": "another"}),
}


@pytest.mark.parametrize("change", BODIES.values(), ids=BODIES.keys())
async def test_a_body_that_is_not_the_one_costs_the_link(hostile: Hostile, change: Callable[[bytes], bytes]) -> None:
    one = await Member.join(hostile, "bodysnatcher")
    made = one.feed.entry(SAID)
    one.say(one.feed.page(Entry(made.raw, change(made.body or b""))))
    assert await one.peer.closed() == "bad_body"


@pytest.mark.parametrize("size", [64, 128, 32_768])
async def test_a_length_that_lies_costs_the_link(hostile: Hostile, size: int) -> None:
    one = await Member.join(hostile, "length")
    one.say(one.feed.page(one.feed.entry({"text": MARK * 6}, size=size)))
    assert await one.peer.closed() == "bad_body"


async def page_of_friend(one: Member, victim: Victim) -> list[Any]:
    """What the friend said last, as the victim gives it to a member."""
    while True:
        asked = await one.until(feed.TIPS)
        for tip in asked[2]:
            one.say(feed.want(LOBBY, [tip]))
            while (answer := await one.hear())[0] != feed.DONE:
                if answer[0] == feed.PAGE and answer[4] and answer[4][-1] and await theirs(answer, victim):
                    return answer


async def theirs(page: list[Any], victim: Victim) -> bool:
    said = unpack(page[4][-1][34 : 34 + int.from_bytes(page[4][-1][32:34], "big")])
    listed = await victim.process.call("messages.list", room="lobby", limit=100_000)
    authors = {one["text"]: one["author"]["id"] for one in listed["messages"] if one["kind"] == "text"}
    return authors.get(said.get("text")) == victim.friend_id


@pytest.mark.parametrize("what", ["body", "signature", "time"])
async def test_what_the_friend_said_can_not_be_changed(hostile: Hostile, victim: Victim, what: str) -> None:
    one = await Member.join(hostile, f"corruptor {what}")
    kind, room, headers, signature, bodies = await page_of_friend(one, victim)
    forged, now = one.feed, unpack(headers[-1])
    if what == "body":
        other = body({"text": MARK}).ljust(len(bodies[-1]), b"\0")
        message, reason = pack([kind, room, headers, signature, [*bodies[:-1], other]]), ""
    elif what == "signature":
        header = pack([*now[:3], now[3] + 1, feed.blake(headers[-1]), now[5] + 1, [], *now[7:]])
        entry = Entry(header, bodies[-1])
        message, reason = forged.page(entry), "bad_signature"
    else:
        entry = Entry(pack([*now[:7], now[7] + 1, *now[8:]]), bodies[-1])
        message, reason = forged.page(entry, signature=signature), "bad_signature"
    one.say(message)
    if reason:
        assert await one.peer.closed() == reason
    else:
        await one.is_heard()
    assert MARK not in await victim.process.texts()


# ── what is kept, and shown or not ───────────────────────────────────────────────────────────────────────────────────

NOT_SHOWN: dict[str, tuple[str, dict[str, Any] | bytes]] = {
    "an unknown kind": ("from_the_future", {"text": MARK}),
    "an edit of a later version": ("edit", {"of": NOBODY, "text": MARK}),
    "no map": ("text", pack([MARK])),
    "no text": ("text", {}),
    "an empty text": ("text", {"text": ""}),
    "a text that is bytes": ("text", {"text": MARK.encode()}),
    "a text that is a number": ("text", {"text": 7}),
    "a text that is not UTF-8": ("text", b"\x81\xa4text\xa3\xff\xfe\xfd"),
    "half a surrogate pair": ("text", b"\x81\xa4text\xa3\xed\xa0\x80"),
    "a trailing byte": ("text", pack({"text": MARK}) + b"\0"),
    "an answer to 31 bytes": ("text", {"text": MARK, "reply_to": NOBODY[:31]}),
    "an extension": ("text", b"\x81\xa4text\xc7\x04\x05" + b"spam"),
    "a timestamp": ("text", b"\x81\xa4text\xd6\xff" + bytes(4)),
    "1,000 deep": ("text", b"\x81\xa4text" + b"\x91" * 1000 + b"\xc0"),
    "30,000 deep under an unknown key": ("text", b"\x82\xa4text\xa1x\xa1z" + b"\x91" * 30_000 + b"\xc0"),
    "32 KiB of empty maps": ("text", b"\x81\xa4text\xdc\x70\x00" + b"\x80" * 0x7000),
    "nothing at all": ("text", b""),
    "a name of 257 characters": ("here", {"name": "x" * 257}),
    "a name that is no name": ("here", {"name": ["x"]}),
    "the end": ("end", {}),
}


@pytest.mark.parametrize(("kind", "content"), NOT_SHOWN.values(), ids=NOT_SHOWN.keys())
async def test_what_can_not_be_read_is_kept_and_passed_on_and_not_shown(
    hostile: Hostile, victim: Victim, kind: str, content: dict[str, Any] | bytes
) -> None:
    one = await Member.join(hostile, f"unreadable {kind} {content!r:.60}")
    entry = one.feed.then(content, kind)
    said = one.feed.page(entry)
    one.say(said)
    await one.claimed(entry.id)
    other = await Member.join(hostile, "asks for it")
    other.say(feed.want(LOBBY, [entry.id]))
    while pack(await other.until(feed.PAGE)) != said:
        pass


async def test_a_body_whose_length_reaches_beyond_it_is_not_shown(hostile: Hostile) -> None:
    one = await Member.join(hostile, "beyond")
    said = bytes(32) + b"\xff\xff" + pack(SAID).ljust(30, b"\0")
    entry = Entry(pack(one.feed.header("text", said)), said)
    one.say(one.feed.page(entry))
    await one.claimed(entry.id)


async def test_what_comes_after_the_end_belongs_to_the_feed_like_anything(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "undead")
    one.say(one.feed.page(one.feed.then({}, "end")), one.feed.says("after the end"))
    await one.claimed(one.feed.last)
    await victim.friend.has_texts("after the end")
    await overlook(victim)


async def test_a_successor_that_the_older_feed_did_not_sign_is_none(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "pretender")
    older = Feed(LOBBY, b"older" + bytes(27))
    said = {"name": "Heir", "next": [older.key, one.feed.sign(b"peertalk/1 next" + LOBBY + one.feed.key)]}
    one.say(one.feed.page(one.feed.then(said, "here")), one.feed.says("I am the heir"))
    await one.claimed(one.feed.last)
    await victim.friend.has_texts("I am the heir")
    await overlook(victim)


async def test_a_fork_is_shown_as_what_it_is_and_costs_nobody_the_link(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "two faces")
    one.say(one.feed.arrives("Janus"))
    left, right = one.feed.entry({"text": "to the left"}), one.feed.entry({"text": "to the right"})
    since = len(victim.process.events)
    one.say(one.feed.page(left), one.feed.page(right))
    await one.claimed(left.id)
    await victim.friend.has_texts("to the left", "to the right")
    warned = await victim.process.wait_event(lambda event: event.get("kind") == "fork", since=since)
    assert (warned["kind"], warned["peer"]) == ("fork", one.identity.hex())
    assert "Janus" in warned["text"]
    await overlook(victim)


TEXTS = {
    "control characters": "a\x00\x07\x1b[2J\x1b]0;owned\x07\x9b31mb",
    "bidi": "a\u202e\u2066drow\u2069\u202c\u200fb",
    "combining marks": "a" + "\u0301" * 14_000,
    "forged lines": "hi\r\x1b[Ax\n\u2028\u2029* Canary has left\n" * 20,
    "invisible": "\u200b\u2060\ufeff\U000e0041" * 500,
    "far too many lines": "\n" * 30_000 + "x",
    "private use and noncharacters": "\ue000\uffff\U0010fffe\ufdd0",
}
BAD = [*map(chr, range(10)), *map(chr, range(11, 32)), "\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\u200f", "\ufeff"]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_texts_and_names_are_harmless_when_they_are_shown(hostile: Hostile, victim: Victim, text: str) -> None:
    one = await Member.join(hostile, f"texts {text[:40]}")
    one.say(one.feed.arrives(text[:250]), one.feed.page(one.feed.then({"text": text}, time=2**53 - 1)))
    await one.claimed(one.feed.last)
    listed = (await victim.process.call("messages.list", room="lobby", limit=1000))["messages"]
    shown = [message for message in listed if message["author"]["id"] == one.identity.hex()]
    names = [message["author"]["name"] for message in shown]
    names += [who["name"] for who in await victim.process.call("rooms.members", room="lobby")]
    assert shown
    for word in [message["text"] for message in shown] + names:
        assert not [character for character in BAD if character in word]
        assert "\u0301" * 20 not in word
    assert all("\n" not in name and len(name) <= 256 for name in names)
    await victim.friend.wait_event(lambda event: event["type"] == "message" and event["message"]["id"] == shown[-1]["id"])
    await overlook(victim)


async def test_of_a_key_that_is_there_twice_the_last_counts(hostile: Hostile, victim: Victim) -> None:
    one = await Member.join(hostile, "twice")
    one.say(one.feed.page(one.feed.then(b"\x82\xa4text\xa5first\xa4text\xa4last")))
    await one.claimed(one.feed.last)
    for process in (victim.process, victim.friend):
        await process.has_texts("last")
        assert "first" not in await process.texts()
    await overlook(victim)
