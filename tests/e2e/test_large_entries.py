# SPDX-License-Identifier: Apache-2.0
"""What was accepted can be read by every call, whatever the limit of a message is."""
import grpc
import pytest

from harness.client import refused
from harness.stubs import schema

MIB = 1 << 20
LIMIT = 32 * MIB


def limited(daemon, most):
    """A client that takes no larger messages than `most`."""
    return daemon.login(options=[("grpc.max_receive_message_length", most)])


def read_everything(client, key, index):
    """By each call that carries the entry."""
    for item in (client.Get(key=key), client.ByIndex(index=index), client.safe_get(key).item,
                 client.safe_by_index(index).item, client.History(key=key).items[0],
                 client.Scan(prefix=key).items[0], client.GetBatch(keys=[schema.Key(key=key)]).items[0],
                 client.IScan(pageSize=1, pageNumber=index + 1).items[0]):
        assert (item.key, item.index) == (key, index)
    records = [record for chunk in client.Dump() for record in chunk.kv]
    assert any(record.key == key for record in records)


def test_a_value_near_the_limit_is_refused_or_readable(launch):
    daemon = launch()
    with limited(daemon, LIMIT) as client:
        client.safe_set(b"first", b"value")
        accepted = []
        for missing in (32, 100, 5_000, 9_000):
            key = b"k%d" % missing
            try:
                accepted.append((key, client.Set(key=key, value=b"v" * (LIMIT - missing)).index))
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
                assert "--max-message-size" in error.details()
                assert client.CurrentRoot().index == len(accepted)
        assert [key for key, _ in accepted] == [b"k9000"]
        for key, index in accepted:
            read_everything(client, key, index)


def test_a_smaller_limit_hides_nothing_else(launch):
    daemon = launch("--max-message-size=64MiB")
    with limited(daemon, -1) as client:
        client.Set(key=b"a", value=b"1")
        client.Set(key=b"b", value=b"v" * (40 * MIB))
        client.Set(key=b"c", value=b"3")
        read_everything(client, b"b", 1)
    daemon.stop()
    daemon.options.remove("--max-message-size=64MiB")
    daemon.start()
    with limited(daemon, -1) as client:
        for call in (lambda: client.Get(key=b"b"), lambda: client.safe_get(b"b"),
                     lambda: client.Scan(offset=b"a"), client.Dump):
            with refused("ResourceExhausted", contains='entry 1 with key "b"') as caught:
                call()
            assert "--max-message-size" in caught.value.details()
        assert [item.key for item in client.Scan(offset=b"b").items] == [b"c"]
        assert client.IScan(pageSize=1, pageNumber=3).items[0].key == b"c"


@pytest.mark.parametrize("path", ["/immudb.operations.Operations/ListVersions"])
def test_pages_of_a_history_need_the_right_to_read(daemon, path):
    with daemon.client() as stranger, refused("Unauthenticated"):
        stranger.raw(path, b"\x0a\x01k")
