"""The Textual app: themes, the way from start to chat, and the way out. What is on the screens is theirs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.driver import Driver

from peertalk import commands, say
from peertalk.commands.opening import Opener, Profile, Remember, open_profile
from peertalk.commands.questions import Ask, Back
from peertalk.config import Settings
from peertalk.errors import PeerTalkError
from peertalk.i18n import _
from peertalk.tui.ascii import Ascii
from peertalk.tui.crash import DiscreetApp, crashed
from peertalk.tui.driver import steady
from peertalk.tui.palette import Anything
from peertalk.tui.screens.ask import card
from peertalk.tui.screens.chat import ChatScreen
from peertalk.tui.screens.help import Help
from peertalk.tui.themes import THEMES

if TYPE_CHECKING:
    from peertalk.node.node import Node

GOODBYE = 3.0
"""Seconds that closing the node may take."""


class PeerTalkApp(DiscreetApp):
    """The front end. `ground` is what the terminal has: "dark", "light", or "sixteen" where it has few colours."""

    TITLE = "PeerTalk"
    CSS_PATH = [Path(__file__).parent / "styles" / f"{name}.tcss" for name in ("base", "chat", "ask", "sheet")]
    COMMANDS = {Anything}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
        Binding("ctrl+c", "interrupted", show=False),
    ]

    def __init__(self, opener: Opener, settings: Settings, profile: Profile, remember: Remember, ground: str = "dark") -> None:
        super().__init__(ansi_color=True if ground == "sixteen" else None)  # before the theme, for NO_COLOR
        self.node: Node | None = None
        self.keys = commands.bindings(settings.keys)
        self._remember = remember
        self._opener = opener
        self._settings = settings
        self._profile = profile
        self._ground = ground
        self._begun = self._leaving = False
        for theme in THEMES.values():
            self.register_theme(theme)
        self.colour(settings.theme)
        self.set_keymap(settings.keys)
        if settings.ascii:
            self._filters.append(Ascii())

    @property
    def ascii(self) -> bool:
        """Whether the terminal has letters alone."""
        return self._settings.ascii

    @property
    def chat(self) -> ChatScreen:
        """The one screen that is always there."""
        screen = self.screen_stack[0]
        assert isinstance(screen, ChatScreen)  # noqa: S101 (get_default_screen)
        return screen

    def get_driver_class(self) -> type[Driver]:
        return steady(super().get_driver_class())

    def get_default_screen(self) -> ChatScreen:
        return ChatScreen()

    def on_ready(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _app: self.screen.refresh())  # after Ctrl+Z the terminal is empty
        self._begun = True
        (self._goodbye if self._leaving else self._start)()

    @work(exclusive=True, group="start")
    async def _start(self) -> None:
        node = await open_profile(self.ask, self._opener, self._settings, self._profile, self.remember)
        if node is None:
            self.exit(return_code=1)
            return
        self.node = node
        await self.chat.reading.attach(node)

    async def ask(self, ask: Ask, *, overlay: bool = False) -> str | Back:
        """Ask something on a card; the answer."""
        return await self.push_screen_wait(card(ask, overlay=overlay))

    def remember(self, key: str, value: object) -> None:
        """Keep a setting for the next start, unless nothing is to be kept. Where that fails it is said, and no more."""
        if self.node is not None and self.node.settings.ephemeral:
            return
        try:
            self._remember(key, value)
        except PeerTalkError as error:
            self.chat.note(say.error(error), trouble=True)

    def colour(self, theme: str) -> None:
        """Take the dark or the light colours; "auto" follows the terminal, and one with few colours keeps its own."""
        self.theme = self._ground if theme == "auto" or self._ground == "sixteen" else theme

    # ── overlays ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def show_help(self, command: str | None = None) -> None:
        """Commands and keys, or one command."""
        self.push_screen(Help(self.keys, command))

    def action_command_palette(self) -> None:
        if self.screen is self.chat:
            self.push_screen(CommandPalette(placeholder=_("A room, a person, a command …"), id="--command-palette"))

    def action_interrupted(self) -> None:
        """Ctrl+C copies what is marked; otherwise it only says how to close, since a draft is quickly lost."""
        quit_key = next(binding.keys[0] for binding in self.keys if binding.id == "quit")
        words = _("{key} closes PeerTalk. Nothing was lost.").format(key=commands.key_name(quit_key))
        self.chat.hint(words)

    # ── the way out ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def action_quit(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Close the node, so that the others are told, then the screen."""
        if self._begun and not self._leaving:
            self._goodbye()
        self._leaving = True

    @work(group="leave")
    async def _goodbye(self) -> None:
        self.workers.cancel_group(self, "start")
        self.chat.hint(_("Saying goodbye …"))
        await self.close_node()
        self.exit()

    def node_ended(self) -> None:
        """The node ended by itself: nothing can be promised any more."""
        if self.node is not None and not self._leaving:
            failure = self.node.failure
            self.exit(return_code=1, message=Text(say.error(failure) if isinstance(failure, PeerTalkError) else crashed()))

    async def close_node(self) -> None:
        """Close the node if there is one, once."""
        node, self.node = self.node, None
        if node is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(node.close(), GOODBYE)
