"""The lab needs root and Linux: elsewhere its tests are skipped with the reason, or fail where PEERTALK_LAB=required. With
PEERTALK_LAB=full what is tried with many is tried with as many as the goals say; else with fewer, for less time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.lab.lab import Host, Lab, why_not
from tests.lab.rpc_process import RpcProcess

HERE = Path(__file__).parent
Starts = Callable[..., Awaitable[RpcProcess]]
Size = TypeVar("Size", int, float)


def sized(small: Size, full: Size) -> Size:
    """How many, or how long: `full` with PEERTALK_LAB=full."""
    return full if os.environ.get("PEERTALK_LAB") == "full" else small


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def possible() -> None:
    """Skip or fail where there can be no lab."""
    reason = why_not()
    if reason and os.environ.get("PEERTALK_LAB") in {"required", "full"}:
        pytest.fail(f"the lab is required: {reason}")
    if reason:
        pytest.skip(f"no lab: {reason}")


@pytest.fixture
def lab(possible: None) -> AsyncIterator[Lab]:
    with Lab() as made:
        yield made


@pytest.fixture
async def start(lab: Lab) -> AsyncIterator[Starts]:
    """Starts `peertalk rpc` on a host; all are ended, and none has printed anything but JSON, when the test is over."""
    started: list[RpcProcess] = []

    async def start_on(host: Host, *options: str) -> RpcProcess:
        process = await host.rpc(*options)
        started.append(process)
        return process

    yield start_on
    for process in started:
        await process.kill()
    assert not [line for process in started for line in process.noise]
