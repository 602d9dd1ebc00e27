"""Entries: canonical headers, salted and padded bodies, signatures that say one thing each."""

from __future__ import annotations

import gc
import hashlib
from random import Random

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk import text
from peertalk.core import wire
from peertalk.core.entry import (
    KINDS,
    SALT,
    SALTS,
    Content,
    End,
    FeedKey,
    Header,
    Here,
    Left,
    Salts,
    Text,
    decode_header,
    encode_header,
    hash32,
    open_body,
    seal_body,
    verify_next,
    verify_owner,
    verify_page,
)
from peertalk.errors import RemoteError, RequestError
from tests.core.authors import ROOM, Author

ids = st.binary(min_size=32, max_size=32)
naturals = st.integers(0, 2**53 - 1)
positives = st.integers(1, 2**53 - 1)


@st.composite
def headers(draw: st.DrawFn) -> Header:
    seq = draw(positives)
    return Header(
        1,
        draw(ids),
        draw(ids),
        seq,
        b"" if seq == 1 else draw(ids),
        draw(positives),
        tuple(sorted(draw(st.sets(ids, max_size=8)))),
        draw(naturals),
        draw(st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=16)),
        draw(ids),
        draw(st.integers(SALT, wire.MAX_BODY)),
    )


def refused(raw: bytes) -> bool:
    try:
        decode_header(raw)
    except RemoteError as error:
        assert error.kind == "malformed"
        return True
    return False


@given(headers())
def test_a_header_comes_back_as_it_was(header: Header) -> None:
    assert decode_header(encode_header(header)) == header


@given(headers())
def test_a_header_is_what_an_independent_encoder_makes_of_its_fields(header: Header) -> None:
    fields = [list(field) if isinstance(field, tuple) else field for field in msgspec.structs.astuple(header)]
    assert msgpack.packb(fields, use_bin_type=True) == encode_header(header)


@given(headers())
def test_even_the_longest_header_fits_its_limit(header: Header) -> None:
    assert len(encode_header(header)) <= wire.MAX_HEADER


@given(headers(), st.data())
def test_a_damaged_header_is_refused_or_canonical(header: Header, data: st.DataObject) -> None:
    raw = bytearray(encode_header(header))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    if not refused(bytes(raw)):
        assert msgpack.packb(msgpack.unpackb(bytes(raw)), use_bin_type=True) == raw


@given(st.binary(max_size=300))
def test_any_bytes_are_a_header_or_refused(raw: bytes) -> None:
    refused(raw)


def test_another_encoding_of_the_same_header_is_refused() -> None:
    raw = encode_header(Author("ben").entry().header)
    assert raw[:2] == b"\x9b\x01"
    assert not refused(raw)
    assert refused(b"\xdc\x00\x0b" + raw[1:])
    assert refused(b"\x9b\xcc\x01" + raw[2:])
    assert refused(raw[:2] + b"\xc5\x00" + raw[3:])
    assert refused(raw + b"\x00")


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 2},
        {"room": bytes(31)},
        {"feed": bytes(33)},
        {"seq": 0},
        {"seq": 2},
        {"seq": 2**53},
        {"prev": bytes(32)},
        {"prev": bytes(31), "seq": 2},
        {"lamport": 0},
        {"lamport": 2**53},
        {"after": (bytes(32), bytes(32))},
        {"after": (b"b" * 32, b"a" * 32)},
        {"after": tuple(bytes([n]) * 32 for n in range(9))},
        {"after": (bytes(31),)},
        {"time": -1},
        {"kind": ""},
        {"kind": "Text"},
        {"kind": "x" * 17},
        {"kind": "a b"},
        {"kind": "text\n"},
        {"body": bytes(31)},
        {"size": SALT - 1},
        {"size": wire.MAX_BODY + 1},
    ],
    ids=str,
)
def test_a_header_that_breaks_a_rule_is_refused(changes: dict[str, object]) -> None:
    assert refused(Author("ben").entry(**changes).raw)


names = st.text(min_size=1, max_size=64)
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, st.text(min_size=1, max_size=2000), st.none() | ids),
    st.builds(Here, names, st.text(max_size=64), st.none() | st.tuples(ids, st.binary(min_size=64, max_size=64))),
    st.just(Left()),
    st.just(End()),
)


@given(contents, st.randoms(use_true_random=False))
def test_a_body_comes_back_as_it_was_and_tells_little_by_its_length(content: Content, random: object) -> None:
    kind, body = seal_body(content, lambda count: b"s" * count)
    assert open_body(kind, body) == content
    assert len(body) in (64, 128, 256, 512, *range(1024, wire.MAX_BODY + 1, 1024))


@given(st.sampled_from([*KINDS, "later"]), st.binary(max_size=300))
def test_any_bytes_are_a_body_or_nothing(kind: str, body: bytes) -> None:
    open_body(kind, body)


@given(st.sampled_from(list(KINDS)), st.recursive(st.none() | st.text() | st.binary(), st.lists), st.binary(max_size=3))
def test_a_body_of_another_shape_is_nothing(kind: str, said: object, rest: bytes) -> None:
    inner = msgpack.packb(said) + rest
    open_body(kind, bytes(SALT) + len(inner).to_bytes(2, "big") + inner)


def test_unknown_fields_of_a_body_are_passed_over() -> None:
    inner = msgpack.packb({"text": "hi", "colour": "red"})
    assert open_body("text", bytes(SALT) + len(inner).to_bytes(2, "big") + inner) == Text("hi")


def test_a_body_nested_beyond_reason_is_nothing() -> None:
    inner = b"\x81\xa1x" + b"\x91" * 20_000
    assert open_body("text", bytes(SALT) + len(inner).to_bytes(2, "big") + inner) is None


def test_the_hash_of_a_body_cannot_be_guessed_from_its_text() -> None:
    one, other = (seal_body(Text("yes"), Author(name).random)[1] for name in ("ben", "cara"))
    assert hash32(one) != hash32(other)


def test_too_long_a_text_is_the_callers_mistake() -> None:
    longest = wire.MAX_BODY - 200
    assert len(seal_body(Text("x" * longest), bytes)[1]) == wire.MAX_BODY
    with pytest.raises(RequestError) as error:
        seal_body(Text("x" * wire.MAX_BODY), bytes)
    assert error.value.kind == "too_large"


def test_text_that_cannot_be_encoded_is_the_callers_mistake() -> None:
    with pytest.raises(RequestError) as error:
        seal_body(Text("\udcff"), bytes)
    assert error.value.kind == "bad_text"


@pytest.mark.parametrize(
    "name", ["x" * 500, "👩🏻‍❤️‍💋‍👨🏿" * 40, "ﷺ" * 100, "e\u0301\u0302" * 100], ids=["long", "emoji", "wide", "marks"]
)
def test_every_name_that_one_can_give_oneself_can_be_read_by_others(name: str) -> None:
    kind, body = seal_body(Here(text.name(name), text.name(name)), bytes)
    assert isinstance(open_body(kind, body), Here)


def test_ids_are_blake2b_256() -> None:
    assert hash32(b"x") == hashlib.blake2b(b"x", digest_size=32).digest()


def test_a_signature_says_one_thing_only() -> None:
    key, other = FeedKey(b"1" * 32), FeedKey(b"2" * 32)
    page, owner, succ = key.sign_page(ROOM.id), key.sign_owner(ROOM.id, other.public), key.sign_next(ROOM.id, other.public)
    assert verify_page(key.public, ROOM.id, page)
    assert verify_owner(key.public, owner, ROOM.id, other.public)
    assert verify_next(key.public, succ, ROOM.id, other.public)
    assert not verify_page(other.public, ROOM.id, page)
    assert not verify_page(key.public, bytes(32), page)
    assert not verify_owner(key.public, succ, ROOM.id, other.public)
    assert not verify_next(key.public, owner, ROOM.id, other.public)
    assert not verify_owner(key.public, owner, bytes(32), other.public)
    assert not verify_next(key.public, succ, ROOM.id, key.public)


@given(ids, st.binary(min_size=64, max_size=64))
def test_any_bytes_as_key_and_signature_are_judged(feed: bytes, signature: bytes) -> None:
    assert not verify_page(feed, ROOM.id, signature)
    assert not verify_next(feed, signature, ROOM.id, ROOM.id)


@pytest.mark.parametrize("key", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32], ids=["zero", "one", "past the field"])
def test_a_key_of_low_order_or_none_owns_nothing(key: bytes) -> None:
    with pytest.raises(RemoteError) as error:
        verify_owner(key, bytes(64), ROOM.id, ROOM.id)
    assert error.value.kind == "bad_key"


def test_salts_are_drawn_many_at_a_time_and_each_is_given_out_once() -> None:
    drawn: list[int] = []
    bits = Random("salts")

    def random(size: int) -> bytes:
        drawn.append(size)
        return bits.randbytes(size)

    salts = Salts(random)
    given_out = [salts(SALT) for _ in range(4 * SALTS)]
    assert {len(salt) for salt in given_out} == {SALT}
    assert len(set(given_out)) == len(given_out)
    assert drawn == [SALT * count for count in (8, 16, 32, 64, 128, 256, 512, 512, 512, 512)]


def test_a_salt_that_was_given_out_is_not_kept() -> None:
    salts = Salts(Random("salts").randbytes)
    first, second = salts(SALT), salts(SALT)
    assert not [one for salt in (first, second) for one in gc.get_referrers(salt) if isinstance(one, list)]


def test_bodies_of_the_same_words_have_nothing_in_common_but_them() -> None:
    salts = Salts(Random("bodies").randbytes)
    bodies = [seal_body(Text("yes"), salts)[1] for _ in range(3 * SALTS)]
    assert len({body[:SALT] for body in bodies}) == len(bodies)
    assert len({body[SALT:] for body in bodies}) == 1
