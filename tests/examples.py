"""The worked examples of docs/examples.md, made from docs/protocol.md alone: `python -m tests.examples` writes them.

Nothing here imports peertalk: everything is hashlib, msgpack, PyNaCl and an independent Noise library, put together as the
specification says. tests/test_examples.py holds the page, this and the program against each other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgpack
from nacl import bindings, pwhash

from tests.core.pairing_reference import Half, Q, hkdf, slot_secret
from tests.core.reference import BYE, FINAL, PING, PONG, REKEY, Reference

PAGE = Path(__file__).parents[1] / "docs" / "examples.md"
VECTOR = json.loads((Path(__file__).parent / "vectors" / "channel.json").read_text(encoding="utf-8"))
INVITED = json.loads((Path(__file__).parent / "vectors" / "invite.json").read_text(encoding="utf-8"))[0]
ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijkmnpqrstuvwxyz23456789")
START = 1_800_000_000_000  # Unix milliseconds
WIDTH = 64


def count_up(start: int, size: int = 32) -> bytes:
    """A secret that everybody can see through: consecutive bytes."""
    return bytes(range(start, start + size))


def blake2b(data: bytes, **more: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32, **more).digest()


def packed(value: object) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


# ── what the specification says, once more ───────────────────────────────────────────────────────────────────────────


def fingerprint(identity: bytes) -> str:
    digest = hashlib.blake2s(b"peertalk/1 fingerprint" + identity, digest_size=20).digest()
    characters = base64.b32encode(digest).translate(ALPHABET).decode()
    return " ".join(characters[at : at + 4] for at in range(0, 32, 4))


def open_secret(name: str) -> bytes:
    return pwhash.argon2id.kdf(32, name.encode(), b"peertalk/1 open\0", opslimit=3, memlimit=64 * 1024 * 1024)


def room_id(secret: bytes) -> bytes:
    return blake2b(b"peertalk/1 room id", key=secret)


def direct_secret(shared: bytes, one: bytes, other: bytes) -> bytes:
    return blake2b(b"peertalk/1 direct" + shared + min(one, other) + max(one, other))


def private_secret(terms: bytes) -> bytes:
    return blake2b(terms, person=b"peertalk/1 priv")


@dataclass(frozen=True)
class Person:
    """An identity with the feed that it uses in one room."""

    private: bytes
    seed: bytes

    @property
    def identity(self) -> bytes:
        return bindings.crypto_scalarmult_base(self.private)

    @property
    def feed(self) -> bytes:
        return bindings.crypto_sign_seed_keypair(self.seed)[0]

    def sign(self, message: bytes) -> bytes:
        return bindings.crypto_sign(message, bindings.crypto_sign_seed_keypair(self.seed)[1])[:64]


@dataclass(frozen=True)
class Entry:
    """One entry; `fields` are the eleven elements of its header."""

    fields: tuple[object, ...]
    content: bytes
    body: bytes

    @property
    def header(self) -> bytes:
        return packed(self.fields)

    @property
    def id(self) -> bytes:
        return blake2b(self.header)


def entry(room: bytes, author: Person, before: Entry | None, kind: str, content: dict[str, object], salt: bytes) -> Entry:
    inner = packed(content)
    body = salt + len(inner).to_bytes(2, "big") + inner
    body = body.ljust(next(size for size in (64, 128, 256, 512, 1024) if size >= len(body)), b"\0")
    seq, prev = (before.fields[3] + 1, before.id) if before else (1, b"")
    header = (1, room, author.feed, seq, prev, seq, [], START + 1000 * seq, kind, blake2b(body), len(body))
    return Entry(header, inner, body)


def page(author: Person, *entries: Entry) -> tuple[bytes, bytes]:
    """(what is signed, the message)."""
    signed = b"peertalk/1 entry" + entries[-1].id
    room = entries[0].fields[1]
    message = [5, room, [one.header for one in entries], author.sign(signed), [one.body for one in entries]]
    return signed, packed(message)


def alone(author: Person, entry: Entry) -> list[object]:
    """A page of one entry, as in `Pages`."""
    return [[entry.header], author.sign(b"peertalk/1 entry" + entry.id), [entry.body]]


def digest(*tips: bytes) -> bytes:
    return blake2b(b"".join(sorted(tips)), person=b"peertalk/1 have")


def commitment(nonce: bytes, sender: Person, receiver: Person, binding: bytes) -> bytes:
    return blake2b(nonce + sender.identity + receiver.identity + binding, person=b"peertalk/1 cmt")


def emoji(nonces: dict[bytes, bytes], binding: bytes) -> tuple[bytes, list[int]]:
    """The eight bytes, and the seven numbers that are shown; `nonces` by identity."""
    low, high = sorted(nonces)
    said = low + high + nonces[low] + nonces[high] + binding
    raw = hashlib.blake2b(said, digest_size=8, person=b"peertalk/1 emoji").digest()
    bits = "".join(f"{byte:08b}" for byte in raw)
    return raw, [int(bits[at : at + 6], 2) for at in range(0, 42, 6)]


def roster(names: dict[bytes, str]) -> bytes:
    """`names` by identity."""
    encoded = {identity: name.encode() for identity, name in names.items()}
    return b"".join(identity + len(encoded[identity]).to_bytes(2, "big") + encoded[identity] for identity in sorted(encoded))


def roll(names: dict[bytes, str], secret: bytes) -> bytes:
    return blake2b(roster(names), key=secret, person=b"peertalk/1 roll")


def words(names: dict[bytes, str], secret: bytes) -> bytes:
    salt, memory = b"peertalk/1 words", 64 * 1024 * 1024
    return pwhash.argon2id.kdf(32, secret + roster(names), salt, opslimit=3, memlimit=memory)[:10]


ANNA = Person(private=count_up(0x00), seed=count_up(0x40))
BEN = Person(private=count_up(0x20), seed=count_up(0x60))
CARA = Person(private=count_up(0x10), seed=count_up(0x50))
DIRECT = room_id(direct_secret(bindings.crypto_scalarmult(ANNA.private, BEN.identity), ANNA.identity, BEN.identity))
LOBBY = room_id(open_secret("lobby"))
TERMS = [count_up(0xC0), "Mutige Väter", "de", 30, b"", []]
CIRCLE = room_id(private_secret(packed(TERMS)))
REFORMED = [count_up(0xE0), "Mutige Väter", "de", 30, CIRCLE, [CARA.identity]]
FLEETING = [count_up(0xD0), "Heute Abend", "de", -1, b"", []]
HERE = entry(LOBBY, ANNA, None, "here", {"name": "Anna"}, count_up(0x80))
HELLO = entry(LOBBY, ANNA, HERE, "text", {"text": "Hallo, schön!"}, count_up(0xA0))
DOORS = (
    ("here", {"name": "Anna", "by": BEN.identity}),
    ("seal", {"admitted": [ANNA.identity, BEN.identity]}),
    ("admit", {"who": BEN.identity}),
    ("unseal", {}),
    ("follow", {"tips": [count_up(0x80), count_up(0xA0)], "first": True}),
    ("follow, of another", {"tips": []}),
    ("over", {}),
)
OFFER = [13, DIRECT, CIRCLE, packed(REFORMED), ANNA.identity, [ANNA.identity]]
OWNER = b"peertalk/1 owner" + LOBBY + ANNA.identity
NEXT = b"peertalk/1 next" + LOBBY + BEN.feed


NONCES = {ANNA.identity: count_up(0x10), BEN.identity: count_up(0x30)}
BINDING = count_up(0x50)
NAMES = {ANNA.identity: "Anna", BEN.identity: "Bén"}


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def table(*rows: tuple[str, bytes | str]) -> str:
    """Values under their names, in hex, broken every 32 bytes."""
    lines = []
    for name, value in rows:
        text = value.hex() if isinstance(value, bytes) else value
        cut = [text[at : at + WIDTH] for at in range(0, len(text), WIDTH)] if isinstance(value, bytes) else [text]
        lines += [f"    {name:<22}{cut[0] if cut else '(empty)'}", *(f"    {'':<22}{more}" for more in cut[1:])]
    return "\n".join(lines)


def elements(entry_: Entry) -> str:
    """A header, one element a line."""
    names = ("version", "room", "feed", "seq", "prev", "lamport", "after", "time", "kind", "body", "size")
    rows = [("array of 11", packed([None] * 11)[:1])]
    rows += [(name, packed(value)) for name, value in zip(names, entry_.fields, strict=True)]
    assert b"".join(value for _, value in rows) == entry_.header
    return table(*rows)


def keys() -> Iterator[str]:
    yield "## Identities, and the tags of people"
    for name, person in (("Anna", ANNA), ("Ben", BEN)):
        yield table(
            (f"{name}, private", person.private),
            ("identity", person.identity),
            ("fingerprint", fingerprint(person.identity)),
            ("key tag", fingerprint(person.identity)[:4]),
        )


def rooms() -> Iterator[str]:
    yield "## Rooms"
    yield "Open rooms. `#Büro  EINS` is the same room as `büro-eins`."
    for name in ("lobby", "büro-eins"):
        secret = open_secret(name)
        yield table(("normalised name", name), ("in UTF-8", name.encode()), ("secret", secret), ("id", room_id(secret)))
    shared = bindings.crypto_scalarmult(ANNA.private, BEN.identity)
    secret = direct_secret(shared, ANNA.identity, BEN.identity)
    yield "The direct room of Anna and Ben."
    yield table(("DH(Anna, Ben)", shared), ("secret", secret), ("id", room_id(secret)))
    yield "A private room, in German, kept for 30 days; one re-formed from it without Cara; and one that is off the record."
    for terms in (TERMS, REFORMED, FLEETING):
        secret = private_secret(packed(terms))
        yield table(("terms", packed(terms)), ("secret", secret), ("id", room_id(secret)))


def channel() -> Iterator[str]:
    yield "## A channel"
    yield (
        "That of `tests/vectors/channel.json`, where all secrets of both sides are. Both are in the lobby, the initiator in\n"
        "another room too. Frames are shown with their lengths, long ones cut."
    )
    frames = [bytes.fromhex(frame) for frame in VECTOR["frames"]]
    initiator, h = replay(frames)
    secret = bytes.fromhex(VECTOR["rooms"]["lobby"])
    context = b"peertalk/1 room" + b"i" + h
    names = ("NN e", "NN e, ee", "proof of initiator", "proof of responder", "XX e", "XX e, ee, s, es", "XX s, se")
    yield table(*((f"{n} {name}", frame[:66]) for n, (name, frame) in enumerate(zip(names, frames, strict=True), start=1)))
    yield table(
        ("h", h),
        ("secret of the lobby", secret),
        ("context, role i", context),
        ("its tag in frame 3", hashlib.blake2s(context, key=secret).digest()[:16]),
        ("versions in frame 6", bytes([0, 1, 1]).ljust(32, b"\0")),
        ("versions in frame 7", bytes([1, 1, 1]).ljust(32, b"\0")),
        ("responder's identity", initiator.peer),
        ("binding", initiator.binding),
    )
    yield "Records: what is sealed, and the frame that it becomes."
    kinds = {"FINAL": FINAL, "PING": PING, "PONG": PONG, "REKEY": REKEY, "BYE": BYE}
    for record in VECTOR["records"]:
        content = bytes.fromhex(record.get("content", ""))
        plain = (bytes([kinds[record["kind"]]]) + len(content).to_bytes(2, "big") + content).ljust(64, b"\0")
        yield table((f"{record['from']}, {record['kind']}", plain), ("frame", bytes.fromhex(record["frame"])))


def replay(frames: list[bytes]) -> tuple[Reference, bytes]:
    """The initiator after the whole handshake, and the hash of NN."""
    mine = VECTOR["initiator"]
    side = Reference(
        initiator=True,
        seed=bytes.fromhex(mine["identity"]),
        secrets=[bytes.fromhex(VECTOR["rooms"][name]) for name in mine["rooms"]],
        ephemerals=map(bytes.fromhex, mine["ephemerals"]),
    )
    side.silent = True
    for frame in frames[1::2]:
        side.feed(frame)
    return side, side.hash


def invitation() -> Iterator[str]:
    yield "## An invitation"
    yield (
        "The first of `tests/vectors/invite.json`, where all secrets of both sides are: by the words of a code in slot 7. The\n"
        "frames are as before they are sealed."
    )
    h, slot, way = bytes.fromhex(INVITED["hash"]), INVITED["slot"], INVITED["way"]
    about = h + slot.to_bytes(2, "big") + bytes([way])
    password = b"peertalk/1 words" + bytes(INVITED["words"])
    x, y = (int(INVITED[side]["scalar"], 16) % Q for side in ("joiner", "inviter"))
    joiner, inviter = Half(True, password, about, x), Half(False, password, about, y)
    assert joiner.finish(inviter.element) == inviter.finish(joiner.element)
    first, second = joiner.finish(inviter.element)
    secret = slot_secret(slot)
    yield table(
        ("secret of slot 7", secret),
        ("id of slot 7", room_id(secret)),
        ("h", h),
        ("tag in frame 3", hashlib.blake2s(b"peertalk/1 room" + b"i" + h, key=secret).digest()[:16]),
        ("tag in frame 4", hashlib.blake2s(b"peertalk/1 room" + b"r" + h, key=secret).digest()[:16]),
        ("password", password),
        ("w, big-endian", (hkdf(password, b"SPAKE2 pw") % Q).to_bytes(32, "big")),
        ("idA", b"peertalk/1 joiner" + about),
        ("frame 5", bytes([way]) + joiner.element),
        ("frame 6", b"\0" + inviter.element),
        ("frame 7", first),
        ("frame 8 begins with", second + b"\0"),
    )


def cards() -> Iterator[str]:
    yield "## A card"
    signature = ANNA.sign(OWNER)
    message = packed([1, LOBBY, ANNA.identity, [[ANNA.feed, signature]]])
    yield "Anna's, in the lobby, with one feed."
    yield table(("feed, seed", ANNA.seed), ("feed", ANNA.feed), ("signed", OWNER), ("signature", signature), ("Card", message))
    yield "Her feed retires, and signs its successor (here: the one with the key of Ben's feed)."
    yield table(("signed", NEXT), ("signature", ANNA.sign(NEXT)))


def entries() -> Iterator[str]:
    yield "## Entries"
    yield "Anna arrives, and says something. The bodies:"
    for each in (HERE, HELLO):
        message = hashlib.blake2b(ANNA.feed + blake2b(each.body), digest_size=32, person=b"peertalk/1 msg").digest()
        yield table(
            ("content", each.content), ("body", each.body), ("body hash", blake2b(each.body)), ("message id", message)
        )  # fmt: skip
    yield "The headers, element by element; together they are what is hashed:"
    for each in (HERE, HELLO):
        yield elements(each) + "\n" + table(("id", each.id))
    yield "Contents of other kinds, with empty maps for those that say nothing more."
    yield table(*((kind, packed(content)) for kind, content in DOORS))


def messages() -> Iterator[str]:
    yield "## Messages"
    signed, whole = page(ANNA, HERE, HELLO)
    yield "Both entries in one page, and what is said about them."
    yield table(
        ("signed", signed),
        ("signature", ANNA.sign(signed)),
        ("Page", whole),
        ("digest of the tip", digest(HELLO.id)),
        ("Have", packed([2, LOBBY, digest(HELLO.id), 2, True])),
        ("Tips, all, to memory", packed([3, LOBBY, [HELLO.id], [], True, True, False])),
        ("Tips, a delta", packed([3, LOBBY, [HELLO.id], [], False, False, True])),
        ("Want", packed([4, LOBBY, [HELLO.id], [HERE.id]])),
        ("Done", packed([6, LOBBY, False])),
        ("WantBodies", packed([7, LOBBY, [HERE.id]])),
        ("Bodies", packed([8, LOBBY, [[HERE.id, HERE.body]]])),
        ("Signal", packed([9, LOBBY, "typing"])),
        ("Quit", packed([10, LOBBY])),
        ("Wait", packed([12, CIRCLE])),
        ("Offer, of Anna to Ben", packed(OFFER)),
        ("Offer, taken back", packed([*OFFER[:5], []])),
        ("Peers, one's own port", packed([11, LOBBY, 40400, []])),
        ("Peers, of another", packed([11, LOBBY, 40400, [[BEN.identity, [[bytes([192, 168, 1, 20]), 40400]]]]])),
        ("Verify, a commitment", packed([14, direct_id(), 0, commitment(NONCES[ANNA.identity], ANNA, BEN, BINDING)])),
        ("Verify, a nonce", packed([14, direct_id(), 1, NONCES[ANNA.identity]])),
        ("Verify, cancel", packed([14, direct_id(), 2, bytes(32)])),
        ("Roll", packed([15, LOBBY, roll(NAMES, open_secret("lobby"))])),
        ("Pages, of one entry", packed([16, LOBBY, [alone(ANNA, each) for each in (HERE, HELLO)]])),
        ("signed of a pulse", pulse_label(HELLO.id)),
        (
            "Pulses, of Anna",
            packed([17, LOBBY, [[ANNA.feed, START // 1000, digest(HELLO.id), True, ANNA.sign(pulse_label(HELLO.id))]]]),
        ),
        ("Need", packed([18, LOBBY, False])),
        ("Prune", packed([19, LOBBY])),
        ("Known, of a digest", packed([20, LOBBY, knows(ANNA, BEN), []])),
        ("Known, of pairs", packed([20, LOBBY, knows(ANNA, BEN), sorted(map(whose, (ANNA, BEN)))])),
        ("WantCards, of Ben", packed([21, LOBBY, [whose(BEN)]])),
        ("ring, of Anna", short(b"peertalk/1 ring", LOBBY, ANNA.identity)),
        ("pair, Anna and Ben", short(b"peertalk/1 pair", LOBBY, *sorted((ANNA.identity, BEN.identity)))),
    )


def pulse_label(*tips: bytes) -> bytes:
    return b"peertalk/1 pulse" + LOBBY + (START // 1000).to_bytes(8, "big") + b"\1" + digest(*tips)


def whose(person: Person) -> bytes:
    return hashlib.blake2b(LOBBY + person.feed + person.identity, digest_size=16, person=b"peertalk/1 card").digest()


def knows(*people: Person) -> bytes:
    return blake2b(b"".join(sorted(map(whose, people))), person=b"peertalk/1 know")


def short(label: bytes, *parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=8, person=label).digest()


def direct_id() -> bytes:
    shared = bindings.crypto_scalarmult(ANNA.private, BEN.identity)
    return room_id(direct_secret(shared, ANNA.identity, BEN.identity))


def who_is_who() -> Iterator[str]:
    yield "## Who is who"
    raw, numbers = emoji(NONCES, BINDING)
    yield "Anna and Ben compare emoji, over a channel with this binding."
    yield table(
        ("binding", BINDING),
        ("nonce of Anna", NONCES[ANNA.identity]),
        ("commitment of Anna", commitment(NONCES[ANNA.identity], ANNA, BEN, BINDING)),
        ("nonce of Ben", NONCES[BEN.identity]),
        ("commitment of Ben", commitment(NONCES[BEN.identity], BEN, ANNA, BINDING)),
        ("emoji", raw),
        ("their numbers", ", ".join(map(str, numbers))),
    )
    secret = open_secret("lobby")
    yield "Both are in the lobby, as `Anna` and as `Bén`."
    yield table(("roster", roster(NAMES)), ("roll", roll(NAMES, secret)), ("bytes of the words", words(NAMES, secret)))


HEAD = """\
# Worked examples

Every value of [protocol.md](protocol.md) that is easily got wrong, worked out once. This page is made by `python -m tests.examples`,
which follows that page and uses nothing of the program; a test holds the page, that script and the program against each other.

Bytes are in hex, 32 a line. Secrets are consecutive bytes, so that nobody takes them for real ones.
"""


def render() -> str:
    """The whole page."""
    sections = (keys, rooms, channel, invitation, cards, entries, messages, who_is_who)
    return "\n\n".join([HEAD.rstrip("\n"), *(part for section in sections for part in section())]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {len(render().splitlines())} lines\n")
