# SPDX-License-Identifier: Apache-2.0
"""Floods of frames on the gRPC port, and connections that say half of something."""
import pytest

from harness import attacks, http2
from harness.attack import Attack
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.watch import Watch, memory_within


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield running


def test_a_raw_call_is_answered(small):
    """What the other tests rest on."""
    with http2.Connection(small.port) as connection:
        answer = connection.call(attacks.HEALTH)
        assert (answer.code, len(answer.messages)) == (0, 1), answer.headers
        assert len(answer.header("immudb-uuid")) == 20
        refused = connection.call("/immudb.schema.ImmuService/Get", token="none")
        assert (refused.code, refused.text) == (16, "please login first"), refused.headers


FLOODS = {
    "calls that are reset": (attacks.rapid_reset, 40),
    "pings": (attacks.ping_flood, 10),
    "settings": (attacks.settings_flood, 100),
    "windows": (attacks.window_flood, 100),
    "empty DATA": (attacks.empty_frames, 100),
    "rubbish": (attacks.rubbish, 200),
    "messages of 4 GiB": (attacks.promised_gigabytes, 200),
    "truncated messages": (attacks.truncated_message, 200),
    "calls of Health": (attacks.health_flood, 20),
}


@pytest.mark.parametrize("attack, most", FLOODS.values(), ids=FLOODS)
def test_flood(small, attack, most):
    """A client goes on with its work; nothing is kept of what was sent."""
    with Watch(small) as watch, GoodClient(small) as good:
        outcomes = Attack(lambda: attack(small), threads=2, most=most).start().wait()
    print(dict(outcomes), watch, good.report.table(), sep="\n")
    assert sum(outcomes.values()) == most
    assert memory_within(watch.peak["VmHWM"], 300)


BEGINNINGS = {
    "nothing": b"",
    "half a preface": http2.PREFACE[:10],
    "half a frame": http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0)[:5],
    "half a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an HTTP/1 request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_connections_that_stay(small, beginning):
    with GoodClient(small), attacks.Held(small.port, 200, beginning) as held:
        assert held.refused == 0
        for _ in range(5):
            held.drip(b"\x00")
