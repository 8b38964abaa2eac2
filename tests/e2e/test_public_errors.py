# SPDX-License-Identifier: Apache-2.0
"""No error tells a client where the server's files lie, who owns them or what the system said."""
import os
import shutil

import grpc
import pytest

from harness.client import refused
from harness.daemon import Daemon
from harness.stubs import METHODS, schema

# Fields that make a call reach the files of the database that is selected.
FIELDS = {
    "Get": {"key": b"k1"}, "GetSV": {"key": b"k1"}, "SafeGet": {"key": b"k1"},
    "SafeGetSV": {"key": b"k1"}, "History": {"key": b"k1"}, "HistorySV": {"key": b"k1"},
    "ByIndex": {"index": 1}, "ByIndexSV": {"index": 1}, "BySafeIndex": {"index": 1},
    "Inclusion": {"index": 1}, "Consistency": {"index": 1},
    "GetBatch": {"keys": [schema.Key(key=b"k1")]}, "GetBatchSV": {"keys": [schema.Key(key=b"k1")]},
    "IScan": {"pageSize": 9, "pageNumber": 1}, "IScanSV": {"pageSize": 9, "pageNumber": 1},
    "ZScan": {"set": b"set"}, "ZScanSV": {"set": b"set"},
    "Set": {"key": b"n", "value": b"v"},
    "SetSV": {"key": b"n", "value": schema.Content(payload=b"v")},
    "SafeSet": {"kv": schema.KeyValue(key=b"n", value=b"v")},
    "SetBatch": {"KVs": [schema.KeyValue(key=b"n", value=b"v")]},
    "Reference": {"reference": b"r", "key": b"k1"}, "ZAdd": {"set": b"set", "score": 1, "key": b"k1"},
    "SafeReference": {"ro": schema.ReferenceOptions(reference=b"r", key=b"k1")},
    "SafeZAdd": {"zopts": schema.ZAddOptions(set=b"set", score=1, key=b"k1")},
    "UseDatabase": {"databasename": "other"}, "CreateDatabase": {"databasename": "made"},
}
# These end the session, or change what the others need.
LEFT_OUT = {"Logout", "Login", "ChangePassword", "ChangePermission", "SetActiveUser"}


def errors_of(client):
    """What each method is refused with, by its name."""
    errors = {}
    for name in sorted(set(METHODS) - LEFT_OUT):
        try:
            getattr(client, name)(**FIELDS.get(name, {}))
        except grpc.RpcError as error:
            errors[name] = error
    return errors


def expect_no_paths(daemon, errors):
    secrets = (str(daemon.folder), str(daemon.data), "/data", ".log", "systemdb", "user 0", "group",
               "mode 0", "/index", ".sst")
    for name, error in errors.items():
        for secret in secrets:
            assert secret not in error.details(), (name, error.details())


def fill(client):
    for i in range(3):
        client.safe_set(b"k%d" % i, bytes([i]) * 5000)
    client.ZAdd(set=b"set", score=1, key=b"k1")


def test_a_damaged_log(launch):
    daemon = launch("--consistency-check=false")
    with daemon.login() as client:
        fill(client)
        log = daemon.data / "defaultdb" / "log" / "00000000.log"
        damaged = log.read_bytes().replace(b"\x01" * 100, b"\x02" * 100)
        with open(log, "r+b") as file:
            file.write(damaged)
        errors = errors_of(client)
        assert {"Get", "SafeGet", "ByIndex", "History", "Scan", "IScan", "Dump"} <= set(errors)
        expect_no_paths(daemon, errors)
        assert errors["Get"].code() == grpc.StatusCode.DATA_LOSS
        assert "database defaultdb: stored data is damaged" in errors["Get"].details()
    daemon.stop()
    assert str(log) in daemon.log


def test_a_database_that_cannot_be_opened(launch):
    daemon = launch("--consistency-check=false")
    with daemon.login() as client:
        client.CreateDatabase(databasename="other")
        client.use("other")
        fill(client)
    daemon.stop()
    shutil.rmtree(daemon.data / "other" / "log")
    daemon.start()
    with daemon.login(database="other") as client:
        errors = errors_of(client)
        assert {"Get", "Set", "Scan", "Dump", "CurrentRoot"} <= set(errors)
        expect_no_paths(daemon, errors)
    daemon.stop()
    assert str(daemon.data / "other") in daemon.log


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(launch):
    daemon = launch()
    with daemon.login() as client:
        daemon.data.chmod(0o500)
        try:
            with refused("Internal") as caught:
                client.CreateDatabase(databasename="made")
        finally:
            daemon.data.chmod(0o700)
        expect_no_paths(daemon, {"CreateDatabase": caught.value})


def test_a_folder_that_is_gone(launch):
    """As root too: the system refuses to make a database in it."""
    daemon = launch("--consistency-check=false")
    moved = daemon.folder / "moved"
    with daemon.login() as client:
        fill(client)
        daemon.data.rename(moved)
        daemon.data.write_bytes(b"a file in its place")
        errors = errors_of(client)
        daemon.data.unlink()
        moved.rename(daemon.data)
        assert "CreateDatabase" in errors
        expect_no_paths(daemon, errors)


def test_a_configuration_file_that_cannot_be_read(launch, tmp_path):
    config = tmp_path / "immudb.toml"
    config.write_text("auth = true\n")
    daemon = launch("--config", str(config))
    with daemon.login() as client:
        config.write_text("auth = = true\n")
        errors = {}
        for name, fields in (("UpdateAuthConfig", {"kind": 0}),
                             ("UpdateMTLSConfig", {"enabled": True})):
            with pytest.raises(grpc.RpcError) as caught:
                getattr(client, name)(**fields)
            errors[name] = caught.value
        config.unlink()
        config.mkdir()
        with pytest.raises(grpc.RpcError) as caught:
            client.UpdateAuthConfig(kind=0)
        errors["of a folder"] = caught.value
    for name, error in errors.items():
        assert str(tmp_path) not in error.details(), (name, error.details())
    daemon.stop()
    assert str(config) in daemon.log


def test_operators_still_learn_where(tmp_path):
    """The tools that work on the files of this machine name them."""
    daemon = Daemon(tmp_path)
    with daemon:
        with daemon.login() as client:
            fill(client)
    (daemon.data / "defaultdb" / "CHECKPOINT").write_bytes(b"x")
    with daemon:
        pass
    assert str(daemon.data / "defaultdb" / "CHECKPOINT") in daemon.log
