"""The commands and keys: ONE table of each, from which screen, plain mode, palette, F1, help and completion are made.

what = parse(line)                          Text | Invocation | Problem
outcome = await run(node, what, context)    lines to show, and what the front end is to do
complete(line, cursor, candidates)          for Tab
COMMANDS, BINDINGS                          the tables; help_lines(), key_lines(), usage(command)

Beside them what else is the same wherever a person sits: questions.py, the first start, opening a profile, and when the doctor
looks by itself (checkup.py).
"""

from peertalk.commands import privacy
from peertalk.commands.checkup import Checkup
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
    ShowReport,
    SwitchRoom,
    Text,
)
from peertalk.commands.reading import parse
from peertalk.commands.table import COMMANDS, find, help_lines, key_lines, run, topic_usage, usage, written

__all__ = [
    "BINDINGS",
    "COMMANDS",
    "Action",
    "AskFirst",
    "Binding",
    "Candidates",
    "Checkup",
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
    "ShowReport",
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
    "topic_usage",
    "usage",
    "written",
]
