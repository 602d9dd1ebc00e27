"""Three people who may do anything, honest or not, to one replica that is used meanwhile, on a disk that takes its time."""

from __future__ import annotations

from collections.abc import Callable

from peertalk.core import wire
from peertalk.core.effects import Close, Commit, Effect, Send
from peertalk.core.entry import Content, Delete, Edit, End, FeedKey, Header, Here, Left, React, Text, message_id
from peertalk.core.rolls import roll
from peertalk.core.rooms import DAY_MS, open_room
from peertalk.core.stored import PutBody, PutPage
from peertalk.core.sync import Replica
from peertalk.core.verify import commitment
from peertalk.errors import RemoteError, RequestError
from tests.core.authors import NOTHING, ROOM, START, Author, Written
from tests.core.desk import Desk, of
from tests.fuzz.choices import Choices

OTHER = open_room("other", b"o" * 32, START)
NAMES = ("ben", "cara", "dave")
PAUSES = (0.001, 0.25, 1.0, 2.5, 25.0, 700.0)
MOST_TICKS = 600
"""Wakes in a pause: with three peers each retry and delay together stays far below."""
MOST_PAGES = 40


class Crowd:
    """`desk` has the replica. `ids` and `pages` are what has been named so far, to be named again."""

    def __init__(self) -> None:
        self.choices = Choices(b"")
        self.desk = Desk()
        self.rooms = [ROOM, OTHER, self.desk.direct(Author("ben")), self.desk.direct(Author("cara"))]
        self.people = {(name, room.id): Author(name, room.id) for name in NAMES for room in self.rooms}
        self.links: dict[str, int] = {}
        self.ids: list[bytes] = [NOTHING]
        self.pages: list[wire.Page] = []
        self.written: dict[tuple[str, bytes], list[Written]] = {}
        self.name, self.room = NAMES[0], ROOM.id

    def act(self, choices: Choices) -> None:
        """Somebody (a choice) does something (a choice) in a room (a choice)."""
        self.choices = choices
        action = choices.pick(ACTIONS)
        self.name, self.room = choices.pick(NAMES), choices.pick([ROOM, ROOM, ROOM, *self.rooms]).id
        action(self)
        self._hang_up()

    # ── links and time ───────────────────────────────────────────────────────────────────────────────────────────────

    def link(self) -> None:
        """A link comes up, in place of an older one; with cards and claims, or silent."""
        self.unlink()
        number = self.desk.up(self.author, *{ROOM.id, self.room} if self.choices.number(4) else {self.room})
        self.links[self.name] = number
        if self.choices.number(4):
            for room in (ROOM.id, self.room):
                self.say(self.people[self.name, room].card(), wire.Have(room, NOTHING, 0, True))
                self.say(wire.Tips(room, (), fresh=True, last=True))

    def unlink(self) -> None:
        if self.name in self.links:
            self.desk.down(self.links.pop(self.name))

    def unlink_all(self) -> None:
        for number in self.links.values():
            self.desk.down(number)
        self.links.clear()

    def prove(self) -> None:
        if self.name in self.links:
            self.desk.do(lambda replica: replica.proven(self.links[self.name], (self.room,), self.desk.now))

    def pause(self) -> None:
        """Time passes, with a tick whenever one is asked for. It never asks for one after the other without end."""
        desk, end = self.desk, self.desk.mono + self.choices.pick(PAUSES)
        for _ in range(MOST_TICKS):
            if desk.replica.wake() > end:
                break
            desk._move_to(max(desk.mono, desk.replica.wake()) + 0.001)
            desk.do(lambda replica: replica.tick(desk.now))
            self._hang_up()
        else:
            raise AssertionError("it wakes again and again")
        desk._move_to(max(end, desk.mono))

    def sleep(self) -> None:
        """The machine slept for days: nothing is linked any more."""
        self.unlink_all()
        self.desk.wall += self.choices.pick((1, 8, 31, 40)) * DAY_MS
        self.desk.do(lambda replica: replica.do_chores(self.desk.now))

    def crash(self) -> None:
        """Power loss: what was not synced is gone, or had just reached the disk."""
        self.links.clear()
        self.desk.crash(self.choices.number(self.desk.disk.queued + 1))

    def disk(self) -> None:
        """The disk takes its time from now on, or catches up."""
        self.desk.slow = bool(self.choices.number(2))
        self.desk.sync(min(len(self.desk.tokens), self.choices.number(4)))

    # ── what is said over a link ─────────────────────────────────────────────────────────────────────────────────────

    def say(self, *messages: wire.Message) -> None:
        """Over the link of who is doing something. A RemoteError costs it."""
        for message in messages:
            self.say_raw(wire.encode(message))

    def say_raw(self, raw: bytes) -> None:
        if self.name not in self.links:
            return
        proven = {*self.desk.replica.links[self.links[self.name]].proven}
        before = len(self.desk.effects)
        try:
            self.desk.do(lambda replica: replica.received(self.links[self.name], raw, self.desk.now))
        except RemoteError:
            ops = [op for commit in of(Commit, self.desk.effects[before:]) for op in commit.ops]
            assert not [op for op in ops if isinstance(op, PutPage | PutBody)], "what is wrong is not kept"
            self.unlink()
            return
        if raw[2:36].removeprefix(b"\xc4\x20") not in proven:
            assert not of(Send, self.desk.effects[before:])

    def _hang_up(self) -> None:
        """Links that the replica wants closed."""
        for close in [effect for effect in self.desk.effects if isinstance(effect, Close)]:
            for name in [name for name, number in self.links.items() if number == close.link]:
                self.desk.down(self.links.pop(name))

    @property
    def author(self) -> Author:
        return self.people[self.name, self.room]

    def card(self) -> None:
        """One's own card or that of another, with further feeds, with wrong signatures."""
        about = self.people[self.choices.pick(NAMES), self.room]
        more = [FeedKey(bytes([number]) * 32) for number in range(self.choices.number(4))]
        identity = self.choices.pick((None, None, None, self.desk.me, NOTHING))
        card = about.card(*more, identity=identity)
        self.say(wire.Card(card.room, card.identity, card.feeds[:1] * 2) if self.choices.number(8) == 1 else card)

    def have(self) -> None:
        place = self.desk.replica.places.get(self.room)
        own = place.room.digest() if place is not None else NOTHING
        self.say(wire.Have(self.room, self.choices.pick((NOTHING, own, b"x" * 32)), self.choices.pick((0, 7, 2**53 - 1)), True))

    def tips(self) -> None:
        tips, absent, flags = self._some_ids(), self._some_ids(), self.choices.number(8)
        self.say(wire.Tips(self.room, tips, absent, bool(flags & 1), bool(flags & 2), bool(flags & 4)))

    def want(self) -> None:
        self.say(wire.Want(self.room, self._some_ids() or (NOTHING,), self._some_ids()))

    def answer(self) -> None:
        """What the replica asked of somebody last is answered, more or less as it should be."""
        number, way = self.links.get(self.name), self.choices.number(8)
        asked = [send.message for send in of(Send, self.desk.effects) if send.link == number]
        questions = [message for message in asked if isinstance(message, wire.Want | wire.WantBodies)]
        if not questions:
            return
        self.room = questions[-1].room
        if isinstance(questions[-1], wire.WantBodies):
            made = {entry.id: entry.body for entries in self.written.values() for entry in entries}
            bodies = tuple((id_, made.get(id_) or bytes(64)) for id_ in questions[-1].entries[way & 1 :])
            self.say(wire.Bodies(self.room, tuple((id_, bytes(64) if way == 7 else body) for id_, body in bodies)))
            return
        for page in [page for page in self.pages if page.room == self.room][way & 1 :]:
            self.say(page)
        if way < 6:
            self.say(wire.Done(self.room, way == 5))

    def done(self) -> None:
        self.say(wire.Done(self.room, bool(self.choices.number(2))))

    def bodies(self) -> None:
        """Asked for, or given: right ones and wrong ones."""
        if self.choices.number(2):
            self.say(wire.WantBodies(self.room, self._some_ids() or (NOTHING,)))
        right = [(entry.id, entry.body) for entries in self.written.values() for entry in entries if entry.body]
        given = self.choices.some(right) if right else []
        wrong = [(id_, bytes(64)) for id_ in self._some_ids()] if self.choices.number(3) == 1 else []
        self.say(wire.Bodies(self.room, (*given, *wrong)))

    def signal(self) -> None:
        self.say(wire.Signal(self.room, self.choices.pick(("typing", "", "yawning"))))

    def peers(self) -> None:
        """Where one listens, and where others are said to be: those who are there, and nobody."""
        places = tuple((address, 40400) for address in self.choices.some([bytes(4), bytes(16), bytes([10, 0, 0, 1])]))
        known = [author.identity.public for author in self.people.values()]
        told = tuple((who, places) for who in self.choices.some([*known, self.desk.me, b"x" * 32]) if places)
        self.say(wire.Peers(self.room, self.choices.pick((0, 1, 40400)), told))

    def roll(self) -> None:
        """Who is in the room: the same people as here, or others."""
        place = self.desk.replica.places.get(self.room)
        self.say(wire.Roll(self.room, roll(place.room) if place is not None and self.choices.number(3) else NOTHING))

    def verify(self) -> None:
        """Steps of comparing emoji, right and wrong ones; or the person here wants to, or not any more."""
        peer, nonce = self.author, bytes([self.choices.number(3)]) * 32
        match self.choices.number(6):
            case 0 | 1:
                self.desk.do(lambda replica: replica.verifying.want(peer.public, self.desk.mono))
            case 2:
                self.desk.do(lambda replica: replica.verifying.drop(peer.public))
            case way:
                values = commitment(nonce, peer.public, self.desk.me, b""), nonce, NOTHING
                self.say(wire.Verify(self.desk.direct(peer).id, way - 3, values[way - 3]))

    def quit(self) -> None:
        self.say(wire.Quit(self.room))

    def _some_ids(self) -> tuple[bytes, ...]:
        """Of those that are here, or of all."""
        place = self.desk.replica.places.get(self.room)
        here = list(place.room.log.index) if place is not None and self.choices.number(2) else []
        return tuple(self.choices.some(here or self.ids))

    # ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self) -> None:
        """The next page of a feed, sent at once or kept back."""
        author = self.author
        contents = [self._content() for _ in range(1 + self.choices.number(3))]
        self._made(author, author.then(*contents, **self._changes(author)))

    def fork(self) -> None:
        """Go on from an earlier place of one's own feed."""
        entries = self.written.get((self.name, self.room))
        if entries:
            self.author.last = self.choices.pick(entries)
        self.write()

    def write_as_replica(self) -> None:
        """A copy of the replica's profile writes into its feed."""
        place = self.desk.replica.places.get(self.room)
        keys = [key for key in place.room.keys if key.seed] if place else []
        if not keys:
            return
        twin = Author(self.name, self.room)
        twin.key = FeedKey(keys[-1].seed or b"")
        twin.feed = twin.key.public
        self._made(twin, twin.then(Text("twin")))

    def send_again(self) -> None:
        """A page that was made before, whole, less its beginning, or damaged."""
        if not self.pages:
            return
        page = self.choices.pick(self.pages)
        skip, raw = self.choices.number(2), bytearray(wire.encode(page))
        match self.choices.number(4):
            case 0:
                raw[self.choices.number(len(raw))] ^= 1 + self.choices.number(255)
                self.say_raw(bytes(raw))
            case 1:
                bodies = (None,) * len(page.bodies)
                self.say(wire.Page(page.room, page.headers, page.signature, bodies))
            case _:
                self.say(
                    wire.Page(page.room, page.headers[skip:] or page.headers, page.signature, page.bodies[skip:] or page.bodies)
                )

    def _made(self, author: Author, entries: list[Written]) -> None:
        bodies = [None if self.choices.number(6) == 1 else entry.body for entry in entries]
        page = author.page(*entries, bodies=bodies)
        self.written.setdefault((author.name, author.room), []).extend(entries)
        self.ids += [entry.id for entry in entries]
        self.pages = [*self.pages[-MOST_PAGES:], page]
        if self.choices.number(4) != 1:
            self.say(page)

    def _content(self) -> Content:
        said = [one for entries in self.written.values() for one in entries]
        about = message_id(*self.choices.pick([(one.header.feed, one.header.body) for one in said] or [(NOTHING, NOTHING)]))
        plain = Text("hello"), Text("\x1b[31m"), Here(self.name), Here("x", "y"), Left(), End()
        return self.choices.pick((*plain, Delete(about), Edit(about, "hello again"), React(about, "heart")))

    def _changes(self, author: Author) -> dict[str, object]:
        """Now and then something in the header that is not as it should be, or that names others."""
        match self.choices.number(16):
            case 1:
                return {"lamport": 1 + self.choices.number(9)}
            case 2:
                return {"seq": 1 + self.choices.number(5)}
            case 3:
                return {"prev": self.choices.pick(self.ids)}
            case 4 | 5 | 6 | 7:
                return self._after(author)
            case 8:
                return {"kind": "later"}
            case 9:
                return {"time": self.choices.pick((0, 2**53 - 1, START - 2 * DAY_MS))}
            case 10:
                return {"body": NOTHING}
            case 11:
                return {"room": self.choices.pick(self.rooms).id}
        return {}

    def _after(self, author: Author) -> dict[str, object]:
        """Rest on others, as one does."""
        known: list[Header] = []
        others = {
            entry.id: entry.header for entries in self.written.values() for entry in entries if entry.header.room == author.room
        }
        picked = self.choices.some(list(others))
        known += [others[id_] for id_ in picked] + ([author.last.header] if author.last else [])
        return {"after": tuple(sorted(set(picked))), "lamport": 1 + max((header.lamport for header in known), default=0)}

    # ── what its owner does ──────────────────────────────────────────────────────────────────────────────────────────

    def own(self) -> None:
        """Write, leave, join, rename, read …"""
        desk, room = self.desk, self.room
        record = next(each for each in self.rooms if each.id == room)
        active = desk.replica.is_active(room)
        calls: list[Callable[[Replica], object]] = [lambda replica: replica.join(record, desk.now)]
        if active:
            calls += [
                lambda replica: replica.send(room, Text("of my own"), desk.now),
                lambda replica: replica.send(room, Text("x" * 20_000), desk.now),
                lambda replica: replica.typing(room),
                lambda replica: replica.mark_read(room, (self.choices.number(9), NOTHING)),
                lambda replica: replica.rename(self.choices.pick(NAMES), desk.now),
                lambda replica: replica.leave(room, desk.now, forget=bool(self.choices.number(2))),
                lambda replica: replica.retire_all(desk.now),
                lambda replica: replica.flush(),
            ]
        try:
            desk.do(self.choices.pick(calls))
        except RequestError as error:
            assert error.kind == "too_large"

    def rest(self) -> list[Effect]:
        """Everybody goes, and the disk catches up; all effects there were."""
        self.unlink_all()
        self.desk.slow = False
        self.desk.sync()
        return self.desk.effects


ACTIONS: tuple[Callable[[Crowd], None], ...] = (
    Crowd.link, Crowd.link, Crowd.unlink, Crowd.prove, Crowd.pause, Crowd.pause, Crowd.sleep, Crowd.crash, Crowd.disk, Crowd.card,
    Crowd.have, Crowd.tips, Crowd.tips, Crowd.answer, Crowd.answer, Crowd.want, Crowd.done, Crowd.bodies, Crowd.signal, Crowd.quit,
    Crowd.write, Crowd.write, Crowd.write, Crowd.fork, Crowd.write_as_replica, Crowd.send_again, Crowd.own, Crowd.own,
    Crowd.peers, Crowd.roll, Crowd.verify, Crowd.verify,
)  # fmt: skip
