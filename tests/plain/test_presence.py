from __future__ import annotations

from peertalk.plain.presence import CROWD, GATHERED, GATHERED_IN_A_CROWD, HICCUP, Presence


def come(presence: Presence, *names: str, now: float = 0.0) -> None:
    for name in names:
        presence.came(name, name, now)


def test_those_who_come_together_are_one_sentence() -> None:
    presence = Presence()
    come(presence, "Ben", "Mira")
    assert presence.due(GATHERED - 0.1, 3) == []
    assert presence.due(GATHERED, 3) == ["Ben and Mira are here."]
    assert presence.due(100, 3) == []


def test_of_many_a_few_are_named() -> None:
    presence = Presence()
    come(presence, *"ABCDEFG")
    assert presence.due(GATHERED, 8) == ["A, B, C and 4 more are here."]


def test_who_is_back_soon_was_never_away() -> None:
    presence = Presence()
    come(presence, "Ben")
    presence.due(GATHERED, 2)
    presence.gone("Ben", "Ben", 10)
    come(presence, "Ben", now=15)
    assert presence.due(1000, 2) == []


def test_who_stays_away_is_said_to_be_away_once() -> None:
    presence = Presence()
    come(presence, "Ben")
    presence.due(GATHERED, 2)
    presence.gone("Ben", "Ben", 10)
    assert presence.due(10 + HICCUP - 0.1, 1) == []
    assert presence.due(10 + HICCUP, 1) == ["Ben is away."]
    assert presence.due(1000, 1) == []
    come(presence, "Ben", now=1000)
    assert presence.due(1000 + GATHERED, 2) == ["Ben is here."]


def test_who_came_and_went_at_once_is_not_told() -> None:
    presence = Presence()
    come(presence, "Ben")
    presence.gone("Ben", "Ben", 1)
    assert presence.due(1000, 1) == []


def test_who_leaves_is_not_said_to_be_away_too() -> None:
    presence = Presence(here={"Ben"})
    presence.left("Ben", "Ben", 0)
    presence.gone("Ben", "Ben", 0.1)
    assert presence.due(GATHERED, 1) == ["Ben has left."]
    assert presence.due(1000, 1) == []


def test_who_was_here_before_is_no_news() -> None:
    presence = Presence(here={"Ben"})
    come(presence, "Ben")
    assert presence.due(1000, 2) == []


def test_who_went_while_another_room_was_open_is_news_when_they_come_back() -> None:
    presence = Presence(here={"Ben"})
    presence.elsewhere("Ben", online=False)
    come(presence, "Ben")
    presence.elsewhere("Mira", online=True)
    come(presence, "Mira")
    assert presence.due(GATHERED, 3) == ["Ben is here."]


def test_in_a_crowd_it_is_told_once_a_minute() -> None:
    presence = Presence(here={"Ben"})
    come(presence, "Mira")
    presence.gone("Ben", "Ben", 0)
    assert presence.due(GATHERED_IN_A_CROWD - 1, CROWD + 1) == []
    assert presence.due(GATHERED_IN_A_CROWD, CROWD + 1) == ["Mira is here.", "Ben is away."]
