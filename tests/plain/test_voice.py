from __future__ import annotations

from peertalk.plain.voice import Voice


class Heard:
    def __init__(self) -> None:
        self.data = b""

    async def write(self, data: bytes) -> None:
        self.data += data


async def test_every_line_of_the_program_is_marked() -> None:
    heard = Heard()
    voice = Voice(heard, "utf-8")
    await voice.say("one\n\ntwo", "three")
    await voice.say()
    await voice.tell(["Mira: hello"])
    assert heard.data == b"* one\n* two\n* three\nMira: hello\n"
