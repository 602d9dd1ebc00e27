"""A cable that loses and delays, between two interfaces that it makes: `python -m tests.lab.relay NEAR FAR LOSS DELAY JITTER SEED`.

What is sent into NEAR comes out of FAR: a share LOSS of it never, each other packet after DELAY ± JITTER seconds by itself. What comes
into FAR comes out of NEAR at once. Says `up`, and whenever it is written a line, how many packets were sent into NEAR and how many of
these it has lost; ends by being killed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import sys
import time
from heapq import heappop, heappush
from random import Random

TUNSETIFF, TAP_WITHOUT_INFO = 0x400454CA, 0x1002
LONGEST = 65_536


def interface(name: str) -> int:
    """A new Ethernet interface, as the file at its other end."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP_WITHOUT_INFO))
    return device


class Way:
    """What is on its way from NEAR to FAR, by when it arrives."""

    def __init__(self, far: int, loss: float, delay: float, jitter: float, seed: int) -> None:
        self._far, self._loss, self._delay, self._jitter = far, loss, delay, jitter
        self._chance = Random(seed)
        self._packets: list[tuple[float, int, bytes]] = []
        self.taken = self.lost = 0

    def take(self, packet: bytes) -> None:
        self.taken += 1
        if self._chance.random() < self._loss:
            self.lost += 1
        else:
            due = time.monotonic() + self._chance.uniform(self._delay - self._jitter, self._delay + self._jitter)
            heappush(self._packets, (due, self.taken, packet))

    def deliver(self) -> float | None:
        """Let go what is due; milliseconds until there is more."""
        while self._packets and self._packets[0][0] <= time.monotonic():
            put(self._far, heappop(self._packets)[2])
        return 1000 * max(0.0, self._packets[0][0] - time.monotonic()) if self._packets else None


def put(device: int, packet: bytes) -> None:
    """As a cable does: where nobody takes it, it is lost."""
    try:
        os.write(device, packet)
    except OSError as error:
        if error.errno not in {errno.EIO, errno.EAGAIN, errno.EINVAL}:  # EIO: the interface is down
            raise


def packets(device: int) -> list[bytes]:
    found = []
    try:
        while len(found) < 64:
            found.append(os.read(device, LONGEST))
    except BlockingIOError:
        return found
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    return found


def main(near_name: str, far_name: str, loss: str, delay: str, jitter: str, seed: str) -> None:
    near, far = interface(near_name), interface(far_name)
    way = Way(far, float(loss), float(delay), float(jitter), int(seed))
    poll = select.poll()
    poll.register(near, select.POLLIN)
    poll.register(far, select.POLLIN)
    poll.register(sys.stdin, select.POLLIN)
    print("up", flush=True)
    while True:
        for device, _ in poll.poll(way.deliver()):
            if device == sys.stdin.fileno():
                os.read(device, LONGEST)
                print(way.taken, way.lost, flush=True)
                continue
            for packet in packets(device):
                way.take(packet) if device == near else put(near, packet)


if __name__ == "__main__":
    main(*sys.argv[1:])
