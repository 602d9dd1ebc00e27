"""Every kind of error and event has a sentence that is true, complete and harmless, in both languages."""

from __future__ import annotations

import ast
import datetime
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import peertalk
from peertalk import errors, i18n, say
from peertalk.core import events
from peertalk.core.events import Author, Message, Peer, Room
from peertalk.errors import PeerTalkError, RemoteError, RequestError, StartError
from peertalk.say import creatures
from tests.test_say_circle import EVENTS as OF_A_CIRCLE

PACKAGE = Path(peertalk.__file__).parent


@pytest.fixture(autouse=True, params=["en", "de"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """Every test runs in both languages."""
    i18n.activate(request.param)
    yield request.param
    i18n.activate("en")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone cannot be set on Windows")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def both(language: str, english: str, german: str) -> str:
    return english if language == "en" else german


def at(*moment: int) -> int:
    return int(datetime.datetime(*moment).astimezone().timestamp() * 1000)  # type: ignore[arg-type,misc]  # year, month, …


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────

# Every kind with the data that it comes with, and what its sentence must name.
ERRORS: list[tuple[PeerTalkError, list[str]]] = [
    (RequestError("unknown_room", room="werkstatt"), ["werkstatt"]),
    (RequestError("no_room"), []),
    (RequestError("unknown_peer", peer="Zoe"), ["Zoe"]),
    (RequestError("unknown_message", message="ab12"), []),
    (RequestError("ambiguous_name", name="Anna", candidates=["Anna·k3f9", "anna·x7q2"]), ["Anna·k3f9", "anna·x7q2"]),
    (RequestError("ambiguous_name", name="Anna", candidates=["0a" * 32, "0b" * 32]), ["Anna", "0b" * 32]),
    (RequestError("ambiguous_name", name="Anna"), ["Anna"]),
    (RequestError("not_reachable", host="fe80::1", port=47000), ["[fe80::1]:47000"]),
    (RequestError("not_reachable", host="10.0.0.1", port=5, why="no_shared_room"), ["10.0.0.1:5"]),
    (RequestError("not_reachable", host="10.0.0.1", port=5, why="blocked"), ["10.0.0.1:5"]),
    (RequestError("not_reachable", host="10.0.0.1", port=5, why="self"), ["10.0.0.1:5"]),
    (RequestError("not_reachable", host="10.0.0.1", port=5, why="handshake_timeout"), ["10.0.0.1:5"]),
    (RequestError("not_reachable"), []),
    (RequestError("too_large", limit=32734), ["32734"]),
    (RequestError("too_large"), []),
    (RequestError("refused", why="x is y"), ["x is y"]),
    *((RequestError("refused", why=why), []) for why in ("not_private", "reformed", "self", "not_member", "nobody")),
    (RequestError("refused", why="left_out"), []),
    (RequestError("refused", why="too_many", limit=32), []),
    *((RequestError("refused", why=why), []) for why in ("too_many", "not_yours", "bounds")),
    *(
        (RequestError("bad_code", reason=reason), [])
        for reason in ("not_found", "wrong", "expired", "used_up", "two_rooms", "?")
    ),
    *(
        (RequestError("bad_code", reason="malformed", why=why, word="", suggestions=()), [])
        for why in ("empty", "slot", "words", "version", "link", "?")
    ),
    (
        RequestError("bad_code", reason="malformed", why="unknown_word", word="gitar", suggestions=("guitar",)),
        ["gitar", "guitar?"],
    ),
    (RequestError("bad_code", reason="malformed", why="unknown_word", word="xyz", suggestions=()), ["xyz"]),
    (RequestError("sealed", room="Tuesday circle"), ["Tuesday circle"]),
    (RequestError("sealed"), []),
    (RequestError("key_changed", name="Mira", room="r1"), ["Mira"]),
    (RequestError("unknown_offer", offer="0f"), []),
    *((RequestError("not_reachable", why=why), []) for why in ("cancelled", "timeout", "failed", "gone", "vanished", "away")),
    (RequestError("refused"), []),
    (RequestError("refused", why="ephemeral"), []),
    (RequestError("bad_name", why="empty"), []),
    (RequestError("bad_name", why="too_long", limit=32), ["32"]),
    (RequestError("bad_name", why="character", character="/"), ["/"]),
    (RequestError("bad_name", why="hidden"), []),
    (RequestError("bad_name"), []),
    (RequestError("bad_text"), []),
    (RequestError("bad_address", address="1.2.3"), ["1.2.3", "192.168.1.20:47000"]),
    (RequestError("locked"), []),
    (RequestError("unknown_command", command="/jion", suggestions=("/join", "/who")), ["/jion", "/join", "/who"]),
    (RequestError("unknown_command", command="/x", suggestions=()), ["/x"]),
    (RequestError("missing_argument", usage="/join NAME"), ["/join NAME"]),
    (RequestError("extra_argument", usage="/quit"), ["/quit"]),
    (RequestError("bad_choice", value="pink", allowed=("dark", "light")), ["pink", "dark, light"]),
    (StartError("wrong_passphrase"), []),
    (StartError("wrong_passphrase", file="/b"), ["/b"]),
    (StartError("needs_passphrase"), ["--passphrase-file"]),
    (StartError("needs_passphrase", question="Passphrase of the backup"), ["Passphrase of the backup", "--passphrase-file"]),
    (StartError("newer_database", found=3, known=1), ["--home"]),
    (StartError("broken_database", file="/home/x/peertalk.db"), ["/home/x/peertalk.db"]),
    (StartError("broken_database"), ["peertalk restore --set-aside", "peertalk reset"]),
    (StartError("broken_key", file="/h/key", why="damaged"), ["/h/key", "peertalk restore --set-aside", "peertalk reset"]),
    (StartError("broken_key", file="/h/key", why="lost"), ["/h/key"]),
    (StartError("no_profile", home="/h"), ["/h", "--home"]),
    (StartError("profile_exists", home="/h"), ["/h", "--set-aside"]),
    (StartError("file_exists", file="/b"), ["/b"]),
    (StartError("broken_backup", file="/b"), ["/b"]),
    (StartError("newer_backup", file="/b", found=2, known=1), ["/b"]),
    (StartError("disk", why="missing", file="/b"), ["/b"]),
    *(
        (RequestError("refused", why="folder", path="/b", reason=reason), ["/b"])
        for reason in ("full", "denied", "missing", "name", "io", "?")
    ),
    (StartError("profile_in_use"), ["--home"]),
    (StartError("profile_in_use", pid=4711), ["4711"]),
    (StartError("port_in_use", port=47000), ["47000", "--port"]),
    (StartError("port_denied", port=80), ["80", "--port"]),
    (StartError("no_interface", name="eth7"), ["eth7"]),
    (StartError("no_interface"), []),
    (StartError("no_home", home="/dev/null"), ["/dev/null", "--home"]),
    (StartError("not_running"), []),
    (StartError("disk", why="full"), []),
    (StartError("disk", why="denied"), []),
    (StartError("disk", why="busy", file="/h/key"), ["/h/key"]),
    (StartError("disk", why="memory"), []),
    (StartError("disk", why="io"), []),
    (StartError("bad_config", file="/h/config.toml", key=None, why="syntax", line=3, column=7), ["/h/config.toml", "3", "7"]),
    (StartError("bad_config", file="/h/config.toml", key=None, why="syntax", line=None, column=None), ["/h/config.toml"]),
    (StartError("bad_config", file="/h/config.toml", key=None, why="unreadable", error="denied"), ["/h/config.toml", "denied"]),
    (StartError("bad_config", file="/h/config.toml", key="name", why="unwritable", error="full"), ["/h/config.toml", "full"]),
    (StartError("bad_config", file="f", key="prot", why="unknown_key", allowed=("port", "name")), ["prot", "port, name"]),
    (StartError("bad_config", file=None, key="keys.a", why="key_taken", value="f1", by="help"), ["keys.a", "f1", "help"]),
    *(
        (StartError("bad_config", file=None, key="--x", why="value", value="y", expected=expected, allowed=()), ["--x", "y"])
        for expected in ("text", "port", "yes_no", "list", "path", "address", "keys")
    ),
    (
        StartError("bad_config", file=None, key="--lang", why="value", value="fr", expected="choice", allowed=("en", "de")),
        ["--lang", "fr", "de"],
    ),
    (RemoteError("malformed", what="frame"), ["malformed"]),
]


@pytest.mark.parametrize(("error", "named"), ERRORS, ids=[str(error)[:40] for error, _named in ERRORS])
def test_each_error_is_a_sentence_that_names_what_is_wrong(error: PeerTalkError, named: list[str]) -> None:
    sentence = say.error(error)
    assert all(word in sentence for word in named), sentence
    assert "…" not in sentence
    assert "{" not in sentence
    assert sentence[-1] in ".?!)" or sentence.endswith(tuple(named))
    assert "_" not in sentence or error.kind == "bad_name"


def test_every_sentence_is_another_one_in_german(language: str) -> None:
    if language == "de":
        german = [say.error(error) for error, _named in ERRORS]
        i18n.activate("en")
        assert all(sentence != say.error(error) for (error, _named), sentence in zip(ERRORS, german, strict=True))


def test_every_kind_that_the_docstrings_list_has_its_sentence() -> None:
    listed = re.findall(r"`([a-z_]+)`", f"{errors.RequestError.__doc__} {errors.StartError.__doc__}")
    assert len(listed) > 15
    unknown = say.error(PeerTalkError("no_such_kind")).replace("no_such_kind", "{}")
    assert [kind for kind in listed if say.error(PeerTalkError(kind)) == unknown.format(kind)] == []


def test_every_kind_that_the_program_raises_has_its_sentence() -> None:
    unknown = say.error(PeerTalkError("no_such_kind")).replace("no_such_kind", "{}")
    kinds = {kind for path in PACKAGE.rglob("*.py") for kind in raised(path)}
    assert {"unknown_room", "bad_config", "port_in_use"} <= kinds
    assert [kind for kind in sorted(kinds) if say.error(PeerTalkError(kind)) == unknown.format(kind)] == []


def raised(path: Path) -> Iterator[str]:
    """The kinds of the errors for people that a module makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("RequestError", "StartError"):
            for argument in node.args[:1]:
                yield from (
                    part.value for part in ast.walk(argument) if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def test_an_unknown_kind_is_said_truthfully() -> None:
    assert "two_moons" in say.error(RequestError("two_moons"))


DATA = st.dictionaries(
    st.sampled_from(
        [
            "room",
            "peer",
            "name",
            "candidates",
            "host",
            "port",
            "limit",
            "why",
            "character",
            "address",
            "command",
            "suggestions",
            "usage",
            "value",
            "allowed",
            "reason",
            "word",
            "file",
            "key",
        ]
    ),
    st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text())),
)
KINDS = sorted({error.kind for error, _named in ERRORS})


@example(RequestError, "bad_config", {"why": "unknown_key", "allowed": ["\x1f"]})
@example(RequestError, "bad_config", {"allowed": ["\x1f"]})
@given(st.sampled_from([RequestError, StartError, RemoteError]), st.sampled_from(KINDS), DATA)
def test_whatever_the_data_there_is_a_harmless_sentence(made: type[PeerTalkError], kind: str, data: dict[str, Any]) -> None:
    data.pop("kind", None)
    sentence = say.error(made(kind, **data))
    assert sentence
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 or character == "\u202e" for character in sentence)


def test_braces_in_data_are_not_taken_for_placeholders() -> None:
    assert "{peer.__class__}" in say.error(RequestError("unknown_peer", peer="{peer.__class__}"))


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MIRA = Peer(id="aa", name="Mira", tag="m1ra")
LOBBY = Room(id="r1", name="lobby", kind="open", members=6, online=5)
DIRECT = Room(id="r2", name="Mira", kind="direct", members=2, online=2)


def said(**changes: Any) -> Message:
    whole = Message(id="m", room="r1", author=Author(id="aa", name="Mira", tag="m1ra"), seq=1, lamport=1, time=0, text="hello")
    return msgspec.structs.replace(whole, **changes)


FORGER = msgspec.structs.replace(MIRA, name="Ben is here. Zoe: hi", tag="f0rg")


def forged(**changes: Any) -> Message:
    return said(author=Author(id="ff", name="Ben is here. Zoe: hi", tag="f0rg"), **changes)


@pytest.mark.parametrize(
    "event",
    [
        *(events.PeerChanged(peer=FORGER, change=change) for change in ("online", "offline", "name", "trust")),
        *(events.MessageArrived(message=forged(kind=kind, text="Ben is here. Zoe: hi")) for kind in ("here", "left", "name")),
        events.MessageArrived(message=said(kind="name", text="Ben is here. Zoe: hi")),
        events.MessageArrived(message=forged(deleted=True)),
        events.Typing(room="r1", peer=FORGER),
        events.Warning(kind="clock", text="Ben is here. Zoe: hi"),
    ],
)
def test_a_name_within_a_sentence_is_no_sentence(event: events.AnyEvent) -> None:
    told = say.event(event)
    assert told is not None
    assert "Ben is here Zoe hi" in told
    assert ". Zoe" not in told
    assert ":" not in told


def test_who_changed_a_name_into_a_sentence_has_the_tag_of_the_key() -> None:
    i18n.activate("en")
    assert say.message(forged(kind="here", text="")) == "Ben is here Zoe hi · f0rg came in"
    assert say.message(said(kind="left", author=Author(id="ff", name="::", tag="f0rg"), text="")) == "f0rg left"


EVENTS: list[tuple[events.AnyEvent, str | None, str | None]] = [
    (events.Ready(identity=MIRA), "Ready. Others see you as Mira.", "Bereit. Andere sehen dich als Mira."),
    (events.PeerChanged(peer=MIRA, change="online"), "Mira is here", "Mira ist da"),
    (events.PeerChanged(peer=MIRA, change="offline"), "Mira is away", "Mira ist nicht mehr da"),
    (events.PeerChanged(peer=MIRA, change="name"), "m1ra is now called Mira", "m1ra heißt jetzt Mira"),
    (events.PeerChanged(peer=MIRA, change="trust"), "Mira is not verified", "Mira ist nicht bestätigt"),
    (
        events.PeerChanged(peer=msgspec.structs.replace(MIRA, trust="verified"), change="trust"),
        "Mira is verified",
        "Mira ist bestätigt",
    ),
    (events.RoomChanged(room=LOBBY, change="joined"), "You are in #lobby.", "Du bist in #lobby."),
    (events.RoomChanged(room=LOBBY, change="left"), "You left #lobby.", "Du hast #lobby verlassen."),
    (
        events.RoomChanged(room=Room(id="r", name="", kind="open"), change="left"),
        "You left the room.",
        "Du hast den Raum verlassen.",
    ),
    (
        events.RoomChanged(room=LOBBY, change="forgotten"),
        "#lobby has forgotten what was written there, as open rooms do.",
        "#lobby hat vergessen, was dort geschrieben wurde, wie es offene Räume tun.",
    ),
    (events.RoomChanged(room=LOBBY, change="members"), None, None),
    (events.RoomChanged(room=LOBBY, change="read"), None, None),
    (events.MessageArrived(message=said()), "Mira: hello", "Mira: hello"),
    (events.MessageArrived(message=said(kind="here", text="Mira")), "Mira came in", "Mira ist gekommen"),
    (events.MessageArrived(message=said(kind="left", text="")), "Mira left", "Mira ist gegangen"),
    (events.MessageArrived(message=said(kind="name", text="Míra")), "Mira is now called Míra", "Mira heißt jetzt Míra"),
    (events.MessageArrived(message=said(kind="name", text="Mira")), "m1ra is now called Mira", "m1ra heißt jetzt Mira"),
    (events.MessageArrived(message=said(deleted=True)), "Mira deleted a message", "Mira hat eine Nachricht gelöscht"),
    (events.MessageChanged(message=said()), None, None),
    (events.Delivered(message="m", room="r1", delivered_to=["aa"]), None, None),
    (events.Typing(room="r1", peer=MIRA), "Mira is writing …", "Mira schreibt …"),
    (events.SyncProgress(room="r1", done=30, total=100), "Catching up: 30 of 100", "Hole Verpasstes nach: 30 von 100"),
    (events.SyncProgress(room="r1", done=130, total=100), "Catching up: 130 of 130", "Hole Verpasstes nach: 130 von 130"),
    (events.Warning(kind="two_moons", text="what the node said"), "what the node said", "what the node said"),
]


@pytest.mark.parametrize(("kind", "text"), [("left", "Mira"), ("here", "Mira"), ("left", "")])
def test_whose_name_could_be_anothers_comes_and_goes_with_the_tag(kind: Any, text: str) -> None:
    assert say.message(said(kind=kind, text=text), "Mira · m1ra").startswith("Mira · m1ra ")


def test_no_name_ends_before_its_end() -> None:
    liar = said(author=Author(id="bb", name="Mira: yes", tag="l1ar"), text="hello")
    assert say.message(liar) == "Mira  yes: hello"


@pytest.mark.parametrize(("event", "english", "german"), EVENTS)
def test_each_event_is_a_line_or_nothing(
    event: events.AnyEvent, english: str | None, german: str | None, language: str
) -> None:
    assert say.event(event) == (english if language == "en" else german)


def test_every_type_of_event_is_in_the_table_above() -> None:
    assert {type(event) for event, *_ in (*EVENTS, *OF_A_CIRCLE)} == set(events.AnyEvent.__args__)


@pytest.mark.parametrize("kind", ["same_name_new_key", "fork", "clock", "dropped", "second_process"])
def test_each_warning_has_its_sentence(kind: str) -> None:
    sentence = say.warning(events.Warning(kind=kind, text="Mira {name}"))
    assert sentence != "Mira {name}"
    assert sentence.endswith(".")
    assert ("Mira {name}" in sentence) == (kind in ("same_name_new_key", "fork", "clock"))


# ── states ───────────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = {"aa": "Mira", "bb": "Jonas"}

STATES: list[tuple[dict[str, Any], Room, tuple[str, str], tuple[str, str]]] = [
    (
        {"state": "waiting", "seq": None},
        Room(id="r", name="x", kind="open", members=3, online=1),
        ("⏳ waiting until someone is here", "⏳ wartet, bis jemand da ist"),
        ("waiting until someone is here", "wartet, bis jemand da ist"),
    ),
    (
        {"state": "waiting", "seq": None},
        Room(id="r", name="x", kind="open", members=1, online=1),
        ("⏳ waiting until someone is here", "⏳ wartet, bis jemand da ist"),
        ("waiting until someone is here", "wartet, bis jemand da ist"),
    ),
    ({}, LOBBY, ("⏳ on its way", "⏳ unterwegs"), ("on its way", "unterwegs")),
    ({"delivered_to": ["aa", "bb"]}, LOBBY, ("✓ 2/5", "✓ 2/5"), ("2 of 5 have it", "2 von 5 haben es")),
    ({"delivered_to": list("abcde")}, LOBBY, ("✓ everyone", "✓ alle"), ("everyone has it", "alle haben es")),
    ({"delivered_to": list("abcdef")}, LOBBY, ("✓ everyone", "✓ alle"), ("everyone has it", "alle haben es")),
    ({"delivered_to": ["aa"]}, DIRECT, ("✓ delivered", "✓ angekommen"), ("delivered", "angekommen")),
    (
        {"held_by": ["aa"]},
        LOBBY,
        ("with Mira, kept by nobody", "bei Mira, von niemandem aufbewahrt"),
        ("with Mira, kept by nobody", "bei Mira, von niemandem aufbewahrt"),
    ),
    (
        {"held_by": ["aa", "bb"]},
        LOBBY,
        ("with Mira and Jonas, kept by nobody", "bei Mira und Jonas, von niemandem aufbewahrt"),
        ("with Mira and Jonas, kept by nobody", "bei Mira und Jonas, von niemandem aufbewahrt"),
    ),
    (
        {"held_by": ["aa", "zz"]},
        LOBBY,
        ("with 2 of 5, kept by nobody", "bei 2 von 5, von niemandem aufbewahrt"),
        ("with 2 of 5, kept by nobody", "bei 2 von 5, von niemandem aufbewahrt"),
    ),
    (
        {"held_by": list("abcde")},
        LOBBY,
        ("with everyone, kept by nobody", "bei allen, von niemandem aufbewahrt"),
        ("with everyone, kept by nobody", "bei allen, von niemandem aufbewahrt"),
    ),
    ({"mine": False, "delivered_to": ["aa"]}, LOBBY, ("", ""), ("", "")),
    ({"mine": False, "edited": True}, LOBBY, ("edited", "bearbeitet"), ("edited", "bearbeitet")),
    (
        {"edited": True, "delivered_to": ["aa"]},
        LOBBY,
        ("✓ 1/5 · edited", "✓ 1/5 · bearbeitet"),
        ("1 of 5 have it, edited", "1 von 5 haben es, bearbeitet"),
    ),
    ({"deleted": True}, LOBBY, ("deleted by you", "von dir gelöscht"), ("deleted by you", "von dir gelöscht")),
    (
        {"deleted": True, "mine": False},
        LOBBY,
        ("deleted by Mira", "von Mira gelöscht"),
        ("deleted by Mira", "von Mira gelöscht"),
    ),
]


@pytest.mark.parametrize(("changes", "room", "signs", "words"), STATES)
def test_the_small_words_of_a_message_are_true(
    changes: dict[str, Any], room: Room, signs: tuple[str, str], words: tuple[str, str], language: str
) -> None:
    message = said(**{"mine": True, **changes})
    assert say.state(message, room, NAMES) == both(language, *signs)
    assert say.state(message, room, NAMES, ascii=True) == both(language, *words)


@given(st.lists(st.text(max_size=3), max_size=5), st.lists(st.text(max_size=3), max_size=5), st.integers(0, 5), st.booleans())
def test_nothing_is_called_delivered_that_is_on_no_disk(disk: list[str], memory: list[str], members: int, plain: bool) -> None:
    room = Room(id="r", name="x", kind="open", members=members, online=members)
    state = say.state(said(mine=True, delivered_to=disk, held_by=memory), room, ascii=plain)
    assert state
    if not disk:
        assert "✓" not in state
        assert not any(word in state for word in ("have it", "has it", "haben es"))


def test_a_late_message_says_when_it_was_written(berlin: None, language: str) -> None:
    message = said(late=True, time=at(2026, 11, 24, 18, 40))
    assert say.state(message, LOBBY) == both(language, "late: written 18:40", "verspätet: um 18:40 geschrieben")
    wrong = said(late=True, clock="ahead", time=at(2029, 11, 24, 18, 40))
    assert say.state(wrong, LOBBY) == both(language, "late · their clock is ahead", "verspätet · Uhr geht vor")


# ── times and names ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_times_and_days_are_local(berlin: None, language: str) -> None:
    evening = at(2026, 11, 24, 19, 2)
    assert say.clock(evening) == "19:02"
    assert say.day(evening, evening) == both(language, "Tuesday, 24 November", "Dienstag, 24. November")
    assert say.day(evening, at(2027, 1, 1, 0, 0)) == both(language, "Tuesday, 24 November 2026", "Dienstag, 24. November 2026")
    assert say.moment(evening, at(2026, 11, 24, 23, 0)) == "19:02"
    assert say.moment(evening, at(2026, 11, 25, 0, 0)) == both(language, "24 Nov 19:02", "24. Nov. 19:02")
    assert say.moment(evening, at(2027, 1, 1, 0, 0)) == both(language, "24 Nov 2026 19:02", "24. Nov. 2026 19:02")


@given(st.integers(-(2**63), 2**63), st.integers(-(2**63), 2**63))
def test_no_claimed_time_is_too_wild(claimed: int, now: int) -> None:
    assert len(say.clock(claimed)) == 5
    assert say.day(claimed, now)
    assert say.moment(claimed, now)


def test_rooms_and_addresses_are_called_as_people_know_them() -> None:
    assert (say.room(LOBBY), say.room(DIRECT)) == ("#lobby", "Mira")
    assert (say.address("10.0.0.1", 5), say.address("fe80::1%eth0", 5)) == ("10.0.0.1:5", "[fe80::1%eth0]:5")


def test_made_up_names_are_friendly_and_in_the_persons_language(language: str) -> None:
    assert say.made_up_name(lambda _n: bytes(2)) == both(language, "Quiet Otter", "Leiser Otter")
    assert say.made_up_name(lambda _n: bytes([255, 255])) == both(language, "Wonderful Starling", "Fröhliche Gämse")
    assert say.made_up_name(lambda _n: bytes([64, 65])) == both(language, "Quiet Owl", "Leise Eule")


def test_all_made_up_names_are_different_and_good_names() -> None:
    from peertalk import text

    made = {say.made_up_name(lambda _n, pair=(first, second): bytes(pair)) for first in range(64) for second in range(64)}  # type: ignore[misc]
    assert len(made) == 64 * 64
    assert all(text.name(name) == name for name in made)


def test_two_random_bytes_choose_evenly() -> None:
    lists = (creatures.QUALITIES, creatures.ANIMALS, creatures.EIGENSCHAFTEN, creatures.TIERE)
    assert [len(words) for words in lists] == [64] * 4
    assert all(len(set(words)) == 64 for words in lists)
    assert {gender for _animal, gender in creatures.TIERE} == set(creatures.ENDINGS)
