"""`peertalk rpc`: newline-delimited JSON-RPC 2.0 over a Node (docs/rpc.md), on standard input and output and on an owner-only socket.

envelope.py     a line → a request or an error of JSON-RPC; answers and events → lines
methods.py      ONE table: method → its parameters and what it calls
connection.py   one client: requests in, answers and events out, both bounded
stdio.py        standard input and output as a stream
door.py         the socket of a running profile: serving it, and finding it
client.py       the other end: a Node that is in another process
"""

from __future__ import annotations

from peertalk.rpc.client import RemoteNode
from peertalk.rpc.door import find, serve_socket
from peertalk.rpc.stdio import serve_stdio

__all__ = ["RemoteNode", "find", "serve_socket", "serve_stdio"]
