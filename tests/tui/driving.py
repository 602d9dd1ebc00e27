"""Driving the app in tests: start it over a fake node, type, and wait for what is to come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from textual.pilot import Pilot

from peertalk.commands.opening import Profile
from peertalk.config import Settings
from peertalk.errors import StartError
from peertalk.tui.app import PeerTalkApp
from peertalk.tui.screens.chat import ChatScreen
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS

TURNS = 200


@dataclass
class Driver:
    """A running app. `remembered` is what it wanted to be kept; `tried` are the passphrases it opened with."""

    node: FakeNode
    errors: list[StartError] = field(default_factory=list)
    remembered: dict[str, object] = field(default_factory=dict)
    tried: list[str | None] = field(default_factory=list)
    settings: list[Settings] = field(default_factory=list)
    app: PeerTalkApp = field(init=False)
    pilot: Pilot[None] = field(init=False)

    async def opener(self, settings: Settings, passphrase: str | None) -> FakeNode:
        self.tried.append(passphrase)
        self.settings.append(settings)
        if self.errors:
            raise self.errors.pop(0)
        return self.node

    @property
    def chat(self) -> ChatScreen:
        return self.app.chat

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the app work until this holds."""
        for _turn in range(TURNS):
            if holds():
                return
            await self.pilot.pause()
        raise AssertionError(f"it never came to this; the screen:\n{self.screen()}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def write(self, text: str, *keys: str) -> None:
        """Type a text (at once, as a paste would be), then press keys."""
        self.chat.composer.insert(text)
        await self.pilot.pause()
        await self.pilot.press(*keys)

    def bar(self, name: str) -> str:
        return self.chat.query_one(f"#{name}").words  # type: ignore[attr-defined]

    def rows(self) -> list[str]:
        """What the transcript shows, row by row."""
        transcript = self.chat.transcript
        return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]

    def shows(self, *texts: str) -> bool:
        """Whether the transcript shows these, from top to bottom."""
        rows = iter(self.rows())
        return all(any(text in row for row in rows) for text in texts)

    def screen(self) -> str:
        """Everything on the screen, as text."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())


@asynccontextmanager
async def driving(
    node: FakeNode | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    profile: Profile = "key_file",
    settings: Settings = SETTINGS,
    errors: tuple[StartError, ...] = (),
    theme: str = "dark",
) -> AsyncIterator[Driver]:
    """A running app; at `key_file` with its node attached."""
    driver = Driver(node or FakeNode(settings), list(errors))
    driver.app = PeerTalkApp(driver.opener, settings, profile, driver.remembered.__setitem__, theme)  # type: ignore[arg-type]
    async with driver.app.run_test(size=size) as pilot:
        driver.pilot = pilot
        if profile == "key_file" and not errors:
            await driver.until(lambda: driver.chat.talk is not None and driver.chat.talk.conversation is not None)
            await pilot.pause()
        yield driver
        await driver.app.close_node()


def company(*rooms: str) -> FakeNode:
    """Mira and Jonas are in the lobby."""
    node = FakeNode(SETTINGS)
    for name in rooms:
        node.add_room(name)
    for name in ("Mira", "Jonas"):
        node.add_peer(name, "lobby", *rooms)
    return node


def long_talk(count: int = 300) -> FakeNode:
    node = company()
    for number in range(count):
        node.says("lobby", "Mira" if number % 3 else "Jonas", f"message {number}")
    return node


def lines_are_counted_right(driver: Driver) -> None:
    """What the transcript has counted bit by bit is what it would count anew."""
    transcript = driver.chat.transcript
    before = list(transcript._heights), list(transcript._ends)
    transcript._measure()
    assert before == (transcript._heights, transcript._ends)
