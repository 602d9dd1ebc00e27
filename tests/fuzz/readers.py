"""Readers of text: what others and the owner of the program write, in every form in which it comes in."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from peertalk import commands, config, say, text
from peertalk.config.values import READERS, from_text
from peertalk.core import codes
from peertalk.errors import PeerTalkError, RequestError, StartError
from peertalk.node import keyring
from peertalk.rpc import envelope
from peertalk.rpc.client import RemoteNode
from peertalk.rpc.methods import METHODS
from peertalk.streams.lines import Lines
from tests.fuzz.choices import Choices
from tests.test_text import check_neutral

LINE = 200


def any_text(raw: bytes) -> str:
    """These bytes as text; halves of surrogate pairs stay, since Python lets them into a str."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def shown_text(data: bytes) -> None:
    """Text of others: neutral, bounded, and the same again when it is neutralised again."""
    choices = Choices(data)
    cells, raw = choices.number(80), any_text(choices.rest())
    message = text.message(raw)
    for part in message.split("\n"):
        check_neutral(part)
    assert text.message(message) == message
    line, name = text.line(raw, cells), text.name(raw, "somebody")
    for one, again in ((line, text.line(line, cells)), (name, text.name(name, "x"))):
        check_neutral(one)
        assert one == again
        assert "\n" not in one
    assert text.width(line) <= cells
    assert 0 < text.width(name) <= text.NAME_CELLS
    with suppress(RequestError):
        room = text.room_name(raw)
        check_neutral(room)
        assert text.room_name("#" + room) == room


# ── the interface for programs ───────────────────────────────────────────────────────────────────────────────────────


def rpc(data: bytes) -> None:
    """A stream of lines, cut in any way: each is a request or a refusal; as answers they harm nobody either."""
    choices = Choices(data)
    cut, stream = 1 + choices.number(40), choices.rest()
    whole, cautious = Lines(LINE), Lines(LINE)
    lines = [*whole.feed(stream), *whole.end()]
    pieces = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    assert lines == [*(line for piece in pieces for line in cautious.feed(piece)), *cautious.end()]
    for line in lines:
        if line is not None:
            _request(line)
            _answer(line)


def _request(line: bytes) -> None:
    try:
        for each in envelope.parse_batch(line) if envelope.is_batch(line) else [line]:
            request = envelope.parse(each)
            if method := METHODS.get(request.method):
                envelope.parse_params(method.decoder, request)
                assert isinstance(json.loads(bytes(each)), dict)
    except envelope.BadRequest as bad:
        answer = json.loads(envelope.refusal(bad))
        assert answer["error"]["code"] in (envelope.PARSE_ERROR, envelope.INVALID_REQUEST, envelope.INVALID_PARAMS)
        assert answer["error"]["message"]


class _Waiting:
    """Somebody who waits for an answer."""

    def __init__(self) -> None:
        self.answer: object = None

    def done(self) -> bool:
        return self.answer is not None

    def set_result(self, answer: object) -> None:
        self.answer = answer

    def set_exception(self, error: Exception) -> None:
        assert isinstance(error, PeerTalkError)
        assert say.error(error)
        self.answer = error


def _answer(line: bytes) -> None:
    """The other end takes the line, which may be that of another version."""
    node: Any = RemoteNode.__new__(RemoteNode)
    node._waiting, node._subscriptions, node._ready = {1: _Waiting()}, set(), _Waiting()
    node._take(line)


# ── what the owner writes ────────────────────────────────────────────────────────────────────────────────────────────


def settings(data: bytes) -> None:
    """A config file, a variable, an address: read, or refused with a sentence; what was read can be written again."""
    choices = Choices(data)
    reader, raw = choices.pick((_file, _file, _variable, _address, _key_file)), choices.rest()
    try:
        reader(raw)
    except StartError as error:
        assert error.kind in ("bad_config", "broken_key", "newer_database"), error
        assert say.error(error)
        assert str(error)


def _file(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config.toml").write_bytes(raw)
        before = config.load({"home": home}, {})
        config.save(home, "name", "Mira")
        after = config.load({"home": home}, {})
    assert after.name == "Mira"
    assert all(getattr(before, key) == getattr(after, key) for key in READERS if key != "name")


def _variable(raw: bytes) -> None:
    key, _, value = any_text(raw).partition("=")
    if key in READERS:
        from_text(key, value)
        config.load({"home": Path(tempfile.gettempdir())}, {f"PEERTALK_{key.upper()}": value})


def _address(raw: bytes) -> None:
    with suppress(RequestError):
        host, port = config.parse_address(any_text(raw))
        assert host
        assert 0 < port <= config.MAX_PORT


def _key_file(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "key").write_bytes(raw)
        keyring.profile_state(Path(folder))


def command(data: bytes) -> None:
    """A line in the composer: text, a command, or what is wrong with it; a slash in front is never text."""
    choices = Choices(data)
    cursor, line = choices.number(80), any_text(choices.rest())
    match commands.parse(line):
        case commands.Text(content):
            assert not line.lstrip().startswith("/") or line.lstrip().startswith("//")
            assert content in line
        case commands.Problem(error):
            assert say.error(error)
        case commands.Invocation(found, arguments):
            assert {each.key for each in found.parameters} >= arguments.keys()
    at = min(cursor, len(line))
    offered = commands.complete(line, at, commands.Candidates(("#lobby", "Mira"), ("Mira", "Ada Lovelace")))
    assert all(0 <= each.start <= each.end == at for each in offered)


def code(data: bytes) -> None:
    """A code or a link as it was typed: read, or what is wrong with it; what was read is written so that it is read again."""
    choices = Choices(data)
    language, typed = choices.pick(codes.LANGUAGES), any_text(choices.rest())
    assert typed not in codes.complete(typed, language)
    try:
        found = codes.parse(typed)
    except RequestError as error:
        assert (error.kind, error.data["reason"]) == ("bad_code", "malformed")
        assert say.error(error)
        return
    assert all(ip_address(host).is_private and port >= 1024 for host, port in found.hints)
    written = codes.link(found.slot, found.secret, found.hints) if found.way == "link" else ""
    assert codes.parse(written or codes.spoken(found.slot, found.secret, language)) == found
