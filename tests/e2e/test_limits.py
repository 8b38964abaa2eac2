# SPDX-License-Identifier: Apache-2.0
"""Sizes: keys, values, messages, listings."""
import grpc
import pytest

from harness.client import refused
from harness.stubs import schema

from test_writes import kvs

LIMIT = 65_000
MIB = 1 << 20


def refused_unread(client, key, size):
    """The transport refuses it before any handler, hence without the immudb-uuid header."""
    request = schema.KeyValue(key=key, value=b"x" * size).SerializeToString()
    with refused("ResourceExhausted"):
        client.raw("/immudb.schema.ImmuService/Set", request)


def test_longest_key(admin, key):
    longest = key + b"x" * (LIMIT - len(key))
    admin.Set(key=longest, value=b"v")
    assert admin.Get(key=longest).value == b"v"
    assert admin.safe_get(longest).item.key == longest
    admin.Reference(reference=longest[:-1] + b"r", key=longest)
    assert admin.Get(key=longest[:-1] + b"r").key == longest
    assert admin.Scan(prefix=longest).items[0].key == longest
    assert admin.Count(prefix=longest).count == 1


def test_keys_that_are_too_long(admin, key):
    admin.Set(key=key, value=b"v")
    for size in (LIMIT + 1, 70_000, 1_000_000):
        name = b"x" * size
        for call in (lambda: admin.Set(key=name, value=b"v"),
                     lambda: admin.SetBatch(KVs=kvs((b"a", b"v"), (name, b"v"))),
                     lambda: admin.SafeSet(kv=schema.KeyValue(key=name, value=b"v")),
                     lambda: admin.Reference(reference=name, key=key),
                     lambda: admin.ZAdd(set=name, score=1, key=key)):
            with refused("InvalidArgument", contains="65000") as caught:
                call()
            assert len(caught.value.details()) < 500
        for call in (admin.Get, admin.SafeGet):
            with refused("NotFound", "Key not found"):
                call(key=name)
        assert not admin.History(key=name).items
        assert not admin.Scan(prefix=name).items


def test_a_set_member_counts_as_one_key(admin, key):
    longest = key + b"s" * (LIMIT - 8 - 2 * len(key))
    admin.Set(key=key, value=b"v")
    admin.ZAdd(set=longest, score=1, key=key)
    assert [item.key for item in admin.ZScan(set=longest).items] == [key]
    with refused("InvalidArgument", contains="65000"):
        admin.ZAdd(set=longest + b"s", score=1, key=key)


def test_large_values(admin, key):
    for size in (MIB, 8 * MIB, 30 * MIB):
        value = bytes([size % 251]) * size
        admin.safe_set(key, value)
        assert admin.safe_get(key).item.value == value


def test_a_message_over_the_limit(daemon, admin, key):
    refused_unread(admin, key, 33 * MIB)
    with refused("NotFound", "Key not found"):
        admin.Get(key=key)
    assert daemon.alive()


def test_the_limit_can_be_chosen(launch):
    daemon = launch("--auth=false", "--max-message-size", "1MiB")
    with daemon.client() as client:
        client.Set(key=b"k", value=b"x" * (MIB - 10_000))
        with refused("ResourceExhausted", contains="--max-message-size"):
            client.Set(key=b"k", value=b"x" * (MIB - 1000))
        refused_unread(client, b"k", MIB + 1000)
        # Four fit one by one, not together.
        for i in range(4):
            client.Set(key=b"list%d" % i, value=b"y" * (MIB // 2))
        for call, fields in ((client.Scan, {"prefix": b"list"}),
                             (client.IScan, {"pageSize": 9, "pageNumber": 1}),
                             (client.GetBatch, {"keys": [schema.Key(key=b"list%d" % i)
                                                         for i in range(4)]})):
            with refused("ResourceExhausted"):
                call(**fields)
        assert len(client.Scan(prefix=b"list", limit=1).items) == 1
        for i in range(4):
            client.Set(key=b"versions", value=b"%d" % i + b"y" * (MIB // 2))
        with refused("ResourceExhausted"):
            client.History(key=b"versions")


def test_default_limit_of_a_listing(fresh):
    """limit 0 means 104,857 items, as clients of that time expect."""
    entry = [(b"%06d" % i, b"") for i in range(104_900)]
    fresh.SetBatch(KVs=kvs(*entry))
    items = fresh.Scan().items
    assert len(items) == 104_857
    assert (items[0].key, items[-1].key) == (b"000000", b"104856")
    assert fresh.Count().count == 104_900


@pytest.mark.parametrize("fields", [{}, {"prefix": b"x" * 100_000}, {"limit": 2**64 - 1},
                                    {"offset": b"x" * 100_000}, {"deep": True, "limit": 2**64 - 1}])
def test_strange_listings_do_no_harm(daemon, admin, key, fields):
    admin.Set(key=key, value=b"v")
    try:
        admin.Scan(reverse=True, **fields)
    except grpc.RpcError as error:
        assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT,
                                grpc.StatusCode.RESOURCE_EXHAUSTED), error
    assert daemon.alive()
