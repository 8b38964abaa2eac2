# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of the daemon: what a Prometheus, a dashboard and an orchestrator ask for."""
import json
import re

import pytest

from harness.daemon import Daemon, refuses_to_start
from harness.pages import base, get, values


def test_values_are_those_of_the_daemon(launch):
    daemon = launch()
    client = daemon.login()
    before = values(daemon)
    for number in range(5):
        client.Set(key=b"key%d" % number, value=b"value")
    after = values(daemon)
    assert after["immudb_number_of_stored_entries"] - before["immudb_number_of_stored_entries"] == 5
    handled = ('grpc_server_handled_total{grpc_code="OK",grpc_method="Set",'
               'grpc_service="immudb.schema.ImmuService",grpc_type="unary"}')
    assert after[handled] - before[handled] == 5
    assert after["go_memstats_sys_bytes"] >= after["go_memstats_heap_alloc_bytes"] > 2 ** 20
    assert 0 < after["immudb_uptime_hours"] < 1
    log = f'immudb_vlog_size_bytes{{database="{daemon.data}/defaultdb"}}'
    assert after[log] > before[log]


def test_the_size_of_the_log_outlives_a_restart(launch):
    daemon = launch()
    with daemon.login() as client:
        client.Set(key=b"key", value=b"x" * 10_000)
    log = 'immudb_database_log_bytes{database="defaultdb"}'
    entries = 'immudb_database_entries{database="defaultdb"}'
    before = values(daemon)
    daemon.stop()
    daemon.start()
    after = values(daemon)
    assert after[log] == pytest.approx(before[log], abs=64) and after[log] > 10_000
    assert after[entries] == before[entries]


def test_health(launch):
    daemon = launch()
    for path in ("/livez", "/readyz", "/startupz"):
        status, page = get(base(daemon) + path)
        assert status == 200 and json.loads(page) == {"status": "ok"}
    _, page = get(base(daemon) + "/readyz?verbose")
    assert {"check": "database defaultdb", "status": "ok"} in json.loads(page)["checks"]


def test_a_taken_port_is_named(launch, tmp_path):
    port = re.search(r":(\d+)$", base(launch())).group(1)
    text = refuses_to_start(Daemon(tmp_path / "second"), "--metrics-port", port)
    assert "option metrics-port" in text and port in text


def test_it_can_be_switched_off(launch):
    daemon = launch("--metrics-server=false")
    assert daemon.out.find("Metrics address :", 10).split(":", 1)[1].strip() == "off"
