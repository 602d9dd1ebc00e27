"""`peertalk plain`: the node line by line, for screen readers, dumb terminals and pipes.

Nothing but text and newlines goes out: no escape sequence, no prompt, nothing that is drawn over. What the program itself says
begins with `* `; what people say begins with who said it, on each of its lines, so nobody can write a line of the program, or one
of somebody else. Who is heard first, then what; states are words; what can be told together is.

opening.py      standard input and output, questions, a node, and the way out
session.py      what the node tells and what the person writes, in one conversation
writing.py      a line that was written → a message, a command, an answer
rooms.py        the room that is open
history.py      what was said there before
telling.py      messages, told one after the other
speech.py       a message → its lines
presence.py     who came and went, gathered
deliveries.py   what becomes of own messages, said only where it is not what one expects
circle.py       what private rooms bring
waiting.py      what is waited for beside everything else
inflow.py       many messages at once
nobody.py       when it is said that nobody is here, and what the doctor found
asking.py       a question, line by line
voice.py        lines → bytes, in whatever the terminal can show
listening.py    bytes → lines that were written
ahead.py        lines that are typed while something is being done
"""

from peertalk.plain.listening import Listening
from peertalk.plain.opening import Start, run
from peertalk.plain.voice import Voice

__all__ = ["Listening", "Start", "Voice", "run"]
