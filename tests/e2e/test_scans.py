# SPDX-License-Identifier: Apache-2.0
"""Scan and IScan: order, selection, paging."""
import random

import pytest

from harness.client import refused
from harness.stubs import schema

from test_writes import kvs


def names(answer):
    return [item.key for item in answer.items]


@pytest.fixture(scope="module")
def listed(daemon):
    """A prefix under which keys of all shapes stand, with the sorted keys."""
    prefix = b"scan:"
    tails = [b"", b"\x00", b"\x01", b"a", b"a\x00", b"aa", b"ab", b"b", b"z", b"\x7f", b"\x80",
             b"\xfe", b"\xff", b"\xff\x00", b"\xff\xff", b"\xff\xff\xff\x01"]
    keys = [prefix + tail for tail in tails]
    shuffled = keys * 2
    random.Random(7).shuffle(shuffled)
    with daemon.login() as client:
        for i, key in enumerate(shuffled):
            client.Set(key=key, value=b"%d" % i)
        for around in (b"scan", b"scan9", b"scan;", b"scam:"):
            client.Set(key=around, value=b"x")
        yield client, prefix, sorted(keys)


def test_in_byte_order_each_key_once(listed):
    client, prefix, keys = listed
    answer = client.Scan(prefix=prefix)
    assert names(answer) == keys
    for item in answer.items:
        assert item == client.Get(key=item.key)


def test_reverse_is_the_exact_opposite(listed):
    client, prefix, keys = listed
    assert names(client.Scan(prefix=prefix, reverse=True)) == keys[::-1]
    tail = prefix + b"\xff"
    assert names(client.Scan(prefix=tail, reverse=True)) == [
        key for key in keys[::-1] if key.startswith(tail)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5, 16, 17, 2**63, 2**64 - 1])
def test_limit(listed, limit, reverse):
    client, prefix, keys = listed
    wanted = keys[::-1] if reverse else keys
    assert names(client.Scan(prefix=prefix, limit=limit, reverse=reverse)) == wanted[:limit]


@pytest.mark.parametrize("reverse", [False, True])
def test_paging_by_offset_sees_each_key_once(listed, reverse):
    client, prefix, keys = listed
    seen, offset = [], b""
    while True:
        page = names(client.Scan(prefix=prefix, offset=offset, limit=3, reverse=reverse))
        if not page:
            break
        seen += page
        offset = page[-1]
    assert seen == (keys[::-1] if reverse else keys)


def test_offset_that_is_no_key(listed):
    client, prefix, keys = listed
    middle = prefix + b"aaa"
    assert names(client.Scan(prefix=prefix, offset=middle)) == [k for k in keys if k > middle]
    assert names(client.Scan(prefix=prefix, offset=middle, reverse=True)) == [
        k for k in keys[::-1] if k < middle]


def test_offset_outside_of_the_prefix(listed):
    client, prefix, keys = listed
    assert names(client.Scan(prefix=prefix, offset=b"a")) == keys
    assert names(client.Scan(prefix=prefix, offset=b"z")) == []
    assert names(client.Scan(prefix=prefix, offset=b"z", reverse=True)) == keys[::-1]
    assert names(client.Scan(prefix=prefix, offset=b"a", reverse=True)) == []


def test_nothing_found(admin, key):
    assert not admin.Scan(prefix=key).items
    assert not admin.ScanSV(prefix=key).items


@pytest.mark.parametrize("name", [b"\x00", b"\x00x", b"IMMUDB.METADATA.LAST_FLUSHED_LEAF"])
def test_reserved(admin, name):
    for call in (admin.Scan, admin.ScanSV):
        with refused("InvalidArgument", "invalid key prefix"):
            call(prefix=name)
        with refused("InvalidArgument", "invalid offset"):
            call(prefix=b"a", offset=name)


def test_internal_records_never_appear(fresh):
    assert not fresh.Scan().items
    fresh.SetBatch(KVs=kvs(*((b"%03d" % i, b"v") for i in range(300))))
    fresh.Reference(reference=b"ref", key=b"000")
    fresh.ZAdd(set=b"set", score=1, key=b"000")
    wanted = [b"%03d" % i for i in range(300)]
    assert names(fresh.Scan()) == wanted
    assert names(fresh.Scan(reverse=True)) == wanted[::-1]
    assert names(fresh.Scan(prefix=b"IMMUDB")) == []
    deep = fresh.Scan(deep=True)
    assert set(names(deep)) == set(wanted) and all(item.key for item in deep.items)


def test_references_are_skipped_unless_deep(admin, key):
    target = key + b"target"
    admin.Set(key=target, value=b"t")
    admin.Set(key=key + b"a", value=b"a")
    admin.Reference(reference=key + b"b", key=target)
    admin.Set(key=key + b"c", value=b"c")
    assert names(admin.Scan(prefix=key)) == [key + b"a", key + b"c", target]
    assert names(admin.Scan(prefix=key, limit=2)) == [key + b"a", key + b"c"]
    deep = admin.Scan(prefix=key, deep=True)
    assert names(deep) == [key + b"a", target, key + b"c", target]
    assert deep.items[1] == admin.Get(key=target)
    assert names(admin.Scan(prefix=key, deep=True, reverse=True)) == [
        target, key + b"c", target, key + b"a"]
    assert names(admin.Scan(prefix=key, deep=True, limit=2)) == [key + b"a", target]


def test_scan_of_many(fresh):
    count = 3000
    order = list(range(count))
    random.Random(1).shuffle(order)
    fresh.SetBatch(KVs=kvs(*((b"%05d" % i, b"x" * 200) for i in order)))
    assert names(fresh.Scan()) == [b"%05d" % i for i in range(count)]
    assert names(fresh.Scan(prefix=b"029", reverse=True)) == [
        b"%05d" % i for i in range(2999, 2899, -1)]


def test_iscan_pages(fresh):
    for call in (fresh.IScan, fresh.IScanSV):
        with refused("NotFound", "index not found"):
            call(pageSize=10, pageNumber=1)
    fresh.SetBatch(KVs=kvs(*((b"k%d" % i, b"v") for i in range(25))))

    def page(size, number):
        answer = fresh.IScan(pageSize=size, pageNumber=number)
        return [item.index for item in answer.items], answer.more

    assert page(10, 1) == (list(range(10)), True)
    assert page(10, 0) == page(10, 1)
    assert page(10, 2) == (list(range(10, 20)), True)
    assert page(10, 3) == (list(range(20, 25)), False)
    assert page(25, 1) == (list(range(25)), False)
    assert page(5, 5) == (list(range(20, 25)), False)
    assert page(2**64 - 1, 1) == (list(range(25)), False)
    assert page(0, 1) == ([0], True)
    assert page(0, 7) == ([0], True)
    for size, number in ((10, 4), (25, 2), (2**63, 3), (2**64 - 1, 2), (1, 2**64 - 1)):
        with refused("NotFound", "index not found"):
            fresh.IScan(pageSize=size, pageNumber=number)


def test_iscan_shows_entries_as_hashed(fresh):
    fresh.Set(key=b"k", value=b"v")
    fresh.Reference(reference=b"ref", key=b"k")
    fresh.ZAdd(set=b"set", score=1.5, key=b"k")
    items = fresh.IScan(pageSize=10, pageNumber=1).items
    assert list(items) == [fresh.ByIndex(index=i) for i in range(3)]
    assert (items[1].key, items[1].value) == (b"ref", b"k")
    assert (items[2].key, items[2].value) == (b"set\x3f\xf8\0\0\0\0\0\0k", b"k")


def test_iscan_of_structured_values_fills_the_page(fresh):
    content = schema.Content(timestamp=5, payload=b"p")
    for i in range(7):
        fresh.SetSV(key=b"%d" % i, value=content)
    answer = fresh.IScanSV(pageSize=3, pageNumber=2)
    assert [item.index for item in answer.items] == [3, 4, 5]
    assert (answer.pageNum, answer.more) == (2, True)
    answer = fresh.IScanSV(pageSize=3, pageNumber=3)
    assert (answer.pageNum, answer.more, len(answer.items)) == (3, False, 1)
    assert fresh.IScanSV(pageSize=3, pageNumber=0).pageNum == 1
