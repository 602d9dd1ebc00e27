"""Who is meant by a name, a tag, both, or an id; and that a name that could mean two means nobody."""

from __future__ import annotations

import pytest

from peertalk import text
from peertalk.core.events import IdentityView
from peertalk.errors import RequestError
from peertalk.say.names import told_apart
from peertalk.say.roster import Roster


def who(name: str, tag: str) -> IdentityView:
    return IdentityView(id=tag.encode().hex().ljust(64, "0"), name=name, tag=tag)


MIRA, OTTER, SAM, SAME = who("Mira", "k3f9"), who("Quiet Otter", "aaaa"), who("Sam", "bbbb"), who("Sаm", "cccc")
PEOPLE = (MIRA, OTTER, SAM, SAME)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        *((wanted, MIRA) for wanted in ("Mira", "@mira", ' "MIRA" ', "k3f9", "Mira · k3f9", "mira·k3f9", MIRA.id)),
        *((wanted, OTTER) for wanted in ("quiet otter", "QuietOtter", "Quiet  Otter·aaaa", "quietotter aaaa")),
        *((wanted, SAM) for wanted in ("Sam · bbbb", "bbbb", SAM.id)),
        ("Sаm·cccc", SAME),
    ],
)
def test_one_is_meant(wanted: str, meant: IdentityView) -> None:
    assert text.pick(wanted, PEOPLE) == meant


@pytest.mark.parametrize("wanted", ["Sam", "sаm"])
def test_a_name_that_looks_like_that_of_another_is_refused(wanted: str) -> None:
    with pytest.raises(RequestError) as error:
        text.pick(wanted, PEOPLE)
    assert error.value.kind == "ambiguous_name"
    assert error.value.data["candidates"] == ("Sam · bbbb", "Sаm · cccc")


def test_a_name_that_is_the_tag_of_another_is_refused() -> None:
    with pytest.raises(RequestError, match="ambiguous_name"):
        text.pick("k3f9", (*PEOPLE, who("K3F9", "dddd")))


@pytest.mark.parametrize("wanted", ["", "Zoe", "Mira · bbbb", "Sam k3f9", "Mir"])
def test_nobody_is_meant(wanted: str) -> None:
    with pytest.raises(RequestError, match="unknown_peer"):
        text.pick(wanted, PEOPLE)


def test_beside_each_other_those_who_look_alike_have_tags() -> None:
    assert told_apart(PEOPLE) == ["Mira", "Quiet Otter", "Sam · bbbb", "Sаm · cccc"]
    assert told_apart([SAM], str.upper, among=PEOPLE) == ["SAM · bbbb"]
    assert told_apart([SAM], among=[SAM, MIRA]) == ["Sam"]


def test_an_author_of_old_messages_is_told_apart_from_another_one() -> None:
    roster = Roster(me=MIRA)
    assert [roster.called(one) for one in (SAM, SAM, SAME)] == ["Sam", "Sam", "Sаm · cccc"]
    assert roster.called(SAM) == "Sam", "who bore the name first keeps it; the other has the tag"
    assert roster.called(who("Mira", "eeee")) == "Mira · eeee"
