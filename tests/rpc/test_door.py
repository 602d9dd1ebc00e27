from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk.core.events import Typing
from peertalk.errors import RequestError, StartError
from peertalk.rpc import door
from peertalk.rpc.door import find, serve_socket
from tests.fake_node import BEN, FakeNode


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a path short enough for a socket, whatever pytest's is."""
    home = tmp_path / "h"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def far_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with a path too long for a socket, and a runtime directory of its own for this user."""
    home = tmp_path / ("long" * 30)
    home.mkdir(mode=0o700)
    runtime = Path("/tmp") / f"pt-{os.getpid()}"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield home
    runtime.rmdir()  # fails if anything was left there


def files(home: Path) -> list[str]:
    return [file.name for file in home.iterdir()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_another_program_finds_the_node_through_an_owner_only_socket(home: Path) -> None:
    node = FakeNode()
    async with serve_socket(node, home):
        assert mode(home / "rpc.sock") == 0o600
        assert files(home) == ["rpc.sock"]
        remote = await find(home)
        assert remote is not None
        assert (await remote.status()).identity.name == "Ada"
        message = await remote.send("lobby", "hello")
        assert (await remote.messages("lobby")).messages == [message] == node.sent
        assert (await remote.room("#lobby")).id == node.lobby.id
        assert [member.name for member in await remote.members("lobby")] == ["Ada"]
        assert [peer.name for peer in await remote.peers()] == ["Ben"]
        await remote.close()
    assert files(home) == []


async def test_errors_come_over_with_kind_and_data(home: Path) -> None:
    async with serve_socket(FakeNode(), home):
        remote = await find(home)
        assert remote is not None
        with pytest.raises(RequestError) as caught:
            await remote.send("nowhere", "hello")
        assert (caught.value.kind, caught.value.data) == ("unknown_room", {"room": "nowhere"})
        with pytest.raises(RequestError) as caught:
            await remote.call("of.a.later.version")
        assert caught.value.kind == "refused"
        await remote.close()


async def test_events_come_over_to_each_client(home: Path) -> None:
    node = FakeNode()
    async with serve_socket(node, home):
        remotes = [await find(home), await find(home)]
        for remote in remotes:
            assert remote is not None
            events = remote.subscribe()
            node.tell(Typing(room="r", peer=BEN))
            assert await anext(aiter(events)) == Typing(room="r", peer=BEN)
            events.close()
            await remote.close()


async def test_a_client_learns_that_the_process_ended(home: Path) -> None:
    async with serve_socket(FakeNode(), home):
        remote = await find(home)
        assert remote is not None
        events = remote.subscribe()
    assert [event async for event in events] == []
    with pytest.raises(StartError) as caught:
        await remote.status()
    assert caught.value.kind == "not_running"
    late = remote.subscribe()
    assert [event async for event in late] == []
    await remote.close()


async def test_a_call_that_waits_when_the_process_ends_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertalk.rpc.connection.FINISH", 0.01)
    async with serve_socket(FakeNode(asyncio.Event()), home):
        remote = await find(home)
        assert remote is not None
        waiting = asyncio.create_task(remote.send("lobby", "never stored"))
        await remote.status()
    with pytest.raises(StartError):
        await waiting
    await remote.close()


async def test_nobody_is_found_where_nothing_runs(home: Path) -> None:
    assert await find(home) is None
    assert await find(home / "missing") is None
    (home / "rpc.address").write_text("{broken")
    assert await find(home) is None


async def test_the_socket_of_somebody_else_is_not_ours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who makes the directory in advance could wait there for what is written."""
    node = FakeNode()
    async with serve_socket(node, home):
        monkeypatch.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
        assert await find(home) is None


async def test_a_process_that_hangs_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(os.fspath(home / "rpc.sock"))
        silent.listen()
        assert await find(home) is None


async def test_a_stale_socket_is_replaced(home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(home / "rpc.sock"))
    assert await find(home) is None
    async with serve_socket(FakeNode(), home):
        remote = await find(home)
        assert remote is not None
        await remote.close()


async def test_a_home_with_a_long_path_has_its_socket_elsewhere(far_home: Path) -> None:
    async with serve_socket(FakeNode(), far_home):
        assert files(far_home) == ["rpc.address"]
        assert mode(far_home / "rpc.address") == 0o600
        path = Path(json.loads((far_home / "rpc.address").read_bytes())["path"])
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
        assert len(os.fsencode(path)) <= door.MAX_PATH
        remote = await find(far_home)
        assert remote is not None
        assert (await remote.status()).links == 1
        await remote.close()
    assert files(far_home) == []
    assert not path.parent.exists()


async def test_what_a_killed_process_left_elsewhere_goes(far_home: Path) -> None:
    left = Path(os.environ["XDG_RUNTIME_DIR"]) / "peertalk-killed"
    left.mkdir(mode=0o700)
    (left / "rpc.sock").touch()
    (far_home / "rpc.address").write_text(json.dumps({"path": str(left / "rpc.sock")}))
    async with serve_socket(FakeNode(), far_home):
        assert not left.exists()


async def test_a_false_address_makes_nobody_delete_anything_else(home: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    (home / "rpc.address").write_text(json.dumps({"path": str(precious / "rpc.sock")}))
    async with serve_socket(FakeNode(), home):
        assert precious.exists()
    assert precious.exists()


async def test_without_unix_sockets_there_is_a_port_with_a_token(home: Path) -> None:
    async with serve_socket(FakeNode(), home, unix=False):
        address = json.loads((home / "rpc.address").read_bytes())
        assert mode(home / "rpc.address") == 0o600
        remote = await find(home)
        assert remote is not None
        assert (await remote.status()).identity.name == "Ada"
        await remote.close()
        for first in (b"wrong\n", b'{"jsonrpc":"2.0","id":1,"method":"node.status"}\n', b"x" * 100_000, b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", address["port"])
            writer.write(first)
            writer.write_eof()
            with contextlib.suppress(ConnectionError):  # it need not have read all of it
                assert await reader.read() == b""
            writer.close()
    assert files(home) == []


async def test_a_door_that_cannot_be_opened_does_not_stop_the_node(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serve_socket(FakeNode(), home / "missing", unix=False):
        pass
    assert [record.getMessage() for record in caplog.records] == ["no socket for other programs: No such file or directory"]


async def test_more_clients_than_the_limit_are_sent_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MAX_CLIENTS", 1)
    async with serve_socket(FakeNode(), home):
        first = await find(home)
        assert first is not None
        assert await find(home) is None
        assert (await first.status()).links == 1
        await first.close()
