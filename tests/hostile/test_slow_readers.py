# SPDX-License-Identifier: Apache-2.0
"""Clients that ask for much and take nothing: memory stays within the promise, and all others are
answered."""
import collections
import time

import pytest

from harness import http2
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.stubs import schema
from harness.watch import Watch, memory_within, sample

IMMU = "/immudb.schema.ImmuService/"
MIB = 1 << 20
SCAN = schema.ScanOptions(prefix=b"large").SerializeToString()
CANCELLED = 1
RESOURCE_EXHAUSTED = 8


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """20 MB are stored in 20 values."""
    with Daemon(tmp_path_factory.mktemp("slow"), "--answer-timeout", "3s") as running:
        with running.login() as client:
            for i in range(20):
                client.Set(key=b"large%02d" % i, value=b"x" * 1_000_000)
            client.Set(key=b"small", value=b"v")
        yield running


@pytest.fixture
def token(daemon):
    with daemon.login() as client:
        return client.token


def read_all(daemon):
    with daemon.login() as client:
        assert len(client.Scan(prefix=b"large").items) == 20
        assert client.Get(key=b"small").value == b"v"


def test_200_scans_of_20_mb_on_one_connection(daemon, token):
    with http2.Connection(daemon.port, window=0) as slow, Watch(daemon) as watch, \
            GoodClient(daemon) as good:
        before = sample(daemon.process.pid)["VmRSS"]
        slow.settle()
        for _ in range(200):
            slow.request(IMMU + "Scan", http2.message(SCAN), token)
        for phase in range(5):
            good.phase(f"scan {phase}")
            read_all(daemon)
        until = time.monotonic() + 60
        while sum(answer.ended for answer in slow.streams.values()) < 190:
            slow.pump(until)
        codes = collections.Counter(answer.code for answer in slow.streams.values())
    print(codes, watch, good.report.table(), sep="\n")
    assert set(codes) == {RESOURCE_EXHAUSTED, None}, "the first ones wait for their reader"
    # 256 MiB for all; one message more for each of two readers, and what the good ones take.
    assert memory_within(watch.peak["VmRSS"] - before, 256 + 3 * 64)


def test_200_connections_with_one_scan_each(daemon, token):
    """No share of a connection helps here: the limit of all holds, and stalled answers make room."""
    with Watch(daemon) as watch, GoodClient(daemon) as good:
        before = sample(daemon.process.pid)["VmRSS"]
        slow = [http2.Connection(daemon.port, window=0) for _ in range(200)]
        for connection in slow:
            connection.request(IMMU + "Scan", http2.message(SCAN), token)
        # Small answers are given at once, large ones when there is room.
        until = time.monotonic() + 120
        while True:
            try:
                read_all(daemon)
                break
            except Exception as error:  # pylint: disable=broad-except
                assert "large answers" in str(error) and time.monotonic() < until, error
        for connection in slow:
            connection.close()
    print(watch, good.report.table(), sep="\n")
    assert memory_within(watch.peak["VmRSS"] - before, 256 + 3 * 64)


def test_windows_that_are_open_and_sockets_that_are_full(tmp_path):
    """gRPC may send everything, and the kernel takes nothing: answers are serialised, cancelled
    and made again, round after round. Memory may run out for a call, never for the daemon."""
    with Daemon(tmp_path, address_space=1536 << 20, descriptors=1024) as small:
        with small.login() as client:
            for i in range(20):
                client.Set(key=b"large%02d" % i, value=b"x" * MIB)
            token = client.token
        slow = []
        with Watch(small) as watch:
            for _ in range(50):
                slow.append(http2.Connection(
                    small.port, window=http2.LARGEST_WINDOW, receive_buffer=4096,
                    connection_window=http2.LARGEST_WINDOW))
                for _ in range(4):
                    slow[-1].request(IMMU + "Scan", http2.message(SCAN), token)
            until = time.monotonic() + 12  # two rounds of answers that make room
            while time.monotonic() < until and small.alive():
                with small.login() as client:
                    client.Set(key=b"k", value=b"v")
        for connection in slow:
            connection.close()
        print(watch)
        assert small.alive(), small.log[-2000:]
        assert memory_within(watch.peak["VmHWM"], 2 * 256 + 3 * 64)


def test_an_answer_that_is_not_taken_ends_the_call(daemon, token):
    with http2.Connection(daemon.port, window=0) as slow:
        get = schema.Key(key=b"large01").SerializeToString()
        answer = slow.finish(slow.request(IMMU + "Get", http2.message(get), token), deadline=60)
        assert answer.code == CANCELLED, answer.headers
        health = slow.request(IMMU + "Health", http2.message())
        slow.window_update(health, MIB)
        assert slow.finish(health).code == 0, "the connection serves on"


def test_a_dump_that_is_not_taken_gives_its_slot_back(daemon, token):
    """16 dumps may be open: those that nobody takes must not be in the way for ever."""
    slow = [http2.Connection(daemon.port, window=0) for _ in range(16)]
    streams = [one.request(IMMU + "Dump", http2.message(), token) for one in slow]
    with daemon.login() as client:
        until = time.monotonic() + 60
        while True:
            try:
                assert client.Dump()
                break
            except Exception as error:  # pylint: disable=broad-except
                assert "streams are open" in str(error) and time.monotonic() < until, error
    for connection, stream in zip(slow, streams):
        assert connection.finish(stream).code == CANCELLED
        connection.close()
