"""PeerTalk: a chat for people on one local network, end-to-end encrypted, without a server."""

__version__ = "0.1.0"
