"""`python -m tests.fuzz.seeds`: write the seeds of the corpus anew, out of real conversations. They are the same at each run.

Beside them the corpus holds inputs that once broke something (found-…: the name says what), and short ones that the fuzzer has learned
to reach more with than the seeds do (learned-…).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import msgspec

from peertalk.commands import COMMANDS
from peertalk.core import codes, wire
from peertalk.core.channel import Channel
from peertalk.core.effects import Send
from peertalk.core.entry import (
    KINDS,
    SALT,
    Admit,
    Delete,
    Edit,
    End,
    Follow,
    Here,
    Left,
    Over,
    React,
    Seal,
    Story,
    Text,
    Unseal,
    seal_body,
)
from peertalk.core.rooms import Terms, encode_terms
from peertalk.core.wire import Message
from peertalk.rpc.methods import METHODS
from tests.core.authors import ROOM, Author
from tests.core.couple import POINTS
from tests.core.desk import Desk, of
from tests.core.pair import identity, rooms
from tests.fuzz.channel import FRAMES, KNOWN, two
from tests.fuzz.corpora import CORPUS, corpus
from tests.fuzz.crowd import ACTIONS, Crowd
from tests.fuzz.replica import ACTION
from tests.test_text import NASTY, REAL

PREFIX = "seed-"


def write() -> None:
    """Replace the seeds of all targets."""
    for target, make in MAKERS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in corpus(target):
            if old.name.startswith(PREFIX):
                old.unlink()
        for name, content in seeds(make).items():
            (folder / name).write_bytes(content)


def seeds(make: Callable[[], Iterable[bytes]]) -> dict[str, bytes]:
    """File name → content."""
    return {f"{PREFIX}{number:02}": content for number, content in enumerate(make(), 1)}


# ── channels ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def streams() -> Iterable[bytes]:
    """All that one side says to the other from each frame on, up to the end of a short talk."""
    for frames in range(FRAMES + 1):
        for initiator in (0, 1):
            yield bytes([initiator, frames, 6]) + _said_to(initiator=bool(initiator), frames=frames)


def _said_to(*, initiator: bool, frames: int) -> bytes:
    ann, ben = two(frames)
    peer, side = (ben, ann) if initiator else (ann, ben)
    said = _until_quiet(peer, side)
    peer.send(b"hello", 0.0)
    peer.prove({room: KNOWN[room] for room in rooms("books")}, 0.0)
    said += _until_quiet(peer, side)
    peer.bye("leaving", 0.0)
    return said + peer.outgoing()


def _until_quiet(peer: Channel, side: Channel) -> bytes:
    """What `peer` says until both have nothing to say any more."""
    said = b""
    while True:
        peer.receive(side.outgoing(), 0.0)
        words = peer.outgoing()
        if not words:
            return said
        said += words
        side.receive(words, 0.0)


def insiders() -> Iterable[bytes]:
    """Somebody who stops being honest at each point, in two ways each."""
    for frames in range(FRAMES + 1):
        for any_versions in (0, 1):
            yield bytes([frames, any_versions]) + Random(f"insider {frames} {any_versions}").randbytes(120)
    for kind, content in ((6, bytes(1028)), (7, bytes(1028)), (3, b"bye_"), (3, b"NO!!"), (0, b"more"), (5, b""), (9, b"")):
        yield bytes([FRAMES, 0]) + _record(kind, content) * 2
    for acts in ((3, 1, 1, 3, 0, 1), (4, 1, 3, 2, 6, 5), (6, 5, 6, 6), (5, 3, 0, 0)):
        yield bytes([FRAMES, 0, *acts * 3])


def pairings() -> Iterable[bytes]:
    """Somebody who stops meaning well at each point."""
    element = b"\0A" + POINTS[0], b"\0B" + POINTS[1]
    given = bytes(33) + identity("ben").public + b"\0\4abcd"
    for joins in (0, 1):
        for frames in range(5):
            yield bytes([joins, frames]) + Random(f"pairing {joins} {frames}").randbytes(60)
            for content in (element[joins], element[joins][:2] + bytes(32), given, bytes(32)):
                yield bytes([joins, frames, 1, 6 - 2 * (content is given), len(content) - 1]) + content + bytes([1, 0, 3])


def _record(kind: int, content: bytes) -> bytes:
    """The choices for a record with these contents, and nothing wrong around them."""
    sizes = (0, 1, 4, 20, 61, 1028, 2000)
    return bytes([0, kind, sizes.index(len(content))]) + content + bytes(5)


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def conversation() -> list[Message]:
    """What a replica and a member say to each other, each kind of message at least once."""
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    heard = [ben.card(), ben.arrives(), ben.says("hello", "hello?"), wire.Signal(ROOM.id, "typing")]
    link = desk.meet(ben)
    desk.say("hello ben")
    desk.hear(link, *heard)
    other = desk.meet(cara, bytes(32))
    bodiless = cara.page(*cara.then(Text("read me")), bodies=[None])
    desk.hear(other, cara.arrives(), bodiless, wire.Want(ROOM.id, tuple(desk.room.held), ()))
    desk.hear(other, wire.WantBodies(ROOM.id, tuple(desk.room.held)))
    desk.later(30)
    desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=False))
    said = [effect.message for effect in of(Send, desk.effects)]
    by_type: dict[object, Message] = {}
    for message in (*said, *heard, bodiless):
        by_type.setdefault((type(message), len(wire.encode(message)) // 100), message)
    return [*by_type.values()]


def messages() -> Iterable[bytes]:
    others = (
        wire.Wait(ROOM.id),
        wire.Offer(ROOM.id, bytes(32), encode_terms(Terms(bytes(32), "Circle", "en")), bytes(32), (bytes(32),)),
        wire.Verify(ROOM.id, 0, bytes(32)),
        wire.Roll(ROOM.id, bytes(32)),
        wire.Pulses(ROOM.id, ((bytes(32), 1, bytes(32), True, bytes(64)),)),
        wire.Need(ROOM.id, needed=False),
        wire.Prune(ROOM.id),
        wire.Known(ROOM.id, bytes(32), (bytes(16),)),
        wire.WantCards(ROOM.id, (bytes(16),)),
    )
    yield from (b"\0" + wire.encode(message) for message in (*conversation(), *others))


def rooms_of_terms() -> Iterable[bytes]:
    left_out = {"predecessor": bytes(32), "without": (bytes(32), b"\1" * 32)}
    for terms in (
        Terms(bytes(32), "Circle", "en"),
        Terms(bytes(32), "Kreis öffnen", "de", 30),
        Terms(ROOM.id, "x", "de", -1, **left_out),
    ):
        yield b"\0" + encode_terms(terms)
    for name in ("\u202ex", "x\ny", " x", "e\u0301"):
        yield b"\0" + encode_terms(Terms(bytes(32), name, "en"))
    yield b"\1" + bytes([0, 1]) + bytes(12)
    yield b"\1" + bytes([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 7, 9, 1])


def headers() -> Iterable[bytes]:
    pages = [message for message in conversation() if isinstance(message, wire.Page)]
    yield from (b"\0" + raw for page in pages for raw in page.headers)


def bodies() -> Iterable[bytes]:
    contents = (Text("hello"), Text("hello", bytes(32)), Here("ben"), Here("ben", "b", (bytes(32), bytes(64))), Left(), End())
    doors = (Seal((bytes(32),)), Admit(bytes(32)), Unseal(), Follow((bytes(32),)), Over())
    told = Story("once", "title", "warning", "listen", bytes(32)), Text("hello", warning="warning")
    about = React(bytes(32), "heart", remove=True), Edit(bytes(32), "again", "title", "warning"), Delete(bytes(32))
    for content in (*contents, *doors, *told, *about):
        kind, body = seal_body(content, bytes)
        yield bytes([list(KINDS).index(kind), 0]) + body[: SALT + 80]


def crowds() -> Iterable[bytes]:
    """People who meet and write, then anything."""
    meet, write, pause, own = (ACTIONS.index(action) for action in (Crowd.link, Crowd.write, Crowd.pause, Crowd.own))
    for number in range(12):
        random = Random(f"crowd {number}")
        acts = [[meet, who, 0, 1, 1] for who in range(3)] + [[own, 0, 0, 1]]
        acts += [[write, random.randrange(3), 0, 0, 0, 0, random.choice((0, 4))] for _ in range(4)] + [[pause, 0, 0, 4]]
        yield b"".join(bytes(act).ljust(ACTION, b"\0") for act in acts) + random.randbytes(15 * ACTION)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def texts() -> Iterable[bytes]:
    yield from (b"\x20" + each.encode("utf-8", "surrogatepass")[:280] for each in (*REAL.values(), NASTY[:60], NASTY[60:]))


def lines() -> Iterable[bytes]:
    """A request of each method, a batch, and answers."""
    values = {"limit": 5, "port": 47000, "forget": True}
    for name, method in METHODS.items():
        params = {field: values.get(field, "lobby") for field in method.decoder.type.__struct_fields__}
        yield b"\x07" + msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}) + b"\n"
    yield b'\x07[{"jsonrpc":"2.0","id":1,"method":"node.status"},{"jsonrpc":"2.0","method":"x"}]\n'
    yield b'\x07{"jsonrpc":"2.0","id":1,"result":{"name":"Mira"}}\n{"id":1,"error":{"code":-32000,"data":{"kind":"unknown_room"}}}\n'
    yield b'\x07{"jsonrpc":"2.0","method":"event","params":{"type":"resync","room":null}}\n'


def settings() -> Iterable[bytes]:
    yield (
        b"\0"
        b'# mine\nname = "Mira"\nport = 47000\nconnect = ["192.168.1.20:47000", "[fe80::1%2]:1"]\nmdns = true\n\n[keys]\npalette = "f2"\n'
    )
    yield b'\0interfaces = ["eth0"]\nlog_file = "log"\nlog_level = "debug"\nlang = "de"\ntheme = "dark"\nascii = true\n'
    yield from (
        b"\2" + each for each in (b"port=47000", b"connect=a:1,[::1]:2", b"mdns=no", b"interfaces=eth0, wlan0", b"theme=light")
    )
    yield from (b"\3" + each for each in (b"192.168.1.20:47000", b"laptop.local:1", b"[fe80::1%eth0]:47000"))
    yield b'\4{"type":"plain","version":1,"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}'
    yield b'\4{"type":"argon2id","version":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","ops":3,"memory":67108864,"box":"AAAA"}'


def lines_written() -> Iterable[bytes]:
    """Each command with and without something behind it."""
    for command in COMMANDS:
        yield b"\x05/" + command.name.encode()
        yield b"\x07/" + command.name.encode() + b" Mira x"
    yield b"\x02hello mi"
    yield b"\x02//me"


def codes_typed() -> Iterable[bytes]:
    """As they are written, as people type them, and a link from another version."""
    hints = (("192.168.1.20", 47000), ("fd00::1", 47000))
    words, secret = bytes([3, 141, 59]), bytes(range(16))
    yield from (bytes([number]) + codes.spoken(7, words, language).encode() for number, language in enumerate(codes.LANGUAGES))
    yield b"\0" + codes.link(64, secret, hints).encode()
    yield b"\1" + codes.link(1, secret).upper().replace("/", " / ").encode()
    yield from (
        b"\0" + typed
        for typed in (
            b"/accept 7 guit mead com",
            b"7-guitar",
            codes.link(1, secret).encode() + b"?at=9.9.9.9:47000",
            b"7 Gitarre, Wiese, Zauberer",
            b"peertalk:2/7/x",
        )
    )


MAKERS: dict[str, Callable[[], Iterable[bytes]]] = {
    "stream": streams, "inside": insiders, "pairing": pairings, "wire": messages, "header": headers, "body": bodies, "replica": crowds,
    "text": texts,
    "rpc": lines, "settings": settings, "command": lines_written, "terms": rooms_of_terms, "code": codes_typed,
}  # fmt: skip

if __name__ == "__main__":
    write()
