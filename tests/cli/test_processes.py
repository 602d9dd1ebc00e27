"""Black box: real processes over the loopback interface."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from peertalk.core.events import MessageArrived
from tests.processes import LOOPBACK, Running, begin, environment, rpc, run

STATUS = b'{"jsonrpc":"2.0","id":1,"method":"node.status"}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "h"


def files(home: Path) -> list[str] | None:
    """What is in a home; None if there is none."""
    return sorted(path.name for path in home.iterdir()) if home.exists() else None


async def met(one: Running, other: Running) -> None:
    """Wait until these two see each other in the lobby."""
    events = one.node.subscribe()
    async with asyncio.timeout(20):
        while not [peer for peer in await one.node.peers() if peer.online]:
            await anext(aiter(events))
    events.close()


async def test_rpc_answers_and_ends_with_its_input(home: Path) -> None:
    ended = await run(home, "rpc", *LOOPBACK, "--name", "Ada", given=STATUS + b"nonsense\n")
    ready, *answers = map(json.loads, ended.out.splitlines())
    assert ready["params"]["identity"]["name"] == "Ada"
    assert {answer.get("error", {}).get("code") for answer in answers} == {None, -32700}
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, None])
async def test_rpc_ends_within_three_seconds_and_keeps_what_it_answered(home: Path, how: signal.Signals | None) -> None:
    async with rpc(home) as running:
        message = await running.node.send("lobby", "kept")
        asked = time.monotonic()
        ended = await running.end(how)
        assert time.monotonic() - asked < 3
        assert (ended.code, ended.err) == (0, "")
    assert files(home) == ["key", "lock", "peertalk.db"]
    async with rpc(home) as again:
        assert [kept.id for kept in (await again.node.messages("lobby")).messages if kept.kind == "text"] == [message.id]


async def test_what_was_written_before_the_end_of_input_is_stored(home: Path) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": number, "method": "messages.send", "params": {"room": "lobby", "text": str(number)}}
        for number in range(300)
    ]
    ended = await run(home, "rpc", *LOOPBACK, given=b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    answers = {answer["id"]: answer for answer in map(json.loads, ended.out.splitlines()) if "id" in answer}
    assert answers.keys() == set(range(300))
    async with rpc(home) as again:
        kept = [message.text for message in (await again.node.messages("lobby", 1000)).messages if message.kind == "text"]
    assert kept == [str(number) for number in range(300)]


async def test_rpc_ends_when_nobody_reads_its_output(home: Path) -> None:
    process = await begin(home, ["rpc", *LOOPBACK])
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    await asyncio.sleep(0)  # now it is closed: not before, or the answer might still have a place to go to
    process.stdin.write(STATUS)
    async with asyncio.timeout(10):
        assert await process.wait() == 0
    process._transport.close()  # type: ignore[attr-defined]


async def test_a_terminal_that_closed_standard_output_before_does_not_get_json_into_the_database(home: Path) -> None:
    command = f"exec {_shell(home)} rpc --no-mdns --interface 127.0.0.1 >&-"
    ended = await asyncio.to_thread(subprocess.run, command, shell=True, input=STATUS, capture_output=True, timeout=20)
    assert ended.returncode == 0
    assert (home / "peertalk.db").read_bytes()[:2] != b'{"'


def _shell(home: Path) -> str:
    names = ("PEERTALK_STATE", "PEERTALK_HOME")
    given = environment(home)
    return shlex.join(["env", *(f"{name}={given[name]}" for name in names), sys.executable, "-m", "peertalk"])


# ── what cannot start ────────────────────────────────────────────────────────────────────────────────────────────────


async def refused(home: Path, *options: str, command: str = "rpc") -> str:
    """The one sentence with which a command ends that cannot start."""
    ended = await run(home, command, *LOOPBACK, *options)
    assert (ended.code, ended.out) == (1, "")
    [line] = ended.err.splitlines()
    return line.removeprefix("peertalk: ")


async def test_a_passphrase_is_needed_and_has_to_be_right(home: Path, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\nignored")
    wrong.write_text("battery staple")
    assert (await run(home, "rpc", *LOOPBACK, "--passphrase-file", str(right))).code == 0
    assert (await refused(home)).startswith("This profile is protected by a passphrase.")
    assert (await refused(home, "--passphrase-file", str(wrong))).startswith("That passphrase does not open this profile.")
    assert str(tmp_path / "none") in await refused(home, "--passphrase-file", str(tmp_path / "none"))
    assert (await run(home, "rpc", *LOOPBACK, "--passphrase-file", str(right))).code == 0


async def test_a_second_process_on_one_profile_is_refused_and_the_first_goes_on(home: Path) -> None:
    async with rpc(home) as first:
        told = await refused(home)
        assert told.startswith(f"PeerTalk is running with this profile already (process {first.process.pid})")
        assert (await first.node.status()).rooms == 1


async def test_a_port_in_use_is_named_and_the_profile_is_free_again(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert (await refused(home, "--port", str(port))).startswith(f"Port {port} cannot be used")
    assert (await run(home, "rpc", *LOOPBACK)).code == 0


async def test_an_interface_that_does_not_exist_is_named(home: Path) -> None:
    ended = await run(home, "rpc", "--interface", "nosuch0")
    assert (ended.code, ended.out) == (1, "")
    assert "nosuch0" in ended.err


async def test_a_damaged_database_is_left_alone(home: Path) -> None:
    assert (await run(home, "rpc", *LOOPBACK)).code == 0
    (home / "peertalk.db").write_bytes(b"not a database" * 1000)
    assert (await refused(home)).startswith("The stored history is damaged and cannot be read. Nothing was deleted or changed.")
    assert (home / "peertalk.db").read_bytes() == b"not a database" * 1000


async def test_an_ephemeral_node_leaves_nothing_behind(home: Path) -> None:
    async with rpc(home, "--ephemeral") as running:
        await running.node.send("lobby", "fleeting")
        assert files(home) is None
        assert (await running.end()).code == 0
    assert files(home) is None


# ── short forms ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_send_and_tail_go_through_the_running_process(home: Path, tmp_path: Path) -> None:
    async with (
        rpc(home, "--name", "Ada") as ada,
        rpc(tmp_path / "b", "--name", "Ben", "--connect", f"127.0.0.1:{await ada.port()}") as ben,
    ):
        await met(ada, ben)
        tail = await begin(home, ["tail", "lobby", "--lines", "1"])
        assert tail.stdout is not None
        await tail.stdout.readline()  # the last one before: somebody came in
        ended = await run(home, "send", "#lobby", "hello Ben")
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        async with asyncio.timeout(10):
            assert (await tail.stdout.readline()).decode()[6:] == "Ada: hello Ben\n"
        assert "hello Ben" in [message.text for message in (await ben.node.messages("lobby")).messages]
        tail.send_signal(signal.SIGINT)
        assert await tail.wait() == 0
        tail._transport.close()  # type: ignore[attr-defined]


async def test_export_is_the_same_through_the_running_process_and_without_one(home: Path, tmp_path: Path) -> None:
    async with rpc(home, "--name", "Ada") as ada:
        sent = await ada.node.send("lobby", "hello\n# all")
        await ada.node.call("messages.react", message=sent.id, reaction="hope")
        running = await run(home, "export", "lobby")
        assert (running.code, running.err) == (0, "")
        path = tmp_path / "lobby.json"
        told = await run(home, "export", "#lobby", "--json", "--output", str(path))
        assert (told.code, told.out) == (0, f"1 message is in {path} now.\n")
        again = await run(home, "export", "#lobby", "--output", str(path))
        assert (again.code, again.out) == (1, "")
        assert again.err.startswith(f"peertalk: {path} is there already")
    assert [one["reactions"] for one in json.loads(path.read_bytes())["messages"]] == [{"hope": [sent.author.id]}]
    assert path.stat().st_mode & 0o777 == 0o600
    alone = await run(home, "export", "lobby", "--no-mdns")
    assert [ended.out.partition("\n\n")[2].partition("\n")[2] for ended in (alone, running)] == [
        running.out.partition("\n\n")[2].partition("\n")[2]
    ] * 2
    assert "    hello\n    # all\n" in alone.out
    assert "*Ada\\: hope*" in alone.out


async def test_send_starts_a_node_of_its_own_where_none_runs(home: Path, tmp_path: Path) -> None:
    async with rpc(tmp_path / "b", "--name", "Ben") as ben:
        arrivals = ben.node.subscribe()
        sending = asyncio.create_task(
            run(home, "send", "lobby", "hello", *LOOPBACK, "--connect", f"127.0.0.1:{await ben.port()}")
        )
        async with asyncio.timeout(20):
            async for event in arrivals:
                if isinstance(event, MessageArrived) and event.message.text == "hello":
                    break
        ended = await sending
        assert (ended.code, ended.err) == (0, "")
        arrivals.close()


async def test_send_says_why_nobody_has_it_and_keeps_it(home: Path) -> None:
    ended = await run(home, "send", "lobby", "alone", "--wait", "0.1", *LOOPBACK)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("peertalk: Nobody else is in #lobby just now.")
    async with rpc(home) as again:
        kept = (await again.node.messages("lobby")).messages
        assert [(message.text, message.state) for message in kept if message.kind == "text"] == [("alone", "waiting")]


async def test_send_to_an_unknown_room_says_so(home: Path) -> None:
    ended = await run(home, "send", "nowhere", "hello", *LOOPBACK)
    assert (ended.code, ended.out) == (1, "")
    assert "nowhere" in ended.err


async def test_tail_ends_with_the_process_that_it_listens_to(home: Path) -> None:
    async with rpc(home) as running:
        await running.node.send("lobby", "first\nsecond")
        tail = await begin(home, ["tail", "lobby", "--json"])
        assert tail.stdout is not None
        lines = [json.loads(await tail.stdout.readline())]
        if lines[0]["kind"] != "text":
            lines.append(json.loads(await tail.stdout.readline()))
        assert lines[-1]["text"] == "first\nsecond"
        await running.end()
        _out, err = await asyncio.wait_for(tail.communicate(), 10)
        assert (tail.returncode, err.decode().startswith("peertalk: PeerTalk is not running")) == (1, True)


async def test_the_log_has_no_texts_names_or_keys_at_any_level(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ("--log-level", "debug", "--log-file", str(log), "--name", "Canaryname")
    async with rpc(home, *options) as ada, rpc(tmp_path / "b", "--connect", f"127.0.0.1:{await ada.port()}") as ben:
        await met(ada, ben)
        await ada.node.send("lobby", "canarytext")
        await ada.node.call("rooms.join", name="canaryroom")
        identity = (await ada.node.status()).identity.id
        await ada.end()
    told = log.read_text()
    assert told
    for secret in ("Canaryname", "canarytext", "canaryroom", identity, json.loads((home / "key").read_bytes())["key"]):
        assert secret not in told
