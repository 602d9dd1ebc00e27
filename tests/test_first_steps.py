from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from peertalk.commands import opening
from peertalk.commands.first_steps import Answers, first_steps
from peertalk.commands.questions import BACK, Ask, AskChoice, AskText, Back
from peertalk.config import Settings
from peertalk.errors import StartError
from tests.tui.fake_node import FakeNode
from tests.tui.make import SETTINGS


class Person:
    """Answers what is asked, in order; `asked` are the titles."""

    def __init__(self, *answers: str | Back) -> None:
        self.answers = iter(answers)
        self.asked: list[str] = []
        self.troubles: list[str] = []
        self.screens: list[Ask] = []

    async def __call__(self, screen: Ask) -> str | Back:
        self.asked.append(screen.question.title)
        self.troubles.append(screen.question.trouble)
        self.screens.append(screen)
        answer = next(self.answers)
        if isinstance(screen, AskChoice) and isinstance(answer, str):
            assert answer in [choice.key for choice in screen.choices]
        return answer


async def answer(*answers: str | Back, settings: Settings = SETTINGS) -> tuple[Answers, Person]:
    person = Person(*answers)
    return await first_steps(person, settings), person


async def test_three_steps_lead_to_a_start() -> None:
    answers, person = await answer("Robin", "key", "in")
    assert len(person.asked) == 3
    assert answers == Answers(replace(SETTINGS, name="Robin"), None, lobby_asked=True)


async def test_a_made_up_name_stands_there_already() -> None:
    _answers, person = await answer("Robin", "key", "in")
    first = person.screens[0]
    assert isinstance(first, AskText)
    assert len(first.text.split()) == 2


async def test_keeping_nothing_is_an_ephemeral_start() -> None:
    answers, _person = await answer("Robin", "nothing", "out")
    assert answers.settings.ephemeral
    assert not answers.settings.lobby


async def test_a_passphrase_is_typed_twice() -> None:
    answers, person = await answer("Robin", "passphrase", "open sesame", "open sesmae", "open sesame", "open sesame", "in")
    assert answers.passphrase == "open sesame"
    assert person.troubles[4] == "The two were not the same. Type it again."


async def test_every_step_has_a_way_back() -> None:
    answers, person = await answer("Robin", "nothing", BACK, BACK, "Sam", "passphrase", BACK, "key", "in")
    assert answers.settings.name == "Sam"
    assert answers.passphrase is None
    assert not answers.settings.ephemeral
    assert person.asked[2] == person.asked[-1]


async def test_the_name_of_the_way_back_is_the_one_typed_before() -> None:
    _answers, person = await answer("Robin", BACK, "Sam", "key", "in")
    again = person.screens[2]
    assert isinstance(again, AskText)
    assert again.text == "Robin"


@pytest.mark.parametrize(
    ("given", "answers"),
    [
        ({"name": "Robin"}, ("key", "in")),
        ({"ephemeral": True}, ("Robin", "in")),
        ({"passphrase_file": Path("/p")}, ("Robin", "in")),
        ({"lobby": False}, ("Robin", "key")),
        ({"name": "Robin", "ephemeral": True, "lobby": False}, ()),
    ],
)
async def test_what_options_have_said_is_not_asked(given: dict[str, object], answers: Iterable[str]) -> None:
    _answers, person = await answer(*answers, settings=replace(SETTINGS, **given))
    assert len(person.asked) == len(tuple(answers))


async def test_a_name_without_a_letter_and_an_empty_passphrase_are_refused() -> None:
    _answers, person = await answer("Robin", "passphrase", "x", "x", "in")
    name, _history, passphrase, *_rest = person.screens
    assert isinstance(name, AskText)
    assert isinstance(passphrase, AskText)
    assert name.check("  !!") == "A name needs at least one letter or digit."
    assert name.check("Robin") == ""
    assert passphrase.check("") == "It cannot be empty."


# ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Opener:
    """Opens a node after some errors; `tried` are the passphrases."""

    def __init__(self, *errors: StartError) -> None:
        self.errors = list(errors)
        self.tried: list[str | None] = []
        self.settings: list[Settings] = []

    async def __call__(self, settings: Settings, passphrase: str | None) -> FakeNode:
        self.tried.append(passphrase)
        self.settings.append(settings)
        if self.errors:
            raise self.errors.pop(0)
        return FakeNode(settings)


async def open_with(person: Person, opener: Opener, profile: opening.Profile, settings: Settings = SETTINGS):
    remembered: dict[str, object] = {}
    node = await opening.open_profile(person, opener, settings, profile, remembered.__setitem__)  # type: ignore[arg-type]
    return node, remembered


async def test_a_profile_with_a_key_file_opens_without_a_question() -> None:
    node, remembered = await open_with(Person(), opener := Opener(), "key_file")
    assert isinstance(node, FakeNode)
    assert opener.tried == [None]
    assert remembered == {}


async def test_a_wrong_passphrase_is_said_and_asked_again() -> None:
    person = Person("oops", "right")
    await open_with(person, opener := Opener(StartError("wrong_passphrase")), "passphrase")
    assert opener.tried == ["oops", "right"]
    assert person.troubles == ["", "That passphrase does not open this profile. Nothing was changed, so try again."]


async def test_a_profile_that_turns_out_to_need_a_passphrase_asks_for_it() -> None:
    await open_with(Person("right"), opener := Opener(StartError("needs_passphrase")), "key_file")
    assert opener.tried == [None, "right"]


async def test_a_passphrase_file_answers_instead_of_the_person() -> None:
    with_file = replace(SETTINGS, passphrase_file=Path("/p"))
    person = Person("quit")
    node, _remembered = await open_with(person, Opener(StartError("wrong_passphrase")), "passphrase", with_file)
    assert node is None
    assert person.asked == ["PeerTalk cannot start yet"]


async def test_another_trouble_is_said_and_can_be_tried_again() -> None:
    person = Person("again", "quit")
    error = StartError("port_in_use", port=47000)
    node, _remembered = await open_with(person, opener := Opener(error, error), "key_file")
    assert node is None
    assert len(opener.tried) == 2
    assert "47000" in person.screens[0].question.why


async def test_the_answers_of_the_first_start_outlive_a_failed_try() -> None:
    person = Person("Robin", "passphrase", "secret", "secret", "out", "again")
    _node, remembered = await open_with(person, opener := Opener(StartError("port_in_use", port=1)), "new")
    assert opener.tried == ["secret", "secret"]
    assert opener.settings[1].name == "Robin"
    assert remembered == {"lobby": False}


async def test_nothing_is_written_down_by_those_who_keep_nothing() -> None:
    _node, remembered = await open_with(Person("Robin", "nothing", "out"), Opener(), "new")
    assert remembered == {}


async def test_being_in_the_lobby_is_nothing_to_remember() -> None:
    _node, remembered = await open_with(Person("Robin", "key", "in"), Opener(), "new")
    assert remembered == {}
