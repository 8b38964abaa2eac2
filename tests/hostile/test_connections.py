# SPDX-License-Identifier: Apache-2.0
"""Connections that strangers open, and bytes that never become a call."""
import socket

import pytest

from harness import http2
from harness.client import refused
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within

IMMU = "/immudb.schema.ImmuService/"
MIB = 1 << 20


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield running


def test_1100_silent_connections_while_writing(launch):
    """With 1,024 descriptors: files keep theirs, clients that are logged in go on, new ones come in."""
    daemon = launch(address_space=1536 << 20, descriptors=1024)
    with GoodClient(daemon) as good, Watch(daemon) as watch:
        silent = [socket.create_connection(("127.0.0.1", daemon.port), 10) for _ in range(1100)]
        good.phase("all open")
        with daemon.login() as client:
            client.CreateDatabase(databasename="duringflood")
            client.use("duringflood")
            for i in range(20):
                client.safe_set(b"k%d" % i, b"v" * 100_000)
        for one in silent:
            one.close()
    print(watch, good.report.table(), sep="\n")
    assert watch.peak["descriptors"] < 512
    assert good.report.calls("all open") > 0


def test_connections_that_call_without_a_login(daemon):
    """They speak HTTP/2 and call Health, so no handshake deadline ends them."""
    with GoodClient(daemon), Watch(daemon) as watch:
        strangers = []
        for _ in range(300):
            stranger = http2.Connection(daemon.port)
            try:
                stranger.call(IMMU + "Health")
            except (http2.Closed, OSError):
                pass
            strangers.append(stranger)
        daemon.login().close()
        for stranger in strangers:
            stranger.close()
    assert watch.peak["descriptors"] < 512


def test_a_silent_connection_is_closed(daemon):
    with socket.create_connection(("127.0.0.1", daemon.port), 10) as silent:
        silent.settimeout(60)
        while silent.recv(1 << 16):  # the settings of the daemon, then the end
            pass


def prefix_integer(value, bits):
    most = (1 << bits) - 1
    raw, value = bytes([most]), value - most
    while value >= 128:
        raw, value = raw + bytes([value & 127 | 128]), value >> 7
    return raw + bytes([value])


@pytest.mark.parametrize("piece", [1, 100, 16384])
def test_headers_without_end(daemon, piece):
    """gRPC 1.51 reads what it has of a header again with each frame."""
    part = http2.frame(http2.CONTINUATION, 0, 1, b"a" * piece)
    parts = part * max(1, 16384 // len(part))
    with GoodClient(daemon) as good, Watch(daemon) as watch:
        for _ in range(3):
            with http2.Connection(daemon.port) as stranger, pytest.raises((http2.Closed, OSError)):
                stranger.send(http2.frame(http2.HEADERS, 0, 1,
                                          b"\x00\x01x" + prefix_integer(1 << 30, 7)))
                for _ in range((64 * MIB) // len(parts)):
                    stranger.send(parts)
    print(watch, good.report.table(), sep="\n")
    assert memory_within(watch.peak["VmHWM"], 400)


def test_the_request_of_a_stranger_is_not_received(daemon):
    """Set needs a login: it is refused when its headers have come, and no window is given."""
    with http2.Connection(daemon.port) as stranger:
        stream = stranger.headers(http2.grpc_headers(IMMU + "Set"))
        answer = stranger.finish(stream)
        assert (answer.code, answer.text) == (16, "please login first")


def test_large_requests_of_strangers(daemon):
    """Login is for everybody, but nobody's name is 8 MiB long."""
    with GoodClient(daemon), Watch(daemon) as watch:
        for _ in range(6):
            with http2.Connection(daemon.port) as stranger, pytest.raises((http2.Closed, OSError)):
                stream = stranger.headers(http2.grpc_headers(IMMU + "Login"))
                stranger.data(stream, http2.message(b"\0" * (31 * MIB)))
    assert memory_within(watch.peak["VmHWM"], 400)


def test_the_first_request_of_a_client_may_be_large(daemon):
    """A token is enough to be trusted, also for the first call by a connection."""
    with daemon.login() as client:
        token = client.token
    value = b"x" * (30 * MIB)
    for _ in range(3):
        with daemon.client(token=token) as client:
            client.Set(key=b"large", value=value)
    with daemon.client() as client, refused("Unauthenticated", "please login first"):
        client.Set(key=b"large", value=b"v")


def test_many_small_calls_of_a_stranger(daemon):
    """A probe of health may go on for ever on one connection."""
    block = http2.header_block(http2.grpc_headers(IMMU + "Health"))
    with http2.Connection(daemon.port) as probe:
        for _ in range(30):
            streams = [probe.new_stream() for _ in range(100)]
            probe.send(b"".join(
                http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
                + http2.frame(http2.DATA, http2.END_STREAM, stream, http2.message())
                for stream in streams))
            for stream in streams:
                assert probe.finish(stream).code == 0
