"""The words of click itself (usage, help, what is wrong with options), in the person's language.

click asks gettext, for catalogs that it does not bring. Its modules get our `_` in place of gettext's; what is not in the table
below stays English.
"""

from __future__ import annotations

from typing import Final

import click

from peertalk.i18n import N_, _

WORDS: Final = (
    N_("Usage:"),
    N_("Options"),
    N_("Commands"),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("Missing command."),
    N_("Missing argument"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Did you mean {possibility}?"),
    N_("(Did you mean one of: {possibilities}?)"),
    N_("Got unexpected extra argument ({args})"),
    N_("Got unexpected extra arguments ({args})"),
    N_("Option {name!r} requires an argument."),
    N_("Option {name!r} does not take a value."),
)


def translate_click() -> None:
    """Let click speak the active language from now on."""
    for module in (click.core, click.exceptions, click.formatting, click.parser, click.types):
        vars(module).update(_=_, ngettext=_either)


def _either(one: str, many: str, n: int) -> str:
    return _(one if n == 1 else many)
