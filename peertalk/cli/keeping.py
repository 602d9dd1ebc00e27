"""`peertalk backup`, `restore` and `reset`: copies of a profile, and the ways on where its files are damaged."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from peertalk.cli import logs, output
from peertalk.cli.build import read_passphrase
from peertalk.errors import StartError
from peertalk.i18n import _, ngettext
from peertalk.node import backup as backups
from peertalk.node import files, keyring, replacing
from peertalk.node.rescue import rescue

if TYPE_CHECKING:
    from peertalk.config import Settings
    from peertalk.core.stored import Op

_YES: Final = ("y", "yes", "j", "ja")
ASIDE: Final = "set-aside-%Y%m%d-%H%M%S"


# ── backup ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def backup(settings: Settings, file: Path) -> int:
    """`peertalk backup`: by the running process of the profile, else here."""
    logs.start(settings, console=True)
    target = file.absolute()
    if not replacing.is_used(settings.home):
        raise StartError("no_profile", home=str(settings.home))
    if target.exists():  # asked for a passphrase in vain otherwise
        raise StartError("file_exists", file=str(target))
    if not asyncio.run(_by_the_running_one(settings, target)):
        with _locked(settings.home):
            key = keyring.unlock(settings.home, _profiles_passphrase(settings))
            backups.write(settings.home, key, target, _new_passphrase(settings), time.time_ns() // 1_000_000)
    output.line(
        _("Your profile is in {file} now. Whoever has that file and the passphrase can read all of it.").format(file=target)
    )
    return 0


async def _by_the_running_one(settings: Settings, target: Path) -> bool:
    """Whether a process runs the profile, and has done it."""
    from peertalk.rpc import find

    remote = await find(settings.home)
    if remote is None:
        return False
    async with remote:
        passphrase = await asyncio.to_thread(_new_passphrase, settings)
        await remote.call("node.backup", path=str(target), passphrase=passphrase)
    return True


# ── restore ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def restore(settings: Settings, file: Path, *, set_aside: bool) -> int:
    """`peertalk restore`."""
    logs.start(settings, console=True)
    with _locked(settings.home):
        if replacing.is_used(settings.home) and not set_aside:
            raise StartError("profile_exists", home=str(settings.home))
        passphrase = _asked(settings, _("Passphrase of the backup"))
        moved, protected = replacing.restore(file, passphrase, settings.home, new_name(settings.home) if set_aside else "")
    _tell_moved(moved)
    output.line(_("Your profile is back in {home}.").format(home=settings.home))
    if protected:
        output.line(_("It opens with the passphrase of the backup."))
    return 0


# ── reset ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def reset(settings: Settings, *, sure: bool) -> int:
    """`peertalk reset`."""
    logs.start(settings, console=True)
    home = settings.home
    if not replacing.is_used(home):
        raise StartError("no_profile", home=str(home))
    with _locked(home):
        ops, passphrase = _rescued(settings)
        if not sure:
            _make_sure(home)
        _tell_moved(replacing.begin_anew(ops, passphrase, home, new_name(home)))
    _tell_rescued(ops)
    return 0


def _make_sure(home: Path) -> None:
    """Ask before anything is moved. click.Abort for anything but a yes, in any of our languages."""
    told = _("Begin anew in {home}? The files of your profile are moved into a folder of their own there. (yes/no)")
    question = output.fitting(told.format(home=home), sys.stderr)
    try:
        answer = click.prompt(question, default="", show_default=False, err=True)
    except click.Abort:
        click.echo(err=True)  # nobody ended the line of the question
        answer = ""
    if answer.strip().casefold() not in _YES:
        output.complaint(_("Nothing was changed."))
        raise click.Abort


def _rescued(settings: Settings) -> tuple[tuple[Op, ...], str | None]:
    """What can still be read, and the passphrase of the new profile. Where the key is gone nothing can be; a wrong passphrase is no
    damage, and is told."""
    home = settings.home
    try:
        passphrase = _profiles_passphrase(settings)
        key = keyring.unlock(home, passphrase)
    except StartError as error:
        if error.kind != "broken_key":
            raise
        return (), None
    try:
        return rescue(keyring.database(home), key), passphrase
    except OSError as error:
        raise files.trouble(error, home) from error


def _tell_rescued(ops: tuple[Op, ...]) -> None:
    from peertalk.core.stored import PutPeer, PutRoom

    if not ops:
        output.line(_("Nothing in them could be read. The next start makes a new profile."))
        return
    rooms, people = (sum(isinstance(op, kind) for op in ops) for kind in (PutRoom, PutPeer))
    told = _(
        "Your key and your name live on, with {rooms} and {people}. What was said comes back from the others, where a room is kept."
    )
    output.line(
        told.format(
            rooms=ngettext("{n} room", "{n} rooms", rooms).format(n=rooms),
            people=ngettext("{n} person you have met", "{n} people you have met", people).format(n=people),
        )
    )


# ── what they share ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    lock = keyring.ProfileLock(home)
    try:
        yield
    finally:
        lock.release()


def new_name(home: Path) -> str:
    """Of a folder in `home` for what is set aside now: one that is not there yet."""
    name = time.strftime(ASIDE)
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(each for each in names if not (home / each).exists())


def _tell_moved(moved: Path | None) -> None:
    if moved is not None:
        output.line(_("The files of the profile that was there are in {folder}.").format(folder=moved))


def _profiles_passphrase(settings: Settings) -> str | None:
    """The passphrase of the profile; None where it has none."""
    if keyring.profile_state(settings.home) != "passphrase":
        return None
    return _asked(settings, _("Passphrase of the profile"))


def _new_passphrase(settings: Settings) -> str:
    return _asked(settings, _("Passphrase for the backup"), twice=True)


def _asked(settings: Settings, question: str, *, twice: bool = False) -> str:
    """From the file, else from whoever sits there. StartError("needs_passphrase")"""
    given = read_passphrase(settings.passphrase_file)
    if given is None and sys.stdin.isatty():
        ask = partial(click.prompt, output.fitting(question, sys.stderr), hide_input=True, err=True)
        given = ask(confirmation_prompt=output.fitting(_("Once more"), sys.stderr) if twice else False)
    if not given:
        raise StartError("needs_passphrase", question=question)
    return given
