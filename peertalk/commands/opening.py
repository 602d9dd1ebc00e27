"""From the profile on disk to a node that runs: what is asked before, and what is said where it cannot start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from peertalk import say
from peertalk.commands.first_steps import Answers, ask_again, ask_passphrase, first_steps
from peertalk.commands.questions import Asking
from peertalk.config import Settings
from peertalk.errors import StartError

if TYPE_CHECKING:
    from peertalk.node.node import Node

Profile = Literal["new", "key_file", "passphrase"]
Opener = Callable[[Settings, str | None], Awaitable["Node"]]
Remember = Callable[[str, object], None]


async def open_profile(asking: Asking, opener: Opener, settings: Settings, profile: Profile, remember: Remember) -> Node | None:
    """Ask what has to be asked, and open the node; None if the person gives up."""
    answers = await _before(asking, settings, profile)
    while True:
        try:
            node = await opener(answers.settings, answers.passphrase)
        except StartError as error:
            again = await _after(asking, error, answers)
            if again is None:
                return None
            answers = again
        else:
            _keep(answers, remember)
            return node


async def _before(asking: Asking, settings: Settings, profile: Profile) -> Answers:
    if profile == "new":
        return await first_steps(asking, settings)
    if profile == "passphrase" and settings.passphrase_file is None:
        return Answers(settings, await ask_passphrase(asking))
    return Answers(settings)


async def _after(asking: Asking, error: StartError, answers: Answers) -> Answers | None:
    """What to try next with; None: nothing any more."""
    if error.kind == "wrong_passphrase" and answers.settings.passphrase_file is None:
        return Answers(answers.settings, await ask_passphrase(asking, say.error(error)), answers.lobby_asked)
    if error.kind == "needs_passphrase":
        return Answers(answers.settings, await ask_passphrase(asking), answers.lobby_asked)
    return answers if await ask_again(asking, say.error(error)) else None


def _keep(answers: Answers, remember: Remember) -> None:
    """A "no" to the lobby has to hold at the next start too. With nothing kept, nothing is written down."""
    if answers.lobby_asked and not answers.settings.lobby and not answers.settings.ephemeral:
        remember("lobby", False)
