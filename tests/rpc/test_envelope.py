from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.rpc import envelope
from peertalk.rpc.envelope import BadRequest
from peertalk.rpc.methods import METHODS


def refused(line: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        envelope.parse(line)
    return caught.value


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"{",
        b"hello",
        b'{"jsonrpc":"2.0","method":"node.status","id":NaN}',
        b'{"jsonrpc":"2.0","method":"node.status","id":"\xff"}',
        b'{"jsonrpc":"2.0","method":"node.status","id":"\x00"}',
        b'{"jsonrpc":"2.0","method":"node.status","id":"\\ud800"}',
        b'{"jsonrpc":"2.0","method":"node.status","id":1}}',
        b"\xef\xbb\xbf{}",
        b"\x00",
    ],
)
def test_what_is_not_json_is_a_parse_error(line: bytes) -> None:
    bad = refused(line)
    assert (bad.code, bad.id) == (envelope.PARSE_ERROR, None)
    assert bad.message.startswith("not JSON: ")


@pytest.mark.parametrize(
    ("line", "id", "message"),
    [
        (b"17", None, "not a request: expected object, got int"),
        (b"{}", None, "not a request: jsonrpc: missing"),
        (b'{"jsonrpc":"2.0","id":7}', 7, "not a request: method: missing"),
        (b'{"jsonrpc":"2.0","id":"a","method":5}', "a", "not a request: method: expected str, got int"),
        (b'{"jsonrpc":"1.0","id":1.5,"method":"x"}', 1.5, "not a request: jsonrpc: invalid enum value '1.0'"),
        (b'{"jsonrpc":"2.0","method":"x","id":true}', None, "not a request: id: expected int | float | str | null, got bool"),
        (b'{"jsonrpc":"2.0","method":"x","id":[1]}', None, "not a request: id: expected int | float | str | null, got array"),
        (b'{"jsonrpc":"2.0","method":"x","id":1,"parms":{}}', 1, "not a request: parms: unknown"),
        (b'{"jsonrpc":"2.0","method":"x","id":1,"params":[1]}', 1, "params: give parameters by name, as an object"),
        (b'{"jsonrpc":"2.0","method":"x","id":1,"params":3}', 1, "params: give parameters by name, as an object"),
        (b'{"jsonrpc":"2.0","method":"x","id":1e400}', None, "a number is out of range"),
        (b"[" * 100_000 + b"]" * 100_000, None, "nested too deeply"),
        (b'{"jsonrpc":"2.0","method":"x","id":1,"params":' + b'{"a":' * 9999 + b"1" + b"}" * 10000, None, "nested too deeply"),
    ],
)
def test_json_that_is_no_request_is_an_invalid_request_that_says_why(line: bytes, id: object, message: str) -> None:
    bad = refused(line)
    assert (bad.code, bad.id, bad.message) == (envelope.INVALID_REQUEST, id, message)


def test_params_can_be_left_out_or_null() -> None:
    for params in (b"", b',"params":null', b',"params":{}'):
        assert bytes(envelope.parse(b'{"jsonrpc":"2.0","method":"x","id":1' + params + b"}").params) == b"{}"


def test_a_request_without_an_id_is_a_notification_and_one_with_null_is_not() -> None:
    assert envelope.parse(b'{"jsonrpc":"2.0","method":"x"}').id is msgspec.UNSET
    assert envelope.parse(b'{"jsonrpc":"2.0","method":"x","id":null}').id is None


def test_an_id_of_any_size_comes_back_as_it_was() -> None:
    line = b'{"jsonrpc":"2.0","method":"x","id":123456789012345678901234567890}'
    assert json.loads(envelope.result(envelope.known_id(envelope.parse(line)), {}))["id"] == 123456789012345678901234567890


@pytest.mark.parametrize(
    ("method", "params", "parameter", "why"),
    [
        ("rooms.join", {}, "name", "missing"),
        ("rooms.join", {"name": 3}, "name", "expected str, got int"),
        ("rooms.join", {"name": "a", "nmae": "b"}, "nmae", "unknown"),
        ("messages.list", {"room": "lobby", "limit": 0}, "limit", "expected int >= 1"),
        ("messages.list", {"room": "lobby", "limit": 1.5}, "limit", "expected int, got float"),
        ("peers.connect", {"host": "a", "port": 70000}, "port", "expected int <= 65535"),
        ("rooms.leave", {"room": "lobby", "forget": "yes"}, "forget", "expected bool, got str"),
        ("node.status", {"x": 1}, "x", "unknown"),
    ],
)
def test_a_wrong_parameter_is_named_with_the_reason(method: str, params: object, parameter: str, why: str) -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 4, "method": method, "params": params}).encode()
    with pytest.raises(BadRequest) as caught:
        envelope.parse_params(METHODS[method].decoder, envelope.parse(line))
    bad = caught.value
    assert (bad.code, bad.id) == (envelope.INVALID_PARAMS, 4)
    assert bad.message == f"{parameter}: {why}"
    assert bad.data == {"parameter": parameter, "why": why}


def test_broken_text_inside_params_is_a_parse_error() -> None:
    request = envelope.parse(b'{"jsonrpc":"2.0","method":"rooms.join","id":1,"params":{"name":"\xff"}}')
    with pytest.raises(BadRequest) as caught:
        envelope.parse_params(METHODS["rooms.join"].decoder, request)
    assert caught.value.code == envelope.PARSE_ERROR


@pytest.mark.parametrize("line", [b"[]", json.dumps([1] * 1001).encode()])
def test_a_batch_that_is_empty_or_too_long_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        envelope.parse_batch(line)
    assert caught.value.code == envelope.INVALID_REQUEST


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
members = {"jsonrpc": st.just("2.0"), "method": st.sampled_from([*METHODS, "x"]), "params": values, "id": values}
shaped = st.fixed_dictionaries({}, optional=members) | values


@given(st.binary(max_size=60) | shaped.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_a_request_or_a_refusal_that_is_json_rpc(line: bytes) -> None:
    try:
        request = envelope.parse(line)
        method = METHODS.get(request.method)
        if method is not None:
            envelope.parse_params(method.decoder, request)
    except BadRequest as bad:
        answer = json.loads(envelope.refusal(bad))
        assert answer["jsonrpc"] == "2.0"
        assert answer["error"]["code"] in (envelope.PARSE_ERROR, envelope.INVALID_REQUEST, envelope.INVALID_PARAMS)
        assert answer["error"]["message"]
        assert "`" not in answer["error"]["message"] or "`" in line.decode(errors="replace")


@given(st.binary(max_size=60))
def test_only_what_python_cannot_read_either_is_called_not_json(line: bytes) -> None:
    try:
        envelope.parse(line)
    except BadRequest as bad:
        if bad.code == envelope.PARSE_ERROR:
            with pytest.raises(ValueError):
                strict = json.loads(line.decode(), parse_constant=lambda _: 1 / 0)
                strict.encode("utf-8", "strict") if isinstance(strict, str) else None
