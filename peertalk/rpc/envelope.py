"""JSON-RPC 2.0 as bytes: a line → requests or the error that answers it; results, errors and events → lines.

The messages of protocol errors (-326xx) are for whoever writes the client: English, and they say what to change. What a
person can act on comes as -32000 with a `kind` and a sentence in the person's language.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from peertalk.core.events import Event

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REFUSED: Final = -32000
MAX_BATCH: Final = 1000

Id = int | float | str | None
T = TypeVar("T")


class BadRequest(Exception):
    """A request that JSON-RPC itself refuses; `id` is that of the request, as far as it could be read."""

    def __init__(self, code: int, message: str, data: dict[str, str] | None = None, id: Id = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.id = id


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request; `id` UNSET makes it a notification, which nothing answers."""

    jsonrpc: Literal["2.0"]
    method: str
    params: Raw = Raw(b"{}")
    id: Id | UnsetType = UNSET


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_requests = msgspec.json.Decoder(Request)
_batches = msgspec.json.Decoder(list[Raw])
_encoder = msgspec.json.Encoder(enc_hook=str)


def is_batch(line: bytes) -> bool:
    """Whether a line holds an array of requests."""
    return line.lstrip(b" \t\r")[:1] == b"["


def parse_batch(line: bytes) -> list[Raw]:
    """The requests of a batch, unread. BadRequest."""
    try:
        batch = _batches.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(line) from error
    if not 0 < len(batch) <= MAX_BATCH:
        raise BadRequest(INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} requests")
    return batch


def parse(line: bytes | Raw) -> Request:
    """One request; its `params` are an object, still unread. BadRequest."""
    try:
        request = _requests.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(bytes(line)) from error
    first = bytes(memoryview(request.params)[:1])
    if first == b"{":
        return request
    if first == b"n":
        return msgspec.structs.replace(request, params=Raw(b"{}"))
    raise BadRequest(INVALID_REQUEST, "params: give parameters by name, as an object", id=known_id(request))


def parse_params(decoder: msgspec.json.Decoder[T], request: Request) -> T:
    """The parameters of `request` as `decoder` wants them. BadRequest."""
    try:
        return decoder.decode(request.params)
    except msgspec.ValidationError as error:
        raise _bad_parameter(str(error), known_id(request)) from error
    except _UNREADABLE as error:
        raise _unreadable(bytes(request.params)) from error


def known_id(request: Request) -> Id:
    """The id to answer with; None for a notification."""
    return None if request.id is UNSET else request.id


def result(id: Id, value: object) -> bytes:
    """The answer to a request that succeeded, without a newline."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encoder.encode(id), _encoder.encode(value))


def failure(id: Id, code: int, message: str, data: object = None) -> bytes:
    """The answer to a request that failed, without a newline."""
    error: dict[str, object] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_encoder.encode(id), _encoder.encode(error))


def refusal(bad: BadRequest) -> bytes:
    """The answer to what JSON-RPC itself refuses."""
    return failure(bad.id, bad.code, bad.message, bad.data)


def event(value: Event) -> bytes:
    """An event as a notification, without a newline."""
    return b'{"jsonrpc":"2.0","method":"event","params":%b}' % _encoder.encode(value)


def request(id: Id, method: str, params: dict[str, object]) -> bytes:
    """A request, without a newline (for the other end)."""
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % tuple(map(_encoder.encode, (id, method, params)))


# ── why something could not be read ──────────────────────────────────────────────────────────────────────────────────


def _unreadable(line: bytes) -> BadRequest:
    """The error for what is no request: not JSON, or JSON of another shape."""
    try:
        value = msgspec.json.decode(line)
    except RecursionError:
        return BadRequest(INVALID_REQUEST, "nested too deeply")
    except msgspec.ValidationError:
        return BadRequest(INVALID_REQUEST, "a number is out of range")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return BadRequest(PARSE_ERROR, f"not JSON: {error}")
    return BadRequest(INVALID_REQUEST, _shape(value), id=_id_of(value))


def _shape(value: object) -> str:
    try:
        msgspec.convert(value, Request)
    except msgspec.ValidationError as error:
        parameter, why = _where(str(error))
        return f"not a request: {parameter}: {why}" if parameter else f"not a request: {why}"
    return "not a request"


def _id_of(value: object) -> Id:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, int | float | str) and not isinstance(found, bool) else None


def _bad_parameter(message: str, id: Id) -> BadRequest:
    parameter, why = _where(message)
    data = {"parameter": parameter, "why": why}
    return BadRequest(INVALID_PARAMS, f"{parameter}: {why}" if parameter else why, data, id)


_MISSING = re.compile(r"Object missing required field `(.+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`", re.DOTALL)
_OURS = re.compile(r"(?P<where>[a-z_]+): (?P<why>.+)")  # what parameters say of each other (methods.py)
_PATH = re.compile(r"(?P<why>.*) - at `\$\.(?P<where>.+)`", re.DOTALL)


def _where(message: str) -> tuple[str, str]:
    """(parameter, why) out of a message of msgspec: it has no fields for them."""
    if found := _MISSING.match(message):
        return found[1], "missing"
    if found := _UNKNOWN.match(message):
        return found[1], "unknown"
    if found := _OURS.fullmatch(message):
        return found["where"], found["why"]
    if found := _PATH.match(message):
        return found["where"], _first_lower(found["why"].replace("`", ""))
    return "", _first_lower(message.replace("`", ""))


def _first_lower(text: str) -> str:
    return text[:1].lower() + text[1:]
