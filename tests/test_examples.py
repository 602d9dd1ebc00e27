"""docs/examples.md is what tests/examples.py makes, and the program makes the same of the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from peertalk.core import codes, slots, wire
from peertalk.core.emoji import EMOJI, as_emoji
from peertalk.core.entry import (
    Admit,
    Follow,
    Here,
    Over,
    Seal,
    Text,
    Unseal,
    decode_header,
    encode_header,
    hash32,
    message_id,
    open_body,
    seal_body,
    verify_next,
    verify_owner,
    verify_page,
)
from peertalk.core.identity import Identity, fingerprint
from peertalk.core.rolls import roll, roster
from peertalk.core.rooms import decode_terms, direct_secret, encode_terms, open_room, private_room, room_id
from peertalk.core.verify import commitment, emoji_of
from peertalk.node.comparing import room_words
from peertalk.node.life import open_secret
from peertalk.text import room_name
from tests import examples
from tests.core.authors import START, Author
from tests.core.desk import Desk, sent
from tests.examples import ANNA, BEN, CARA, HELLO, HERE, LOBBY

NAMES = {kind.__name__ for kind in wire.Message.__args__}
LINES = examples.render().replace("\n" + " " * 26, "").splitlines()
SHOWN = dict(re.split(r"\s{2,}|\s(?=[0-9a-f]*$)", line.strip(), maxsplit=1) for line in LINES if line.startswith("    "))


def test_the_page_is_what_the_script_makes() -> None:
    assert examples.PAGE.read_text(encoding="utf-8") == examples.render(), "run: python -m tests.examples"


@pytest.mark.parametrize("file", ["examples.py", "core/reference.py", "core/pairing_reference.py"])
def test_the_script_uses_nothing_of_the_program(file: str) -> None:
    tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
    imported = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    imported += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in imported if name.split(".")[0] == "peertalk"]


def test_an_invitation() -> None:
    """That the frames are those that the program seals is looked at in tests/core/test_pairing_reference.py."""
    shown = {name: bytes.fromhex(SHOWN[name]) for name in ("secret of slot 7", "id of slot 7", "password")}
    assert slots.secrets({7}) == {shown["id of slot 7"]: shown["secret of slot 7"]}
    assert codes.Code(7, "words", bytes(examples.INVITED["words"])).password == shown["password"]
    elements, confirmations = examples.INVITED["elements"], examples.INVITED["confirmations"]
    assert [SHOWN["frame 5"][2:], SHOWN["frame 6"][2:]] == elements
    assert [SHOWN["frame 7"], SHOWN["frame 8 begins with"][:64]] == confirmations


def test_identities() -> None:
    for person in (ANNA, BEN):
        assert Identity.from_seed(person.private).public == person.identity
        assert fingerprint(person.identity) == examples.fingerprint(person.identity)


def test_rooms() -> None:
    assert room_name("#Büro  EINS") == "büro-eins"
    assert open_room("lobby", open_secret("lobby"), 0).id == LOBBY
    shared = Identity.from_seed(BEN.private).dh(ANNA.identity)
    secret = examples.direct_secret(shared, BEN.identity, ANNA.identity)
    assert direct_secret(Identity.from_seed(ANNA.private), BEN.identity) == secret
    assert room_id(secret) == examples.room_id(secret)


def test_private_rooms() -> None:
    for terms in (examples.TERMS, examples.REFORMED, examples.FLEETING):
        raw = examples.packed(terms)
        decoded = decode_terms(raw)
        assert encode_terms(decoded) == raw
        assert private_room(decoded, 0).id == examples.room_id(examples.private_secret(raw))
    assert private_room(decode_terms(examples.packed(examples.TERMS)), 0).retention == 30
    reformed = private_room(decode_terms(examples.packed(examples.REFORMED)), 0)
    assert (reformed.retention, reformed.predecessor, reformed.without) == (30, examples.CIRCLE, (CARA.identity,))
    assert private_room(decode_terms(examples.packed(examples.FLEETING)), 0).retention == "session"


def test_what_is_said_of_doors() -> None:
    anna, ben = ANNA.identity, BEN.identity
    tips = examples.count_up(0x80), examples.count_up(0xA0)
    said = (Here("Anna", by=ben), Seal((anna, ben)), Admit(ben), Unseal(), Follow(tips, first=True), Follow(()), Over())
    for (kind, content), expected in zip(examples.DOORS, said, strict=True):
        inner = examples.packed(content)
        assert open_body(kind.split(",")[0], bytes(32) + len(inner).to_bytes(2, "big") + inner) == expected
        assert seal_body(expected, bytes)[1][34:].rstrip(b"\0") == inner.rstrip(b"\0")


def test_signatures() -> None:
    assert verify_owner(ANNA.feed, ANNA.sign(examples.OWNER), LOBBY, ANNA.identity)
    assert verify_next(ANNA.feed, ANNA.sign(examples.NEXT), LOBBY, BEN.feed)
    signed, _ = examples.page(ANNA, HERE, HELLO)
    assert verify_page(ANNA.feed, HELLO.id, ANNA.sign(signed))


def test_entries() -> None:
    for each, content in ((HERE, Here("Anna")), (HELLO, Text("Hallo, schön!"))):
        header = decode_header(each.header)
        assert (encode_header(header), hash32(each.header), header.body) == (each.header, each.id, hash32(each.body))
        assert open_body(header.kind, each.body) == content
        assert seal_body(content, lambda size, body=each.body: body[:size]) == (header.kind, each.body)
    assert message_id(ANNA.feed, hash32(HELLO.body)).hex() in SHOWN.values()


def test_messages() -> None:
    """Each message of the page decodes to one that the program writes with the same bytes."""
    kinds = {name: value for name, value in SHOWN.items() if name.split(",")[0] in NAMES}
    decoded = [wire.decode(bytes.fromhex(value)) for value in kinds.values()]
    assert [type(message).__name__ for message in decoded] == [name.split(",")[0] for name in kinds]
    assert [wire.encode(message).hex() for message in decoded] == list(kinds.values())
    assert {type(message) for message in decoded} == set(wire.Message.__args__)


def test_who_is_who() -> None:
    anna, ben = ((person.identity, examples.NONCES[person.identity]) for person in (ANNA, BEN))
    for own, other in ((anna, ben), (ben, anna)):
        assert commitment(own[1], own[0], other[0], examples.BINDING).hex() in SHOWN.values()
    raw, numbers = examples.emoji(examples.NONCES, examples.BINDING)
    assert emoji_of(ben, anna, examples.BINDING) == raw
    assert [name for _, name in as_emoji(raw, "en")] == [EMOJI[number].en for number in numbers]


def test_rosters_rolls_and_words() -> None:
    desk, secret = Desk("Anna", room=open_room("lobby", open_secret("lobby"), START)), open_secret("lobby")
    ben = Author("Bén", LOBBY)
    desk.hear(desk.meet(ben, rooms=[LOBBY]), ben.arrives())
    names = {desk.me: "Anna", ben.public: "Bén"}
    room = desk.replica.places[LOBBY].room
    assert (roster(room), roll(room)) == (examples.roster(names), examples.roll(names, secret))
    assert room_words(secret, examples.roster(examples.NAMES)) == examples.words(examples.NAMES, secret)


def test_a_replica_takes_them_and_claims_the_same() -> None:
    desk = Desk(room=open_room("lobby", open_secret("lobby"), START))
    desk.links = 1
    desk.do(lambda replica: replica.link_up(1, ANNA.identity, (LOBBY,), desk.now))
    for name in ("Card", "Tips, all, to memory", "Page"):
        raw = bytes.fromhex(SHOWN[name])
        effects = desk.do(lambda replica, raw=raw: replica.received(1, raw, desk.now))
    room = desk.replica.places[LOBBY].room
    assert HELLO.id in room.held
    assert sent(wire.Tips, effects, 1)[-1].tips == (HELLO.id,)
    assert room.digest() == examples.digest(*room.held)
