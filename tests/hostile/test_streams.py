# SPDX-License-Identifier: Apache-2.0
"""What a stranger can make gRPC hold: open streams, header blocks, threads of its own."""
import time

import pytest

from harness import attacks, http2
from harness.attack import Attack
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within

HEALTH = attacks.HEALTH
BEFORE_SETTINGS, OF_ALL, OF_ANY = 100, 8192, 4
REFUSED_STREAM = 7


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield running


def agreed(port):
    """A connection whose settings both sides have acknowledged."""
    connection = http2.Connection(port)
    connection.wait_for(http2.SETTINGS)
    return connection


def open_streams(connection, count, path=HEALTH):
    """Calls whose message never comes."""
    block = http2.header_block(http2.grpc_headers(path))
    raw = b"".join(http2.frame(http2.HEADERS, http2.END_HEADERS, connection.new_stream(), block)
                   for _ in range(count))
    connection.send(raw)


def test_streams_before_the_settings_are_acknowledged(small):
    """gRPC's own limit holds only for who acknowledges it."""
    with http2.Connection(small.port) as connection:
        open_streams(connection, BEFORE_SETTINGS)
        connection.send_frame(http2.PING, 0, 0, b"12345678")
        while connection.read_frame(time.monotonic() + 30)[0] != http2.PING:
            pass  # nothing is acknowledged
        open_streams(connection, 1)
        with pytest.raises(http2.Closed):
            while True:
                connection.read_frame(time.monotonic() + 30)


def test_open_streams_of_many_connections(small):
    """Beyond what all may have, streams are refused; who needs few is served all the same."""
    with Watch(small) as watch, GoodClient(small) as good:
        connections = [agreed(small.port) for _ in range(40)]
        for connection in connections:
            open_streams(connection, 400)
        late = connections[25:]  # the others have taken what there is
        for connection in late:
            while sum(answer.reset == REFUSED_STREAM
                      for answer in connection.streams.values()) < 400 - OF_ANY:
                connection.pump(time.monotonic() + 30)
        good.phase("full")
        with http2.Connection(small.port) as newcomer:
            assert newcomer.call(HEALTH).code == 0
        for connection in connections:
            connection.close()
    print(watch, good.report.table(), sep="\n")
    assert good.report.calls("full") > 0
    assert memory_within(watch.peak["VmHWM"], 400)
    with agreed(small.port) as connection:  # their places are free again
        streams = [connection.headers(http2.grpc_headers(HEALTH)) for _ in range(400)]
        for stream in streams:
            connection.data(stream, http2.message(), end=True)
        assert {connection.finish(stream).code for stream in streams} == {0}


def test_a_header_that_never_ends(small):
    """One field of 256 MB in CONTINUATION frames."""
    with Watch(small) as watch, GoodClient(small), http2.Connection(small.port) as connection:
        connection.send_frame(http2.HEADERS, 0, 1, b"\x00\x01x\x7f\xff\xff\xff\x7f")
        with pytest.raises(http2.Closed):
            for _ in range(1 << 14):
                connection.send_frame(http2.CONTINUATION, 0, 1, bytes(1 << 14))
    assert memory_within(watch.peak["VmHWM"], 300)


@pytest.mark.parametrize("attack", [
    attacks.continuation_flood, attacks.many_headers, attacks.huge_path])
def test_large_headers(small, attack):
    with GoodClient(small):
        outcomes = Attack(lambda: attack(small), most=5).start().wait()
    assert outcomes.keys() <= {"closed", "code 8"}, outcomes


def test_headers_within_the_bounds(small):
    with agreed(small.port) as connection:
        small_one = connection.call(HEALTH, extra=[("x-note", "y" * 4000)])
        assert small_one.code == 0
    with agreed(small.port) as connection:
        large = connection.call(HEALTH, extra=[("x-note", "y" * 20_000)])
        assert large.code != 0 or large.reset is not None


def test_methods_that_do_not_exist(small):
    """gRPC serves them with threads of its own."""
    with Watch(small) as watch, GoodClient(small) as good:
        def once():
            with agreed(small.port) as connection:
                streams = [connection.headers(http2.grpc_headers("/no/such"), end=True)
                           for _ in range(200)]
                codes = {connection.finish(stream).code for stream in streams}
                assert codes <= {8, 12}, codes
            return "answered"

        outcomes = Attack(once, threads=4, most=40).start().wait()
    print(outcomes, watch, good.report.table(), sep="\n")
    assert outcomes == {"answered": 40}
    assert watch.peak["Threads"] < watch.before["Threads"] + 70
