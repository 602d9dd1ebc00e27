"""An invitation, while it lives: the code to be said, its QR code, and who came in by it. Closed, it goes on."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from peertalk import say
from peertalk.core.events import Invite, Room
from peertalk.errors import PeerTalkError
from peertalk.say import qr
from peertalk.tui.bridge import Told
from peertalk.tui.screens.sheet import Sheet
from peertalk.tui.sheets.inviting import MANY, Door, choices, follow, lines
from peertalk.tui.widgets.choices import Choices
from peertalk.tui.widgets.page import Page

if TYPE_CHECKING:
    from peertalk.tui.talk import Talk


AROUND, BESIDE = 12, 62
"""Rows and columns that a QR code leaves to what else stands there."""


class Invitation(Sheet[None]):
    """One invitation into one room."""

    def __init__(self, talk: Talk, invite: Invite, room: Room) -> None:
        super().__init__(talk)
        self.door = Door(invite, room)

    def body(self) -> ComposeResult:
        with Horizontal(id="beside"):
            yield Page(id="text")
            yield Static(id="qr", markup=False)

    def on_mount(self) -> None:
        self.set_interval(0.5, self.draw)
        self.draw()

    def draw(self) -> None:
        """Bring it up to date."""
        now = time.time_ns() // 1_000_000
        if not self.door.dead and self.door.invite.expires_at <= now:
            self.door = replace(self.door, dead="expired")
        self.show(lines(self.door, now), choices(self.door))
        self._draw_qr()

    def _draw_qr(self) -> None:
        """The link as a QR code, where there is room for it and the text beside it."""
        shown, rows = self.query_one("#qr", Static), qr.lines(self.door.invite.link)
        fits = self.app.size.height >= len(rows) + AROUND and self.app.size.width >= len(rows[0]) + BESIDE
        shown.display = fits and not self.door.dead and not self.app.ascii
        self.set_class(shown.display, "-qr")
        if shown.display:
            shown.update(_squares(rows))

    @on(Told)
    def _told(self, message: Told) -> None:
        for event in message.events:
            self.door = follow(self.door, event)
        self.draw()

    @on(Choices.Taken)
    def _taken(self, message: Choices.Taken) -> None:
        match message.key:
            case "copy":
                self.app.copy_to_clipboard(self.door.invite.link)
                self.door = replace(self.door, copied=True)
                self.draw()
            case "more":
                self.run_worker(self._anew(MANY), exclusive=True)
            case "one" | "fresh":
                self.run_worker(self._anew(1), exclusive=True)
            case "cancel":
                self.run_worker(self._cancel(), exclusive=True)
            case _:
                self.dismiss(None)

    async def _anew(self, uses: int) -> None:
        """Another code in place of this one."""
        before = self.door
        try:
            invite = await self.node.invite(before.room.id, uses=uses)
            self.door = Door(invite, before.room, before.came)
            if not before.dead:
                await self.node.cancel_invite(before.invite.code)
        except PeerTalkError as error:
            self.door = replace(self.door, trouble=say.error(error))
        self.draw()

    async def _cancel(self) -> None:
        try:
            await self.node.cancel_invite(self.door.invite.code)
        except PeerTalkError as error:
            self.door = replace(self.door, trouble=say.error(error))
            self.draw()
        else:
            self.dismiss(None)


def _squares(rows: list[str]) -> Content:
    """Half a row may be left over at the bottom: it is no part of the code."""
    last = (rows[-1], "on $panel") if set(rows[-1]) <= {"▀"} else rows[-1]
    return Content.assemble("\n".join(rows[:-1]), "\n", last)
