"""Messages between members: strict decoding, checked against an independent MessagePack implementation."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import wire
from peertalk.errors import RemoteError

ID = bytes(range(32))
SIGNATURE = bytes(64)
BODY = bytes(64)
EXAMPLES: list[wire.Message] = [
    wire.Card(ID, ID, ((ID, SIGNATURE),)),
    wire.Have(ID, ID, 7, True),
    wire.Tips(ID, (ID,), (ID,), True, False, True),
    wire.Want(ID, (ID,), (ID, ID)),
    wire.Page(ID, (b"header", b"another"), SIGNATURE, (BODY, None)),
    wire.Done(ID, False),
    wire.WantBodies(ID, (ID,)),
    wire.Bodies(ID, ((ID, BODY),)),
    wire.Signal(ID, "typing"),
    wire.Quit(ID),
    wire.Peers(ID, 4000, ((ID, ((bytes(4), 4000), (bytes(16), 65535))),)),
    wire.Verify(ID, wire.VERIFY_NONCE, ID),
    wire.Roll(ID, ID),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_what_a_message_is_can_be_seen_without_decoding_it(message: wire.Message) -> None:
    raw = wire.encode(message)
    assert wire.room_of(raw) == message.room
    assert wire.is_live(raw) is isinstance(message, wire.Page | wire.Tips | wire.Signal)


@pytest.mark.parametrize("raw", [b"", b"\x93", b"\xdc\x00\x03" + bytes(40), b"\x93\x03\xc4\x1f" + bytes(40)])
def test_what_is_written_in_another_way_shows_no_room(raw: bytes) -> None:
    assert wire.room_of(raw) is None


ids = st.binary(min_size=32, max_size=32)
signatures = st.binary(min_size=64, max_size=64)
some_ids = st.lists(ids, max_size=5).map(tuple)
one_id_or_more = st.lists(ids, min_size=1, max_size=5).map(tuple)
bodies = st.binary(min_size=32, max_size=100)
headers = st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=5).map(tuple)
addresses = st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16)
endpoints = st.lists(st.tuples(addresses, st.integers(1024, 65535)), min_size=1, max_size=4).map(tuple)
messages: st.SearchStrategy[wire.Message] = st.one_of(
    st.builds(wire.Card, ids, ids, st.lists(st.tuples(ids, signatures), max_size=3).map(tuple)),
    st.builds(wire.Have, ids, ids, st.integers(0, 2**53 - 1), st.booleans()),
    st.builds(wire.Tips, ids, some_ids, some_ids, st.booleans(), st.booleans(), st.booleans()),
    st.builds(wire.Want, ids, one_id_or_more, some_ids),
    st.builds(wire.Page, ids, headers, signatures, st.lists(st.none() | bodies, min_size=1, max_size=5).map(tuple)),
    st.builds(wire.Done, ids, st.booleans()),
    st.builds(wire.WantBodies, ids, one_id_or_more),
    st.builds(wire.Bodies, ids, st.lists(st.tuples(ids, bodies), max_size=3).map(tuple)),
    st.builds(wire.Signal, ids, st.text(max_size=16)),
    st.builds(wire.Quit, ids),
    st.builds(wire.Peers, ids, st.integers(0, 65535), st.lists(st.tuples(ids, endpoints), max_size=3).map(tuple)),
    st.builds(wire.Verify, ids, st.integers(0, wire.VERIFY_CANCEL), ids),
    st.builds(wire.Roll, ids, ids),
)


def decoded(raw: bytes) -> wire.Message | None:
    """The message; None where it is refused as it must be. Anything else raises."""
    try:
        return wire.decode(raw)
    except RemoteError as error:
        assert error.kind == "malformed"
        return None


@given(messages)
def test_a_message_comes_back_as_it_was(message: wire.Message) -> None:
    assert wire.decode(wire.encode(message)) == message


@given(messages)
def test_the_bytes_are_those_of_an_independent_encoder(message: wire.Message) -> None:
    raw = wire.encode(message)
    assert msgpack.packb(msgpack.unpackb(raw, use_list=True), use_bin_type=True) == raw


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    decoded(raw)


@given(messages, st.data())
def test_a_damaged_message_is_read_or_refused(message: wire.Message, data: st.DataObject) -> None:
    raw = bytearray(wire.encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    decoded(bytes(raw))


@given(messages, st.data())
def test_a_cut_or_prolonged_message_is_refused(message: wire.Message, data: st.DataObject) -> None:
    raw = wire.encode(message)
    assert decoded(raw[: data.draw(st.integers(0, len(raw) - 1))]) is None
    assert decoded(raw + data.draw(st.binary(min_size=1, max_size=3))) is None


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_field_too_many_is_refused(message: wire.Message) -> None:
    fields = [*msgpack.unpackb(wire.encode(message)), 0]
    assert decoded(msgpack.packb(fields)) is None


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
@pytest.mark.parametrize("wrong", [None, 1.0, -1, 2**64 - 1, "text", b"", b"x" * 31, [], {}, [[b"", b""]]], ids=repr)
def test_a_field_of_another_type_is_refused(message: wire.Message, wrong: object) -> None:
    fields = msgpack.unpackb(wire.encode(message))
    for place, right in enumerate(fields):
        if type(right) is not type(wrong):
            assert decoded(msgpack.packb([*fields[:place], wrong, *fields[place + 1 :]])) is None


@pytest.mark.parametrize(
    "message",
    [
        wire.Tips(ID, (ID,) * (wire.MAX_TIPS + 1)),
        wire.Tips(ID, (), (ID,) * (wire.MAX_ABSENT + 1)),
        wire.Want(ID, ()),
        wire.Want(ID, (ID,) * (wire.MAX_WANT + 1)),
        wire.Want(ID, (ID,), (ID,) * (wire.MAX_KNOWN + 1)),
        wire.Page(ID, (), SIGNATURE, (None,)),
        wire.Page(ID, (b"h",) * (wire.MAX_PAGE_ENTRIES + 1), SIGNATURE, (None,)),
        wire.Page(ID, (b"h" * (wire.MAX_HEADER + 1),), SIGNATURE, (None,)),
        wire.Page(ID, (b"h",), SIGNATURE, (bytes(wire.MAX_BODY + 1),)),
        wire.Page(ID, (b"h",), SIGNATURE, (bytes(31),)),
        wire.Page(ID, (b"h",), bytes(63), (None,)),
        wire.Card(ID, ID, ((ID, SIGNATURE),) * (wire.MAX_FEEDS + 1)),
        wire.Have(ID, ID, 2**53, True),
        wire.Have(ID, bytes(33), 1, True),
        wire.Signal(ID, "x" * 17),
        wire.WantBodies(ID, ()),
        wire.Bodies(ID, ((ID, BODY),) * (wire.MAX_WANT + 1)),
        wire.Quit(b""),
        wire.Verify(ID, wire.VERIFY_CANCEL + 1, ID),
        wire.Verify(ID, -1, ID),
        wire.Verify(ID, 0, b""),
        wire.Roll(ID, bytes(33)),
        wire.Peers(ID, 65536, ()),
        wire.Peers(ID, -1, ()),
        wire.Peers(ID, 0, ((ID, ()),)),
        wire.Peers(ID, 0, ((ID, ((bytes(4), 1023),)),)),
        wire.Peers(ID, 0, ((ID, ((bytes(4), 65536),)),)),
        wire.Peers(ID, 0, ((ID, ((bytes(4), 4000),) * (wire.MAX_ENDPOINTS + 1)),)),
        wire.Peers(ID, 0, ((ID, ((bytes(4), 4000),)),) * (wire.MAX_PEERS + 1)),
        wire.Peers(ID, 0, ((bytes(31), ((bytes(4), 4000),)),)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_beyond_a_limit_is_refused(message: wire.Message) -> None:
    assert decoded(wire.encode(message)) is None


def test_deep_nesting_is_refused_not_followed() -> None:
    assert decoded(b"\x91" * 300_000) is None


def test_text_that_is_not_utf8_is_refused() -> None:
    assert decoded(msgpack.packb([9, ID], use_bin_type=True)[:-1] + ID[-1:] + b"\xa2\xff\xff") is None
    assert decoded(b"\x93\x09\xc4\x20" + ID + b"\xa2\xff\xff") is None


@pytest.mark.parametrize("size", [0, 3, 5, 15, 17])
def test_an_address_that_is_neither_ipv4_nor_ipv6_is_refused(size: int) -> None:
    assert decoded(msgpack.packb([11, ID, 0, [[ID, [[bytes(size), 4000]]]]])) is None
