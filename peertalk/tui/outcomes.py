"""What a command wants of this front end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peertalk import commands, i18n
from peertalk.commands.questions import AskChoice, Choice, Question
from peertalk.i18n import _
from peertalk.tui import flows

if TYPE_CHECKING:
    from peertalk.tui.app import PeerTalkApp


SHOWN = (
    commands.ShowHelp, commands.ShowInvite, commands.ShowWords, commands.ShowEmoji, commands.ShowOffer, commands.AskCreate,
    commands.AskAccept, commands.Waiting,
)  # fmt: skip
"""What has a screen of its own here, so that the lines of the outcome need not be said."""


async def perform(app: PeerTalkApp, action: commands.Action) -> None:
    """Do it."""
    match action:
        case commands.SwitchRoom(room):
            await app.chat.reading.enter(("room", room))
        case commands.ShowOlder():
            app.chat.action_page_up()
        case commands.Quit():
            app.leave()
        case commands.SetTheme(theme):
            app.colour(theme)
            app.remember("theme", theme)
        case commands.SetLanguage(language):
            i18n.activate(language)
            app.remember("lang", language)
            app.chat.redraw()
        case commands.ShowHelp(command):
            app.show_help(command)
        case commands.ShowReport(report):
            app.chat.checkup.told(report)
        case commands.Waiting(sentence, invocation):
            app.chat.writing.wait(sentence, invocation)
        case commands.StopWaiting():
            app.chat.writing.stop_waiting()
        case _:
            await _ask(app, action)


HURTS = ("leave", "end", "reform")
"""Commands of which Enter alone must not take the first way."""


async def _ask_which(app: PeerTalkApp, question: str, options: Sequence[commands.Option]) -> None:
    choices = [Choice(str(number), option.title, option.meaning) for number, option in enumerate(options)]
    if any(option.invocation.command.id in HURTS for option in options):
        choices.insert(0, Choice("no", _("No"), _("Nothing changes.")))
    answer = await app.ask(AskChoice(Question(question), choices, back=_("closes this")), overlay=True)
    if isinstance(answer, str) and answer != "no":
        app.chat.writing.run(options[int(answer)].invocation)


async def _ask(app: PeerTalkApp, action: commands.Action) -> None:
    """What needs a sheet or a card."""
    match action:
        case commands.AskCreate():
            await flows.create(app)
        case commands.AskAccept():
            await flows.accept(app)
        case commands.ShowInvite(invite, room):
            await flows.show_invite(app, invite, room)
        case commands.ShowWords(words, room):
            await flows.compare(app, words, room)
        case commands.ShowEmoji(emoji, peer):
            await flows.match(app, peer, emoji)
        case commands.ShowOffer(offer):
            await flows.show_offer(app, offer)
        case commands.AskWhich(question, options):
            await _ask_which(app, question, options)
        case commands.AskFirst(question, yes, invocation):
            choices = [Choice("no", _("No")), Choice("yes", yes)]
            answer = await app.ask(AskChoice(Question(question), choices, back=_("closes this")), overlay=True)
            if answer == "yes":
                app.chat.writing.run(invocation)
