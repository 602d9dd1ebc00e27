"""What the tests of the node share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.node.company import Company, company


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Company]:
    """Nodes that are closed at the end."""
    async with company(tmp_path) as one:
        yield one
