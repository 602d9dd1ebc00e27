"""What Tab offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk import commands, i18n
from peertalk.commands import Candidates


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    i18n.activate("en")
    yield
    i18n.activate("en")


KNOWN = Candidates(rooms=("#lobby", "Tuesday circle"), peers=("Mira", "Quiet Otter", "Marten"))


def offers(line: str, cursor: int | None = None) -> list[str]:
    at = len(line) if cursor is None else cursor
    return [line[: found.start] + found.text + line[found.end :] for found in commands.complete(line, at, KNOWN)]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("/jo", ["/join "]),
        ("/JO", ["/join "]),
        ("/ro", ["/room ", "/rooms"]),
        ("/bei", ["/beitreten "]),
        ("/qui", ["/quit"]),
        ("/msg ", ["/msg Mira ", "/msg Quiet Otter ", "/msg Marten "]),
        ("/msg m", ["/msg Mira ", "/msg Marten "]),
        ("/msg ott", ["/msg Quiet Otter "]),
        ("/msg Quiet O", ["/msg Quiet Otter "]),
        ("/block Mi", ["/block Mira"]),
        ("/room t", ["/room Tuesday circle"]),
        ("/room lob", ["/room #lobby"]),
        ("/leave #l", ["/leave #lobby"]),
        ("/theme l", ["/theme light"]),
        ("/lang ", ["/lang en", "/lang de"]),
        ("/help jo", ["/help join"]),
        ("/help pri", ["/help privacy"]),
        ("/join w", []),
        ("/nope x", []),
        ("//Mi", []),
        ("Mi", ["Mira, "]),
        ("hello mi", ["hello Mira "]),
        ("@mi", ["@Mira "]),
        ("hello ", []),
        ("", []),
    ],
)
def test_tab_offers_what_can_stand_there(line: str, completed: list[str]) -> None:
    assert offers(line) == completed


def test_completion_leaves_what_stands_behind_the_cursor() -> None:
    assert offers("hello mi how are you", len("hello mi")) == ["hello Mira  how are you"]


def test_a_bare_slash_offers_every_command_with_its_help() -> None:
    found = commands.complete("/", 1, KNOWN)
    assert [completion.label for completion in found] == ["/" + command.name for command in commands.COMMANDS]
    assert all(completion.help for completion in found)


def test_completion_prefers_the_names_of_the_persons_language() -> None:
    i18n.activate("de")
    assert offers("/b") == ["/beitreten ", "/bleiben ", "/blockieren ", "/beenden"]
    assert offers("/jo") == ["/join "]


@given(st.text(max_size=30), st.integers(0, 30))
def test_completion_takes_any_line_and_offers_only_what_begins_where_it_says(line: str, cursor: int) -> None:
    at = min(cursor, len(line))
    for found in commands.complete(line, at, KNOWN):
        assert 0 <= found.start <= found.end == at
