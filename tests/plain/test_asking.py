from __future__ import annotations

import pytest

from peertalk.commands.questions import BACK, Ask, AskChoice, AskText, Back, Choice, Question
from peertalk.plain.asking import LineAsking, NobodyAnswersError, question_lines, yes_or_no
from peertalk.plain.listening import Listening
from peertalk.plain.voice import Voice
from peertalk.streams import MAX_LINE

NAME = AskText(Question("Your name?", "Any will do."), text="Quiet Otter", check=lambda name: "" if name.strip("!") else "No.")
HOW = AskChoice(
    Question("How?", trouble="Not so."), [Choice("a", "This way", "It is short."), Choice("b", "That way")], back="back"
)


class Ends:
    """What a person writes, and what is heard."""

    def __init__(self, written: bytes) -> None:
        self.written = [written]
        self.heard = ""

    async def read(self) -> bytes:
        return self.written.pop() if self.written else b""

    async def write(self, data: bytes) -> None:
        self.heard += data.decode()


async def answer(ask: Ask, written: bytes) -> tuple[str | Back, str]:
    ends = Ends(written)
    asking = LineAsking(Voice(ends, "utf-8"), Listening(ends, "utf-8", None))
    return await asking(ask), ends.heard


async def test_a_text_is_typed_or_the_one_that_is_there_taken() -> None:
    told, heard = await answer(NAME, b"Ada\n")
    assert told == "Ada"
    assert heard == "* Your name?\n* Any will do.\n* Enter alone takes Quiet Otter.\n"
    assert (await answer(NAME, b"\n"))[0] == "Quiet Otter"


async def test_what_is_wrong_is_said_and_asked_again() -> None:
    told, heard = await answer(NAME, b"!!\n" + b"x" * (MAX_LINE + 1) + b"\nAda\n")
    assert told == "Quiet Otter"  # a line that is no name is none at all
    assert heard.endswith("* No.\n")


async def test_a_choice_is_a_number() -> None:
    told, heard = await answer(HOW, b"3\nb\n2.\n")
    assert told == "b"
    assert heard.splitlines() == [
        "* Not so.",
        "* How?",
        "* 1: This way. It is short.",
        "* 2: That way.",
        "* Write the number. Enter alone takes 1.",
        "* /back goes back.",
        "* Please write a number from 1 to 2.",
        "* Please write a number from 1 to 2.",
    ]
    assert (await answer(HOW, b"\n"))[0] == "a"


async def test_the_way_back_is_there_where_there_is_one() -> None:
    assert (await answer(HOW, "/Zurück\n".encode()))[0] is BACK
    assert (await answer(NAME, b"/back\n"))[0] == "/back"


async def test_the_end_of_the_input_is_no_answer() -> None:
    with pytest.raises(NobodyAnswersError):
        await answer(NAME, b"")


def test_a_terminal_that_cannot_hide_says_so() -> None:
    secret = AskText(Question("Passphrase?"), secret=True)
    assert [*question_lines(secret)][-1] == "What you type does not show."
    assert [*question_lines(secret, hides=False)][-1] == "What you type shows on this terminal."


@pytest.mark.parametrize(
    ("line", "meaning"), [("yes", True), (" Ja! ", True), ("n", False), ("Nein.", False), ("", None), ("yes please", None)]
)
def test_yes_and_no_are_understood_in_both_languages(line: str, meaning: bool | None) -> None:
    assert yes_or_no(line) is meaning
