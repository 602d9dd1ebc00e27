from __future__ import annotations

from peertalk.core.events import Typing
from peertalk.tui.bridge import TOGETHER, Ended, Happened, carry
from tests.tui.fake_node import FakeNode, Subscription
from tests.tui.make import SETTINGS


class Screen:
    """Takes what is posted; `busy` leaves it lying."""

    def __init__(self, *, busy: bool = False) -> None:
        self.busy = busy
        self.posted: list[Happened | Ended] = []

    def post_message(self, message: Happened | Ended) -> bool:
        self.posted.append(message)
        if isinstance(message, Happened) and not self.busy:
            message.take()
        return True


def events(count: int) -> Subscription:
    node = FakeNode(SETTINGS)
    peer = node.add_peer("Mira", "lobby")
    subscription = Subscription()
    for _number in range(count):
        subscription.queue.put_nowait(Typing(room="room-lobby", peer=peer))
    subscription.close()
    return subscription


async def test_a_screen_that_has_time_gets_every_event_at_once() -> None:
    screen = Screen()
    await carry(events(3), screen)  # type: ignore[arg-type]
    assert [len(message.events) for message in screen.posted[:-1]] == [1, 1, 1]


async def test_what_comes_while_the_screen_is_busy_comes_together_but_not_all_at_once() -> None:
    screen = Screen(busy=True)
    await carry(events(2 * TOGETHER + 5), screen)  # type: ignore[arg-type]
    assert [len(message.events) for message in screen.posted[:-1]] == [TOGETHER, TOGETHER, 5]


async def test_the_end_is_told_last() -> None:
    screen = Screen()
    await carry(events(1), screen)  # type: ignore[arg-type]
    assert isinstance(screen.posted[-1], Ended)
