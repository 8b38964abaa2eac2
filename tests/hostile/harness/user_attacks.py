# SPDX-License-Identifier: Apache-2.0
"""Attacks on the gRPC port by a user that may read and write one database, and on the metrics port
by anybody. As those of `attacks`."""
import time

from . import attacks, http1, http2
from .stubs import METHODS, schema
from .world import DATABASE, SERVICE

UNREAD_MOST = 2  # seconds that an answer is left unread


def unread(world, method, request, calls=4):
    """Asks for large answers with open windows, and does not read them for a while."""
    with http2.Connection(world.port, window=http2.LARGEST_WINDOW,
                          connection_window=http2.LARGEST_WINDOW,
                          receive_buffer=4096) as connection:
        body = http2.message(request.SerializeToString())
        for _ in range(calls):
            connection.request(SERVICE + method, body, world.token)
        time.sleep(UNREAD_MOST)  # what a client does that has stopped; nothing waits for it
    return "left unread"


def unread_scans(world):
    return unread(world, "Scan", schema.ScanOptions(prefix=b"s", limit=20))


def unread_values(world):
    return unread(world, "Get", schema.Key(key=b"large"))


def unread_dump(world):
    return unread(world, "Dump", METHODS["Dump"].input_type._concrete_class())


def many(world, method, request, calls):
    with http2.Connection(world.port) as connection:
        connection.wait_for(http2.SETTINGS)
        body = http2.message(request.SerializeToString())
        streams = [connection.request(SERVICE + method, body, world.token) for _ in range(calls)]
        codes = {connection.finish(stream, attacks.PATIENCE).code for stream in streams}
    return "codes " + " ".join(map(str, sorted(codes, key=str)))


def counts(world):
    return many(world, "Count", schema.KeyPrefix(), 32)


def uses_of_a_database(world):
    return many(world, "UseDatabase", schema.Database(databasename=DATABASE), 200)


def histories(world):
    return many(world, "History", schema.Key(key=b"n00000000"), 50)


def garbage(world):
    return attacks.garbage_calls(world, token=world.token)


RANGES = "bytes=" + ",".join(["0-"] * 2500)


def many_ranges(world):
    raw = http1.exchange(world.metrics_port,
                         http1.ask(world.metrics_port, "/metrics", [("Range", RANGES)]),
                         deadline=attacks.PATIENCE)
    return raw[:12].decode(errors="replace") or "no answer"


def half_a_request(world, count=4, seconds=1):
    with attacks.Held(world.metrics_port, count, b"GET /liv"):
        time.sleep(seconds)  # what a client does that has stopped; nothing waits for it
    return "held"


def silent_connections(world, count=1100, seconds=1):
    with attacks.Held(world.port, count) as held:
        time.sleep(seconds)
        return "some refused" if held.refused else "held"


def held_streams(world, count=90):
    """Calls whose message never comes."""
    block = http2.header_block(http2.grpc_headers(attacks.HEALTH))
    with http2.Connection(world.port) as connection:
        for _ in range(count):
            connection.headers(None, block=block)
        time.sleep(UNREAD_MOST)
    return "held"


def endless_header(world):
    with http2.Connection(world.port) as connection:
        connection.send_frame(http2.HEADERS, 0, 1, b"\x00\x01x\x7f\xff\xff\xff\x7f")
        try:
            for _ in range(1 << 10):
                connection.send_frame(http2.CONTINUATION, 0, 1, bytes(1 << 14))
        except http2.Closed:
            return "closed"
    return "taken"


def unknown_methods(world, calls=100):
    block = http2.header_block(http2.grpc_headers("/no/such"))
    with http2.Connection(world.port) as connection:
        connection.wait_for(http2.SETTINGS)
        streams = [connection.headers(None, end=True, block=block) for _ in range(calls)]
        for stream in streams:
            connection.finish(stream, attacks.PATIENCE)
    return "answered"


def junk_logins(world):
    request = schema.LoginRequest(user=b"immudb", password=b"wrong").SerializeToString()
    with http2.Connection(world.port) as connection:
        return attacks.outcome(connection.call(SERVICE + "Login", request,
                                               deadline=attacks.PATIENCE))
