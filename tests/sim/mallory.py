"""A member who lies: everything that can be said wrongly on a link, said to some and not to others.

It stands where a replica stands in a host, so that the world carries its messages like those of anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from random import Random

from msgspec.structs import replace

from peertalk.core import wire
from peertalk.core.effects import Effect, Send
from peertalk.core.entry import FeedKey, Here, Text, decode_header, encode_header, hash32
from peertalk.core.outlet import Now
from peertalk.core.reach import Whence
from tests.core.authors import Author, Written
from tests.sim.world import ROOM, Host, World

STRANGERS = 4


class Liar:
    """What a replica is for its host. It keeps every page that it hears of, and says what it likes."""

    def __init__(self, author: Author, random: Random) -> None:
        self.author = author
        self.random = random
        self.links: dict[int, bytes] = {}
        self.elsewhere = Random(f"{author.name} elsewhere")
        self.is_quiet = self.is_mute = False
        self._pages: list[wire.Page] = []
        self._stations: list[Written | None] = [None]
        self._lamports: dict[bytes, int] = {}
        self._effects: list[Effect] = []
        self._strangers = [Author(f"stranger {number}") for number in range(STRANGERS)]
        self._misdeeds: list[Callable[[], wire.Message | tuple[wire.Page, ...]]] = [
            self._entry,
            self._entry,
            self._fork,
            self._several,
            self._fork_in_the_middle,
            self._cut_otherwise,
            self._two_tongues,
            self._wrong_lamport,
            self._rests_on_nothing,
            self._bomb_that_nobody_can_check,
            self._gap,
            self._impersonation,
            self._wrong_body,
            self._no_body,
            self._rewrapped,
            self._resigned,
            self._twin,
            self._hearsay,
            self._false_card,
            self._claim_too_much,
            self._claim_very_much,
            self._have_again,
            self._old_page,
            self._stripped,
            self._stranger,
            lambda: wire.Done(ROOM.id, True),
            lambda: wire.Quit(ROOM.id),
        ]

    @property
    def feeds(self) -> set[bytes]:
        """The feeds that it writes into, whoever it says they belong to."""
        return {self.author.feed, *(stranger.feed for stranger in self._strangers)}

    # ── what a host calls ────────────────────────────────────────────────────────────────────────────────────────────

    def secrets(self, _link: int | None = None) -> dict[bytes, bytes]:
        return {ROOM.id: ROOM.secret}

    def listen(self, port: int) -> None:
        pass

    def link_up(
        self,
        link: int,
        identity: bytes,
        rooms: Collection[bytes],
        now: Now,
        *,
        whence: Whence | None = None,
        binding: bytes = b"",
    ) -> None:
        self.links[link] = identity
        self._say(link, self.author.card())
        self._say(link, wire.Have(ROOM.id, self.random.randbytes(32), 2**52, True))

    def link_down(self, link: int, now: Now, *, needless: bool = False) -> None:
        self.links.pop(link, None)

    def proven(self, link: int, rooms: Iterable[bytes], now: Now) -> None:
        self._say(link, self.author.card())

    def congested(self, link: int, *, much: bool) -> None:
        """It goes on, however much waits."""

    def tick(self, now: Now) -> None:
        pass

    def drain(self, now: Now) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    def received(self, link: int, raw: bytes, now: Now) -> None:
        """Remember, answer something, and now and then do something bad."""
        message = wire.decode(raw)
        match message:
            case wire.Peers():
                return
            case wire.Page() if message.room == ROOM.id:
                self._learn(message)
                self._hand_on(message)
            case wire.Pages() if message.room == ROOM.id:
                for page in message.each():
                    self._learn(page)
                    self._hand_on(page)
            case wire.Have() if self.random.random() < 0.2:
                self._say(link, wire.Have(ROOM.id, message.digest, message.entries, True))
            case wire.Have():
                self._say(link, self._claim_too_much(fresh=True))
            case wire.Want():
                self._answer(link)
            case wire.WantBodies() if self.random.random() < 0.5:
                wrong = tuple((id_, self.random.randbytes(64)) for id_ in message.entries[:1])
                self._say(link, wire.Bodies(message.room, wrong if self.random.random() < 0.3 else ()))
        if not self.is_quiet and self.random.random() < 0.2:
            self.misbehave()

    def misbehave(self) -> None:
        """Do something bad to one of those who are linked."""
        if self.links and not self.is_quiet:
            link, said = self.random.choice(sorted(self.links)), self.random.choice(self._misdeeds)()
            for message in said if isinstance(said, tuple) else (said,):
                self._say(link, message)
            if self.elsewhere.random() < 0.2:
                self._say(self.elsewhere.choice(sorted(self.links)), self._wherever())

    def _say(self, link: int, message: wire.Message) -> None:
        if not self.is_mute:
            self._effects.append(Send(link, message))

    def _learn(self, page: wire.Page) -> None:
        self._pages.append(page)
        for raw in page.headers:
            self._lamports[hash32(raw)] = decode_header(raw).lamport

    def _hand_on(self, page: wire.Page) -> None:
        """At once, to somebody, without the words."""
        if not self.is_quiet and self.random.random() < 0.3:
            link = self.random.choice(sorted(self.links))
            self._say(link, wire.Page(page.room, page.headers, page.signature, (None,) * len(page.headers)))

    def _answer(self, link: int) -> None:
        pages = self.random.sample(self._pages, min(len(self._pages), self.random.randint(0, 3)))
        if pages and self.elsewhere.random() < 0.5:
            self._say(link, wire.Pages(ROOM.id, tuple((page.headers, page.signature, page.bodies) for page in pages)))
            pages = []
        for page in pages:
            self._say(link, page)
        if self.random.random() < 0.7:
            self._say(link, wire.Done(ROOM.id, self.random.random() < 0.5))

    # ── what can be said ─────────────────────────────────────────────────────────────────────────────────────────────

    def _make(self, *, after: tuple[bytes, ...] | None = None, off: int = 0, body: bytes | None = None) -> wire.Page:
        """A page that is right but for what is asked for, and belongs to the chain from then on only if it is."""
        author, seen = self.author, sorted(self._lamports)
        named = tuple(sorted(self.random.sample(seen, min(len(seen), self.random.randint(0, 3))))) if after is None else after
        last = author.last
        known = [self._lamports.get(id_, 0) for id_ in named] + [last.header.lamport if last else 0]
        changes: dict[str, object] = {"after": named, "lamport": 1 + max(known) + off}
        if body is not None:
            changes |= {"body": hash32(body), "size": len(body)}
        entry = author.entry(Text("I did not say that") if last else Here(author.name), **changes)
        entry = Written(entry.header, entry.raw, body if body is not None else entry.body)
        if not off and after is None:
            author.last = entry
            self._stations.append(entry)
        return author.page(entry)

    def _entry(self) -> wire.Page:
        page = self._make()
        self._learn(page)
        return page

    def _fork(self) -> wire.Page:
        self.author.last = self.random.choice(self._stations)
        return self._entry()

    def _several(self) -> wire.Page:
        """A page of some entries, each of which it may go on from."""
        entries = self.author.then(*[Text("one of several")] * self.random.randint(2, 4))
        self._stations += entries
        page = self.author.page(*entries)
        self._learn(page)
        return page

    def _fork_in_the_middle(self) -> tuple[wire.Page, ...]:
        """Two branches that part within a page."""
        first = self._several()
        self.author.last = self._stations[-2]
        return first, self._several()

    def _cut_otherwise(self) -> wire.Page:
        """The same entries in two pages, one of which ends before the other."""
        entries = self.author.then(*[Text("one of several")] * 3)
        self._stations += entries
        self._say(self.random.choice(sorted(self.links)), self.author.page(*entries[:2]))
        page = self.author.page(*entries)
        self._learn(page)
        return page

    def _two_tongues(self) -> wire.Page:
        """Two branches of the same height, each told to somebody else."""
        before = self.author.last
        page = self._several() if before is not None else self._entry()
        height = len(page.headers)
        self._say(self.random.choice(sorted(self.links)), page)
        self.author.last = before
        other = self.author.page(*self.author.then(*[Text("the other tongue")] * height))
        self._learn(other)
        return other

    def _bomb_that_nobody_can_check(self) -> wire.Page:
        return self._make(after=(self.random.randbytes(32),), off=2**50)

    def _gap(self) -> wire.Page:
        """A page that leaves out an entry; between two of its own, or before them."""
        before = self.author.last
        if before is None:
            return self._entry()
        first, _, last = self.author.then(Text("kept"), Text("left out"), Text("kept"))
        self.author.last = before
        return self.author.page(first, last) if self.random.random() < 0.5 else self.author.page(last)

    def _impersonation(self) -> wire.Message:
        """Somebody's feed goes on, as if they had written it, but for the signature."""
        if not self._pages:
            return self._entry()
        raw = self.random.choice(self._pages).headers[-1]
        last = decode_header(raw)
        body = self.random.randbytes(64)
        header = replace(
            last, seq=last.seq + 1, prev=hash32(raw), lamport=last.lamport + 1, after=(), body=hash32(body), size=len(body)
        )
        forged = encode_header(header)
        return wire.Page(ROOM.id, (forged,), self.author.key.sign_page(hash32(forged)), (body,))

    def _claim_very_much(self) -> wire.Tips:
        return wire.Tips(ROOM.id, tuple(self.random.randbytes(32) for _ in range(300)))

    def tell_apart(self, *halves: list[int]) -> None:
        """One thing on some links, another on others."""
        if self.author.last is None:
            self._entry()
        for half, pages in zip(halves, self.random.choice((self._of_equal_height, self._parted_in_the_middle))(), strict=True):
            for link in half:
                for page in pages:
                    self._say(link, page)

    def _of_equal_height(self) -> list[list[wire.Page]]:
        """Two branches of one entry each."""
        before, told = self.author.last, []
        for text in ("yes", "no"):
            self.author.last = before
            told.append([self.author.page(*self.author.then(Text(text)))])
        return told

    def _parted_in_the_middle(self) -> list[list[wire.Page]]:
        """A page for some, its first two entries for others, and a branch that parts after the first one for all."""
        entries = self.author.then(Text("one"), Text("two"), Text("three"))
        self.author.last = entries[0]
        branch = self.author.page(*self.author.then(Text("another")))
        return [[self.author.page(*entries[:2]), branch], [self.author.page(*entries), branch]]

    def _wrong_lamport(self) -> wire.Page:
        return self._make(off=self.random.choice([1, 7, 2**40, 2**52]))

    def _rests_on_nothing(self) -> wire.Page:
        return self._make(after=(self.random.randbytes(32),))

    def _wrong_body(self) -> wire.Page:
        page = self._make()
        return wire.Page(page.room, page.headers, page.signature, (self.random.randbytes(64),))

    def _no_body(self) -> wire.Page:
        page = self._entry()
        return wire.Page(page.room, page.headers, page.signature, (None,))

    def _rewrapped(self) -> wire.Page:
        other = Author("elsewhere", self.random.randbytes(32))
        return other.page(other.entry(), room=ROOM.id)

    def _resigned(self) -> wire.Page:
        if not self._pages:
            return self._entry()
        page = self.random.choice(self._pages)
        return wire.Page(page.room, page.headers, self.author.key.sign_page(hash32(page.headers[-1])), page.bodies)

    def _twin(self) -> wire.Page:
        """Somebody else's words under the own name, as early as can be."""
        bodies = [body for page in self._pages for body in page.bodies if body is not None]
        if not bodies or self.author.last is None:
            return self._entry()
        page = self._make(body=self.random.choice(bodies))
        self._learn(page)
        return page

    def _hearsay(self) -> wire.Card:
        return Author(f"nobody {self.random.randint(0, 5)}").card()

    def _false_card(self) -> wire.Card:
        """Somebody linked, with a feed of my making, were it one that I write into, or with a signature that is none."""
        who = self.random.choice([*self.links.values(), self.author.public])
        used = (self.author.key, *(stranger.key for stranger in self._strangers))
        key = self.random.choice((FeedKey(self.random.randbytes(32)), *used))
        right = key.sign_owner(ROOM.id, who)
        return wire.Card(ROOM.id, who, ((key.public, self.random.choice([right, bytes(64)])),))

    def _claim_too_much(self, *, fresh: bool = False) -> wire.Tips:
        seen = sorted(self._lamports)
        tips = [self.random.randbytes(32) for _ in range(self.random.randint(0, 3))]
        tips += self.random.sample(seen, min(len(seen), 5))
        return wire.Tips(ROOM.id, tuple(tips), (), fresh, fresh and self.random.random() < 0.8)

    def _have_again(self) -> wire.Have:
        return wire.Have(ROOM.id, self.random.choice([bytes(32), self.random.randbytes(32)]), 0, False)

    def _old_page(self) -> wire.Message:
        return self.random.choice(self._pages) if self._pages else self._hearsay()

    def _stripped(self) -> wire.Message:
        """What somebody said, without the words."""
        page = self._old_page()
        if not isinstance(page, wire.Page):
            return page
        return wire.Page(page.room, page.headers, page.signature, (None,) * len(page.headers))

    def _stranger(self) -> wire.Page:
        """A feed that nobody has a card of."""
        stranger = self.random.choice(self._strangers)
        return stranger.page(stranger.last) if stranger.last is not None else stranger.arrives()

    def _wherever(self) -> wire.Peers:
        """Those who are linked, and whoever, at places of my choice."""
        dice = self.elsewhere
        people = [*self.links.values(), self.author.public, dice.randbytes(32)]
        lies = tuple((who, ((dice.randbytes(4), 4000), (dice.randbytes(16), 1024))) for who in people)
        return wire.Peers(ROOM.id, dice.randint(0, 65535), lies)


class Mallory(Host):
    """A host whose replica is a liar."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        author = Author(f"{world.seed} {name}", ROOM.id)
        self.identity = author.identity
        self.liar = Liar(author, Random(f"{world.seed} {name} lies"))
        self.replica = self.liar  # type: ignore[assignment]  # it answers what a host and the world ask of a replica

    def act(self) -> None:
        """Do something bad now."""
        self.do(lambda _: self.liar.misbehave())
