# SPDX-License-Identifier: Apache-2.0
"""Lines that strangers cause through gRPC and protobuf: none is forged, and they are few."""
import json

import pytest

from harness import http2
from harness.good_client import GoodClient

HEALTH = "/immudb.schema.ImmuService/Health"
FORGED = "immudb  2026/01/01 00:00:00 ERROR: forged"
# Bytes that end a line, that terminals obey, that end a line in Unicode.
EVIL = b"\n" + FORGED.encode() + b"\r\x1b[2J\xe2\x80\xa8\x00" + b"A" * 2000
LOG_LIMIT = 100_000
# What gRPC prints of a header that it does not understand is the value of it.
HEADERS = [(":status", EVIL), ("grpc-timeout", EVIL), ("content-type", EVIL), ("te", EVIL),
           ("grpc-encoding", EVIL), ("grpc-accept-encoding", EVIL), (":method", EVIL),
           (":scheme", EVIL), ("grpc-status", EVIL), ("grpc-retry-pushback-ms", EVIL),
           ("grpc-previous-rpc-attempts", EVIL), ("user-agent", EVIL), ("host", EVIL),
           ("lb-token", EVIL), ("x-envoy-peer-metadata", EVIL), ("grpc-tags-bin", EVIL)]


def once(daemon, repeat):
    """Each header in `repeat` calls of one connection; whether it is answered is no matter."""
    for header in HEADERS:
        block = http2.header_block(http2.grpc_headers(HEALTH, extra=[header]))
        with http2.Connection(daemon.port) as stranger:
            try:
                for _ in range(repeat):
                    stranger.headers([], end=True, block=block)
                stranger.send_frame(http2.PING, 0, 0, b"12345678")
                stranger.wait_for(http2.PING)
            except http2.Closed:
                pass


def not_utf8(daemon, repeat):
    """protobuf complains of a string that is no UTF-8."""
    block = http2.header_block(http2.grpc_headers("/grpc.health.v1.Health/Check"))
    body = http2.message(b"\x0a\x04\xff\xfe\n\xfd")
    with http2.Connection(daemon.port) as stranger:
        stranger.settle()
        streams = [stranger.new_stream() for _ in range(repeat)]
        stranger.send(b"".join(
            http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
            + http2.frame(http2.DATA, http2.END_STREAM, stream, body) for stream in streams))
        for stream in streams:
            assert stranger.finish(stream).code is not None


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_is_forged_and_few_are_written(launch, form):
    daemon = launch("--log-format", form)
    with GoodClient(daemon):
        once(daemon, 300)
        not_utf8(daemon, 300)
    daemon.stop()
    log = daemon.log
    print(len(log), "bytes;", log[-2000:])
    for line in log.splitlines():
        assert line.isascii() and line.isprintable(), repr(line)
        if form == "json":
            assert json.loads(line)["message"]
        else:
            assert line.startswith("immudb  20") and not line.startswith(FORGED), line
    assert len(log) < LOG_LIMIT
    assert "suppressed" in log, "nobody is told that lines are missing"
