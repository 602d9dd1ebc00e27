"""The options of docs/rpc.md, the same for every command and taken on either side of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from peertalk.i18n import _

Command = TypeVar("Command", bound=Callable[..., Any])
LEVELS = ("debug", "info", "warning", "error")


def shared(command: Command) -> Command:
    """Give `command` the options that all commands take."""
    for option in reversed(_options()):
        command = option(command)
    return command


def _options() -> list[Callable[[Command], Command]]:
    return [
        click.option("--home", metavar=_("DIR"), help=_("Where your profile lives.")),
        click.option("--name", metavar=_("NICK"), help=_("What others call you.")),
        click.option(
            "--interface",
            "interfaces",
            multiple=True,
            metavar=_("NAME_OR_IP"),
            help=_("Use this network only. Can be repeated."),
        ),
        click.option("--port", type=int, metavar="N", help=_("The port to listen on; any free one without it.")),
        click.option("--connect", multiple=True, metavar=_("HOST:PORT"), help=_("Connect to this address. Can be repeated.")),
        click.option("--no-mdns", is_flag=True, help=_("Neither announce nor look for anyone on the network.")),
        click.option("--no-lobby", is_flag=True, help=_("Stay out of the lobby.")),
        click.option("--ephemeral", is_flag=True, help=_("Keep everything in memory only.")),
        click.option("--passphrase-file", metavar=_("FILE"), help=_("A file whose first line is the passphrase.")),
        click.option("--log-file", metavar=_("FILE"), help=_("Write the log to this file.")),
        click.option("--log-level", metavar=_("LEVEL"), help=_("How much to log: {levels}.").format(levels=", ".join(LEVELS))),
        click.option("--lang", metavar="de|en", help=_("The language to speak.")),
    ]


def as_settings(given: Mapping[str, object]) -> dict[str, object]:
    """Options as click gives them → those that config.load takes; None and () for what was not given."""
    options = dict(given)
    no_mdns, no_lobby, ephemeral = (options.pop(flag) for flag in ("no_mdns", "no_lobby", "ephemeral"))
    return options | {
        "mdns": False if no_mdns else None,
        "lobby": False if no_lobby else None,
        "ephemeral": True if ephemeral else None,
    }


def merged(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Options before and after the name of a command: lists are joined, elsewhere what stands after wins."""
    result = dict(before)
    for key, value in after.items():
        earlier = result.get(key)
        if isinstance(value, tuple) and isinstance(earlier, tuple):
            result[key] = earlier + value
        elif value is not None:
            result[key] = value
    return result
