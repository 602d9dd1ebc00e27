"""Black box: rooms behind a code in `peertalk plain` in pipes, over the loopback interface, with somebody at the other end."""

from __future__ import annotations

from pathlib import Path

import msgspec

from peertalk.core.events import Invite, Room
from tests.plain.talking import plain
from tests.processes import rpc


async def test_a_code_said_aloud_lets_one_in_and_doors_are_heard(tmp_path: Path) -> None:
    async with rpc(tmp_path / "b", "--name", "Ben") as ben:
        port = await ben.port()
        async with plain(tmp_path / "a", "--name", "Ada", "--connect", f"127.0.0.1:{port}") as ada:
            await ada.until("Ben is here")
            room = msgspec.json.decode(await ben.node.call("rooms.create", name="Tuesday circle"), type=Room)
            made = msgspec.json.decode(await ben.node.call("rooms.invite", room=room.id), type=Invite)
            wrong = "7 guitar meadow comet" if made.code != "7-guitar-meadow-comet" else "7 guitar meadow tiger"
            await ada.write("/accept 7 guitra meadow comet", f"/accept {made.code.split('-')[0]} {wrong[2:]}")
            assert "“guitra”" in await ada.until("Perhaps it was")
            assert (await ada.until("fit")).startswith("* Those words don't fit. Ask for the code again")
            await ada.write("/accept " + made.code.upper().replace("-", " "))
            assert await ada.until("You are in Tuesday circle") == "* You are in Tuesday circle, invited by Ben."
            await ada.write("hello circle")
            await ada.until("hello circle")
            await ben.node.call("rooms.seal", room=room.id)
            assert await ada.until("closed the room") == "* Ben closed the room; inside: Ada and Ben."
            await ada.write("/invite")
            assert (await ada.until("is closed just now")).startswith("* Tuesday circle is closed just now.")
            await ada.write("/create Mine, off the record", "/invite")
            assert (await ada.until("The code into Mine is")).endswith("Say it aloud.")
            await ada.write("/quit")
            ended = await ada.end()
            assert (ended.code, ended.err) == (0, "")
        texts = [message.text for message in (await ben.node.messages(room.id)).messages if message.kind == "text"]
        assert texts == ["hello circle"]
