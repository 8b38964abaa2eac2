# SPDX-License-Identifier: Apache-2.0
"""Bytes change under the running daemon: each change is reported within one pass, by name, and
nobody but the databases that it hit is the worse for it."""
import json
import os
import re
import struct
import subprocess
import time
from pathlib import Path

import grpc
import pytest

from harness.client import refused
from harness.daemon import binary
from harness.pages import base, get, values

TAMPERED = "the database should be checked manually as we detected possible tampering"
PASSWORD = "Str0ng!password"
KEY = b"invoice-17"
VALUE = b"paid 120.00 EUR, and that is final"
FAST = ("--consistency-check-rate=0", "--consistency-check-interval=1s")
DEADLINE = 60


def await_that(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.02)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x04]))


def place_in(folder, pattern, content):
    """The file, and where in it these bytes stand."""
    for path in sorted(folder.glob(pattern)):
        at = path.read_bytes().find(content)
        if at >= 0:
            return path, at
    raise AssertionError(f"{content} stands in no {pattern}")


def flip_value(folder, _index):
    path, at = place_in(folder, "log/*.log", VALUE)
    flip(path, at + 3)
    return path, range(at - 40, at + 1)


def flip_frame_header(folder, _index):
    path, at = place_in(folder, "log/*.log", VALUE)
    frame = path.read_bytes().rfind(b"RFM1", 0, at)
    flip(path, frame + 10)
    return path, range(frame, frame + 1)


def flip_leaf(folder, index):
    record = 2 * index - bin(index).count("1")
    flip(folder / "tree", record * 32 + 5)
    return folder / "tree", range(record * 32, record * 32 + 1)


def flip_index_value(folder, _index):
    path, at = place_in(folder, "index/*.sst", VALUE)
    flip(path, at + 3)
    return path, range(at + 1)


FLIPS = {"value": flip_value, "header": flip_frame_header, "leaf": flip_leaf,
         "index": flip_index_value}


class Admin:
    """immuadmin, logged in."""

    def __init__(self, daemon):
        self.home = daemon.folder / "admin"
        self.home.mkdir()
        self.port = daemon.port
        assert self.run("login", "immudb", stdin=PASSWORD + "\n").returncode == 0

    def run(self, *arguments, stdin=""):
        return subprocess.run(
            [str(Path(binary()).parent / "immuadmin"), "--immudb-port", str(self.port), *arguments],
            input=stdin, capture_output=True, text=True, timeout=60, cwd=self.home,
            env={"HOME": str(self.home), "PATH": os.environ["PATH"]})


@pytest.fixture
def damaged(launch):
    """A daemon under which a byte of each of four databases changes; a fifth one is left alone."""
    daemon = launch(*FAST, env={"IMMUDB_ADMIN_PASSWORD": PASSWORD})
    admin = daemon.login(password=PASSWORD)
    indices = {}
    for name in [*FLIPS, "sound"]:
        admin.CreateDatabase(databasename=name)
        admin.use(name)
        for number in range(100):
            admin.Set(key=b"key-%d" % number, value=b"value-%d" % number)
        indices[name] = admin.safe_set(KEY, VALUE).index
        admin.safe_set(b"last", b"entry")
    daemon.stop()  # so that the index is on disk too
    daemon.start()
    client = daemon.login(password=PASSWORD)
    for name in [*FLIPS, "sound"]:  # warm: what the daemon has in memory is still right
        client.use(name)
        client.safe_get(KEY)
    places = {name: change(daemon.data / name, indices[name]) for name, change in FLIPS.items()}
    return daemon, indices, places


def test_each_change_is_named_within_one_pass(damaged):
    daemon, indices, places = damaged
    begun = values(daemon)["immudb_integrity_check_passes_total"]
    passes = "immudb_integrity_check_passes_total"
    await_that(lambda: values(daemon)[passes] >= begun + 2, "a whole pass from now on")
    for name, (path, offsets) in places.items():
        text = f"database {name} is damaged: "
        # A thread of its own writes the log.
        await_that(lambda text=text: text in daemon.log, text)
        lines = [line for line in daemon.log.splitlines() if text in line]
        named = re.search(r"damaged: (\S+), offset (\d+), entry index (\d+), key \"(.*?)\": ",
                          lines[0])
        assert named, lines[0]
        assert named.group(1) == str(path)
        assert int(named.group(2)) in offsets, lines[0]
        assert int(named.group(3)) == indices[name]
        assert named.group(4) == KEY.decode()
    assert "database sound is damaged" not in daemon.log
    assert "database defaultdb is damaged" not in daemon.log
    assert VALUE.decode()[4:] not in daemon.log, "no values in the log"

    page = values(daemon)
    assert page["immudb_tampered_databases"] == 4
    assert page.get('immudb_database_tampered{database="sound"}', 0) == 0  # if it is open
    for name in FLIPS:
        assert page[f'immudb_database_tampered{{database="{name}"}}'] == 1
    assert page["immudb_integrity_check_damages_total"] >= 4
    assert page["immudb_integrity_check_read_errors_total"] == 0

    # The others serve on, and so does what is left open of these.
    with daemon.login(password=PASSWORD, database="sound") as client:
        client.safe_set(b"new", b"entry")
        client.safe_get(KEY)
        for name in FLIPS:
            client.use(name)
            with refused("DataLoss", TAMPERED):
                client.Set(key=b"k", value=b"v")
            client.CurrentRoot()
    status, health = get(base(daemon) + "/readyz?verbose")
    assert status == 200
    failed = {check["check"]: check.get("reason") for check in json.loads(health)["checks"]
              if check["status"] == "failed"}
    assert failed == {f"database {name}": TAMPERED for name in FLIPS}


def test_an_operator_sees_it_and_clears_it(damaged):
    daemon, _, places = damaged
    await_that(lambda: values(daemon)["immudb_tampered_databases"] == 4, "four are found")
    admin = Admin(daemon)
    shown = admin.run("status")
    assert shown.returncode == 3, shown.stdout + shown.stderr
    assert "OK - server is reachable and responding to queries" in shown.stdout
    for name, (path, _) in places.items():
        assert re.search(rf"TAMPERED: database {name}, found .*: {path}, offset \d+, entry index "
                         rf"\d+, key \"{KEY.decode()}\"", shown.stdout), shown.stdout
    assert re.search(r"^checker +ok +pass \d+", shown.stdout, re.M), shown.stdout
    as_json = json.loads(admin.run("status", "--output", "json").stdout)
    assert {entry["database"] for entry in as_json["tampered"]} == set(FLIPS)
    assert as_json["ready"] and as_json["checker"]["passes"] >= 1

    # Put right, the database may be served again; without that it is found again.
    flip(*place_of_flipped_value(daemon.data / "value"))
    cleared = admin.run("database", "clear-tamper", "value")
    assert cleared.returncode == 0, cleared.stderr
    with daemon.login(password=PASSWORD, database="value") as client:
        client.safe_set(b"again", b"served")
    begun = values(daemon)["immudb_integrity_check_passes_total"]
    await_that(lambda: values(daemon)["immudb_integrity_check_passes_total"] >= begun + 2, "a pass")
    assert values(daemon)["immudb_tampered_databases"] == 3
    assert admin.run("database", "clear-tamper", "value").returncode == 1
    assert admin.run("database", "clear-tamper", "leaf").returncode == 0
    await_that(lambda: values(daemon)["immudb_tampered_databases"] == 3, "it is found again")

    daemon.stop()
    daemon.start()
    with daemon.login(password=PASSWORD, database="leaf") as client:
        with refused("DataLoss", TAMPERED):
            client.Set(key=b"k", value=b"v")
    daemon.stop()
    trail = subprocess.run([binary(), "audit", "--dir", str(daemon.data)], capture_output=True,
                           text=True, timeout=60, check=True).stdout
    acts = [json.loads(line) for line in trail.splitlines()]
    assert {act["target"] for act in acts if act["act"] == "tampering detected"} == set(FLIPS)
    clears = [act for act in acts if act["act"] == "clear tamper"]
    assert [act["target"] for act in clears] == ["value", "leaf"]
    assert all(act["user"] == "immudb" and act["peer"] == "127.0.0.1" for act in clears)


def place_of_flipped_value(folder):
    changed = VALUE[:3] + bytes([VALUE[3] ^ 0x04]) + VALUE[4:]
    path, at = place_in(folder, "log/*.log", changed)
    return path, at + 3


def test_it_can_be_switched_off(launch):
    daemon = launch("--consistency-check=false")
    page = values(daemon)
    assert page["immudb_integrity_check_enabled"] == 0
    assert "immudb_integrity_check_passes_total" not in page
    _, health = get(base(daemon) + "/readyz?verbose")
    checker = [check for check in json.loads(health)["checks"] if check["check"] == "checker"]
    assert checker[0]["status"] == "ok" and "off" in checker[0]["reason"]


def test_writing_goes_on_beside_it(launch):
    daemon = launch(*FAST)
    with daemon.login() as client:
        end = time.monotonic() + 5
        number = 0
        while time.monotonic() < end or values(daemon)["immudb_integrity_check_passes_total"] < 2:
            client.safe_set(b"key-%d" % number, struct.pack("<Q", number) * 20)
            number += 1
        page = values(daemon)
    assert page["immudb_integrity_check_damages_total"] == 0
    assert page["immudb_tampered_databases"] == 0


def test_what_opening_repairs_is_no_alarm(launch):
    daemon = launch()
    cut = ["CHECKPOINT", "index/CURRENT", "index/MANIFEST-*", "tree", "positions"]
    with daemon.login() as client:
        for number in range(len(cut)):
            client.CreateDatabase(databasename=f"db{number}")
            client.use(f"db{number}")
            client.safe_set(KEY, VALUE)
    daemon.stop()
    for number, pattern in enumerate(cut):
        (path,) = (daemon.data / f"db{number}").glob(pattern)
        os.truncate(path, 0)
    daemon.start(*FAST)
    with daemon.login() as client:
        for number in range(len(cut)):
            client.use(f"db{number}")
            client.safe_get(KEY)
        await_that(lambda: values(daemon)["immudb_integrity_check_passes_total"] >= 2, "two passes")
        assert values(daemon)["immudb_tampered_databases"] == 0, daemon.log
        for number in range(len(cut)):
            client.use(f"db{number}")
            client.safe_set(b"new", b"entry")
    log = daemon.log
    assert re.search(r"db0/CHECKPOINT was written again", log), log
    for number in (1, 2):
        assert re.search(rf"db{number}/index.*derived again from the log", log), log


def test_a_tree_that_is_cut_costs_its_database_only(launch):
    daemon = launch("--consistency-check=false")
    with daemon.login() as client:
        for name in ("cut", "sound"):
            client.CreateDatabase(databasename=name)
            client.use(name)
            for number in range(50):
                client.Set(key=b"key-%d" % number, value=VALUE * 20)
            client.safe_get(b"key-7")
        for part in ("tree", "positions"):
            os.truncate(daemon.data / "cut" / part, 0)
            client.use("cut")
            with refused("DataLoss"):
                client.SafeGet(key=b"key-7") if part == "tree" else client.Get(key=b"key-7")
            client.use("sound")
            client.safe_get(b"key-7")
            assert daemon.alive()
    daemon.stop()
    daemon.start()
    with daemon.login(database="cut") as client:
        client.safe_get(b"key-7")


def test_a_full_disk_refuses_writes_until_there_is_room(launch):
    daemon = launch()
    stat = os.statvfs(daemon.data)
    free = stat.f_bavail * stat.f_frsize
    margin = 1 << 30
    if free < 3 * margin:
        pytest.skip("the disk has too little room to be filled up")
    with daemon.login() as client:
        client.safe_set(b"before", b"value")
    daemon.stop()
    # Not really full: what is kept free is all but a gigabyte, and a file takes that away.
    daemon.start(f"--disk-reserve={free - margin}")
    filler = daemon.folder / "filler"
    with daemon.login() as client:
        client.safe_set(b"there is room", b"value")
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 * margin)
        with refused("ResourceExhausted", contains="database defaultdb: the disk is full") as full:
            client.Set(key=b"there is none", value=b"value")
        assert str(daemon.folder) not in full.value.details()
        await_that(lambda: str(daemon.data / "defaultdb") in daemon.log, "the folder in the log")
        client.safe_get(b"there is room")
        assert get(base(daemon) + "/readyz")[0] == 503
        assert get(base(daemon) + "/livez")[0] == 200
        assert values(daemon)['immudb_database_read_only{database="defaultdb"}'] == 1
        filler.unlink()
        client.safe_set(b"there is room again", b"value")
        assert get(base(daemon) + "/readyz")[0] == 200
        with pytest.raises(grpc.RpcError):
            client.Get(key=b"there is none")
