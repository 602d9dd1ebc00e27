"""The command line: options and subcommands, and the one place that builds everything.

options.py    the options that every command takes, on either side of its name
commands.py   the commands, as click sees them
running.py    an event loop, signals, and what each command does in it
keeping.py    backups of a profile, coming back from one, and what to do about damaged files
build.py      settings → a node with all its parts (composition root)
logs.py       where the log goes, and what never gets into it
report.py     what the doctor found, as text to be copied or as data
usage.py      click's own words in the person's language
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from peertalk import i18n
from peertalk.cli.commands import program
from peertalk.cli.usage import translate_click
from peertalk.errors import PeerTalkError, StartError
from peertalk.i18n import _

FAILURE = 1
USAGE = 2
INTERRUPTED = 130
log = logging.getLogger("peertalk.cli")
logging.getLogger("peertalk").addHandler(logging.NullHandler())  # until there is a log, nothing is printed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code. Whatever goes wrong ends as one sentence on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _hold_standard_streams()
    i18n.activate(_language(given))
    translate_click()
    try:
        code = program().main(args=given, prog_name="peertalk", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except PeerTalkError as error:
        return _refuse(error)
    except Exception as error:
        kind = type(error).__name__
        log.exception("ended by %s", kind)
        _complain(_("Something inside PeerTalk went wrong ({kind}). With --log-level debug it says where.").format(kind=kind))
        return FAILURE
    return code if isinstance(code, int) else 0


def _language(arguments: Sequence[str]) -> str | None:
    """The language to speak before the settings are known."""
    for option, value in pairwise([*arguments, ""]):
        if option == "--lang":
            return value
        if option.startswith("--lang="):
            return option.removeprefix("--lang=")
    return os.environ.get("PEERTALK_LANG") or None


def _refuse(error: PeerTalkError) -> int:
    from peertalk import say

    _complain(say.error(error))
    by_option = (
        isinstance(error, StartError) and error.data.get("file", "") is None and str(error.data.get("key")).startswith("--")
    )
    return USAGE if by_option else FAILURE


def _complain(sentence: str) -> None:
    from peertalk.cli import output

    output.complaint(sentence)


def _hold_standard_streams() -> None:
    """Fill closed standard descriptors, so that no file or socket of ours gets the number 1 and is then written to as output."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w", closefd=False))
    sys.stderr = sys.stderr or io.TextIOWrapper(io.FileIO(2, "w", closefd=False))
