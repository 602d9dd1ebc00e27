"""The commands. Each loads the settings, and imports what it needs when it runs, so that `--version` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import peertalk
from peertalk import i18n
from peertalk.cli.options import as_settings, merged, shared
from peertalk.i18n import _

if TYPE_CHECKING:
    from peertalk.config import Settings


def program() -> click.Group:
    """The whole command line, its help in the active language."""

    @click.group(
        invoke_without_command=True,
        options_metavar=_("[OPTIONS]"),
        subcommand_metavar=_("[COMMAND]"),
        help=_("Chat with the people on your network, encrypted, without a server."),
    )
    @shared
    @click.version_option(
        peertalk.__version__, prog_name="peertalk", message="%(prog)s %(version)s", help=_("Show the version.")
    )
    @click.help_option("--help", "-h", help=_("Show this help."))
    @click.pass_context
    def peertalk_(context: click.Context, /, **options: object) -> int:
        context.obj = as_settings(options)
        if context.invoked_subcommand is None:
            from peertalk.cli.running import screen

            return screen(_settings(context, {}))
        return 0

    for command in (_plain(), _rpc(), _send(), _tail(), _export(), _doctor(), _backup(), _restore(), _reset(), _demo()):
        peertalk_.add_command(command)
    return peertalk_


def _plain() -> click.Command:
    @click.command(
        "plain",
        options_metavar=_("[OPTIONS]"),
        help=_(
            "Chat line by line, without a screen: for screen readers, simple terminals and pipes. Each line that you write is a "
            "message, or a command such as /help. Lines that begin with a star are from PeerTalk itself."
        ),
        epilog=_("Keys: Enter sends. Ctrl+D closes PeerTalk, as does /quit."),
    )
    @click.option("--times", is_flag=True, help=_("Say with each message when it was written."))
    @_common
    def plain(context: click.Context, /, times: bool, **options: object) -> int:
        from peertalk.cli.running import plain

        return plain(_settings(context, options), times=times)

    return plain


def _rpc() -> click.Command:
    @click.command("rpc", options_metavar=_("[OPTIONS]"), help=_("Speak JSON-RPC on standard input and output, for programs."))
    @_common
    def rpc(context: click.Context, /, **options: object) -> int:
        from peertalk.cli.running import rpc

        return rpc(_settings(context, options))

    return rpc


def _send() -> click.Command:
    @click.command(
        "send", options_metavar=_("[OPTIONS]"), help=_("Send TEXT to ROOM, and wait until at least one member has it.")
    )
    @click.argument("room", metavar=_("ROOM"))
    @click.argument("text", metavar=_("TEXT"))
    @click.option(
        "--wait", type=click.FloatRange(min=0), default=30, metavar="N", help=_("Wait at most N seconds (30); 0: don't wait.")
    )
    @_common
    def send(context: click.Context, /, room: str, text: str, wait: float, **options: object) -> int:
        from peertalk.cli.running import send

        return send(_settings(context, options), room, text, wait)

    return send


def _tail() -> click.Command:
    @click.command(
        "tail", options_metavar=_("[OPTIONS]"), help=_("Print the last messages of ROOM, and each new one as it comes.")
    )
    @click.argument("room", metavar=_("ROOM"))
    @click.option(
        "--lines", type=click.IntRange(min=0), default=10, metavar="N", help=_("Begin with the last N messages (10).")
    )
    @click.option("--json", "as_json", is_flag=True, help=_("Print each message as a JSON object on a line of its own."))
    @_common
    def tail(context: click.Context, /, room: str, lines: int, as_json: bool, **options: object) -> int:
        from peertalk.cli.running import tail

        return tail(_settings(context, options), room, lines, as_json=as_json)

    return tail


def _export() -> click.Command:
    @click.command(
        "export",
        options_metavar=_("[OPTIONS]"),
        help=_("Write down all messages of ROOM, as Markdown. What is off the record is not written down."),
    )
    @click.argument("room", metavar=_("ROOM"))
    @click.option("--json", "as_json", is_flag=True, help=_("Write a JSON object instead."))
    @click.option(
        "--output", "path", metavar=_("FILE"), help=_("Write into a new file that only you can read, not to standard output.")
    )
    @_common
    def export(context: click.Context, /, room: str, as_json: bool, path: str | None, **options: object) -> int:
        from peertalk.cli.running import export

        return export(_settings(context, options), room, path, as_json=as_json)

    return export


def _doctor() -> click.Command:
    @click.command("doctor", options_metavar=_("[OPTIONS]"), help=_("Find out why nobody shows up on this network."))
    @click.option("--json", "as_json", is_flag=True, help=_("Print the report as a JSON object."))
    @_common
    def doctor(context: click.Context, /, as_json: bool, **options: object) -> int:
        from peertalk.cli.running import doctor

        return doctor(_settings(context, options), as_json=as_json)

    return doctor


def _backup() -> click.Command:
    @click.command(
        "backup",
        options_metavar=_("[OPTIONS]"),
        short_help=_("Copy your profile into one encrypted file."),
        help=_(
            "Copy your profile, with all that is stored, into the new file FILE, encrypted under a passphrase. PeerTalk may be running "
            "meanwhile. With --passphrase-file the passphrase in it is that of the profile, if it has one, and of the backup."
        ),
    )
    @click.argument("file", metavar=_("FILE"), type=click.Path(path_type=Path))
    @_common
    def backup(context: click.Context, /, file: Path, **options: object) -> int:
        from peertalk.cli.keeping import backup

        return backup(_settings(context, options), file)

    return backup


def _restore() -> click.Command:
    @click.command(
        "restore",
        options_metavar=_("[OPTIONS]"),
        help=_(
            "Make a profile from the backup FILE. What was said since then comes back from the others, where a room is kept. "
            "With --passphrase-file the passphrase in it is that of the backup."
        ),
    )
    @click.argument("file", metavar=_("FILE"), type=click.Path(path_type=Path))
    @click.option(
        "--set-aside",
        is_flag=True,
        help=_("Move the profile that is there into a folder of its own first; nothing is deleted."),
    )
    @_common
    def restore(context: click.Context, /, file: Path, set_aside: bool, **options: object) -> int:
        from peertalk.cli.keeping import restore

        return restore(_settings(context, options), file, set_aside=set_aside)

    return restore


def _reset() -> click.Command:
    @click.command(
        "reset",
        options_metavar=_("[OPTIONS]"),
        help=_(
            "Begin anew where the stored history is damaged. The old files are moved into a folder of their own, nothing is deleted. "
            "Your key, your name, your rooms and the people you know live on, as far as they can still be read."
        ),
    )
    @click.option("--yes", is_flag=True, help=_("Don't ask first."))
    @_common
    def reset(context: click.Context, /, yes: bool, **options: object) -> int:
        from peertalk.cli.keeping import reset

        return reset(_settings(context, options), sure=yes)

    return reset


def _demo() -> click.Command:
    @click.command("demo", options_metavar=_("[OPTIONS]"), help=_("Try it out with two companions, all on this computer."))
    @_common
    def demo(context: click.Context, /, **options: object) -> int:
        from peertalk.cli.running import demo

        return demo(_settings(context, options))

    return demo


def _common(command: Any) -> Any:
    """What every command takes: the shared options, help, and the context."""
    return shared(click.help_option("--help", "-h", help=_("Show this help."))(click.pass_context(command)))


def _settings(context: click.Context, options: dict[str, object]) -> Settings:
    """The settings of a command; from here on their language is spoken. StartError."""
    import os

    from peertalk import config

    given = merged(context.obj, as_settings(options)) if options else context.obj
    settings = config.load(given, os.environ)
    i18n.activate(settings.lang)
    return settings
