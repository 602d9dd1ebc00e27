"""What the commands print: in whatever the output can show, so that no sentence fails on an umlaut."""

from __future__ import annotations

import sys
from typing import TextIO

import click

from peertalk.text.spelled import encoded


def line(text: str) -> None:
    """A line on standard output, at once."""
    click.echo(fitting(text, sys.stdout))  # a text: of bytes click takes no colours away
    sys.stdout.flush()


def words(text: str) -> None:
    """The same as it is: what ends no line ends none."""
    click.echo(fitting(text, sys.stdout), nl=False)
    sys.stdout.flush()


def complaint(sentence: str) -> None:
    """A sentence of ours on standard error."""
    click.echo(fitting(f"peertalk: {sentence}", sys.stderr), err=True)


def fitting(text: str, stream: TextIO) -> str:
    """As it is, or spelled with the characters that the stream takes."""
    encoding = stream.encoding or "ascii"
    return encoded(text, encoding).decode(encoding)
