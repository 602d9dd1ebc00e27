"""Cards of others, handed on to who lacks them (docs/protocol.md, "Introductions").

In a room everybody says the same of everybody. So what is known is named first, by hashes, and only what the other one lacks is
handed over; and of several who name the same thing one is asked, the next where no answer comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from peertalk.core import wire
from peertalk.core.effects import Send
from peertalk.core.outlet import Now
from peertalk.core.rates import Bucket
from peertalk.core.room import Room
from peertalk.core.sharing import Sharing

GATHERED, GATHERED_LARGE = 0.2, 1.0
"""Seconds within which what is new is gathered at least, and less than twice as long; each member takes another time, and what one
has named the other needs not name any more."""
PUSHED_BURST, PUSHED_RATE = 16, 4
"""Cards that are sent on at once, and then a second: where hundreds come at the same time they are named too."""
PATIENCE = 2.0
"""Seconds after which what was asked of one is asked of another."""
MOST_NAMED = 4096
"""What is kept of what one names and another is asked for; what is asked for at a time is at most twice as much."""


class Introducing:
    """What is said of others in one room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._asked: dict[bytes, float] = {}
        """What was asked for → when it may be asked for again (monotonic seconds)."""
        self._pushes = Bucket(PUSHED_BURST, PUSHED_RATE, 0.0)
        self._pace = 1 + room.me[0] / 256

    def begin(self, sharing: Sharing) -> None:
        """Say what is known here, in short. Where the same is known there, that is all."""
        self._send(sharing, wire.Known(self._room.id, self._room.cards.digest()))

    def hear(self, sharing: Sharing, known: wire.Known, now: Now) -> None:
        """The peer knows this: name what is known here if it was only said in short; ask for what is lacking, but not of two at once."""
        cards = self._room.cards
        if known.digest == cards.digest():
            sharing.news.clear()
            return
        if not (known.pairs or sharing.is_told_all):
            sharing.is_told_all = True
            self._name(sharing, cards.said)
        for pair in known.pairs:
            sharing.news.pop(pair, None)
        lacking = [pair for pair in known.pairs if pair not in cards.said]
        self._ask(sharing, lacking[: MOST_NAMED - len(sharing.named)], now)

    def answer(self, sharing: Sharing, want: wire.WantCards) -> list[bytes]:
        """Hand over what is asked for and known here, unless much waits on that link: then once it takes more. The feeds that were."""
        sharing.owed.update(dict.fromkeys(pair for pair in want.pairs if pair in self._room.cards.said))
        return self._give(sharing)

    def _give(self, sharing: Sharing) -> list[bytes]:
        if sharing.link in self._room.outlet.congested:
            return []
        owed, sharing.owed = list(sharing.owed), {}
        cards = [card for some in _chunks(owed, wire.MAX_FEEDS) for card in self._room.cards.of(some, sharing.identity)]
        for card in cards:
            self._send(sharing, card)
        return [feed for card in cards for feed, _ in card.feeds]

    def spread(self, card: wire.Card, fresh: Sequence[bytes], giver: Sharing, now: Now) -> None:
        """A card named what nobody had named. In a large room whoever came just now goes along the tree of the pages, before what they
        write, as long as few do; else it is named, to those who do not name it themselves."""
        goes_on = self._room.is_large and not any(pair in self._asked for pair in fresh) and self._pushes.take(1, now.mono)
        gathered = GATHERED_LARGE if self._room.is_large else GATHERED
        for other in self._room.ready():
            if other is giver or other.identity == card.identity:
                continue
            if goes_on and other.is_eager:
                self._send(other, card)
            elif news := [pair for pair in fresh if pair not in other.named]:
                other.news.update(dict.fromkeys(news))
                self._plan(other, now.mono + gathered * self._pace)
        for pair in fresh:
            self._asked.pop(pair, None)

    def tell(self, sharing: Sharing, now: Now) -> list[bytes]:
        """It is time: name what is new, ask for what nobody else has given, and hand over what could not be before; the feeds."""
        news, named = list(sharing.news), [pair for pair in sharing.named if pair not in self._room.cards.said]
        sharing.news.clear()
        sharing.named.clear()
        sharing.cards_at = None
        self._name(sharing, news)
        self._ask(sharing, named, now)
        return self._give(sharing)

    def _name(self, sharing: Sharing, pairs: Iterable[bytes]) -> None:
        digest = self._room.cards.digest()
        for some in _chunks(list(pairs), wire.MAX_NAMED):
            self._send(sharing, wire.Known(self._room.id, digest, some))

    def _ask(self, sharing: Sharing, lacking: Iterable[bytes], now: Now) -> None:
        """Ask for these, but for those that another has been asked for: for these later."""
        if len(self._asked) > MOST_NAMED:
            self._asked = {pair: again for pair, again in self._asked.items() if again > now.mono}
        most = max(0, 2 * MOST_NAMED - len(self._asked))
        wanted: list[bytes] = []
        for pair in lacking:
            again = self._asked.get(pair, 0.0)
            if again <= now.mono and len(wanted) < most:
                wanted.append(pair)
            else:
                sharing.named[pair] = None
                self._plan(sharing, max(again, now.mono + GATHERED))
        for some in _chunks(wanted, wire.MAX_WANT_CARDS):
            self._asked.update(dict.fromkeys(some, now.mono + PATIENCE))
            self._send(sharing, wire.WantCards(self._room.id, some))

    def _plan(self, sharing: Sharing, at: float) -> None:
        sharing.agenda.plan(at)
        sharing.cards_at = at if sharing.cards_at is None else min(sharing.cards_at, at)

    def _send(self, sharing: Sharing, message: wire.Message) -> None:
        self._room.outlet.emit(Send(sharing.link, message))


def _chunks(pairs: Sequence[bytes], most: int) -> Iterable[tuple[bytes, ...]]:
    return (tuple(pairs[at : at + most]) for at in range(0, len(pairs), most))
