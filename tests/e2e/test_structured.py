# SPDX-License-Identifier: Apache-2.0
"""The SV calls: values with a time stamp, serialised by the server."""
import grpc
import pytest

from harness import verifier
from harness.client import refused
from harness.stubs import schema

NOT_STRUCTURED = b"\xff\xff\xff"  # no protobuf message


def content(timestamp=1598659200, payload=b"hello"):
    return schema.Content(timestamp=timestamp, payload=payload)


@pytest.mark.parametrize("timestamp,payload", [
    (0, b""), (1, b""), (0, b"a"), (127, b"x"), (128, b"x"), (2**64 - 1, b"max"),
    (1598659200, b"p" * 128), (300, bytes(range(256)))])
def test_value_is_hashed_as_its_plain_serialisation(admin, key, timestamp, payload):
    value = content(timestamp, payload)
    index = admin.SetSV(key=key, value=value).index
    raw = admin.Get(key=key)
    assert raw.value == value.SerializeToString()
    assert admin.Inclusion(index=index).leaf == verifier.leaf_digest(index, key, raw.value)
    assert admin.GetSV(key=key) == schema.StructuredItem(key=key, value=value, index=index)
    assert admin.ByIndexSV(index=index) == admin.GetSV(key=key)


def test_every_structured_read(fresh):
    for i in range(5):
        fresh.SetSV(key=b"k%d" % i, value=content(i, b"p%d" % i))
    fresh.SetSV(key=b"k0", value=content(9, b"new"))
    assert fresh.SetBatchSV(SKVs=[
        schema.StructuredKeyValue(key=b"k5", value=content(5, b"p5")),
        schema.StructuredKeyValue(key=b"k6", value=content(6, b"p6"))]).index == 7
    for i in range(7):
        fresh.ZAdd(set=b"set", score=i, key=b"k%d" % i)
    newest = [(b"k0", 9, b"new", 5)] + [(b"k%d" % i, i, b"p%d" % i, i) for i in range(1, 5)] + [
        (b"k5", 5, b"p5", 6), (b"k6", 6, b"p6", 7)]

    def rows(answer):
        return [(i.key, i.value.timestamp, i.value.payload, i.index) for i in answer.items]

    assert rows(fresh.ScanSV(prefix=b"k")) == newest
    assert rows(fresh.ScanSV(prefix=b"k", reverse=True, limit=2)) == newest[:-3:-1]
    assert rows(fresh.ZScanSV(set=b"set")) == newest
    assert rows(fresh.GetBatchSV(keys=[schema.Key(key=b"k6"), schema.Key(key=b"none"),
                                       schema.Key(key=b"k0")])) == [newest[6], newest[0]]
    assert rows(fresh.HistorySV(key=b"k0")) == [newest[0], (b"k0", 0, b"p0", 0)]


def test_safe_structured_calls_prove(admin, key):
    proof = admin.safe_set_sv(key, 1598659200, b"hello")
    answer = admin.SafeGetSV(key=key, rootIndex=admin.root_index())
    assert (answer.item.key, answer.item.value) == (key, content())
    verifier.verify_proof(answer.proof, key, content().SerializeToString(), admin.trust)
    assert answer.proof.index == answer.item.index == proof.index


def test_a_value_that_is_none_fails_the_call(admin, key):
    admin.SetSV(key=key + b"1", value=content())
    index = admin.Set(key=key + b"2", value=NOT_STRUCTURED).index
    admin.ZAdd(set=key + b"set", score=1, key=key + b"2")
    for call in (lambda: admin.GetSV(key=key + b"2"),
                 lambda: admin.SafeGetSV(key=key + b"2"),
                 lambda: admin.ByIndexSV(index=index),
                 lambda: admin.ScanSV(prefix=key),
                 lambda: admin.ZScanSV(set=key + b"set"),
                 lambda: admin.HistorySV(key=key + b"2"),
                 lambda: admin.GetBatchSV(keys=[schema.Key(key=key + b"1"),
                                                schema.Key(key=key + b"2")])):
        with refused("Unknown", contains="proto: "):
            call()
    with refused("FailedPrecondition", "unexpected not structured value encountered"):
        admin.IScanSV(pageSize=1, pageNumber=index + 1)
    assert admin.ScanSV(prefix=key + b"1").items[0].value == content()


def test_a_raw_value_that_happens_to_parse(admin, key):
    admin.Set(key=key, value=b"")
    assert admin.GetSV(key=key).value == schema.Content()
    admin.Set(key=key, value=content().SerializeToString() + b"\x1a\x03new")  # an unknown field
    assert admin.GetSV(key=key).value.payload == b"hello"


def test_the_client_gives_the_time_not_the_server(admin, key):
    admin.SetSV(key=key, value=schema.Content(payload=b"p"))
    assert admin.GetSV(key=key).value.timestamp == 0


def test_structured_write_with_unknown_content_fields(daemon, admin, key):
    """What is hashed must be what any reader recomputes from the answer."""
    value = content().SerializeToString() + b"\x1a\x03new"
    request = b"\x0a" + bytes([len(key)]) + key + b"\x12" + bytes([len(value)]) + value
    index = schema.Index.FromString(
        admin.raw("/immudb.schema.ImmuService/SetSV", request)).index
    stored = admin.Get(key=key).value
    assert stored in (value, content().SerializeToString())
    assert admin.Inclusion(index=index).leaf == verifier.leaf_digest(index, key, stored)


def test_no_partial_answer(admin, key):
    """Nothing of a listing that fails may look like an answer."""
    admin.Set(key=key + b"a", value=content().SerializeToString())
    admin.Set(key=key + b"b", value=NOT_STRUCTURED)
    with pytest.raises(grpc.RpcError) as caught:
        admin.ScanSV(prefix=key, deadline=5)
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
