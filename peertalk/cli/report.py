"""The doctor's report as `peertalk doctor` prints it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator

import click
import msgspec

from peertalk import say
from peertalk.cli.output import fitting
from peertalk.core.events import Report

WIDEST, NARROWEST = 100, 30
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "cyan"}


def code(report: Report) -> int:
    """The exit code: 0 where nothing has failed."""
    return 0 if report.verdict in say.doctor.WELL else 1


def as_json(report: Report) -> Iterator[str]:
    """One line."""
    yield msgspec.json.encode(say.doctor.as_data(report)).decode()


def as_text(report: Report) -> Iterator[str]:
    """Lines as wide as the terminal; the marks are words too, and coloured where there are colours."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
    yield from wrapped(say.doctor.verdict(report), width)
    for each in say.doctor.advice(report):
        yield from wrapped(each, width, "->  ")
    yield ""
    for check in report.checks:
        first, *more = wrapped(say.doctor.detail(check), width, f"{say.doctor.MARKS[check.state]:<4}")
        yield coloured(first[:4], COLOURS[check.state]) + first[4:]
        yield from more
    yield ""
    yield from wrapped(say.doctor.closing(report), width)


def wrapped(text: str, width: int, mark: str = "") -> list[str]:
    """A sentence as lines, the first one with a mark; nothing long is broken, so that it can be copied."""
    return textwrap.wrap(
        fitting(text, sys.stdout),
        width,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def coloured(mark: str, colour: str) -> str:
    """click leaves the colour out where the output is no terminal."""
    return mark if os.environ.get("NO_COLOR") else click.style(mark, fg=colour)
