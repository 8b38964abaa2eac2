# SPDX-License-Identifier: Apache-2.0
"""References and sorted sets."""
import itertools
import math
import random
import struct

import pytest

from harness.client import refused
from harness.stubs import schema
from harness.verifier import leaf_digest, set_member_key

from test_scans import names
from test_writes import RESERVED


def test_a_reference_is_followed_one_level(admin, key):
    target, middle, outer = key + b"target", key + b"middle", key + b"outer"
    admin.Set(key=target, value=b"old")
    admin.Reference(reference=middle, key=target)
    index = admin.Set(key=target, value=b"new").index
    for item in (admin.Get(key=middle), admin.safe_get(middle).item,
                 admin.GetBatch(keys=[schema.Key(key=middle)]).items[0]):
        assert (item.key, item.value, item.index) == (target, b"new", index)
    admin.Reference(reference=outer, key=middle)
    item = admin.Get(key=outer)
    assert (item.key, item.value) == (middle, target)
    assert admin.safe_get(outer).item == item


def test_what_a_reference_hashes(admin, key):
    admin.Set(key=key, value=b"v")
    index = admin.Reference(reference=key + b"ref", key=key).index
    item = admin.ByIndex(index=index)
    assert (item.key, item.value) == (key + b"ref", key)
    assert admin.Inclusion(index=index).leaf == leaf_digest(index, key + b"ref", key)
    assert admin.safe_by_index(index).item == item
    history = admin.History(key=key + b"ref").items
    assert [(i.value, i.index) for i in history] == [(key, index)]


def test_a_reference_to_itself(admin, key):
    admin.Set(key=key, value=b"v")
    admin.Reference(reference=key, key=key)
    item = admin.Get(key=key)
    assert (item.key, item.value) == (key, key)
    assert admin.safe_get(key).item == item


def test_reference_rules(admin, key):
    admin.Set(key=key, value=b"v")
    for missing in (admin.Reference, admin.ZAdd):
        fields = {"reference": b"r"} if missing is admin.Reference else {"set": b"s"}
        with refused("NotFound", "Key not found"):
            missing(key=key + b"missing", **fields)
    for fields in ({"reference": b"", "key": key}, {"reference": b"r", "key": b""}):
        with refused("InvalidArgument", "Key cannot be empty"):
            admin.Reference(**fields)
    with refused("InvalidArgument", "invalid key"):
        admin.Reference(reference=b"r", key=b"\x00x")
    with refused("InvalidArgument", "invalid reference"):
        admin.Reference(reference=b"\x00x", key=key)


@pytest.mark.parametrize("name", RESERVED)
def test_safe_calls_and_sets_name_what_is_wrong(admin, key, name):
    admin.Set(key=key, value=b"v")
    for reference, target in ((name, key), (b"r", name)):
        if target.startswith(b"!badger!"):
            continue  # as a read, it is just not found
        with refused("InvalidArgument", "invalid key"):
            admin.SafeReference(ro=schema.ReferenceOptions(reference=reference, key=target))
    if not name.startswith(b"!badger!"):
        with refused("InvalidArgument", "invalid key"):
            admin.ZAdd(set=b"s", score=1, key=name)
        with refused("InvalidArgument", "invalid key"):
            admin.SafeZAdd(zopts=schema.ZAddOptions(set=b"s", score=1, key=name))
        with refused("InvalidArgument", "invalid set"):
            admin.ZAdd(set=name, score=1, key=key)
        with refused("InvalidArgument", "invalid set"):
            admin.SafeZAdd(zopts=schema.ZAddOptions(set=name, score=1, key=key))
        for call in (admin.ZScan, admin.ZScanSV):
            with refused("InvalidArgument", "invalid set"):
                call(set=name)


def test_safe_calls_prove_their_entry(admin, key):
    admin.Set(key=key, value=b"v")
    proof = admin.safe_reference(key + b"ref", key)
    assert admin.safe_by_index(proof.index).item.key == key + b"ref"
    proof = admin.safe_zadd(key + b"set", 2.5, key)
    assert admin.safe_by_index(proof.index).item.key == set_member_key(key + b"set", 2.5, key)
    for call, fields in ((admin.SafeReference, {"ro": schema.ReferenceOptions(
            reference=b"r", key=key + b"none")}),
                         (admin.SafeZAdd, {"zopts": schema.ZAddOptions(
                             set=b"s", score=1, key=key + b"none")})):
        with refused("NotFound", "Key not found"):
            call(**fields)


SCORES = [-math.inf, -1e300, -2.0, -1.0, -0.5, -5e-324, 0.0, 5e-324, 0.1, 0.5, 1.0, 2.0, 2.5,
          9007199254740993.0, 1e300, 1.7976931348623157e308, math.inf]


def test_members_are_listed_by_score_as_a_number(admin, key):
    shuffled = list(SCORES)
    random.Random(3).shuffle(shuffled)
    for score in shuffled:
        admin.Set(key=key + repr(score).encode(), value=struct.pack(">d", score))
        admin.ZAdd(set=key, score=score, key=key + repr(score).encode())
    wanted = [key + repr(score).encode() for score in SCORES]
    answer = admin.ZScan(set=key)
    assert names(answer) == wanted
    assert [item.value for item in answer.items] == [struct.pack(">d", s) for s in SCORES]
    assert names(admin.ZScan(set=key, reverse=True)) == wanted[::-1]
    assert names(admin.ZScan(set=key, limit=3)) == wanted[:3]
    assert names(admin.ZScan(set=key, limit=3, reverse=True)) == wanted[:-4:-1]


def test_ties_are_by_key_and_both_zeros_are_members(admin, key):
    for name in (b"b", b"a", b"c"):
        admin.Set(key=key + name, value=b"v")
        admin.ZAdd(set=key, score=1, key=key + name)
    admin.ZAdd(set=key, score=0.0, key=key + b"b")
    admin.ZAdd(set=key, score=-0.0, key=key + b"a")
    admin.ZAdd(set=key, score=-0.0, key=key + b"b")
    found = [name[-1:] for name in names(admin.ZScan(set=key))]
    assert sorted(found[:3]) == [b"a", b"b", b"b"] and found[0] == b"a"
    assert found[3:] == [b"a", b"b", b"c"]
    assert names(admin.ZScan(set=key, reverse=True)) == names(admin.ZScan(set=key))[::-1]


def test_sets_do_not_mix(admin, key):
    admin.Set(key=key, value=b"v")
    admin.Set(key=key + b"s-plain", value=b"v")
    admin.Set(key=set_member_key(key + b"s", 1.0, key), value=b"looks like a member")
    admin.ZAdd(set=key + b"s", score=1, key=key + b"s-plain")
    admin.ZAdd(set=key + b"s2", score=1, key=key)
    admin.ZAdd(set=key + b"s\x00\x00\x00\x00\x00\x00\x00\x00", score=1, key=key)
    assert names(admin.ZScan(set=key + b"s")) == [key + b"s-plain"]
    assert names(admin.ZScan(set=key + b"s2")) == [key]
    assert names(admin.ZScan(set=key + b"unknown")) == []
    assert not admin.ZScanSV(set=key + b"unknown").items


def test_members_show_the_newest_value(admin, key):
    admin.Set(key=key, value=b"old")
    admin.ZAdd(set=key + b"set", score=1, key=key)
    index = admin.Set(key=key, value=b"new").index
    assert [(i.key, i.value, i.index) for i in admin.ZScan(set=key + b"set").items] == [
        (key, b"new", index)]


def test_another_score_is_another_member_the_same_is_not(admin, key):
    admin.Set(key=key, value=b"v")
    for score in (1, 2, 1):
        admin.ZAdd(set=key + b"set", score=score, key=key)
    assert names(admin.ZScan(set=key + b"set")) == [key, key]


@pytest.mark.parametrize("bits", [0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001])
def test_nan_is_refused(admin, key, bits):
    admin.Set(key=key, value=b"v")
    nan = struct.unpack(">d", struct.pack(">Q", bits))[0]
    with refused("InvalidArgument", "invalid score"):
        admin.ZAdd(set=key, score=nan, key=key)
    with refused("InvalidArgument", "invalid score"):
        admin.SafeZAdd(zopts=schema.ZAddOptions(set=key, score=nan, key=key))


@pytest.mark.parametrize("reverse", [False, True])
def test_paging_by_offset(admin, key, reverse):
    """The offset is the stored key of a member: set, score and key joined."""
    members = sorted(itertools.product([-1.5, 0.0, 3.0], [key + b"a", key + b"b"]))
    for score, name in members:
        admin.Set(key=name, value=b"v")
        admin.ZAdd(set=key, score=score, key=name)
    wanted = members[::-1] if reverse else members
    for i, (score, name) in enumerate(wanted):
        rest = admin.ZScan(set=key, offset=set_member_key(key, score, name), reverse=reverse)
        assert names(rest) == [member[1] for member in wanted[i + 1:]]
    with refused("InvalidArgument", "invalid offset"):
        admin.ZScan(set=key, offset=b"\x00x")
    with refused("InvalidArgument", "invalid offset"):
        admin.ZScan(set=key, offset=b"no member of it")


def test_a_sorted_set_entry_as_a_key(admin, key):
    """All kinds share one key space: the stored key of a member can be read like a reference."""
    admin.Set(key=key, value=b"v")
    admin.ZAdd(set=key + b"set", score=1.5, key=key)
    stored = set_member_key(key + b"set", 1.5, key)
    assert admin.Get(key=stored).key == key
    assert [i.value for i in admin.History(key=stored).items] == [key]
