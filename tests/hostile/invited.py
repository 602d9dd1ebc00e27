"""Invitations of the victim's, and what it says of them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.hostile.pairing import Code
from tests.hostile.victim import Victim
from tests.lab.rpc_process import Event, RpcError

ROOM = "Canary room heron"
"""What a private room is called: it belongs to nobody who was not let in."""


@cache
def word_indices() -> dict[str, int]:
    """docs/words.md: the index of each word, in either language."""
    page = (Path(__file__).parent.parent.parent / "docs" / "words.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `..` \| (\S+) \| (\S+) \|", page, re.MULTILINE)
    return {word: int(number) for number, *words in rows for word in words}


@dataclass(frozen=True)
class Invited:
    """An invitation of the victim's: what it says to the person, and what that means."""

    victim: Victim
    text: str
    link: str
    code: Code
    since: int
    """How many events there were before."""

    async def dead(self) -> Event:
        """Wait until the victim says that it lets nobody in any more."""
        return await self.victim.process.wait_event(
            lambda event: event["type"] == "invite_dead" and event["code"] == self.text, since=self.since
        )


class Invite:
    """Makes invitations into one room of the victim's, and takes all back in the end."""

    def __init__(self, victim: Victim, room: str) -> None:
        self.victim, self.room = victim, room
        self._made: list[str] = []

    async def __call__(self, **options: object) -> Invited:
        since = len(self.victim.process.events)
        made = await self.victim.process.call("rooms.invite", room=self.room, **options)
        self._made.append(made["code"])
        words = bytes(word_indices()[word] for word in made["code"].split("-")[1:])
        code = Code.of_link(made["link"])._replace(words=words)
        return Invited(self.victim, made["code"], made["link"], code, since)

    async def take_back(self) -> None:
        for code in self._made:
            with suppress(RpcError):  # it is dead already
                await self.victim.process.call("rooms.cancel_invite", code=code)
