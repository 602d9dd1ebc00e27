"""What becomes of what others say about where people are (docs/protocol.md, "Where others are").

Somebody's word about themselves is remembered for later. Their word about others is worth a few dials, at a rate: whoever lies
must not make honest peers knock at other people's doors, nor keep them from those who were seen.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

from peertalk.core.effects import Heard, Listens
from peertalk.core.rates import Bucket
from peertalk.node.dialer import PATIENCE, Dialer
from peertalk.node.interfaces import Interface, dialable, may_listen, packed, unpacked
from peertalk.node.link import Link
from peertalk.node.ports import Clock
from peertalk.node.targets import Endpoint

BURST, RATE = 64, 0.1
"""New addresses that are tried on the word of one person: at once, and a second."""
BURST_OF_ALL, RATE_OF_ALL = 256, 1.0
"""The same on anybody's word: identities cost nothing."""
MAX_INTRODUCERS = 1024


class Hearsay:
    """`lines` are the links by number, `me` the own identity, `interfaces` those that may be dialled on, `is_blocked` whom
    nobody need look for; `met` is told where somebody who dialled us listens."""

    def __init__(
        self,
        dialer: Dialer,
        clock: Clock,
        lines: Mapping[int, Link],
        me: bytes,
        *,
        interfaces: Callable[[], tuple[Interface, ...]],
        is_blocked: Callable[[bytes], bool],
        met: Callable[[bytes, Endpoint], None],
    ) -> None:
        self.port = 0
        """Where one listens oneself."""
        self._dialer, self._clock, self._lines, self._me = dialer, clock, lines, me
        self._interfaces, self._is_blocked, self._met = interfaces, is_blocked, met
        self._of_all = Bucket(BURST_OF_ALL, RATE_OF_ALL, clock.mono())
        self._of_one: OrderedDict[bytes, Bucket] = OrderedDict()

    def learn(self, effect: Listens | Heard) -> None:
        """Use it as far as it is worth."""
        link = self._lines.get(effect.link)
        if link is None or link.peer is None:
            return
        if isinstance(effect, Heard):
            self._hear(link, link.peer, effect)
        elif not link.initiator:
            endpoint = (link.address[0], effect.port)
            self._met(link.peer, endpoint)
            self._dialer.listens(*endpoint, link.peer, self._clock.mono())

    def _hear(self, link: Link, introducer: bytes, heard: Heard) -> None:
        now, known, here = self._clock.mono(), self._dialer.book.endpoints(), self._interfaces()
        for identity, (host, port) in self._said(link, heard):
            if (host, port) in known:
                self._dialer.hear_of(host, port, identity, now)
                continue
            if self._is_own(host, port, here) or not (dialable(host, here) and may_listen(port)):
                continue
            if not (self._bucket(introducer, now).take(1, now) and self._of_all.take(1, now)):
                return
            turn = 0.0 if self._me < identity else PATIENCE
            self._dialer.hear(host, port, identity, introducer, now + turn)

    def _said(self, link: Link, heard: Heard) -> Iterator[tuple[bytes, Endpoint]]:
        """Where those are said to be whom there is a reason to dial."""
        _, scope = packed(link.address[0])
        for identity, endpoints in heard.peers:
            if not (self._dialer.is_linked(identity) or self._is_blocked(identity)):
                for address, port in endpoints:
                    yield identity, (unpacked(address, scope), port)

    def _is_own(self, host: str, port: int, interfaces: tuple[Interface, ...]) -> bool:
        return port == self.port and any(host in interface.literals() for interface in interfaces)

    def _bucket(self, introducer: bytes, now: float) -> Bucket:
        bucket = self._of_one.setdefault(introducer, Bucket(BURST, RATE, now))
        self._of_one.move_to_end(introducer)
        if len(self._of_one) > MAX_INTRODUCERS:
            self._of_one.popitem(last=False)
        return bucket
