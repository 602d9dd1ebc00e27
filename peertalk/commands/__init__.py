"""The commands and keys: ONE table of each, from which screen, plain mode, palette, F1, help and completion are made.

what = parse(line)                          Text | Invocation | Problem
outcome = await run(node, what, context)    lines to show, and what the front end is to do
complete(line, cursor, candidates)          for Tab
make, verified, compared                    the rest of what a screen of its own asks for
COMMANDS, BINDINGS                          the tables; help_lines(), key_lines(), usage(command)

Beside them what else is the same wherever a person sits: questions.py, the first start, opening a profile, and when the doctor
looks by itself (checkup.py).
"""

from peertalk.commands import privacy
from peertalk.commands.actions import (
    AskAccept,
    AskCreate,
    Quit,
    SetLanguage,
    SetTheme,
    ShowEmoji,
    ShowHelp,
    ShowInvite,
    ShowOffer,
    ShowOlder,
    ShowReport,
    ShowWords,
    StopWaiting,
    SwitchRoom,
)
from peertalk.commands.checkup import Checkup
from peertalk.commands.completion import Candidates, Completion, complete
from peertalk.commands.creating import make
from peertalk.commands.keys import BINDINGS, Binding, bindings, key_name
from peertalk.commands.model import (
    Action,
    AskFirst,
    AskWhich,
    Command,
    Context,
    Invocation,
    Option,
    Outcome,
    Parameter,
    Problem,
    Text,
    Waiting,
)
from peertalk.commands.reading import parse
from peertalk.commands.table import COMMANDS, find, help_lines, key_lines, run, topic_usage, usage, written
from peertalk.commands.trusting import compared, verified

__all__ = [
    "BINDINGS",
    "COMMANDS",
    "Action",
    "AskAccept",
    "AskCreate",
    "AskFirst",
    "AskWhich",
    "Binding",
    "Candidates",
    "Checkup",
    "Command",
    "Completion",
    "Context",
    "Invocation",
    "Option",
    "Outcome",
    "Parameter",
    "Problem",
    "Quit",
    "SetLanguage",
    "SetTheme",
    "ShowEmoji",
    "ShowHelp",
    "ShowInvite",
    "ShowOffer",
    "ShowOlder",
    "ShowReport",
    "ShowWords",
    "StopWaiting",
    "SwitchRoom",
    "Text",
    "Waiting",
    "bindings",
    "compared",
    "complete",
    "find",
    "help_lines",
    "key_lines",
    "key_name",
    "make",
    "parse",
    "privacy",
    "run",
    "topic_usage",
    "usage",
    "verified",
    "written",
]
