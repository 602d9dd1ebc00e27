"""Who is there and holds what, in a large room, where not all are linked with all (docs/protocol.md, "Large rooms").

Each member signs a pulse every ten seconds, and all pass the newest of each on. The counter is the sender's clock in seconds: it
only grows, and one that is old when it comes counts for nothing, so that nobody is kept online by what they said before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from peertalk.core import wire
from peertalk.core.effects import Presence, Send
from peertalk.core.entry import FeedKey, verify_pulse
from peertalk.core.outlet import Now
from peertalk.core.rates import Bucket
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing
from peertalk.errors import RemoteError

PERIOD = 10.0
"""Seconds after which one's own pulse is renewed where nothing has changed."""
LIFE = 30.0
"""Seconds for which a pulse counts."""
A_SECOND = 32
"""Pulses of all members that come a second at most: where something has changed, each is renewed as late as that takes."""
GATHERED, GATHERED_IDLE = 1.0, 3.0
"""Seconds within which pulses are gathered on a link: those of members who hold something new, and the others."""
MAX_HEARD, FEW = 4096, 1024
"""Pulses that are kept; and those from which on only those of people who have said that they are in the room are."""
FEED_BURST, FEED_RATE = 4, 2
"""Pulses of one feed that are taken from others: at once, and then in the time after which who holds something new renews theirs. All
pass on what they take, so whoever makes up feeds must not have everybody look at hundreds of signatures a second."""
STATES = 64
"""Last states of one's own history that a pulse is compared with."""


@dataclass(slots=True)
class Heard:
    """The newest pulse of a feed. `offset`: of its owner's clock (as the counter shows it) from ours, once they said it themselves."""

    pulse: wire.Pulse
    identity: bytes
    until: float
    turns: Bucket
    offset: float | None = None


class Pulses:
    """The pulses of `room`: one's own, signed by what `key` gives, and those of others. `may_speak`: with whom is it spoken of?
    `is_ignored`: whose pulses are passed on, and count for nothing here?"""

    def __init__(
        self,
        room: Room,
        *,
        key: Callable[[], FeedKey | None],
        may_speak: Callable[[bytes], bool],
        is_ignored: Callable[[bytes], bool],
        disk: bool,
    ) -> None:
        self._room, self._key, self._disk = room, key, disk
        self._may_speak, self._is_ignored = may_speak, is_ignored
        self.near: frozenset[bytes] = frozenset()
        """To whom pulses are passed on."""
        self._passes: tuple[tuple[Sharing, ...], frozenset[bytes], tuple[Sharing, ...]] = (), self.near, ()
        self._heard: dict[bytes, Heard] = {}
        self._states: dict[bytes, dict[bytes, int]] = {}
        self._seen: tuple[int, int, int] | None = None
        """What was held at the last look."""
        self._said: tuple[int, int, int] | None = None
        """And when all were told of it last."""
        self._said_at = -math.inf
        self._own: wire.Pulse | None = None
        self._own_at = -math.inf
        self._clock = -math.inf
        self._left = -1
        self._due = math.inf
        """There is nothing to pass on before."""
        self._oldest = math.inf
        """None of those that are kept is too old before that."""
        self._phase = room.me[0] / 256

    # ── one's own ────────────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, now: Now) -> None:
        """Renew one's own pulse if it is time."""
        if now.mono >= self._beat_at():
            is_news = self._said != self._now_held()
            self._said, self._said_at = self._now_held(), now.mono
            self._renew(now)
            if self._own is not None:
                self._spread(self._own[0], None, now, is_news=is_news)

    def say_own(self, sharing: Sharing, now: Now) -> None:
        """Leave one's own pulse with somebody with whom one will not be linked for long. All others are told no later for that: who
        has a visit every few seconds would never be heard of."""
        if self._own is None or now.mono - self._own_at >= GATHERED_IDLE:
            self._renew(now)
        if self._own is not None:
            self._room.outlet.emit(Send(sharing.link, wire.Pulses(self._room.id, (self._own,))))

    def _beat_at(self) -> float:
        if self._said == self._now_held():
            return self._said_at + PERIOD
        return self._said_at + self._apart()

    def _apart(self) -> float:
        """Seconds between two pulses of somebody who holds something new."""
        return min(PERIOD, max(GATHERED, (len(self._room.heard) + 1) / A_SECOND))

    def _now_held(self) -> tuple[int, int, int]:
        return self._room.durable, len(self._room.bodies.absent), len(self._room.bodies.unsure)

    def _renew(self, now: Now) -> None:
        key = self._key()
        self._own_at = now.mono
        if key is None:
            return
        digest = self._look()
        counter = max(self._clock_shows(now), self._own[1] + 1 if self._own is not None else 0)
        signature = key.sign_pulse(self._room.id, counter, digest, disk=self._disk)
        self._own = (key.public, counter, digest, self._disk, signature)

    def _clock_shows(self, now: Now) -> int:
        """Seconds, by the own clock as far on as it ever was: to those who know how it goes, one that was set back would make all that
        is said from then on old."""
        self._clock = max(self._clock, now.wall / 1000 - now.mono)
        return int(now.mono + self._clock)

    # ── of others ────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, sharing: Sharing, message: wire.Pulses, now: Now) -> None:
        """Pulses came: take those that are new, and pass them on. RemoteError("bad_signature")."""
        heard = self._heard
        for pulse in message.pulses:
            feed, counter = pulse[0], pulse[1]
            known = heard.get(feed)
            if known is not None and counter <= known.pulse[1]:
                if counter == known.pulse[1]:
                    sharing.pulses.pop(feed, None)
                    self._learn_clock(sharing, pulse, known, now)
                if counter == known.pulse[1] or known.identity != sharing.identity:
                    continue
            self._take(sharing, pulse, known, now)

    def _learn_clock(self, sharing: Sharing, pulse: wire.Pulse, known: Heard, now: Now) -> None:
        """Who says themselves what others said of them already: now it is known how their clock goes."""
        if known.offset is None and known.identity == sharing.identity and pulse == known.pulse:
            known.offset, known.until = pulse[1] - now.mono, now.mono + LIFE
            self._is_here(known.identity, known.until)

    def _take(self, sharing: Sharing, pulse: wire.Pulse, known: Heard | None, now: Now) -> None:
        room, (feed, counter, digest, disk, signature) = self._room, pulse
        owner = room.cards.owner(feed)
        if owner is None or owner.identity == room.me or not self._is_welcome(owner.identity, feed):
            return
        is_own = owner.identity == sharing.identity
        offset = counter - now.mono if is_own else known.offset if known is not None else None
        age = 0.0 if is_own else max(0.0, (now.wall / 1000 if offset is None else now.mono + offset) - counter)
        turns = known.turns if known is not None else Bucket(FEED_BURST, FEED_RATE, now.mono)
        turns.rate = FEED_RATE / self._apart()
        if age >= LIFE or not (is_own or turns.take(1, now.mono)) or not sharing.pulse_rate.take(1, now.mono):
            return
        if not verify_pulse(feed, signature, room.id, counter, digest, disk=disk):
            raise RemoteError("bad_signature")
        is_news = known is None or known.pulse[2] != digest
        self._heard[feed] = Heard(pulse, owner.identity, now.mono + LIFE - age, turns, offset)
        self._oldest = min(self._oldest, now.mono + LIFE - age)
        self._is_here(owner.identity, now.mono + LIFE - age)
        self._claim(self._heard[feed])
        self._spread(feed, sharing, now, is_news=is_news)

    def _is_welcome(self, identity: bytes, feed: bytes) -> bool:
        room = self._room
        if room.record.kind == "direct" or room.members.has_left(identity) or not self._may_speak(identity):
            return False
        if feed not in self._heard and len(self._heard) >= FEW:
            return room.members.is_here(identity) and len(self._heard) < MAX_HEARD
        return True

    def _is_here(self, identity: bytes, until: float) -> None:
        room = self._room
        if self._is_ignored(identity):
            return
        is_new = identity not in room.online()
        room.present.hear(identity, until)
        room.outlet.touched.add(room.id)
        if is_new:
            room.outlet.emit(Presence(room.id, identity, online=True))

    def drop(self, identity: bytes) -> None:
        """Somebody counts as gone, until there is a newer pulse."""
        room = self._room
        if room.present.drop(identity):
            room.outlet.emit(Presence(room.id, identity, online=identity in room.online()))

    def forget_old(self, now: Now) -> None:
        """Whose pulse is too old is there no more, nor is who has left."""
        room = self._room
        version = room.members.version
        looks, self._left = version != self._left, version
        for identity in room.present.too_old(now.mono):
            self.drop(identity)
        if looks:
            for identity in sorted(room.members.left().intersection(room.heard)):
                self.drop(identity)
        if len(self._heard) >= FEW and self._oldest <= now.mono:
            self._heard = {feed: one for feed, one in self._heard.items() if one.until > now.mono}
            self._oldest = min((one.until for one in self._heard.values()), default=math.inf)

    # ── passing on ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _spread(self, feed: bytes, source: Sharing | None, now: Now, *, is_news: bool) -> None:
        at = self._turn(now.mono, GATHERED if is_news else GATHERED_IDLE)
        for sharing in self._neighbours():
            if sharing is not source:
                sharing.pulses[feed] = None
                if sharing.pulse_at is None or at < sharing.pulse_at:
                    sharing.pulse_at = at
                    self._due = min(self._due, at)

    def _neighbours(self) -> tuple[Sharing, ...]:
        """On which links pulses are passed on; worked out anew where there are others, or others are chosen."""
        ready = self._room.ready()
        if self._passes[0] is not ready or self._passes[1] is not self.near:
            self._passes = ready, self.near, tuple(one for one in ready if one.identity in self.near)
        return self._passes[2]

    def _turn(self, now: float, period: float) -> float:
        """The next of the moments at which all links are seen to together: one wakes for all of them at once."""
        return (math.floor(now / period - self._phase) + 1 + self._phase) * period

    def tell_all(self, sharing: Sharing, now: Now) -> None:
        """Somebody is new here: tell of everybody."""
        self.tell_of([*self._heard, *([self._own[0]] if self._own is not None else [])], sharing, now)

    def tell_of(self, feeds: Iterable[bytes], sharing: Sharing, now: Now) -> None:
        """Tell of these at once, as far as they were heard."""
        told = dict.fromkeys(feed for feed in feeds if feed in self._heard or self._is_own(feed))
        if told:
            sharing.pulses.update(told)
            sharing.pulse_at = self._due = now.mono

    def _is_own(self, feed: bytes) -> bool:
        return self._own is not None and self._own[0] == feed

    def pump(self, now: Now) -> None:
        """Pass on what has gathered, where it is time."""
        if now.mono < self._due:
            return
        for sharing in self._room.ready():
            if sharing.pulse_at is not None and sharing.pulse_at <= now.mono:
                self._tell(sharing, now)
        self._due = min((one.pulse_at for one in self._room.ready() if one.pulse_at is not None), default=math.inf)

    def _tell(self, sharing: Sharing, now: Now) -> None:
        pulses = iter(self._fresh(sharing.pulses, now))
        sharing.pulses, sharing.pulse_at = {}, None
        while run := tuple(islice(pulses, wire.MAX_PULSES)):
            self._room.outlet.emit(Send(sharing.link, wire.Pulses(self._room.id, run)))

    def _fresh(self, feeds: Iterable[bytes], now: Now) -> list[wire.Pulse]:
        own, heard = self._own, self._heard
        others = [heard[feed].pulse for feed in feeds if feed in heard and heard[feed].until > now.mono]
        return [own, *others] if own is not None and own[0] in feeds else others

    # ── what pulses claim ────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> bytes:
        """Note the present state of what is held here, and who has said that they are in the same; its digest."""
        before, self._seen = self._seen, self._now_held()
        digest = self._room.digest_with_absent()
        if self._seen != before:
            self._states.pop(digest, None)
            self._states[digest] = self._own_tips()
            if len(self._states) > STATES:
                del self._states[next(iter(self._states))]
            for one in self._heard.values():
                if one.pulse[2] == digest:
                    self._claim(one)
        return digest

    def _own_tips(self) -> dict[bytes, int]:
        chains, held, lacking = self._room.log.chains, self._room.held, {*self._room.bodies.unclaimed().values()}
        own = [chain for feed in self._room.own_feeds() - lacking if (chain := chains.get(feed)) is not None]
        return {chain.feed: seq for chain in own if not chain.forked for tip, seq in chain.tips.items() if tip in held}

    def _claim(self, heard: Heard) -> None:
        """Who holds what was held here holds all own entries under it. That is believed of who has named this feed themselves: anybody
        can say that a feed is somebody's who was never met. And of a feed that has forked since there may be more by now."""
        room, feed = self._room, heard.pulse[0]
        owner = room.cards.owner(feed)
        if owner is None or owner.via or owner.identity != heard.identity:
            return
        if self._seen != self._now_held() and heard.pulse[2] not in self._states:
            self._look()
        for own, seq in self._states.get(heard.pulse[2], {}).items():
            if not room.log.chains[own].forked:
                room.note_claim(own, seq, heard.identity, disk=heard.pulse[3])

    def wakes(self) -> float:
        """When there is something to do (monotonic seconds)."""
        return min(self._beat_at(), self._due, self._room.present.soonest)
