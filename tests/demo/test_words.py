from __future__ import annotations

import re

import pytest

from peertalk import i18n
from peertalk.commands.table import find
from peertalk.demo import words
from peertalk.demo.words import COMPANIONS, JONAS, MIRA, SUBJECTS


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        ("Hello!", "greeting"),
        ("Hallo zusammen", "greeting"),
        ("moin", "greeting"),
        ("thanks a lot", "thanks"),
        ("Dankeschön", "thanks"),
        ("who are you?", "who"),
        ("Are you real?", "who"),
        ("Wer bist du denn", "who"),
        ("how are you today?", "feeling"),
        ("wie geht's dir?", "feeling"),
        ("Wie geht das hier?", "help"),
        ("is this encrypted", "safe"),
        ("Ist das sicher?", "safe"),
        ("did it arrive? arrived?", "delivery"),
        ("ist es angekommen", "delivery"),
        ("help", "help"),
        ("Hilfe!", "help"),
        ("bye then", "bye"),
        ("Tschüs", "bye"),
        ("what if I am offline", "offline"),
        ("I want to die", "crisis"),
        ("Hallo, ich will sterben", "crisis"),
        ("Why is the sky blue?", "question"),
        ("the sky is blue", "anything"),
        ("", "anything"),
        ("chili", "anything"),
    ],
)
def test_a_message_touches_a_subject(said: str, subject: str) -> None:
    assert words.subject_of(said) == subject


@pytest.mark.parametrize(
    ("said", "who"),
    [("Jonas, are you there?", JONAS), ("hey mira", MIRA), ("Mira and Jonas!", None), ("Miranda", None), ("hello", None)],
)
def test_a_companion_knows_when_it_is_called(said: str, who: object) -> None:
    assert words.called(said) is who


@pytest.mark.parametrize(
    ("said", "language"),
    [("Wer bist du?", "de"), ("Who are you?", "en"), ("ok", "de"), ("schön hier", "de"), ("what is das hier, please", "en")],
)
def test_the_language_of_a_message_is_recognised_or_stays(said: str, language: str) -> None:
    assert words.language_of(said, "de") == language


def all_sentences() -> list[str]:
    said = [sentence for subject in SUBJECTS.values() for sentence in subject.says]
    return [*said, *(who.greeting for who in COMPANIONS), *(who.itself for who in COMPANIONS)]


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_sentence_can_be_said_with_any_name(language: str) -> None:
    catalog = i18n.load("de")
    for sentence in all_sentences():
        told = catalog.gettext(sentence) if language == "de" else sentence
        assert "{" not in told.format(name="{odd} name")[: told.find("{")] or "{name}" in told


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_command_that_is_told_of_exists(language: str) -> None:
    catalog = i18n.load("de")
    told = " ".join(catalog.gettext(sentence) if language == "de" else sentence for sentence in all_sentences())
    commands = re.findall(r"(?<!\S)/(\w+)", told)
    assert len(commands) >= 3
    assert [command for command in commands if find(command) is None] == []


def test_an_answer_is_in_the_language_of_the_message_whatever_the_program_speaks() -> None:
    i18n.activate("en")
    assert words.answer(MIRA, "danke", "Ada", 0, "de") == "Gern geschehen, Ada."
    assert words.answer(MIRA, "thanks", "Ada", 0, "en") == "You are welcome, Ada."


def test_the_same_subject_again_gets_another_answer() -> None:
    assert len({words.answer(MIRA, "hm", "Ada", turn, "en") for turn in range(3)}) == 3


def test_each_says_who_it_is_and_that_it_is_a_program() -> None:
    for who in COMPANIONS:
        told = words.answer(who, "who are you?", "Ada", 0, "en")
        assert told.startswith(f"I am {who.name}, a")
        assert "program" in told
