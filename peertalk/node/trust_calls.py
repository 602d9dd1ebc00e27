"""The node's API: whom one can be sure of (docs/rpc.md, `rooms.words`, `rooms.verified`, `peers.verify`, `peers.confirm`)."""

from __future__ import annotations

from peertalk import i18n, text
from peertalk.core import events
from peertalk.core.emoji import as_emoji
from peertalk.core.wordlist import Language
from peertalk.core.words import as_words
from peertalk.errors import RequestError
from peertalk.node.calls import Calls


def _language(wanted: str | None) -> Language:
    return "de" if (wanted or i18n.language()) == "de" else "en"


class TrustCalls(Calls):
    """See the module."""

    async def words(self, room: str, language: str | None = None) -> events.Words:
        """The ten words of a room, in this language, else in the room's, else in one's own. They may take a tenth of a second.

        From now on RoomChanged says when they have changed (`words`), and when `gathering` or `differ` have (`members`)."""
        found = self._life.lookup.room(room)
        made, unity, members = await self._life.comparing.words(found)
        return events.Words(
            words=list(as_words(made, _language(language or found.record.language))),
            gathering=unity.gathering,
            differ=[self._life.views.peer(identity) for identity in unity.differ],
            members=members,
        )

    async def verified(self, room: str, present: list[str]) -> list[events.Member]:
        """These are there and have the same words as were shown here last: they are verified from now on. Oneself is left out.

        RequestError unknown_peer, ambiguous_name; refused with why: `not_compared` (no words were shown), `words_changed` (for
        somebody who came after that)."""
        found = self._life.lookup.room(room)
        stood_for = self._life.comparing.stood_for(found)
        now = self._life.views.members(found)
        chosen = {self._present(one, stood_for, now).id for one in present}
        for member in stood_for:
            if member.id in chosen and not member.me:
                await self._life.trust.verify(bytes.fromhex(member.id), verified=True)
        return self._life.views.members(found)

    def _present(self, wanted: str, stood_for: list[events.Member], now: list[events.Member]) -> events.Member:
        if not text.meant(wanted, stood_for) and text.meant(wanted, now):
            raise RequestError("refused", why="words_changed")
        return text.pick(wanted, stood_for)

    async def verify(self, peer: str) -> events.Emoji:
        """Seven symbols, once the other side has asked for them too; a cancelled call is told to them. RequestError unknown_peer,
        ambiguous_name; not_reachable with why, as Comparing.emoji."""
        made = await self._life.comparing.emoji(self._life.lookup.peer(peer))
        return events.Emoji(emoji=[events.Symbol(symbol=symbol, name=name) for symbol, name in as_emoji(made, _language(None))])

    async def confirm(self, peer: str, matches: bool) -> events.Peer:
        """The symbols are the same on both sides: verified from now on; or they are not, and nobody is. RequestError refused with why
        `not_compared`, where none were shown."""
        identity, compared = self._life.lookup.peer(peer), self._life.comparing.compared
        if matches and identity not in compared:
            raise RequestError("refused", why="not_compared")
        if not matches:
            compared.discard(identity)
        await self._life.trust.verify(identity, verified=matches)
        return self._life.views.peer(identity)
