"""How fast others may make a replica grow (docs/protocol.md, "Limits"): token buckets. What exceeds a rate is taken later."""

from __future__ import annotations

from typing import Final, NamedTuple

NEW_FEED: Final = 8
"""An entry that begins a feed counts as so many: a feed costs more memory than what is in it."""

_ROUNDING: Final = 1e-6
"""So that there is at `until` what was said to be there."""


class Bucket:
    """A token bucket: a burst, then a rate a second. Limits are rates, never totals."""

    __slots__ = ("_at", "_left", "burst", "rate")

    def __init__(self, burst: float, rate: float, now: float) -> None:
        self.burst, self.rate = burst, rate
        self._left, self._at = burst, now

    def has(self, count: int, now: float) -> bool:
        """Are there `count`?"""
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left >= count - _ROUNDING

    def take(self, count: int, now: float) -> bool:
        """Take `count` if there are so many."""
        if not self.has(count, now):
            return False
        self._left -= count
        return True

    def charge(self, count: int, now: float) -> None:
        """Take `count`, were it more than there are: then they are owed."""
        self.has(count, now)
        self._left -= count

    def is_full(self, now: float) -> bool:
        """Has nothing been taken for so long that it tells nothing any more?"""
        return self.has(int(self.burst), now)

    def until(self, count: int, now: float) -> float:
        """When there will be `count` (monotonic seconds), if nothing is taken meanwhile."""
        return now if self.has(count, now) else now + (count - self._left) / self.rate


class Rate(NamedTuple):
    """Entries and bytes: at once, and then a second."""

    entries: int
    entries_a_second: int
    size: int
    size_a_second: int


MAX_QUOTAS: Final = 4096
"""Quotas from which on those are forgotten that are full again."""
MIB: Final = 1 << 20
LITTLE = Rate(20, 1, 128 << 10, 4 << 10)
"""Who brings no more than this just writes: however much others bring, that is taken. So is, where nothing was taken of it
lately, a page of up to `RESERVED`: what somebody wrote while nobody was there."""
OPEN = Rate(5000, 200, 8 * MIB, MIB // 2)
"""What all together may bring into open rooms. The same here as with everybody who is linked, so that they can follow: what one
writes rests on what one has taken in."""
RESERVED, RESERVED_SIZE = 100, MIB // 4
"""What is left of it for those who bring little."""
OPEN_LASTING = Rate(200_000, 10, 512 * MIB, 16 << 10)
"""The same, as long as it lasts: at the rate above, a stranger would fill a disk within days, and the memory before."""
STRANGERS = Rate(10_000, 200, 12 * MIB, MIB // 4)
"""What all together may bring into direct rooms in which one has not written oneself, beside the little of each."""
STRANGERS_LASTING = Rate(50_000, 2, 128 * MIB, 4 << 10)
"""The same, as long as it lasts, with the little of each: these rooms forget nothing."""


class Quota:
    """A rate of entries and of bytes."""

    __slots__ = ("_entries", "_size")

    def __init__(self, rate: Rate, now: float) -> None:
        self._entries = Bucket(rate.entries, rate.entries_a_second, now)
        self._size = Bucket(rate.size, rate.size_a_second, now)

    def has(self, entries: int, size: int, now: float) -> bool:
        """Is there room for so much?"""
        return self._entries.has(entries, now) and self._size.has(size, now)

    def charge(self, entries: int, size: int, now: float) -> None:
        """Take so much, were it more than there is: then it is owed."""
        self._entries.charge(entries, now)
        self._size.charge(size, now)

    def is_full(self, now: float) -> bool:
        """Has nothing been taken for so long that it tells nothing any more?"""
        return self._entries.is_full(now) and self._size.is_full(now)


Charged = tuple[Quota, ...]
"""The quotas from which something is taken; none where there is no rate."""


class Intake:
    """What a replica takes in of others. One for all its rooms, so that many rooms let in no more than one does."""

    def __init__(self) -> None:
        self._quotas: dict[tuple[Rate, bytes], Quota] = {}

    def writes(self, who: bytes, entries: int, size: int, now: float) -> bool:
        """Is this so little that `who` may just have written it?"""
        return self._quota(LITTLE, now, who).has(entries, size, now)

    def into_open(self, who: bytes, entries: int, size: int, now: float) -> Charged | None:
        """What is charged if `who` brings so much into an open room now; None if it has to wait."""
        little = self._quota(LITTLE, now, who)
        together = self._quota(OPEN, now), self._quota(OPEN_LASTING, now)
        if _is_little(little, entries, size, now):
            return (*together, little) if all(one.has(entries, size, now) for one in together) else None
        return together if all(one.has(entries + RESERVED, size + RESERVED_SIZE, now) for one in together) else None

    def of_stranger(self, who: bytes, entries: int, size: int, now: float) -> Charged | None:
        """What is charged if `who` brings so much into a direct room in which one has not written oneself; None: it has to wait."""
        little, all_, lasting = self._quota(LITTLE, now, who), self._quota(STRANGERS, now), self._quota(STRANGERS_LASTING, now)
        if not lasting.has(entries, size, now):
            return None
        if _is_little(little, entries, size, now):
            return (little, lasting)
        return (all_, lasting) if all_.has(entries, size, now) else None

    def _quota(self, rate: Rate, now: float, who: bytes = b"") -> Quota:
        quota = self._quotas.get((rate, who))
        if quota is None:
            if len(self._quotas) >= MAX_QUOTAS:
                self._quotas = {key: one for key, one in self._quotas.items() if not one.is_full(now)}
            quota = self._quotas[rate, who] = Quota(rate, now)
        return quota


def _is_little(little: Quota, entries: int, size: int, now: float) -> bool:
    """Is it within the little of somebody, or a page for which all of that, and then more, is owed?"""
    fits = entries <= RESERVED and size <= RESERVED_SIZE
    return fits and little.has(min(entries, LITTLE.entries), min(size, LITTLE.size), now)
