"""Decoders of messages and entries: what they take is what an independent msgpack reads, and encodes to the same again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgpack
import msgspec

from peertalk import text
from peertalk.core import wire
from peertalk.core.entry import KINDS, SALT, Header, Here, Text, decode_header, encode_header, open_body
from peertalk.core.rooms import decode_terms, encode_terms, private_room, terms_of
from peertalk.errors import RemoteError
from tests.fuzz.choices import Choices

TYPES = (
    wire.Card, wire.Have, wire.Tips, wire.Want, wire.Page, wire.Done, wire.WantBodies, wire.Bodies, wire.Signal,
    wire.Quit, wire.Peers, wire.Wait, wire.Offer, wire.Verify, wire.Roll, wire.Pages, wire.Pulses,
    wire.Need, wire.Prune, wire.Known, wire.WantCards,
)  # fmt: skip
Field = Callable[[Choices], object]
Shape = tuple[Field, ...]
OPTIONAL = {wire.Tips: 3, wire.Want: 3, wire.Offer: 5}
"""How many elements there are at least, the type counted, where trailing ones may be left out."""


def message(data: bytes) -> None:
    """A message as bytes, or built of values of any type."""
    choices = Choices(data)
    raw = choices.rest() if choices.number(2) == 0 else _shaped(choices, MESSAGES)
    try:
        found = wire.decode(raw)
    except RemoteError as error:
        assert error.kind == "malformed"
        return
    again = wire.encode(found)
    assert len(again) <= len(raw) + 100
    assert wire.decode(again) == found
    assert _is_said_so(found, msgpack.unpackb(raw, strict_map_key=False))
    assert _is_said_so(found, msgpack.unpackb(again))


def _is_said_so(found: wire.Message, said: list[object]) -> bool:
    """Whether the array that somebody else read says the same."""
    fields = [TYPES.index(type(found)) + 1, *map(_plain, msgspec.structs.astuple(found))]
    least = OPTIONAL.get(type(found), len(fields))
    return least <= len(said) <= len(fields) and said == fields[: len(said)]


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def terms(data: bytes) -> None:
    """Terms of a room as bytes, or built of values: refused, or their bytes are the only ones that say what they say, to everybody."""
    choices = Choices(data)
    raw = choices.rest() if choices.number(2) == 0 else _shaped(choices, [TERMS])
    try:
        found = decode_terms(raw)
    except RemoteError as error:
        assert error.kind == "malformed"
        return
    assert encode_terms(found) == raw
    assert len(raw) <= wire.MAX_TERMS
    assert msgpack.unpackb(raw) == [_plain(each) for each in msgspec.structs.astuple(found)]
    assert text.line(found.name, 1000)
    assert found.name.isprintable()
    assert terms_of(private_room(found, 0)) == found


def header(data: bytes) -> None:
    """A header as bytes, or built of values: refused, or its bytes are the only ones that say what it says."""
    choices = Choices(data)
    raw = choices.rest() if choices.number(2) == 0 else _shaped(choices, [HEADER])
    try:
        found = decode_header(raw)
    except RemoteError as error:
        assert error.kind == "malformed"
        return
    fields = [_plain(field) for field in msgspec.structs.astuple(found)]
    assert encode_header(found) == msgpack.packb(fields) == raw
    assert decode_header(raw) == found
    assert len(raw) <= wire.MAX_HEADER
    assert _is_sound(found)


def _is_sound(found: Header) -> bool:
    chain = (found.seq == 1) == (found.prev == b"")
    return chain and list(found.after) == sorted(set(found.after)) and found.kind.isascii() and "\n" not in found.kind


def body(data: bytes) -> None:
    """A body of any kind: None, or something that can be shown."""
    choices = Choices(data)
    kind = choices.pick([*KINDS, "later", ""])
    plain = choices.number(2) == 0
    content = choices.rest() if plain else _packed(choices)
    raw = content if plain else bytes(SALT) + min(len(content), 65_535).to_bytes(2, "big") + content
    match open_body(kind, raw):
        case Text(said):
            assert "\x1b" not in text.message(said)
        case Here(name, was):
            assert text.name(name, "?")
            assert text.name(was, "?")


# ── values that are nearly right ─────────────────────────────────────────────────────────────────────────────────────


def _shaped(choices: Choices, shapes: Sequence[Shape]) -> bytes:
    """An array as it should be, but for one element in eight, and for one in sixteen left out or put in."""
    shape = choices.pick(shapes)
    values = [field(choices) if choices.number(8) else _value(choices, 0) for field in shape]
    match choices.number(16):
        case 1:
            values.pop()
        case 2:
            values.append(_value(choices, 0))
    return msgpack.packb(values)


def _id(choices: Choices) -> object:
    return choices.take(1).ljust(32, b"\0")


def _signature(choices: Choices) -> object:
    return choices.take(1).ljust(64, b"\0")


def _bool(choices: Choices) -> object:
    return bool(choices.number(2))


def _count(choices: Choices) -> object:
    return choices.pick((0, 1, 2, 40, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, 2**53))


def _body(choices: Choices) -> object:
    return None if choices.number(4) == 0 else bytes(choices.pick((32, 64, 31, wire.MAX_BODY, wire.MAX_BODY + 1)))


def _list(field: Field, *lengths: int) -> Field:
    """A list of such values, now and then of these lengths too."""
    return lambda choices: [field(choices) for _ in range(choices.pick((0, 1, 2, 2, 3, *lengths)))]


def _pair(*fields: Field) -> Field:
    return lambda choices: [field(choices) for field in fields]


def _run(choices: Choices) -> object:
    return [_list(_just(b"h"), wire.MAX_PAGE_ENTRIES + 1)(choices), _signature(choices), _list(_body)(choices)]


def _just(value: object) -> Field:
    return lambda _: value


def _kind(choices: Choices) -> object:
    return choices.pick(("text", "typing", "a" * 16, "a" * 17, "", "x\n", "ä"))


def _port(choices: Choices) -> object:
    return choices.pick((40400, 1024, 1023, 1, 0, 65535, 65536, -1, "x"))


def _terms(choices: Choices) -> object:
    return bytes(choices.pick((0, 1, 64, wire.MAX_TERMS, wire.MAX_TERMS + 1)))


def _address(choices: Choices) -> object:
    return choices.pick((bytes(4), bytes(16), bytes([192, 168, 1, 20]), b"", bytes(5), "10.0.0.1"))


_ids = _list(_id)
MESSAGES: tuple[Shape, ...] = (
    (_just(1), _id, _id, _list(_pair(_id, _signature), wire.MAX_FEEDS, wire.MAX_FEEDS + 1)),
    (_just(2), _id, _id, _count, _bool),
    (_just(3), _id, _list(_id, wire.MAX_TIPS, wire.MAX_TIPS + 1), _list(_id, wire.MAX_ABSENT + 1), _bool, _bool, _bool),
    (_just(4), _id, _list(_id, wire.MAX_WANT, wire.MAX_WANT + 1), _list(_id, wire.MAX_KNOWN + 1)),
    (_just(5), _id, _list(_just(b"h"), wire.MAX_PAGE_ENTRIES + 1), _signature, _list(_body)),
    (_just(6), _id, _bool),
    (_just(7), _id, _list(_id, wire.MAX_WANT, wire.MAX_WANT + 1)),
    (_just(8), _id, _list(_pair(_id, _body), wire.MAX_WANT + 1)),
    (_just(9), _id, _kind),
    (_just(10), _id),
    (_just(11), _id, _port, _list(_pair(_id, _list(_pair(_address, _port), wire.MAX_ENDPOINTS + 1)), wire.MAX_PEERS + 1)),
    (_just(12), _id),
    (_just(13), _id, _id, _terms, _id, _list(_id, wire.MAX_FOLLOWERS, wire.MAX_FOLLOWERS + 1)),
    (_just(14), _id, _count, _id),
    (_just(15), _id, _id),
    (_just(16), _id, _list(_run, wire.MAX_PAGES + 1)),
    (_just(17), _id, _list(_pair(_id, _count, _id, _bool, _signature), wire.MAX_PULSES + 1)),
    (_just(18), _id, _bool),
    (_just(19), _id),
)
TERMS: Shape = (
    _id,
    lambda choices: choices.pick(
        ("Circle", "Kreis öffnen", "x" * 64, "x" * 65, "", " x", "x\ny", "\u202ex", "e\u0301", "\u200b")
    ),
    lambda choices: choices.pick(("de", "en", "fr")),
    lambda choices: choices.pick((0, -1, 1, 3650, 3651, -2, True)),
    lambda choices: choices.pick((b"", bytes(32), bytes(31))),
    lambda choices: sorted(choices.take(1) + bytes(31) for _ in range(choices.pick((0, 0, 1, 2, 32, 33)))),
)
HEADER: Shape = (
    _just(1),
    _id,
    _id,
    _count,
    lambda choices: choices.pick((b"", bytes(32), bytes(31))),
    _count,
    _ids,
    _count,
    _kind,
    _id,
    _count,
)


def _packed(choices: Choices) -> bytes:
    """An array or a map of any values."""
    if choices.number(4) == 0:
        return msgpack.packb({str(_value(choices, 0)): _value(choices, 1) for _ in range(choices.number(4))})
    return msgpack.packb([_value(choices, 0) for _ in range(choices.number(13))])


def _value(choices: Choices, depth: int) -> object:
    """A value: a small number, an id, a signature, a body, a list of values …"""
    match choices.number(14):
        case 0 | 1:
            return choices.number(12)
        case 2 | 3 | 4:
            return (choices.take(1) * 32).ljust(32, b"\0")
        case 5:
            return (choices.take(1) * 64).ljust(64, b"\0")
        case 6:
            return choices.take(choices.number(1200))
        case 7:
            return choices.take(1) + bytes(choices.number(256))
        case 8 | 9 | 10 if depth < 4:
            return [_value(choices, depth + 1) for _ in range(choices.number(6))]
        case 11:
            return choices.pick(
                (None, True, False, 2**53, 2**53 - 1, -1, 2**64 - 1, 1.5, float("nan"), {}, msgpack.ExtType(1, b"x"))
            )
        case 12:
            return choices.pick(("typing", "text", "here", "name", "was", "next", "reply_to", "a" * 16, "a" * 17, "x\n", ""))
        case _:
            return choices.take(choices.number(20)).decode("utf-8", "replace")
