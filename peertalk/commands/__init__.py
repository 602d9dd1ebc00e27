"""The commands and keys: ONE table of each, from which screen, plain mode, palette, F1, help and completion are made.

what = parse(line)                          Text | Invocation | Problem
outcome = await run(node, what, context)    lines to show, and what the front end is to do
complete(line, cursor, candidates)          for Tab
COMMANDS, BINDINGS                          the tables; help_lines(), key_lines(), usage(command)

Beside them what else is the same wherever a person sits: questions.py, the first start and opening a profile.
"""

from peertalk.commands import privacy
from peertalk.commands.completion import Candidates, Completion, complete
from peertalk.commands.keys import BINDINGS, Binding, bindings, key_name
from peertalk.commands.model import (
    Action,
    AskFirst,
    Command,
    Context,
    Invocation,
    Outcome,
    Parameter,
    Problem,
    Quit,
    SetLanguage,
    SetTheme,
    ShowHelp,
    ShowOlder,
    SwitchRoom,
    Text,
)
from peertalk.commands.reading import parse
from peertalk.commands.table import COMMANDS, find, help_lines, key_lines, run, usage

__all__ = [
    "BINDINGS",
    "COMMANDS",
    "Action",
    "AskFirst",
    "Binding",
    "Candidates",
    "Command",
    "Completion",
    "Context",
    "Invocation",
    "Outcome",
    "Parameter",
    "Problem",
    "Quit",
    "SetLanguage",
    "SetTheme",
    "ShowHelp",
    "ShowOlder",
    "SwitchRoom",
    "Text",
    "bindings",
    "complete",
    "find",
    "help_lines",
    "key_lines",
    "key_name",
    "parse",
    "privacy",
    "run",
    "usage",
]
