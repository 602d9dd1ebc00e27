"""What is known of one peer: over one link, and in one room over it (docs/protocol.md, "Sync")."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from peertalk.core import wire
from peertalk.core.checks import Checked
from peertalk.core.feed import Chain, Lack
from peertalk.core.holding import Holds, State, Tips
from peertalk.core.log import Log
from peertalk.core.rates import Bucket
from peertalk.core.stored import RoomRecord

FIRST_HAVE_PATIENCE = 20.0
"""Seconds after which nobody waits any more for a peer's first claims to be settled: a liar delays nobody for longer."""
MAX_WANTED = 20_000
"""Tips that are noted of all peers of an open room together, beside those that are noted of each."""
OWN_WANTED = 256
MAX_PARKED, PARKED_SIZE = 16, 32 * 1024
MAX_BRANCHES = 64
"""Ids of a forked feed that a peer is known to hold. To forget the oldest only means to tell it again."""
MAX_BACKOFF = 8.0
BODY_BACKOFF, MAX_BODY_BACKOFF = 8.0, 600.0
_FIRST_BACKOFF = 0.25
SIGNAL_BURST, SIGNAL_RATE = 10, 2
FEW = 16
"""Wanted tips, and entries of an answer, beyond which in a large room that is not a live page that got lost, but catching up."""
PULSE_BURST, PULSE_RATE = 1024, 256
"""Signatures of pulses that are looked at of one peer: at once, and a second."""


@dataclass(slots=True)
class LinkState:
    """An authenticated link: to whom, and the rooms that both sides have proven."""

    identity: bytes
    proven: set[bytes]
    quit: set[bytes] = field(default_factory=set)
    direct: RoomRecord | None = None
    card: wire.Card | None = None
    """With which the other one would begin the direct room, where that has to wait for its turn."""
    kept_out: set[bytes] = field(default_factory=set)
    """Rooms that are proven here and whose door is closed to who is there: that was said, and nothing else."""
    outside: set[bytes] = field(default_factory=set)
    """Rooms of which the other side said so."""
    signals: Bucket = field(default_factory=lambda: Bucket(SIGNAL_BURST, SIGNAL_RATE, 0.0))
    dialled: bool = False
    """From here."""
    is_given_up: bool = False
    """Neither side needs it, and it is being closed."""


@dataclass(slots=True)
class Sharing:
    """One room on one link. `ready` once both cards were exchanged; before that nothing of the room is said."""

    link: int
    identity: bytes
    since: float
    ready: bool = False
    card_sent: bool = False
    sent: State | None = None
    """What was here when that was said in `Have`, until its own has come."""
    stated: bool = False
    """All tips were named to the peer, as an answer to its `have`."""
    heard: bool = False
    """Its first `have` is known in full."""
    first: list[bytes] = field(default_factory=list)
    """Tips of its first `have` that were not here; empty once caught up."""
    disk: bool = True
    roll: bytes = b""
    """Who is in the room, as the peer said last; `roll_sent`: as one said oneself to it."""
    roll_sent: bytes = b""
    holds: Holds = field(default_factory=Holds)
    """feed → tips (id → seq) that the peer said it holds and that are here too."""
    wanted: dict[bytes, float] = field(default_factory=dict)
    """Tips that the peer said it holds and that are not here → not to be asked for before (monotonic seconds)."""
    wants_more: bool = False
    """There were more of them than are noted."""
    came: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    """The peer's own feeds → seq and tip of the greatest page of it that came and could not settle then."""
    parked: dict[bytes, tuple[Checked, bytes]] = field(default_factory=dict)
    """Live pages that came before what they rest on, with an id that they wait for; few, and only to spare a request."""
    pending: dict[bytes, bytes] = field(default_factory=dict)
    """Tips to tell in the next delta → their feed."""
    tell_at: float | None = None
    reach_at: float | None = None
    """When to tell it where others of the room are."""
    serving: Iterator[Lack] = field(default_factory=lambda: iter(()))
    serving_left: int = 0
    window: int = 0
    """The size of the answer that is given to it; grows with how quickly it asks for the next."""
    served_at: float = float("-inf")
    """When the last answer that was cut had gone out."""
    at_once: int = 16
    """Entries that are read for it in one go: about as many as fill a message."""
    is_serving: bool = False
    is_held_up: bool = False
    """It asked, and so much waits for it already that it is answered later."""
    is_loading: bool = False
    """Bodies are being read for it."""
    backoff: float = 0.0
    ask_after: float = 0.0
    asked: int = 0
    """When it was asked last, as a number that grows: who was not asked for longest comes first. `bodies_asked`: the same for bodies."""
    bodies_asked: int = 0
    body_backoff: float = 0.0
    bodies_after: float = 0.0
    is_catching_up: bool = False
    """It is asked for so much that it is not passed on page by page."""
    needed: bool = True
    """Whether this link is needed here for this room, as the peer was told; `is_needed`: there, as it said."""
    is_needed: bool = True
    is_eager: bool = True
    """Live pages of a large room go out on this link; else only their tips."""
    pulses: dict[bytes, None] = field(default_factory=dict)
    """Feeds whose pulses it is to be told of, `pulse_at`."""
    pulse_at: float | None = None
    news: dict[bytes, None] = field(default_factory=dict)
    """What has come of whose feed is whose, and is to be named to it; `named`: by it, and another was asked; both `cards_at`."""
    named: dict[bytes, None] = field(default_factory=dict)
    owed: dict[bytes, None] = field(default_factory=dict)
    """What it has asked for of that, while too much waits to be sent to it."""
    cards_at: float | None = None
    is_told_all: bool = False
    """Everything that was known was named to it, once."""
    pulse_rate: Bucket = field(default_factory=lambda: Bucket(PULSE_BURST, PULSE_RATE, 0.0))
    agenda: Agenda = field(default_factory=lambda: Agenda(), compare=False, repr=False)  # noqa: PLW0108 - it stands below

    def due(self) -> float:
        """When there is something to tell (monotonic seconds)."""
        return min(at for at in (self.tell_at, self.reach_at, self.cards_at, math.inf) if at is not None)

    @property
    def is_spare(self) -> bool:
        """Does neither side need the link for this room?"""
        return not (self.needed or self.is_needed)

    @property
    def lacks_unnoted(self) -> bool:
        """Is all here that is noted, and may there be more?"""
        return self.wants_more and not self.wanted and bool(self.holds)

    def note(self, log: Log, tip: bytes) -> int | None:
        """The peer holds `tip`: its seq if it is here, None (and wanted) if not."""
        page = log.index.get(tip)
        if page is None:
            return None
        self.wanted.pop(tip, None)
        known = self.holds.of(page.feed)
        if tip in known:
            return known[tip]
        seq = next(seq for id_, seq, _ in page.entries if id_ == tip)
        self.holds.put(page.feed, _with(known, tip, seq, page.prev, log.chains[page.feed]))
        return seq

    def knows(self, tip: bytes, feed: bytes) -> bool:
        """Did the peer say that this is among its tips, or was it sent from there?"""
        return tip in self.holds.of(feed)

    def want(self, tip: bytes, at: float, limit: int) -> None:
        """The peer holds `tip`, which is not here. The newest `limit` are noted: an answer brings what settled before them too."""
        self.agenda.claimants[self.link] = self
        self.wanted.setdefault(tip, at)
        while len(self.wanted) > limit:
            del self.wanted[next(iter(self.wanted))]
            self.wants_more = True

    def want_page(self, tip: bytes, feed: bytes, seq: int, at: float, limit: int, *, is_own: bool) -> None:
        """A page came that cannot settle now. What its author (`is_own`) may have sent live is as good as a claim, and takes the
        place of what came of this feed before it. All else is part of an answer, older than the claims: it takes no claim's place."""
        last, before = self.came.get(feed, (0, b""))
        if is_own and seq > last:
            self.came[feed] = seq, tip
            if before != tip:
                self.wanted.pop(before, None)
            self.want(tip, at, limit)
        elif len(self.wanted) < limit:
            self.agenda.claimants[self.link] = self
            self.wanted.setdefault(tip, at)
        else:
            self.agenda.claimants[self.link] = self
            self.wants_more |= tip not in self.wanted

    def park(self, page: Checked, missing: bytes) -> None:
        """Keep a live page until `missing` is here. The oldest give way."""
        self.parked[page.tip] = page, missing
        while len(self.parked) > MAX_PARKED or sum(kept.size for kept, _ in self.parked.values()) > PARKED_SIZE:
            del self.parked[next(iter(self.parked))]

    def held(self) -> list[bytes]:
        """All ids that the peer is known to hold, with all that is below them."""
        return [tip for tips in self.holds.values() for tip in tips]

    def is_caught_up(self, log: Log, now: float) -> bool:
        """Is everything settled here that the peer claimed first, or has it had its time?"""
        if not self.ready:
            return False
        if now >= self.since + FIRST_HAVE_PATIENCE:
            return True
        while self.first and self.first[-1] in log.index:
            self.first.pop()
        return self.heard and not self.first

    def fail(self, now: float) -> None:
        """An answer of this peer settled nothing: others first, it again after a while."""
        self.backoff = min(MAX_BACKOFF, self.backoff * 2 or _FIRST_BACKOFF)
        self.ask_after = now + self.backoff

    def fail_bodies(self, now: float) -> None:
        """It has none of the bodies that were asked for, or does not answer: again after ever longer."""
        self.body_backoff = min(MAX_BODY_BACKOFF, self.body_backoff * 2 or BODY_BACKOFF)
        self.bodies_after = now + self.body_backoff

    def hope_for_bodies(self, now: float) -> None:
        """Others are missing now, or it has something new."""
        self.body_backoff, self.bodies_after = 0.0, min(self.bodies_after, now + BODY_BACKOFF)

    def give_owed(self) -> None:
        """What it has asked for of whose feed is whose may be handed over now."""
        self.cards_at = 0.0
        self.agenda.plan(self.cards_at)

    def tell(self, tip: bytes, feed: bytes, at: float) -> None:
        """Tell the peer of `tip` at `at` at the latest."""
        self.agenda.plan(at)
        self.pending[tip] = feed
        self.tell_at = at if self.tell_at is None else min(self.tell_at, at)


def _with(known: Tips, tip: bytes, seq: int, prev: bytes, chain: Chain) -> Tips:
    """What is known to be held of a feed, and one tip more, which is none of these."""
    if not chain.forked and (not known or max(known.values()) < seq):
        return chain.tips if tip in chain.tips else {tip: seq}
    more = {id_: at for id_, at in known.items() if id_ != prev}
    more[tip] = seq
    if len(more) > MAX_BRANCHES:
        del more[min(more, key=lambda id_: more[id_])]
    return more


@dataclass(slots=True)
class Agenda:
    """On which links of a room something is to be done: not all have to be looked at after each message."""

    due: float = math.inf
    """There is nothing to tell on any of them before."""
    claimants: dict[int, Sharing] = field(default_factory=dict)
    """All those on which something may be wanted."""

    def plan(self, at: float) -> None:
        """There is something to tell on one of them then."""
        self.due = min(self.due, at)

    def wanting(self) -> list[Sharing]:
        """Those on which something is wanted, or may be."""
        for one in [one for one in self.claimants.values() if not (one.wanted or one.wants_more)]:
            del self.claimants[one.link]
        return list(self.claimants.values())
