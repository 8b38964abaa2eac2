# SPDX-License-Identifier: Apache-2.0
"""TLS and mutual TLS, with certificates from tools/mtls/generate.sh."""
import os
import shutil
import socket
import ssl
import time
import warnings

import grpc
import pytest

from harness.authority import Authority
from harness.daemon import Daemon, refuses_to_start

SWAP_DEADLINE = 90


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def theirs(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="module")
def mutual(tmp_path_factory, ours):
    with Daemon(tmp_path_factory.mktemp("mutual"), *ours.mutual(),
                credentials=ours.client()) as daemon:
        yield daemon


def answers(daemon, credentials):
    """Whether somebody with these credentials gets through to a handler."""
    channel = (grpc.secure_channel(daemon.target, credentials, [("grpc.enable_http_proxy", 0)])
               if credentials else grpc.insecure_channel(daemon.target))
    with channel:
        try:
            channel.unary_unary("/immudb.schema.ImmuService/Health")(b"", timeout=10)
            return True
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.UNAVAILABLE,
                                    grpc.StatusCode.DEADLINE_EXCEEDED), error
            return False


def test_mutual_tls_serves_clients_with_a_certificate(mutual):
    assert "MTLS enabled    : true" in mutual.out.text()
    with mutual.login() as client:
        client.safe_set(b"k", b"v")
        assert client.safe_get(b"k").item.value == b"v"
        large = b"x" * (8 << 20)
        client.safe_set(b"large", large)
        assert client.safe_get(b"large").item.value == large


def test_mutual_tls_refuses_everybody_else(mutual, ours, theirs):
    stranger = grpc.ssl_channel_credentials(ours.chain.read_bytes(),
                                            theirs.client_key.read_bytes(),
                                            theirs.client_certificate.read_bytes())
    assert not answers(mutual, None)
    assert not answers(mutual, ours.anonymous())
    assert not answers(mutual, stranger)
    assert answers(mutual, ours.client())


def test_a_client_refuses_a_server_of_another_authority(mutual, ours, theirs):
    wrong = grpc.ssl_channel_credentials(theirs.chain.read_bytes(), ours.client_key.read_bytes(),
                                         ours.client_certificate.read_bytes())
    assert not answers(mutual, wrong)


def test_tls_without_client_certificates(launch, ours, theirs):
    daemon = launch(*ours.server(), credentials=ours.anonymous())
    with daemon.login() as client:
        client.safe_set(b"k", b"v")
    assert not answers(daemon, None)
    assert not answers(daemon, theirs.anonymous())


def test_old_protocol_versions_are_refused(mutual, ours):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ours.chain)
    context.load_cert_chain(ours.client_certificate, ours.client_key)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", mutual.port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secured:
            assert secured.version() in ("TLSv1.2", "TLSv1.3")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", mutual.port), 10) as plain:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain, server_hostname="localhost")


def test_rubbish_on_the_port_does_no_harm(mutual):
    for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b""):
        with socket.create_connection(("127.0.0.1", mutual.port), 10) as plain:
            try:
                plain.sendall(rubbish)
            except ConnectionError:
                pass
    with mutual.login() as client:
        client.Health()


@pytest.mark.parametrize("broken", ["missing", "rubbish", "swapped", "empty"])
def test_files_that_are_wrong_are_named(tmp_path, ours, theirs, broken):
    file = tmp_path / "server.pem"
    options = ours.mutual()
    place = options.index("--certificate") + 1
    if broken == "rubbish":
        file.write_text("no certificate")
    elif broken == "empty":
        file.write_text("")
    elif broken == "swapped":
        shutil.copy(theirs.certificate, file)  # does not belong to our key
    options[place] = str(file)
    text = refuses_to_start(Daemon(tmp_path / "d", *options))
    assert str(file) in text or "certificate" in text


def test_replaced_files_are_served_without_a_restart(launch, tmp_path, ours, theirs):
    """Certificates are renewed while the service runs."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"

    def install(authority):
        for source, target in ((authority.certificate, certificate), (authority.key, key)):
            shutil.copy(source, tmp_path / "new")
            os.replace(tmp_path / "new", target)

    install(ours)
    daemon = launch("--certificate", str(certificate), "--pkey", str(key),
                    credentials=ours.anonymous())
    client = daemon.login()
    client.safe_set(b"k", b"v")
    install(theirs)
    end = time.monotonic() + SWAP_DEADLINE
    while not answers(daemon, theirs.anonymous()):
        assert time.monotonic() < end, "the new certificate is not served"
    assert client.safe_get(b"k").item.value == b"v"  # who is connected stays connected
