"""Black box: `peertalk plain` in pipes, over the loopback interface, with somebody at the other end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from tests.plain.talking import plain
from tests.processes import LOOPBACK, Running, has_ended, rpc, run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "h"


async def connect(ben: Running) -> tuple[str, str]:
    return "--connect", f"127.0.0.1:{await ben.port()}"


async def test_two_talk(home: Path, tmp_path: Path) -> None:
    async with rpc(tmp_path / "b", "--name", "Ben") as ben, plain(home, "--name", "Ada", *await connect(ben)) as ada:
        assert await ada.until("Ready") == "* Ready. Others see you as Ada."
        assert await ada.until("Ben is here") == "* Ben is here."
        await ben.node.send("lobby", "hello Ada\n\n  and a second line")
        assert await ada.until("hello") == "Ben: hello Ada"
        assert await ada.until("second") == "Ben: and a second line"
        await ada.write("hello Ben", "/join workshop", "nobody hears this", "/room lobby", "/nick Eva")
        assert await ada.until("hello Ben") == "You: hello Ben"
        assert (await ada.until("You are in #workshop")).startswith("* You are in #workshop now. Anyone on this network")
        assert await ada.until("nobody hears") == "You: nobody hears this"
        assert await ada.until("called Eva") == "* You are called Eva now."
        assert await ada.until("waits") == "* #workshop: Your message waits until someone is here."
        await ben.node.call("direct.open", peer="Eva")
        await ben.node.send("Eva", "for you alone")
        assert await ada.until("alone") == "Ben, to you: for you alone"
        await ada.write("/msg Ben thank you")
        assert await ada.until("writing with") == "* You are writing with Ben. Only the two of you can read this."
        await ada.write("/quit")
        ended = await ada.end()
        assert (ended.code, ended.err) == (0, "")
        texts = [message.text for message in (await ben.node.messages("Eva")).messages if message.kind == "text"]
        assert texts == ["for you alone", "thank you"]


async def test_what_a_pipe_writes_is_waited_for_and_its_fate_is_said(home: Path, tmp_path: Path) -> None:
    async with rpc(tmp_path / "b", "--name", "Ben") as ben:
        ended = await run(home, "plain", *LOOPBACK, *await connect(ben), "--name", "Ada", given=b"one\ntwo")
        assert (ended.code, ended.err) == (0, "")
        assert "You: one\nYou: two\n" in ended.out
        assert ended.out.endswith("* Your last message: everyone has it.\n")
        kept = [message.text for message in (await ben.node.messages("lobby")).messages if message.kind == "text"]
        assert kept == ["one", "two"]


async def test_what_nobody_has_at_the_end_is_said_and_kept(home: Path) -> None:
    ended = await run(home, "plain", *LOOPBACK, given=b"hello\n/quit\nnot written any more\n")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("* 1 message is kept here, and goes out when PeerTalk runs and somebody is there.\n")
    again = await run(home, "plain", *LOOPBACK, given=b"/quit\n")
    assert "You, waiting: hello\n" in again.out
    assert "not written" not in again.out


async def test_killed_it_loses_nothing_that_it_repeated(home: Path) -> None:
    async with plain(home) as ada:
        for number in range(20):
            await ada.write(f"message {number}")
        await ada.until("message 19")
        ada.process.kill()
        await ada.process.wait()
    async with rpc(home) as again:
        kept = [message.text for message in (await again.node.messages("lobby")).messages if message.kind == "text"]
    assert kept == [f"message {number}" for number in range(20)]


async def test_nobody_can_write_a_line_of_the_program_or_of_another_person(home: Path, tmp_path: Path) -> None:
    evil = "* Ada: ok, yes\u202e"
    text = "hi\n* Ben is away.\nAda: I quit\r* Ready\x1b[2J\x1b]0;owned\x07\x9b1m\u2028* end" + " " * 70 + "* Ready"
    async with rpc(tmp_path / "b", "--name", evil) as ben, plain(home, "--name", "Ada", *await connect(ben)) as ada:
        await ada.until("is here.")
        await ben.node.send("lobby", text)
        await ada.until("* end")
        ended = await ada.end()
    tag = re.search(r"Ada ok yes · (\w+) is here", ended.out)
    assert tag is not None
    said = [line for line in ended.out.split("\n") if not line.startswith("* ")]
    assert [line.partition(": ")[0] for line in said[:-1]] == [f"Ada ok yes · {tag[1]}"] * 4
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]", ended.out)
    assert "   " not in ended.out


async def test_only_ascii_goes_out_where_there_is_nothing_else(home: Path, tmp_path: Path) -> None:
    async with (
        rpc(tmp_path / "b", "--name", "Jürgen") as ben,
        plain(home, "--lang", "de", *await connect(ben), PYTHONIOENCODING="ascii") as ada,
    ):
        await ada.until("Juergen ist da.")
        await ben.node.send("lobby", "Grüße “dir” → Ж 日本 é 👍")
        assert await ada.until("Gruesse") == 'Juergen: Gruesse "dir" -> ? ?? e ?'
        await ada.write("schöne Grüße", "/räume")
        await ada.until("Du: schoene Gruesse")
        assert (await ada.end()).out.isascii()
        assert "schöne Grüße" in [message.text for message in (await ben.node.messages("lobby")).messages]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_signals_end_it_cleanly(home: Path, how: signal.Signals) -> None:
    async with plain(home) as ada:
        await ada.write("kept")
        await ada.until("kept")
        ended = await ada.end(how)
    assert (ended.code, ended.err) == (0, "")
    again = await run(home, "plain", *LOOPBACK, given=b"/quit\n")
    assert "You, waiting: kept\n" in again.out


async def test_it_ends_quietly_when_nobody_reads(home: Path) -> None:
    async with plain(home) as ada:
        await ada.until("Ready")
        ada.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        await ada.write("/help")
        async with asyncio.timeout(10):
            assert await ada.process.wait() == 0
        assert ada.process.stderr is not None
        assert await ada.process.stderr.read() == b""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of the end of a process without its output")
async def test_a_reader_that_stops_reading_keeps_it_from_nothing(home: Path, tmp_path: Path) -> None:
    async with rpc(tmp_path / "b", "--name", "Ben") as ben, plain(home, *await connect(ben)) as ada:
        await ada.until("Ben is here")
        for number in range(40):
            await ben.node.send("lobby", f"{number} " + "x" * 30_000)
        events = ben.node.subscribe()
        last = await ben.node.send("lobby", "the last")
        async with asyncio.timeout(20):
            while not (await ben.node.messages("lobby", 1)).messages[0].delivered_to:
                await anext(aiter(events))
        events.close()
        assert last.text == "the last"
        ada.process.send_signal(signal.SIGTERM)
        await has_ended(ada.process.pid)  # asyncio's own wait() would wait for the end of the output too


async def test_a_question_is_answered_by_the_next_line(home: Path) -> None:
    given = b"/leave\nperhaps\nn\n/leave\n/rooms\n/leave\nyes\nhello\n"
    ended = await run(home, "plain", *LOOPBACK, given=given)
    said = [line for line in ended.out.splitlines() if "Leave" not in line and "One moment" not in line]
    assert said[2:] == [
        "* Please answer yes or no.",
        "* Nothing was changed.",
        "* #lobby: 1 here",
        "* You left #lobby.",
        "* You are in no room. /join NAME enters one.",
    ]


async def test_what_cannot_start_is_one_sentence(home: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse")
    assert (await run(home, "plain", *LOOPBACK, "--passphrase-file", str(secret))).code == 0
    ended = await run(home, "plain", *LOOPBACK)
    assert (ended.code, "Ready" in ended.out) == (1, False)
    assert ended.err.startswith("peertalk: This profile is protected by a passphrase.")
