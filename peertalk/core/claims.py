"""What is said to be held here: tips, put into messages (docs/protocol.md, "Telling and asking")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from peertalk.core import wire


class _Run:
    """Tips for one message, and the bodies that are absent in their feeds."""

    def __init__(self) -> None:
        self.tips: list[bytes] = []
        self.absent: list[bytes] = []
        self._feeds: set[bytes] = set()

    def add(self, tip: bytes, feed: bytes, lacks: Sequence[bytes]) -> bool:
        """Add a tip; False if the message is full."""
        fresh = lacks if feed not in self._feeds else ()
        if len(self.tips) == wire.MAX_TIPS or len(self.absent) + len(fresh) > wire.MAX_ABSENT:
            return False
        self.tips.append(tip)
        self.absent += fresh
        self._feeds.add(feed)
        return True


def tips_messages(room: bytes, tips: Mapping[bytes, bytes], absent: Mapping[bytes, bytes], *, disk: bool) -> list[wire.Tips]:
    """Messages that name `tips`, given the bodies that are `absent` (both: id → feed), and say whether all is kept on `disk`.

    Feeds in which too many are absent to be named go by themselves: that they are not claimed as kept says nothing of others.
    """
    lacks: dict[bytes, list[bytes]] = {}
    for id_, feed in absent.items():
        lacks.setdefault(feed, []).append(id_)
    nameable = {tip: feed for tip, feed in tips.items() if len(lacks.get(feed, ())) <= wire.MAX_ABSENT}
    others = [tip for tip in tips if tip not in nameable]
    runs = [others[start : start + wire.MAX_TIPS] for start in range(0, len(others), wire.MAX_TIPS)]
    return [
        *(wire.Tips(room, tuple(run), disk=False) for run in runs),
        *(wire.Tips(room, tuple(run.tips), tuple(run.absent), disk=disk) for run in _packed(nameable, lacks)),
    ]


def _packed(tips: Mapping[bytes, bytes], lacks: Mapping[bytes, Sequence[bytes]]) -> Iterator[_Run]:
    run = _Run()
    for tip, feed in tips.items():
        if not run.add(tip, feed, lacks.get(feed, ())):
            yield run
            run = _Run()
            run.add(tip, feed, lacks.get(feed, ()))
    if run.tips:
        yield run
