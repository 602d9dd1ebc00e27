"""The links of a node: made, told apart, and brought to the replica once they are authenticated."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address
from itertools import count
from typing import Protocol

from peertalk.core import wire
from peertalk.core.channel import Channel, ChannelEvent, Established
from peertalk.core.checks import CheckedPages
from peertalk.core.entry import Random
from peertalk.core.identity import Identity, tag
from peertalk.core.outlet import Now
from peertalk.core.reach import Whence
from peertalk.core.session import Proven, Received
from peertalk.core.sync import Replica
from peertalk.errors import RemoteError
from peertalk.node.admission import Admission, Guest
from peertalk.node.checking import Checking, What
from peertalk.node.dialer import Dialer
from peertalk.node.engine import Engine
from peertalk.node.interfaces import packed
from peertalk.node.link import Link
from peertalk.node.ports import Clock

log = logging.getLogger("peertalk.links")

OFFERED = 64
"""Rooms that are proven at one dial. Those that one chose to be in and that were too many are proven on the link; what others brought
is proven at the next dial."""
CROSSING_SECONDS = 1.0
"""How old the older of two links may have been, that were dialled at one moment, when the other one was begun. How long it took to
set that up is no matter: with many at once that may be seconds."""
GONE = "closing"
"""The word of a `bye` that says: this program ends."""
REPLACED = "bye:replaced", "bye:crossed"
"""Why a link ends where the other side sees another one already; here that may be still in the making."""
CROWDED = "crowded"
"""The word of a `bye` that says: there is no room for one more link."""
NEEDLESS = "needless"
"""The word of a `bye` that says: neither side needs this link."""


class Pairings(Protocol):
    """Who invites: in these slots, and what becomes of links that found one of them."""

    def slots(self) -> Collection[int]: ...

    def happened(self, link: Link, event: ChannelEvent) -> None: ...

    def ended(self, link: Link) -> None: ...


class Links:
    """`lines` are the authenticated links that count, one an identity, as the engine uses them.

    `admission` says whom there is room for, and knows who may come for the direct room alone; `is_blocked` tells who gets no
    channel; `met` is told of everybody who is linked, with the address that was dialled.
    """

    def __init__(
        self,
        replica: Replica,
        identity: Identity,
        dialer: Dialer,
        clock: Clock,
        random: Random,
        *,
        admission: Admission,
        is_blocked: Callable[[bytes], bool],
        met: Callable[[bytes, tuple[str, int] | None], None],
    ) -> None:
        self.lines: dict[int, Link] = {}
        self.engine: Engine | None = None
        self.on_double: Callable[[], None] = lambda: None
        self.on_replaced: Callable[[bytes], None] = lambda _: None
        """Called before a link to somebody goes that makes way for another."""
        self.pairings: Pairings | None = None
        self._replica, self._identity, self._dialer = replica, identity, dialer
        self._clock, self._random = clock, random
        self._admission, self._is_blocked, self._met = admission, is_blocked, met
        self._checking = Checking(self._checked, replica.is_rated, lambda: replica.unwritten)
        self._all: dict[int, Link] = {}
        self._rooms: dict[int, frozenset[bytes]] = {}
        """In which rooms one was when a link that is being set up was begun."""
        self._by_identity: dict[bytes, Link] = {}
        self._numbers = count(1)
        self._offset = 0

    # ── making them ──────────────────────────────────────────────────────────────────────────────────────────────────

    def incoming(self) -> Link:
        """A link for somebody who dials us."""
        return self._make(None, {})

    def outgoing(self, target: str) -> Link:
        """A link for a dial of `target`."""
        return self._make(target, self._offer())

    def seeking(
        self, slots: Collection[int], on_event: Callable[[Link, ChannelEvent], None], on_closed: Callable[[Link, str], None]
    ) -> Link:
        """A link that looks for these slots and for nothing else. What becomes of it is told to whoever asked for it alone."""

        def closed(link: Link, reason: str) -> None:
            del self._all[link.id]
            on_closed(link, reason)

        number = next(self._numbers)
        channel = self._channel({}, initiator=True, slots=lambda: slots)
        return self._add(Link(number, channel, clock=self._clock, on_event=on_event, on_closed=closed, target=""))

    def is_own(self, link: Link) -> bool:
        """Whether the other end of a link that is not established is in this process."""
        return any(map(link.is_other_end_of, self._all.values()))

    def _make(self, target: str | None, offered: Mapping[bytes, bytes]) -> Link:
        inviting = self._inviting if target is None else frozenset
        number = next(self._numbers)
        link = Link(
            number,
            self._channel(offered, initiator=target is not None, slots=inviting, known=lambda: self._secrets(number)),
            clock=self._clock,
            on_event=self._on_event,
            on_closed=self._on_closed,
            on_pace=self._on_pace,
            target=target,
        )
        self._rooms[link.id] = frozenset(self._replica.secrets()) - (self._left_over(offered) if target is not None else set())
        return self._add(link)

    def _channel(
        self,
        offered: Mapping[bytes, bytes],
        *,
        initiator: bool,
        slots: Callable[[], Collection[int]],
        known: Callable[[], Mapping[bytes, bytes]] = dict,
    ) -> Channel:
        return Channel(
            initiator=initiator,
            identity=self._identity,
            offered=offered,
            known=known,
            refuse=self._is_blocked,
            random=self._random,
            now=self._clock.mono(),
            slots=slots,
        )

    def _add(self, link: Link) -> Link:
        self._all[link.id] = link
        return link

    def _inviting(self) -> Collection[int]:
        return self.pairings.slots() if self.pairings is not None else ()

    def _offer(self) -> dict[bytes, bytes]:
        """Rooms that one chose to be in come first; what others brought (anybody can begin a direct room) takes turns."""
        secrets = self._replica.secrets()
        places = self._replica.places
        chosen = [room for room in secrets if room in places and places[room].room.record.shown]
        picked = set(chosen)
        brought = [room for room in secrets if room not in picked]
        turn = self._offset % max(1, len(brought))
        self._offset += max(0, OFFERED - len(chosen))
        return {room: secrets[room] for room in [*self._by_rank(chosen), *brought[turn:], *brought[:turn]][:OFFERED]}

    def _left_over(self, offered: Mapping[bytes, bytes]) -> set[bytes]:
        """Rooms that one chose to be in and that a dial does not offer. Not direct ones: they need no proof where they matter."""
        rooms = (place.room.record for id_, place in self._replica.places.items() if id_ not in offered)
        return {record.id for record in rooms if record.shown and record.kind != "direct"}

    def _by_rank(self, rooms: list[bytes]) -> list[bytes]:
        return sorted(rooms, key=lambda room: self._replica.places[room].room.record.kind == "direct")

    def _secrets(self, link: int) -> dict[bytes, bytes]:
        return {**self._admission.acquaintances.secrets, **self._replica.secrets(link)}

    # ── what becomes of them ─────────────────────────────────────────────────────────────────────────────────────────

    def _on_event(self, link: Link, event: ChannelEvent) -> None:
        if link.id not in self.lines or not self._checking.take(link.id, link, event):
            self._deliver(link, event)

    def _checked(self, number: int, event: What) -> None:
        link = self.lines.get(number)
        if link is not None and link.reason is None:
            self._deliver(link, event)

    def _deliver(self, link: Link, event: What) -> None:
        try:
            self._take(link, event)
        except RemoteError as error:
            log.warning("closed the link to %s: %s", tag(link.peer or b""), error.kind)
            link.close(error.kind)
        except Exception as error:  # noqa: BLE001 - a mistake of ours that a peer can reach costs that link, not the chat
            log.error("closed the link to %s: %s", tag(link.peer or b""), type(error).__name__)  # noqa: TRY400 - no text
            link.close("internal")
        self._turn()

    def _take(self, link: Link, event: What) -> None:
        if isinstance(event, Established):
            self._established(link, event)
        elif isinstance(event, CheckedPages | wire.Pages):
            self._replica.received_checked(link.id, event, self._now())
        elif link.pairing and self.pairings is not None:
            self.pairings.happened(link, event)
        elif link.id in self.lines and isinstance(event, Received):
            self._replica.received(link.id, event.message, self._now())
        elif link.id in self.lines and isinstance(event, Proven):
            self._replica.proven(link.id, event.rooms, self._now())

    def _established(self, link: Link, event: Established) -> None:
        now = self._now()
        self._dialer.linked(link.target, event.peer, link.address[0], now.mono)
        other = self._by_identity.get(event.peer)
        is_in_time = self._admission.is_in_time(self._guest(event.peer, link), now.mono)
        if not is_in_time or (other is None and not self._find_room(link, event.peer, now)):
            link.close(CROWDED)
            return
        self._met(event.peer, link.address if link.initiator else None)
        if other is not None:
            loser = link if self._survives(other, link, event.peer) else other
            if loser is link:
                link.close("crossed")
                return
            self.on_replaced(event.peer)
            self._drop(other, now)
            other.close("replaced")
        link.since = now.mono
        log.info("linked with %s (%d rooms)", tag(event.peer), len(event.rooms))
        self._by_identity[event.peer] = link
        self.lines[link.id] = link
        whence = Whence(*packed(link.address[0]), link.address[1] if link.initiator else 0)
        self._replica.link_up(link.id, event.peer, event.rooms, now, whence=whence, binding=link.binding)
        self._prove_new(link)

    def _prove_new(self, link: Link) -> None:
        """Rooms that were too many, or that one has entered while the link was being set up: the proofs were exchanged without them."""
        before = self._rooms.pop(link.id)
        fresh = {room: secret for room, secret in self._replica.secrets(link.id).items() if room not in before}
        if fresh:
            link.prove(fresh)

    def _find_room(self, link: Link, peer: bytes, now: Now) -> bool:
        """Whether somebody who is not linked yet may be: for that another one may have to go."""
        new = self._guest(peer, link)
        guests = [self._guest(identity, one) for identity, one in self._by_identity.items()]
        loser = self._admission.excess(guests, new, now.mono)
        if loser is not None and loser is not new:
            other = self._by_identity[loser.identity]
            self._drop(other, now)
            other.close(CROWDED)
        return loser is not new

    def _guest(self, identity: bytes, link: Link) -> Guest:
        return self._admission.guest(identity, link.address[0], link.local)

    def _survives(self, older: Link, newer: Link, peer: bytes) -> bool:
        """Of two links to one identity: the newer of one direction; of crossed dials that of the lower identity. Dials cross at
        one moment: where a link has lasted, somebody who dials anew has lost it without the other side's knowing."""
        if older.initiator == newer.initiator or newer.begun - older.since >= CROSSING_SECONDS:
            return False
        mine = self._identity.public < peer
        return older.initiator == mine

    def _on_pace(self, link: Link) -> None:
        if link.id in self.lines:
            self._replica.congested(link.id, much=not link.writable)
            self._turn()

    def _on_closed(self, link: Link, reason: str) -> None:
        del self._all[link.id]
        self._rooms.pop(link.id, None)
        if link.pairing and self.pairings is not None:
            self.pairings.ended(link)
        if reason == "refused:self" and link.initiator and not self.is_own(link):
            self.on_double()
        if link.peer is not None:
            was_member = self._is_member(link)
            if reason in REPLACED:
                self.on_replaced(link.peer)
            self._drop(link, self._now(), needless=reason.endswith(f":{NEEDLESS}"))
            gone, crowded = reason == f"bye:{GONE}", reason.endswith(f":{CROWDED}")
            spare = reason.endswith(f":{NEEDLESS}")
            now = self._clock.mono()
            self._dialer.unlinked(link.peer, now, member=was_member, gone=gone, crowded=crowded, spare=spare)
            log.info("link to %s ended: %s", tag(link.peer), reason)
        self._turn()

    def _is_member(self, link: Link) -> bool:
        return any(link.id in place.room.sharings for place in self._replica.places.values())

    def _drop(self, link: Link, now: Now, *, needless: bool = False) -> None:
        self._checking.drop(link.id)
        if self.lines.pop(link.id, None) is not None and link.peer is not None:
            del self._by_identity[link.peer]
            self._replica.link_down(link.id, now, needless=needless)

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def hang_up(self, identity: bytes, reason: str) -> None:
        """End the link to somebody."""
        link = self._by_identity.get(identity)
        if link is not None:
            link.close(reason)

    def give_up(self, number: int) -> None:
        """End a link that neither side needs; but not one that the person asked for."""
        link = self.lines.get(number)
        if link is not None and not self._dialer.is_kept(link.target):
            link.close(NEEDLESS)

    def hang_up_moved(self, addresses: set[str]) -> None:
        """End the links over addresses that this machine no longer has: they are dead, and would be noticed only by silence. One that
        ended before the system could tell its address has none."""
        for link in list(self.lines.values()):
            if link.local and link.local not in addresses and not ip_address(link.local).is_loopback:
                link.close("moved")

    async def close(self) -> None:
        """Say goodbye to everybody. Cancelled where that takes too long, it has ended all the same what checks for them."""
        links = list(self._all.values())
        for link in links:
            link.close(GONE)
        try:
            for link in links:
                await link.closed()
        finally:
            self._checking.close()

    def _now(self) -> Now:
        return Now(self._clock.mono(), self._clock.wall())

    def _turn(self) -> None:
        if self.engine is not None:
            self.engine.turn()
