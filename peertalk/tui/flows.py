"""The ways through several sheets: into a new room and on to its invitation, from a code into a room, from a request to an answer.

The sheets are imported when they are wanted, so that the first frame does not wait for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from peertalk import commands, say, text
from peertalk.commands.questions import AskChoice, Choice, Question
from peertalk.core.events import Emoji, Invite, Offer, Peer, Room, Words
from peertalk.errors import RequestError
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.tui.app import PeerTalkApp
    from peertalk.tui.talk import Talk


def _talk(app: PeerTalkApp) -> Talk:
    """What the chat screen knows. RequestError `no_room` before there is a node: nothing can be done in none."""
    if app.chat.talk is None:
        raise RequestError("no_room")
    return app.chat.talk


def order(id: str, **arguments: str) -> commands.Invocation:
    """A command as if it had been typed; where it is given all that it needs, its question is answered with yes."""
    command = next(each for each in commands.COMMANDS if each.id == id)
    return commands.Invocation(command, arguments, confirmed=bool(arguments))


# ── private rooms ────────────────────────────────────────────────────────────────────────────────────────────────────


async def create(app: PeerTalkApp) -> None:
    """Make a room, go there, and offer to invite."""
    from peertalk.tui.screens.create import Create  # noqa: PLC0415 (see the module)

    made = await app.push_screen_wait(Create(_talk(app)))
    if not made:
        return
    await app.chat.reading.enter(("room", made))
    room = _talk(app).roster.rooms[made]
    title = _("You are in {room} now, so far alone.").format(room=say.room(room))
    choices = [Choice("invite", _("Let somebody in")), Choice("later", _("Later"))]
    asked = AskChoice(Question(title, say.kept_how(room.retention)), choices, back=_("closes this"))
    if await app.ask(asked, overlay=True) == "invite":
        await show_invite(app, await _talk(app).node.invite(made), room)


async def invite(app: PeerTalkApp) -> None:
    """The invitation into the open room that lives, or a new one."""
    talk = _talk(app)
    if talk.room is None:
        raise RequestError("no_room")
    alive = talk.node.invites(talk.room.id)
    await show_invite(app, alive[-1] if alive else await talk.node.invite(talk.room.id), talk.room)


async def show_invite(app: PeerTalkApp, made: Invite, room: Room) -> None:
    """Show an invitation, as long as somebody wants to see it."""
    from peertalk.tui.screens.invitation import Invitation  # noqa: PLC0415 (see the module)

    await app.push_screen_wait(Invitation(_talk(app), made, room))


async def accept(app: PeerTalkApp, written: str = "") -> None:
    """Ask for a code, and go where it leads. `written`: one that was about to be sent to everybody here."""
    from peertalk.tui.screens.accept import Accept  # noqa: PLC0415 (see the module)

    outcome = await app.push_screen_wait(Accept(_talk(app), written))
    if outcome is not None and isinstance(outcome.action, commands.SwitchRoom):
        await app.chat.reading.enter(("room", outcome.action.room))
        app.chat.note("\n".join(outcome.lines))


# ── being sure ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def compare(app: PeerTalkApp, words: Words, room: Room) -> None:
    """Compare the words of a room; where something differs it goes on as chosen."""
    from peertalk.tui.screens.compare import Compare  # noqa: PLC0415 (see the module)

    chosen = await app.push_screen_wait(Compare(_talk(app), words, room))
    if chosen == "create":
        await create(app)
    elif chosen == "leave":
        app.chat.run_command("leave")


async def match(app: PeerTalkApp, peer: Peer, emoji: Emoji | None = None) -> None:
    """Compare symbols with one person; without them, wait for them first."""
    from peertalk.tui.screens.match import Matching  # noqa: PLC0415 (see the module)

    _talk(app).callers.pop(peer.id, None)
    app.chat.draw()
    await app.push_screen_wait(Matching(_talk(app), peer, emoji))


async def key_changed(app: PeerTalkApp, room: Room, error: RequestError) -> None:
    """Nothing is sent to somebody who has another key than the one that was verified: compare now, or leave it unsent."""
    name = str(error.data.get("name", ""))
    title = _("{name} has another key than the one that you have verified.").format(name=text.spoken(name) or name)
    question = Question(title, _("It may be a new laptop, or somebody else under that name. So nothing was sent."))
    choices = [
        Choice("compare", _("Compare now"), _("Once you are sure who it is, you can send it.")),
        Choice("no", _("Do not send"), _("What you wrote stays in its place, and goes nowhere.")),
    ]
    if await app.ask(AskChoice(question, choices, back=_("sends nothing")), overlay=True) != "compare":
        return
    partner = _talk(app).roster.partner(room)
    if partner is not None:
        app.chat.run_command("verify", peer=partner.id)
    else:
        app.chat.run_command("words")


# ── rooms started anew ───────────────────────────────────────────────────────────────────────────────────────────────


async def answer(app: PeerTalkApp) -> None:
    """Open what waits for an answer the longest: somebody who wants to compare, or who asks to come along."""
    talk = _talk(app)
    if talk.callers:
        await match(app, next(iter(talk.callers.values())))
    elif talk.offers:
        await show_offer(app, talk.offers[0])
    else:
        app.chat.hint(_("Nothing waits for your answer."))


async def show_offer(app: PeerTalkApp, offer: Offer) -> None:
    """Come along, stay, or decide later."""
    from peertalk.tui.sheets import offering  # noqa: PLC0415 (see the module)

    chosen = await app.ask(offering.question(offer, _talk(app).roster), overlay=True)
    if chosen in ("follow", "decline"):
        app.chat.run_command(str(chosen), offer=offer.offer)


SHEETS: Final[Mapping[str, Callable[[PeerTalkApp], Awaitable[None]]]] = {"create": create, "accept": accept, "invite": invite}
"""Commands that have a sheet to begin with, where they are chosen without anything typed."""
