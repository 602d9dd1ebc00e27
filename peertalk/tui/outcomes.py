"""What a command wants of this front end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peertalk import commands, i18n
from peertalk.commands.questions import AskChoice, Choice, Question
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.tui.app import PeerTalkApp


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
        case commands.AskFirst(question, yes, invocation):
            choices = [Choice("no", _("No")), Choice("yes", yes)]
            answer = await app.ask(AskChoice(Question(question), choices, back=_("closes this")), overlay=True)
            if answer == "yes":
                app.chat.writing.run(invocation)
