# SPDX-License-Identifier: Apache-2.0
"""Compressed requests are refused before anything is inflated, whoever sends them."""
import gzip
import zlib

import pytest

from harness import http2
from harness.client import refused
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within

IMMU = "/immudb.schema.ImmuService/"
UNIMPLEMENTED = 12
# 2 MB that inflate a thousandfold; nothing that can be inflated is smaller.
BOMB_MIB = 2048

METHODS = [IMMU + "Login", IMMU + "Health", IMMU + "Set", IMMU + "Scan", IMMU + "Dump",
           IMMU + "NoSuchMethod", "/no.such.Service/Method", "/grpc.health.v1.Health/Check",
           "/grpc.health.v1.Health/Watch", "/immudb.operations.Operations/GetStatus",
           "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"]


def deflated(algorithm, mib):
    """That many MiB of zeros. One flushed block is repeated, so making it costs little; the checksum
    at the end is missing, which is found only after all is inflated."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31 if algorithm == "gzip" else 15)
    head = squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(bytes(64 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return head + block * (mib // 64)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield running


@pytest.fixture(scope="module", params=["gzip", "deflate"])
def bomb(request):
    return request.param, deflated(request.param, BOMB_MIB)


def test_a_request_that_inflates_a_thousandfold(daemon, bomb):
    algorithm, raw = bomb
    with GoodClient(daemon), Watch(daemon) as watch:
        for path in METHODS:
            with http2.Connection(daemon.port) as stranger:
                answer = stranger.finish(stranger.request(
                    path, http2.message(raw, compressed=True), extra=[("grpc-encoding", algorithm)]))
            assert answer.code == UNIMPLEMENTED, (path, answer.headers)
    print(len(raw), "bytes each:", watch)
    assert memory_within(watch.peak["VmHWM"], 200)


@pytest.mark.parametrize("body", [gzip.compress(b""), zlib.compress(b""),
                                  gzip.compress(b"\x0a\x06immudb\x12\x06immudb")])
@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_a_small_one_is_refused_alike(daemon, algorithm, body):
    """The answer depends on the header alone, not on what the bytes would be."""
    with http2.Connection(daemon.port) as stranger:
        answer = stranger.finish(stranger.request(
            IMMU + "Login", http2.message(body, compressed=True),
            extra=[("grpc-encoding", algorithm)]))
    assert answer.code == UNIMPLEMENTED, answer.headers
    assert algorithm in answer.text


def test_several_messages_of_a_stream(daemon, bomb):
    algorithm, raw = bomb
    with Watch(daemon) as watch, http2.Connection(daemon.port) as stranger:
        stream = stranger.headers(http2.grpc_headers(METHODS[-1],
                                                     extra=[("grpc-encoding", algorithm)]))
        for _ in range(3):
            stranger.data(stream, http2.message(raw, compressed=True))
        assert stranger.finish(stream).code == UNIMPLEMENTED
    assert memory_within(watch.peak["VmHWM"], 200)


def test_the_flag_without_the_header(daemon, bomb):
    """Says that it is compressed, not how: never inflated; the bytes are no request."""
    _, raw = bomb
    with Watch(daemon) as watch, http2.Connection(daemon.port) as stranger:
        answer = stranger.finish(stranger.request(IMMU + "Login",
                                                  http2.message(raw, compressed=True)))
        assert answer.code not in (None, 0), answer.headers
    assert memory_within(watch.peak["VmHWM"], 200)


def test_a_client_that_would_take_compressed_answers(daemon):
    """Most clients say so with each call; they are answered, uncompressed."""
    with http2.Connection(daemon.port) as client:
        answer = client.call(IMMU + "Health",
                             extra=[("grpc-accept-encoding", "identity, deflate, gzip")])
        assert (answer.code, len(answer.messages)) == (0, 1), answer.headers
        assert answer.header("grpc-encoding") in (None, "identity")


def test_a_client_of_grpc_that_compresses(daemon):
    """Which algorithm it is told; so its user knows what to change."""
    client = daemon.client(options=[("grpc.default_compression_algorithm", 2)])
    with client, refused("Unimplemented", contains="gzip"):
        client.Set(key=b"k", value=b"v" * 1000)


def test_a_client_of_grpc_that_does_not(daemon):
    with daemon.login() as client:
        client.safe_set(b"plain", b"v" * 100_000)
        assert client.safe_get(b"plain").item.value == b"v" * 100_000
