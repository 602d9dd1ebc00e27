"""What two members say to each other in a room: cards, claims, pages (docs/protocol.md, "Sync")."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import msgspec

from peertalk.core import intake, serving, wire
from peertalk.core.asking import Asking
from peertalk.core.checks import CheckedPages
from peertalk.core.claims import tips_messages
from peertalk.core.doors import Seen
from peertalk.core.effects import MembersChanged, Presence, Send
from peertalk.core.feed import place
from peertalk.core.graph import Graph
from peertalk.core.introducing import Introducing
from peertalk.core.outlet import Now, Outlet
from peertalk.core.own import Own
from peertalk.core.pulses import Pulses
from peertalk.core.reach import Reach
from peertalk.core.room import DELTA_DELAY, NOTHING, Room
from peertalk.core.sharing import FIRST_HAVE_PATIENCE, Sharing
from peertalk.core.stored import CardRecord, PutCard
from peertalk.errors import RemoteError


@dataclass(slots=True)
class Place:
    """A room with its writer and its requests."""

    room: Room
    own: Own
    asking: Asking
    graph: Graph
    pulses: Pulses
    introducing: Introducing
    leaving: Literal["hide", "forget"] | None = None
    door: Seen = field(default_factory=Seen)
    """As it was told last."""
    wake_at: float = float("inf")
    """When there is something to do in it at the latest (monotonic seconds)."""

    def wakes(self, now: Now) -> float:
        """When there will be."""
        at = min(self.asking.wake(now), self.room.agenda.due)
        if not self.room.outbox:
            return at
        behind = (one for one in self.room.ready() if not one.is_caught_up(self.room.log, now.mono))
        return min((at, *(one.since + FIRST_HAVE_PATIENCE for one in behind)))


class Exchange:
    """Handles the messages of a room over a link on which it is shared."""

    def __init__(self, outlet: Outlet, reach: Reach, *, disk: bool) -> None:
        self._out = outlet
        self._reach = reach
        self._disk = disk

    def keeps(self, room: Room) -> bool:
        """Is what is held of this room on disk? Nothing is that is off the record."""
        return self._disk and room.record.retention != "session"

    def handle(self, place: Place, sharing: Sharing, message: wire.Message | CheckedPages, now: Now) -> None:
        """Carry out one message. RemoteError: the link is to be closed. Pages may have been checked before (core/checks.py)."""
        self._handlers[type(message)](self, place, sharing, message, now)

    def pump(self, place: Place, now: Now) -> None:
        """Tell what has gathered: tips, whose feed is whose, where others are."""
        agenda = place.room.agenda
        if now.mono < agenda.due:
            return
        for sharing in place.room.ready():
            if sharing.tell_at is not None and sharing.tell_at <= now.mono:
                if sharing.news and not place.room.is_large:
                    self._introduce(place, sharing, now)  # who asks for both is told who writes before what they wrote
                self.tell(place.room, sharing)
            if sharing.cards_at is not None and sharing.cards_at <= now.mono:
                self._introduce(place, sharing, now)
            if sharing.reach_at is not None and sharing.reach_at <= now.mono:
                self._reach.tell(place.room, sharing, now)
        agenda.due = min((sharing.due() for sharing in place.room.ready()), default=math.inf)

    def _introduce(self, place: Place, sharing: Sharing, now: Now) -> None:
        place.pulses.tell_of(place.introducing.tell(sharing, now), sharing, now)

    def tell(self, room: Room, sharing: Sharing) -> None:
        """Name the tips that have come since the last time; in a large room, where not all hear from all, not to who has them."""
        tips = {tip: room.held[tip] for tip in sharing.pending if tip in room.held}
        if room.is_large:
            tips = {
                tip: feed for tip, feed in tips.items() if not sharing.knows(tip, feed) or room.is_by(feed, sharing.identity)
            }
        sharing.pending.clear()
        sharing.tell_at = None
        for run in tips_messages(room.id, tips, room.bodies.unclaimed(), disk=self.keeps(room)):
            self._out.emit(Send(sharing.link, run))

    def _on_card(self, place: Place, sharing: Sharing, card: wire.Card, now: Now) -> None:
        room = place.room
        if not sharing.ready and card.identity != sharing.identity:
            raise RemoteError("out_of_order")
        known = len(room.cards.said)
        record = room.cards.receive(card, sharing.identity)
        if record is not None:
            self._out.commit((PutCard(record),), lambda _: self._tell_of(room, record))
            self._reach.know(room.id, record.identity)
            fresh = tuple(islice(reversed(room.cards.said), len(room.cards.said) - known))
            if fresh:
                place.introducing.spread(wire.Card(room.id, record.identity, record.feeds), fresh, sharing, now)
        if card.identity == sharing.identity and not sharing.ready:
            self._begin(place, sharing, now)

    def _tell_of(self, room: Room, card: CardRecord) -> None:
        """Of somebody who is not here, and of whom nothing is here, there is nothing to tell: a card alone may be made up."""
        if card.identity in room.online() or any(feed in room.log.chains for feed, _ in card.feeds):
            self._out.emit(MembersChanged(room.id, (card.identity,)))

    def _begin(self, place: Place, sharing: Sharing, now: Now) -> None:
        """Both cards are exchanged: the room may be spoken of."""
        room = place.room
        sharing.since = now.mono
        room.present.begin(sharing)
        room.is_kept_out = False
        sharing.sent = room.state()
        if not room.is_large or sharing.identity not in room.heard:  # who is heard of hears of everybody all the time
            place.introducing.begin(sharing)
        if room.is_large and sharing.identity not in room.heard:
            place.pulses.tell_all(sharing, now)
        self._out.emit(Send(sharing.link, wire.Have(room.id, sharing.sent.digest, room.log.count, self.keeps(room))))
        room.touch(now)
        self._out.emit(Presence(room.id, sharing.identity, online=True))
        self._reach.begin(room, sharing, now)

    def _on_have(self, place: Place, sharing: Sharing, have: wire.Have, _now: Now) -> None:
        room = place.room
        sharing.disk = have.disk
        sent, sharing.sent = sharing.sent, None
        if sent is not None and have.digest == sent.digest != NOTHING:
            sharing.holds.are_all(sent.feeds)
            own = [tip for feed in room.own_feeds() for tip in sent.feeds.get(feed, ())]
            self._claim(room, sharing, own, have.disk, ())
            sharing.heard = True
            return
        if not sharing.stated:
            sharing.stated = True
            place.asking.expect(have.entries)
            self._state_all(room, sharing)

    def _state_all(self, room: Room, sharing: Sharing) -> None:
        """Name all tips, a thousand a message."""
        disk = self.keeps(room)
        lacking = room.bodies.unclaimed()
        *runs, last = tips_messages(room.id, room.held, lacking, disk=disk) or [wire.Tips(room.id, (), disk=disk)]
        runs.append(msgspec.structs.replace(last, last=True))
        runs[0] = msgspec.structs.replace(runs[0], fresh=True)
        for run in runs:
            self._out.emit(Send(sharing.link, run))

    def _on_tips(self, place: Place, sharing: Sharing, tips: wire.Tips, now: Now) -> None:
        room = place.room
        sharing.hope_for_bodies(now.mono)
        if tips.fresh:
            sharing.holds.clear()
            sharing.wanted.clear()
            sharing.wants_more = False
        limit, at = room.room_for_tips(sharing), now.mono if not sharing.heard else now.mono + DELTA_DELAY
        for tip in tips.tips:
            if sharing.note(room.log, tip) is None:
                sharing.want(tip, at, limit)
        self._claim(room, sharing, tips.tips, tips.disk, tips.absent)
        if tips.last and not sharing.heard:
            sharing.heard = True
            sharing.first = list(sharing.wanted)

    def _claim(self, room: Room, sharing: Sharing, tips: Sequence[bytes], disk: bool, absent: Sequence[bytes]) -> None:
        """The peer says that it holds `tips`, which are noted, with all below them but the bodies in `absent`."""
        own, index = room.own_feeds(), room.log.index
        lacks = [index[id_] for id_ in absent if id_ in index]
        for feed in dict.fromkeys(index[tip].feed for tip in tips if tip in index):
            if feed in own:
                seq = max(place(index[tip], tip)[0] for tip in tips if tip in index and index[tip].feed == feed)
                upto = min((page.entries[0][1] - 1 for page in lacks if page.feed == feed), default=seq)
                room.note_claim(feed, min(seq, upto, room.log.whole(feed, sharing.holds[feed])), sharing.identity, disk=disk)

    def _on_want(self, place: Place, sharing: Sharing, want: wire.Want, now: Now) -> None:
        sharing.is_eager = True
        serving.answer(place.room, sharing, want, now)

    def _on_page(self, place: Place, sharing: Sharing, page: wire.Page, now: Now) -> None:
        self._take_in(place, sharing, lambda: intake.receive_page(place.room, page, sharing, now), now)

    def _on_pages(self, place: Place, sharing: Sharing, pages: wire.Pages | CheckedPages, now: Now) -> None:
        self._take_in(place, sharing, lambda: intake.receive_pages(place.room, pages, sharing, now), now)

    def _take_in(self, place: Place, sharing: Sharing, receive: Callable[[], bool], now: Now) -> None:
        """`receive` pages, and see to what follows from those that settled: also from those before one that is a bad one."""
        with self._out.together():  # once it is known here that another copy has written, it is known for good
            self._settle(place, sharing, receive, now)

    def _settle(self, place: Place, sharing: Sharing, receive: Callable[[], bool], now: Now) -> None:
        room = place.room
        before, entries = len(room.log.pages), room.log.count
        try:
            if receive():
                place.asking.brought(sharing, room.log.count - entries, now)
            elif sharing.ask_after > now.mono:
                place.asking.put_off(sharing, now)
        finally:
            if len(room.log.pages) > before:
                intake.unpark(room, now)
                self._check_own(place, before, now)

    def _check_own(self, place: Place, since: int, now: Now) -> None:
        """A verified page of an own feed that was not written here: another copy of this profile is at work."""
        own = place.room.own_feeds()
        for feed in sorted({page.feed for page in place.room.log.pages[since:]} & own):
            place.own.disown(feed, now)

    def _on_done(self, place: Place, sharing: Sharing, done: wire.Done, now: Now) -> None:
        place.asking.done(sharing, more=done.more, now=now)

    def _on_want_bodies(self, place: Place, sharing: Sharing, want: wire.WantBodies, _now: Now) -> None:
        serving.answer_bodies(place.room, sharing, want)

    def _on_bodies(self, place: Place, sharing: Sharing, bodies: wire.Bodies, now: Now) -> None:
        place.asking.receive_bodies(sharing, bodies, now)

    def _on_peers(self, place: Place, sharing: Sharing, peers: wire.Peers, now: Now) -> None:
        self._reach.hear(place.room, sharing, peers, now)

    def _on_pulses(self, place: Place, sharing: Sharing, pulses: wire.Pulses, now: Now) -> None:
        place.pulses.receive(sharing, pulses, now)

    def _on_known(self, place: Place, sharing: Sharing, known: wire.Known, now: Now) -> None:
        place.introducing.hear(sharing, known, now)

    def _on_want_cards(self, place: Place, sharing: Sharing, want: wire.WantCards, now: Now) -> None:
        feeds = place.introducing.answer(sharing, want)
        place.pulses.tell_of(feeds, sharing, now)  # those that were told before said nothing to who did not know whose they are

    def _on_prune(self, _place: Place, sharing: Sharing, _prune: wire.Prune, _now: Now) -> None:
        sharing.is_eager = False

    _handlers: Mapping[type[wire.Message | CheckedPages], Callable[..., None]] = {
        wire.Card: _on_card,
        wire.Have: _on_have,
        wire.Tips: _on_tips,
        wire.Want: _on_want,
        wire.Page: _on_page,
        wire.Pages: _on_pages,
        CheckedPages: _on_pages,
        wire.Done: _on_done,
        wire.WantBodies: _on_want_bodies,
        wire.Bodies: _on_bodies,
        wire.Peers: _on_peers,
        wire.Pulses: _on_pulses,
        wire.Prune: _on_prune,
        wire.Known: _on_known,
        wire.WantCards: _on_want_cards,
    }
