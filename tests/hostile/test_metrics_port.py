# SPDX-License-Identifier: Apache-2.0
"""The metrics port under strangers: probes are answered, memory and descriptors stay bounded; under
TLS it is as strict as the port of the service."""
import contextlib
import os
import shutil
import ssl
import subprocess
import time
import warnings
from pathlib import Path

import pytest

from harness import http1
from harness.authority import Authority
from harness.daemon import Daemon, binary as daemon_binary, refuses_to_start
from harness.watch import Watch, memory_within

MOST_CONNECTIONS = 64
PROBES = ("/livez", "/readyz", "/startupz")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def port(daemon):
    return http1.metrics_port(daemon)


@contextlib.contextmanager
def connections(port, count, raw=b""):
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            opened.append(stack.enter_context(http1.connect(port)))
            with contextlib.suppress(ConnectionError):
                opened[-1].sendall(raw)
        yield opened


def assert_probed(port, times=5):
    for _ in range(times):
        for target in PROBES:
            assert http1.get(port, target, deadline=5)[0] == 200, target


@pytest.mark.parametrize("raw", [b"", b"GET /livez HTTP/1.1\r\nX: ", b"GE",
                                 http1.ask(1, "/metrics"),
                                 b"GET /metrics HTTP/1.1\r\n\r\n" * 100,
                                 b"POST /metrics HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n"],
                         ids=["silent", "half", "two-letters", "unread-answer", "pipeline", "body"])
@pytest.mark.parametrize("count", [8, 300])
def test_probes_are_answered_beside_slow_clients(daemon, port, raw, count):
    with Watch(daemon) as watch, connections(port, count, raw):
        assert_probed(port)
    assert watch.peak["descriptors"] <= watch.before["descriptors"] + MOST_CONNECTIONS + 2
    assert watch.peak["Threads"] <= watch.before["Threads"]
    assert memory_within(watch.peak["VmHWM"] - watch.before["VmHWM"], 64)


def test_a_range_makes_no_answer_larger(daemon, port):
    _, page = http1.get(port, "/metrics")
    ranges = "bytes=" + ",".join(["0-"] * 2500)
    with Watch(daemon) as watch:
        answer = http1.exchange(port, http1.ask(port, "/metrics", [("Range", ranges)]))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert len(answer) < 2 * len(page) + 1000
    assert memory_within(watch.peak["VmHWM"] - watch.before["VmHWM"], 32)


def test_headers_without_end_are_refused(daemon, port):
    headers = b"".join(b"X-%d: y\r\n" % i for i in range(100_000))
    with Watch(daemon) as watch:
        answer = http1.exchange(port, b"GET /metrics HTTP/1.1\r\n" + headers + b"\r\n")
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert memory_within(watch.peak["VmHWM"] - watch.before["VmHWM"], 16)
    assert_probed(port, 1)


def client_context(authority, alpn=None, certificate=True):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.chain)
    if certificate:
        context.load_cert_chain(authority.client_certificate, authority.client_key)
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def probe(port, context):
    """The answer to a probe over TLS; empty: there was no connection."""
    try:
        with http1.connect(port) as plain, context.wrap_socket(
                plain, server_hostname="localhost") as secured:
            secured.sendall(http1.ask(port, "/livez"))
            return secured.recv(1 << 16)
    except (ssl.SSLError, ConnectionError):
        return b""


def suites(port, authority, alpn):
    """Of TLS 1.2, those that the port agrees to."""
    def agrees(name):
        context = client_context(authority, alpn)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(name + ":@SECLEVEL=0")
        try:
            with http1.connect(port) as plain, context.wrap_socket(
                    plain, server_hostname="localhost"):
                return True
        except (ssl.SSLError, ConnectionError):
            return False

    everything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    everything.set_ciphers("ALL:!PSK:!SRP:!aNULL:@SECLEVEL=0")
    names = {c["name"] for c in everything.get_ciphers() if c["protocol"] != "TLSv1.3"}
    return {name for name in names if agrees(name)}


def test_mutual_tls_holds_for_the_metrics_port(launch, ours, theirs):
    daemon = launch(*ours.mutual(), credentials=ours.client())
    port = http1.metrics_port(daemon)
    assert probe(port, client_context(ours)).startswith(b"HTTP/1.1 200 ")
    assert probe(port, client_context(ours, certificate=False)) == b""
    stranger = client_context(ours, certificate=False)
    stranger.load_cert_chain(theirs.client_certificate, theirs.client_key)
    assert probe(port, stranger) == b""
    assert http1.get(port)[0] == 0, "plain text"
    assert suites(port, ours, None) == suites(daemon.port, ours, "h2")
    old = client_context(ours)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    assert probe(port, old) == b""


def test_immuadmin_shows_its_certificate_there_too(launch, ours):
    daemon = launch(*ours.mutual(), credentials=ours.client())
    immuadmin = Path(daemon_binary()).with_name("immuadmin")
    for place in ([], ["-a", "localhost"], ["--servername", "localhost"],
                  ["-a", "localhost", "--servername", "127.0.0.1"]):
        shown = subprocess.run(
            [immuadmin, "--mtls", "--certificate", ours.client_certificate,
             "--pkey", ours.client_key, "--clientcas", ours.chain, *place,
             "stats", "--raw", "--metrics-port", str(http1.metrics_port(daemon))],
            capture_output=True, text=True, timeout=60, check=False)
        assert "immudb_uptime_hours" in shown.stdout, (place, shown.stderr)


def test_supervisors_without_a_certificate_can_be_let_in(launch, ours):
    daemon = launch(*ours.mutual(), "--metrics-client-auth=none", credentials=ours.client())
    anonymous = client_context(ours, certificate=False)
    assert probe(http1.metrics_port(daemon), anonymous).startswith(b"HTTP/1.1 200 ")
    assert probe(daemon.port, anonymous) == b""


@pytest.mark.parametrize("tls", [False, True])
def test_certificates_cannot_be_required_without_mtls(tmp_path, ours, tls):
    options = ours.server() if tls else []
    text = refuses_to_start(Daemon(tmp_path, *options, "--metrics-client-auth=require"), code=2)
    assert "option metrics-client-auth" in text and "mtls" in text


def test_the_metrics_port_follows_replaced_files(launch, tmp_path, ours, theirs):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def install(authority):
        for source, target in ((authority.certificate, certificate), (authority.key, key)):
            shutil.copy(source, tmp_path / "new")
            os.replace(tmp_path / "new", target)

    install(ours)
    daemon = launch("--certificate", str(certificate), "--pkey", str(key),
                    credentials=ours.anonymous())
    port = http1.metrics_port(daemon)
    assert probe(port, client_context(ours)).startswith(b"HTTP/1.1 200 ")
    install(theirs)
    end = time.monotonic() + 30
    while not probe(port, client_context(theirs)):
        assert time.monotonic() < end, "the new certificate is not served"
    assert probe(port, client_context(ours)) == b""


def test_half_handshakes_delay_no_probe(launch, ours):
    daemon = launch(*ours.server(), credentials=ours.anonymous())
    port = http1.metrics_port(daemon)
    with connections(port, 100, b"\x16\x03\x01\x02\x00\x01"):
        for _ in range(5):
            assert probe(port, client_context(ours)).startswith(b"HTTP/1.1 200 ")
