"""The screen one is on nearly always: rooms and people, the open room, and where one writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import TextArea

from peertalk import commands
from peertalk.commands.checkup import SOON
from peertalk.core.events import Author, Message, Report
from peertalk.say.nobody import PATIENCE
from peertalk.tui import bars, flows, sides, standing
from peertalk.tui.blocks import Speaker
from peertalk.tui.bridge import Ended, Happened, Told
from peertalk.tui.nobody import in_passing, is_lonely, page_lines
from peertalk.tui.reading import Reading
from peertalk.tui.talk import Talk
from peertalk.tui.timeline import Note, Splice
from peertalk.tui.widgets.bar import Bar, Part
from peertalk.tui.widgets.composer import Composer
from peertalk.tui.widgets.listing import Listing
from peertalk.tui.widgets.page import Page
from peertalk.tui.widgets.transcript import Transcript
from peertalk.tui.writing import Writing

if TYPE_CHECKING:
    from peertalk.tui.app import PeerTalkApp

WIDE = 96
TALL = 30
"""Columns and rows from which on there is room for names at the left, and for some air."""


def _keys() -> Iterator[BindingType]:
    """The table of keys, as Textual takes it. End belongs to the composer as long as there is a text in it."""
    for key in commands.BINDINGS:
        yield Binding(",".join(key.keys), key.action, show=False, id=key.id, priority=key.id not in ("newest", "back"))


class ChatScreen(Screen[None]):
    """Shows a Talk. Until there is one it says that the profile is being opened; one can begin to write meanwhile."""

    app: PeerTalkApp
    BINDINGS: ClassVar[list[BindingType]] = [*_keys(), Binding("alt+a", "next_unread", show=False, priority=True)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL, "-tall")]
    AUTO_FOCUS = "#composer"

    def __init__(self) -> None:
        super().__init__()
        self.talk: Talk | None = None
        self.reading = Reading(self)
        self.writing = Writing(self)
        self.checkup = commands.Checkup(self.draw)
        self._began = time.monotonic()
        self._hint = ""

    def compose(self) -> ComposeResult:
        yield Bar(id="header")
        with Horizontal(id="middle"):
            yield Listing(id="rooms")
            with Vertical(id="talk"):
                yield Transcript(Speaker(self._called, self._state_of, self._gestures_of, self._is_me, _wall), id="transcript")
                yield Page(id="page")
                yield Bar(id="asks")
                yield Bar(id="status")
                yield Composer(self.writing.complete, id="composer")
            yield Listing(id="members")
        yield Bar(id="keys")

    def on_mount(self) -> None:
        self.set_interval(1, self.draw)
        self.watch(self.app, "app_focus", self.reading.mark_read, init=False)
        self.draw()

    def on_unmount(self) -> None:
        self.checkup.stop()

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has the newest before their eyes, as far as the terminal tells."""
        return self.app.app_focus and self.transcript.at_end

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, talk: Talk) -> None:
        """There is a node."""
        self.talk = talk
        self._began = time.monotonic()
        for seconds in (SOON, PATIENCE):  # not up to a second later
            self.set_timer(seconds, self.draw)
        self.draw()

    @on(Happened)
    async def _happened(self, message: Happened) -> None:
        events = message.take()
        self.reading.take(events)
        for sheet in self.app.screen_stack[1:]:
            sheet.post_message(Told(events))
        await asyncio.sleep(0)  # keys and the terminal have their turn between two loads of events

    @on(Ended)
    def _ended(self) -> None:
        self.app.node_ended()

    @on(Transcript.OlderWanted)
    def _older_wanted(self) -> None:
        self.reading.older()

    @on(Transcript.Moved)
    def _moved(self) -> None:
        self.reading.mark_read()
        self.draw()

    @on(Listing.Chosen)
    def _chosen(self, message: Listing.Chosen) -> None:
        self.reading.go_to(message.target)
        self.remove_class("-rooms")
        self.composer.focus()

    def follow(self, splices: list[Splice]) -> None:
        """The timeline that is shown has changed."""
        for splice in splices:
            self.transcript.follow(splice)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @on(Composer.Submitted)
    def _submitted(self, message: Composer.Submitted) -> None:
        self.writing.submit(message.text)

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self.hint("")
        self.writing.changed(self.composer.text)

    @on(Composer.Choices)
    def _choices(self, message: Composer.Choices) -> None:
        self.call_after_refresh(self.hint, bars.choices(message.choices, message.chosen))

    def change_draft(self, text: str | None) -> None:
        """Go on with another text; None: with the same."""
        if text is not None:
            self.composer.put(text)

    def begin_command(self, command: commands.Command) -> None:
        """Run a command that needs nothing more; else put its beginning into the composer."""
        if command.id in flows.SHEETS:
            self.writing.work(partial(flows.SHEETS[command.id], self.app))
        elif all(parameter.optional for parameter in command.parameters):
            self.writing.run(commands.Invocation(command))
        else:
            self.composer.put(f"/{command.name} ")

    # ── saying something ─────────────────────────────────────────────────────────────────────────────────────────────

    def note(self, text: str, *, trouble: bool = False) -> None:
        """Say something to this person alone, below the messages."""
        conversation = self.talk.conversation if self.talk is not None else None
        if conversation is None:
            self.hint(text)
            return
        self.follow(conversation.note(Note(text, _wall(), "trouble" if trouble else "note")))
        self.transcript.go_to_end()
        self.draw()

    def _note_in_passing(self, report: Report) -> None:
        """Say what is wrong, without taking anybody away from what they read."""
        if self.talk is not None and self.talk.conversation is not None:
            self.follow(self.talk.conversation.note(Note(in_passing(report), _wall())))

    def hint(self, text: str) -> None:
        """Say something in the status line, until something is typed."""
        if text != self._hint:
            self._hint = text
            self.draw()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def redraw(self) -> None:
        """Everything anew, in another language."""
        self.transcript.redraw()
        self.reading.show_members()
        self.draw()

    @on(Resize)
    def _resized(self) -> None:
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Bring everything but the transcript up to date; what says the same as before is not drawn again."""
        if not self.children:  # what ends while the screen is taken down would draw once more
            return
        now = time.monotonic()
        lonely = self.talk.node if self.talk is not None and is_lonely(self.talk) else None
        report = self.checkup.follow(lonely, now - self._began, now)
        lines = page_lines(self.talk, now - self._began, report)
        if (news := self.checkup.news(now, shown=bool(lines))) is not None:
            self._note_in_passing(news)
        page, transcript = self.query_one(Page), self.transcript
        page.display, transcript.display = bool(lines), not lines
        page.set(lines)
        talk, room = self.talk, self.talk.room if self.talk is not None else None
        narrow = self.has_class("-narrow")
        self.query_one("#header", Bar).set(*bars.header(talk, narrow))
        self.query_one("#keys", Bar).set(*bars.key_bar(self.app.keys, talk, narrow))
        self.query_one("#status", Bar).set(
            *bars.status(talk, self._hint or self.writing.sign, transcript.below, now, self._code_out())
        )
        self._draw_asks()
        self.composer.placeholder = Content(bars.placeholder(talk))  # a name in it is no markup
        if talk is not None:
            rows = sides.strip_rows if narrow and not self.has_class("-rooms") else sides.side_rows
            self.query_one("#rooms", Listing).set(rows(talk.roster, room.id if room is not None else None))

    def _code_out(self) -> Part | None:
        return None if self.talk is None else standing.code_out(self.talk, self._key_of("invite"), _wall())

    def _draw_asks(self) -> None:
        bar = self.query_one("#asks", Bar)
        parts = standing.asks(self.talk, self._key_of("answer"), self.query_one("#status").content_size.width)
        bar.display = bool(parts)
        bar.set(parts)
        self.set_class(bool(parts), "-asked")

    def _key_of(self, id: str) -> str:
        """The key for something, or the command that does the same."""
        bound = next(binding for binding in self.app.keys if binding.id == id)
        return commands.key_name(bound.keys[0]) if bound.keys else f"/{bound.command}"

    def _called(self, author: Author) -> str:
        return self.talk.roster.called(author) if self.talk is not None else author.name

    def _state_of(self, message: Message) -> str:
        return self.talk.state(message) if self.talk is not None else ""

    def _gestures_of(self, message: Message) -> str:
        return self.talk.gestures(message) if self.talk is not None else ""

    def _is_me(self, author: Author) -> bool:
        me = self.talk.roster.me if self.talk is not None else None
        return me is not None and me.id == author.id

    # ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_help(self) -> None:
        self.app.show_help()

    async def action_quit(self) -> None:
        self.app.leave()

    def action_previous_room(self) -> None:
        self.reading.open_room(self.talk.neighbour(-1) if self.talk is not None else None)

    def action_next_room(self) -> None:
        self.reading.open_room(self.talk.neighbour(1) if self.talk is not None else None)

    def action_room(self, number: int) -> None:
        order = self.talk.roster.order() if self.talk is not None else []
        self.reading.open_room(order[number - 1].id if number <= len(order) else None)

    def action_next_unread(self) -> None:
        self.reading.open_room(self.talk.next_unread() if self.talk is not None else None)

    def action_toggle_rooms(self) -> None:
        self.toggle_class("-rooms")
        if self.has_class("-narrow"):
            self.remove_class("-members")
        self.draw()

    def action_toggle_members(self) -> None:
        self.toggle_class("-members")
        if self.has_class("-narrow"):
            self.remove_class("-rooms")
        self.reading.show_members()
        self.draw()

    def action_invite(self) -> None:
        self.writing.work(partial(flows.invite, self.app))

    def action_words(self) -> None:
        self.run_command("words")

    def action_answer(self) -> None:
        self.writing.work(partial(flows.answer, self.app))

    def run_command(self, id: str, **arguments: str) -> None:
        """As if it had been typed, and its question answered with yes where it is given all that it needs."""
        self.writing.run(flows.order(id, **arguments))

    def action_page_up(self) -> None:
        self.transcript.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        self.transcript.scroll_page_down(animate=False)

    def action_newest(self) -> None:
        self.transcript.go_to_end()

    def action_back(self) -> None:
        """Close what is open, and go back to writing."""
        if self.writing.stop_waiting():
            return
        if not (self.has_class("-members") or self.has_class("-rooms")):
            self.transcript.go_to_end()
        self.remove_class("-members", "-rooms")
        self.composer.focus()
        self.hint("")
        self.draw()


def _wall() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000
