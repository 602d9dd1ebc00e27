"""Ctrl+P: rooms, people and commands in one list. Everything in it is Content: names of others are never markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from peertalk import commands
from peertalk.i18n import _
from peertalk.tui.screens.chat import ChatScreen
from peertalk.tui.sides import AWAY, HERE

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk

Entry = tuple[str, str, Callable[[], object]]
"""What it is called, what it means, and what it does."""


class Anything(Provider):
    """One provider for all, so that rooms stand before people, and people before commands."""

    def entries(self) -> Iterator[Entry]:
        """All that there is."""
        if self.talk is not None:
            yield from self._rooms(self.talk)
            yield from self._people(self.talk)
        for command in commands.COMMANDS:
            yield commands.usage(command), _(command.help), partial(self.chat.begin_command, command)

    def _rooms(self, talk: Talk) -> Iterator[Entry]:
        for room in talk.roster.order():
            yield talk.roster.title(room), _("Go to this room"), partial(self.chat.reading.open_room, room.id)

    def _people(self, talk: Talk) -> Iterator[Entry]:
        for peer in sorted(talk.roster.peers.values(), key=lambda peer: (not peer.online, peer.name.casefold())):
            name = f"{HERE if peer.online else AWAY} {talk.roster.called(peer)}"
            yield name, _("Write to them: only the two of you can read it"), partial(self.chat.reading.go_to, ("peer", peer.id))

    @property
    def chat(self) -> ChatScreen:
        return cast("ChatScreen", self.screen)

    @property
    def talk(self) -> Talk | None:
        return self.chat.talk

    async def discover(self) -> Hits:
        for name, help_text, act in self.entries():
            yield DiscoveryHit(Content(name), act, text=name, help=escape(help_text))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, help_text, act in self.entries():
            score, offsets = matcher.fuzzy_search.match(query, name)  # matcher.highlight would read the name as markup
            if score > 0:
                shown = Content(name)
                for offset in offsets:
                    shown = shown.stylize(matcher.match_style, offset, offset + 1)
                yield Hit(score, shown, act, text=name, help=escape(help_text))
