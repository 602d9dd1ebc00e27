"""Kinds and data → sentences, in the person's language. The only place where errors and events get words.

doctor.verdict(report), …      what the doctor says; nobody.nobody(room, …): what is said where nobody is here
error(PeerTalkError)          what is wrong, and what to do
event(event), message(…)      what happened, one line; None where there is nothing to tell
state(message, room)          the small words of a message: who has it; marks(message): edited, late, a clock that is far off
gestures, answered, note      gestures towards a message, what it answers, content notes
form(format, people)          a conversation written down
clock, day, moment            times and days
room, address, made_up_name   how things are called; readers(room): who can read it
kept, invitation, offer, …    rooms behind a code; trust, room_words, symbols, whois: whom one can be sure of
roster                        who and what is here, kept up to date
"""

from peertalk.say import doctor, nobody, trust
from peertalk.say.circles import code, ended, invitation, kept, kept_how, lives, offer
from peertalk.say.errors import error
from peertalk.say.events import event, message, outside, warning, words
from peertalk.say.gestures import answered, gesture, gestures, note, wish
from peertalk.say.names import address, made_up_name, readers, room
from peertalk.say.states import clock_words, marks, state
from peertalk.say.times import clock, day, moment
from peertalk.say.trust import compared, room_words, symbols, whois
from peertalk.say.written import Form, form

__all__ = [
    "Form",
    "address",
    "answered",
    "clock",
    "clock_words",
    "code",
    "compared",
    "day",
    "doctor",
    "ended",
    "error",
    "event",
    "form",
    "gesture",
    "gestures",
    "invitation",
    "kept",
    "kept_how",
    "lives",
    "made_up_name",
    "marks",
    "message",
    "moment",
    "nobody",
    "note",
    "offer",
    "outside",
    "readers",
    "room",
    "room_words",
    "state",
    "symbols",
    "trust",
    "warning",
    "whois",
    "wish",
    "words",
]
