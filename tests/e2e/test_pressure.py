# SPDX-License-Identifier: Apache-2.0
"""More work than the daemon can take: it refuses some, loses nothing, goes on."""
import collections
import os
import signal
import socket
import threading
import time

import grpc
import pytest

from harness.daemon import Daemon
from harness.stubs import schema

from test_writes import kvs

SERVICE = "/immudb.schema.ImmuService/"


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("busy")) as daemon:
        yield daemon


def memory_within(kib, limit_mib):
    """Of a build with a sanitizer the memory says nothing."""
    return os.environ.get("IMMUDB_SANITIZER") or kib < limit_mib << 10


def flood(client, method, requests, deadline=120):
    """Sends all at once; the code of each answer, in order."""
    invoke = client.channel.unary_unary(SERVICE + method)
    calls = [invoke.future(request, timeout=deadline, metadata=client.headers())
             for request in requests]
    outcomes = []
    for call in calls:
        error = call.exception()
        outcomes.append("OK" if error is None else error.code().name)
        if error is not None:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
            assert error.details(), "a refusal must say why"
    return outcomes


def test_a_flood_of_logins(busy):
    """Each costs a tenth of a second by design: they must not pile up without end."""
    request = schema.LoginRequest(user=b"immudb", password=b"immudb").SerializeToString()
    with busy.login() as client:
        counted = collections.Counter(flood(client, "Login", [request] * 150))
        assert counted["OK"] > 0 and counted["RESOURCE_EXHAUSTED"] > 0, counted
        client.safe_set(b"after-logins", b"v")
    busy.login().close()


def test_data_calls_do_not_wait_for_logins(busy):
    request = schema.LoginRequest(user=b"immudb", password=b"immudb").SerializeToString()
    with busy.login() as client:
        invoke = client.channel.unary_unary(SERVICE + "Login")
        calls = [invoke.future(request, timeout=60) for _ in range(30)]
        client.safe_set(b"k", b"v")
        client.Get(key=b"k")
        waiting = sum(not call.done() for call in calls)
        for call in calls:
            call.exception()
    assert waiting > 0, "the logins were over before the data calls"


def test_a_flood_of_writes(busy):
    value = b"x" * (1 << 20)
    requests = [schema.KeyValue(key=b"flood%03d" % i, value=value).SerializeToString()
                for i in range(300)]
    with busy.login() as client:
        outcomes = flood(client, "Set", requests)
        for i, outcome in enumerate(outcomes):
            found = client.Count(prefix=b"flood%03d" % i).count
            assert found == (1 if outcome == "OK" else 0), (i, outcome)
        assert outcomes.count("OK") > 0
        client.safe_set(b"after-writes", b"v")
    assert memory_within(busy.peak_memory(), 1024), "for at most 128 MiB of waiting writes"


def test_a_flood_of_long_reads(launch):
    daemon = launch("--auth=false", "--reader-threads", "1")
    with daemon.client() as client:
        client.SetBatch(KVs=kvs(*((b"%05d" % i, b"v") for i in range(30_000))))
        refused, others, some = [], [], threading.Event()

        def ended(call):
            (refused if call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED else others).append(call)
            if len(refused) > 100:
                some.set()

        count = schema.KeyPrefix().SerializeToString()
        for _ in range(12):  # of one connection 512 are in flight
            invoke = daemon.client().channel.unary_unary(SERVICE + "Count")
            for _ in range(450):
                invoke.future(count, timeout=120).add_done_callback(ended)
        client.safe_set(b"in-between", b"v")  # other work goes on
        assert some.wait(60), f"{len(refused)} refused, {len(others)} others"
        assert {call.code() for call in others} <= {grpc.StatusCode.OK}
        client.safe_get(b"in-between")
        invoke = client.channel.unary_unary(SERVICE + "Count")
        late = [invoke.future(count, timeout=120) for _ in range(500)]
        began = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0, daemon.log
    print(f"stopped after {time.monotonic() - began:.1f} s")
    assert {call.code() for call in late} <= {
        grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED}


def test_a_second_signal_ends_the_process_at_once(launch):
    """Also while it waits for calls; nothing that was acknowledged is lost."""
    daemon = launch("--auth=false")
    with daemon.client() as client:
        client.SetBatch(KVs=kvs(*((b"%05d" % i, b"v") for i in range(30_000))))
        invoke = client.channel.unary_unary(SERVICE + "Count")
        count = schema.KeyPrefix().SerializeToString()
        calls = [invoke.future(count, timeout=120) for _ in range(1500)]
        daemon.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while "Caught SIGTERM" not in daemon.log:
            assert time.monotonic() < deadline, daemon.log
            time.sleep(0.01)
        daemon.process.send_signal(signal.SIGINT)
        assert daemon.wait(30) == 1, daemon.log
        assert "Caught SIGINT again: ending at once" in daemon.log
        for call in calls:
            call.exception()
    daemon.start()
    with daemon.client() as client:
        assert client.Count().count == 30_000
    daemon.stop()


def test_listings_that_are_too_large_cost_little_memory(launch):
    """400 MiB are stored; a listing of all is refused without reading all."""
    daemon = launch("--auth=false")
    with daemon.client() as client:
        for i in range(400):
            client.Set(key=b"k%03d" % i, value=b"%d" % i + b"x" * (1 << 20))
        before = daemon.peak_memory()
        for _ in range(3):
            for call in (lambda: client.Scan(), lambda: client.IScan(pageSize=500, pageNumber=1)):
                with pytest.raises(grpc.RpcError) as caught:
                    call()
                assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        grown = daemon.peak_memory() - before
    print(f"peak before {before} KiB, grown by {grown} KiB")
    assert memory_within(grown, 200)


def test_connections_that_say_nothing(busy):
    idle = [socket.create_connection(("127.0.0.1", busy.port), 10) for _ in range(200)]
    rubbish = [socket.create_connection(("127.0.0.1", busy.port), 10) for _ in range(50)]
    for connection in rubbish:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
    with busy.login() as client:
        client.safe_set(b"despite-them", b"v")
    for connection in idle + rubbish:
        connection.close()
    with busy.login() as client:
        client.safe_get(b"despite-them")
