# SPDX-License-Identifier: Apache-2.0
"""Floods of frames and of headers on the gRPC port."""
import pytest

from harness import http2
from harness.attack import Attack
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within

HEALTH = "/immudb.schema.ImmuService/Health"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield running


def test_a_raw_call_is_answered(small):
    """What the other tests rest on."""
    with http2.Connection(small.port) as connection:
        answer = connection.call(HEALTH)
        assert (answer.code, len(answer.messages)) == (0, 1), answer.headers
        assert len(answer.header("immudb-uuid")) == 20
        refused = connection.call("/immudb.schema.ImmuService/Get", token="none")
        assert (refused.code, refused.text) == (16, "please login first"), refused.headers


def test_rapid_reset(small):
    """20,000 calls, each reset as soon as it is sent."""
    block = http2.header_block(http2.grpc_headers(HEALTH))

    def once():
        with http2.Connection(small.port) as connection:
            raw = b""
            for _ in range(500):
                stream = connection.new_stream()
                raw += http2.frame(http2.HEADERS, http2.END_HEADERS, stream, block)
                raw += http2.frame(http2.RST_STREAM, 0, stream, b"\0\0\0\x08")
            connection.send(raw)
            connection.send_frame(http2.PING, 0, 0, b"12345678")
            connection.wait_for(http2.PING)
        return "answered"

    with Watch(small) as watch, GoodClient(small) as good:
        outcomes = Attack(once, threads=4, most=40).start().wait()
    print(outcomes, watch, good.report.table(), sep="\n")
    assert memory_within(watch.peak["VmHWM"], 400)
