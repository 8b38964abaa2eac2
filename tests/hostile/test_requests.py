# SPDX-License-Identifier: Apache-2.0
"""Every RPC with requests that no client of ours would send, with and without a token."""
import itertools
import math
import random

import pytest
from google.protobuf.descriptor import FieldDescriptor as Field

from harness import attacks, http2
from harness.daemon import Daemon
from harness.good_client import GoodClient
from harness.stubs import METHODS
from harness.watch import Watch, memory_within
from harness.world import SERVICE, World

INTERNAL, UNKNOWN = 13, 2
OPEN = {"Health", "Login"}
# INTERNAL without a token: a rule of the contract. Another is UNKNOWN "proto: ..." for values that
# are not structured.
OWN_CODE = {"Logout"}
LARGE = 200_000

ABSURD = {
    Field.CPPTYPE_UINT64: [0, 1, 1 << 32, 1 << 63, (1 << 64) - 1],
    Field.CPPTYPE_UINT32: [0, 3, 255, (1 << 32) - 1],
    Field.CPPTYPE_INT64: [-(1 << 63), (1 << 63) - 1],
    Field.CPPTYPE_DOUBLE: [math.nan, math.inf, -math.inf, 1e308, -0.0, 5e-324],
    Field.CPPTYPE_BOOL: [True],
    Field.CPPTYPE_ENUM: [0, 1, 77],
}
BYTES = [b"", b"k", b"\0", b"\xff" * 8, b"k" * 65_001, b"k" * LARGE]
TEXT = ["", "x", "\0", "../../etc", "é" * 40, "x" * LARGE]
AT_MOST = 10  # requests of one RPC and one token


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("small"), address_space=1536 << 20,
                descriptors=1024) as running:
        yield World(running).fill(keys=100, megabytes=1)


def choices(field):
    if field.cpp_type == Field.CPPTYPE_MESSAGE:
        made = list(requests(field.message_type))
        return made[:1] + made[-3:]
    if field.cpp_type == Field.CPPTYPE_STRING:
        return BYTES if field.type == Field.TYPE_BYTES else TEXT
    return ABSURD[field.cpp_type]


def requests(message):
    """Each field with each absurd value, the others with the first that is not empty."""
    make = message._concrete_class
    yield make()
    options = {field: choices(field) for field in message.fields}
    for field, values in options.items():
        for value in values:
            request = make()
            for other, others in options.items():
                put(request, other, value if other is field else others[min(1, len(others) - 1)])
            yield request


def put(request, field, value):
    if field.label == Field.LABEL_REPEATED:
        getattr(request, field.name).extend([value] * 3)
    elif field.cpp_type == Field.CPPTYPE_MESSAGE:
        getattr(request, field.name).CopyFrom(value)
    else:
        setattr(request, field.name, value)


@pytest.fixture(scope="module")
def tokens(world):
    """No token, and those of a user and of the system administrator."""
    with world.daemon.login(database="defaultdb") as admin:
        return [None, world.token, admin.token]


def judge(name, answer, token):
    """A refusal has a code and says why; only a bug is INTERNAL or UNKNOWN."""
    assert answer.code is not None, (name, answer.headers, answer.reset)
    if name not in OWN_CODE and not answer.text.startswith("proto: "):
        assert answer.code not in (INTERNAL, UNKNOWN), (name, answer.code, answer.text)
    if token is None and name not in OPEN | OWN_CODE:
        assert answer.code != 0, name
    if answer.code:
        assert answer.text, f"{name}: a refusal must say why"


@pytest.mark.parametrize("name", sorted(METHODS))
def test_absurd_values(world, tokens, name):
    with http2.Connection(world.port) as connection:
        for token in tokens[:1] if name in ("Login", "Logout") else tokens:
            asked = requests(METHODS[name].input_type)
            for request in itertools.islice(asked, 3 if token is None else AT_MOST):
                judge(name, connection.call(SERVICE + name, request.SerializeToString(), token),
                      token)
    assert world.daemon.alive()


def test_what_is_no_message(world):
    """Random bytes, truncated messages, groups in groups, megabytes of unknown fields."""
    rng = random.Random(14)
    bodies = [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x0b" * 100_000, b"\x80" * 11,
              rng.randbytes(500), b"\xfa\x7f" + b"\x80\x80\x40" + bytes(1 << 20)]
    asked = [(name, body) for name in METHODS if name != "Login" for body in bodies]
    with Watch(world.daemon) as watch, GoodClient(world.daemon):
        with http2.Connection(world.port) as connection:
            for name, body in asked:
                assert connection.call(SERVICE + name, body, world.token).code is not None, name
        for name, body in asked:  # a stranger's connection is closed for a megabyte
            with http2.Connection(world.port) as connection:
                try:
                    assert connection.call(SERVICE + name, body).code is not None, name
                except http2.Closed:
                    assert len(body) > 1 << 18, name
    assert memory_within(watch.peak["VmHWM"], 400)


@pytest.mark.parametrize("how", [
    {"content_type": "text/plain"}, {"content_type": ""}, {"content_type": "application/grpc+json"},
    {"extra": [("grpc-timeout", "99999999999H")]}, {"extra": [("grpc-timeout", "-1S")]},
    {"extra": [("grpc-timeout", "0n")]}, {"extra": [("grpc-encoding", "snappy")]},
    {"extra": [("authorization", "Bearer")]}, {"extra": [("authorization", b"\xff\xfe")]},
    {"extra": [("te", "gzip")]}, {"extra": [(":path", "/twice")]}, {"extra": [("UPPER", "x")]},
    {"extra": [("immudb-uuid-bin", "not base64 !")]}], ids=str)
def test_odd_headers(world, how):
    """Some end the stream, some the connection; the daemon goes on."""
    with http2.Connection(world.port) as connection:
        try:
            answer = connection.call(attacks.HEALTH, **how)
            assert answer.ended
        except http2.Closed:
            pass
    with http2.Connection(world.port) as connection:
        assert connection.call(attacks.HEALTH).code == 0


def test_several_messages_in_a_call(world):
    """A unary call takes one."""
    with http2.Connection(world.port) as connection:
        stream = connection.request(attacks.HEALTH, http2.message() * 1000)
        assert connection.finish(stream).ended
        assert connection.call(attacks.HEALTH).code == 0


def test_the_client_leaves_in_the_middle(world):
    """Calls of every kind whose connection is cut before the answer."""
    with GoodClient(world.daemon):
        for name in METHODS:
            if name == "Login":
                continue
            for _ in range(3):
                connection = http2.Connection(world.port)
                body = METHODS[name].input_type._concrete_class().SerializeToString()
                connection.request(SERVICE + name, http2.message(body), world.token)
                connection.close()
