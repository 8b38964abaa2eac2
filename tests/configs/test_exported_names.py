# SPDX-License-Identifier: Apache-2.0
"""What dashboard and alerts read is what a running daemon and its auditor export."""
import pytest

import promql
import sources
from harness.daemon import Daemon
from processes import Auditor, eventually, get, metrics_address

# What Prometheus itself makes; what it adds to each series.
OWN_METRICS = {"ALERTS", "up"}
TARGET_LABELS = {"instance", "job"}
# Labels whose values are not fixed.
FREE_LABELS = {"database", "server_address", "ip"}

# What dashboards of the original read.
OF_THE_ORIGINAL = {
    "immudb_number_of_stored_entries": "counter", "immudb_uptime_hours": "counter",
    "immudb_number_of_rpcs_per_client": "counter",
    "immudb_clients_last_message_at_unix_seconds": "gauge",
    "immudb_lsm_size_bytes": "untyped", "immudb_vlog_size_bytes": "untyped",
    "immudb_pending_writes_total": "untyped", "immudb_blocked_puts_total": "untyped",
    "immudb_disk_reads_total": "untyped", "immudb_disk_writes_total": "untyped",
    "immudb_gets_total": "untyped", "immudb_puts_total": "untyped",
    "immudb_memtable_gets_total": "untyped", "immudb_read_bytes": "untyped",
    "immudb_written_bytes": "untyped", "immudb_lsm_bloom_hits_total": "untyped",
    "immudb_lsm_level_gets_total": "untyped",
    "grpc_server_started_total": "counter", "grpc_server_handled_total": "counter",
    "grpc_server_msg_received_total": "counter", "grpc_server_msg_sent_total": "counter",
    "grpc_server_handling_seconds": "histogram",
    "go_memstats_sys_bytes": "gauge", "go_memstats_heap_alloc_bytes": "gauge",
    "go_memstats_heap_idle_bytes": "gauge", "go_memstats_heap_inuse_bytes": "gauge",
    "go_memstats_stack_inuse_bytes": "gauge", "process_cpu_seconds_total": "counter",
    "process_open_fds": "gauge", "process_max_fds": "gauge",
    "process_virtual_memory_bytes": "gauge", "process_resident_memory_bytes": "gauge",
    "process_start_time_seconds": "gauge",
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The metrics pages of a daemon and of its auditor."""
    folder = tmp_path_factory.mktemp("pages")
    with Daemon(folder / "daemon") as daemon:
        with daemon.login() as client:
            client.Set(key=b"key", value=b"value")
        with Auditor(folder / "auditor", daemon) as auditor:
            audited = eventually(
                lambda: next((page for page in [get(f"http://{auditor.address}/metrics")]
                              if 'database="defaultdb"' in page), None), "a round has ended")
        yield {"immudb": get(f"http://{metrics_address(daemon)}/metrics"),
               "immudb-auditor": audited}


@pytest.fixture(scope="module")
def exported(pages):
    """{name: [labels]}"""
    names = {}
    for page in pages.values():
        for series in promql.series(page):
            names.setdefault(series.metric, []).append(series.labels)
    return names


@pytest.mark.parametrize("where,expression", sources.expressions())
def test_everything_that_is_read_is_exported(exported, where, expression):
    found = promql.selectors(expression)
    assert found, "it reads nothing"
    for selector in found:
        if selector.metric in OWN_METRICS:
            continue
        assert selector.metric in exported, f"{selector.metric} is not exported"
        series = exported[selector.metric]
        for matcher in selector.matchers:
            if matcher.label in TARGET_LABELS:
                continue
            values = {labels[matcher.label] for labels in series if matcher.label in labels}
            assert values, f"{selector.metric} has no label {matcher.label}"
            if matcher.label not in FREE_LABELS:
                named = promql.alternatives(matcher)
                assert named and set(named) <= values, f"{matcher} names what is not in {values}"


@pytest.mark.parametrize("where,expression", sources.expressions())
def test_jobs_are_those_that_are_scraped(where, expression):
    scraped = {job["job_name"] for job in
               sources.load_yaml(sources.PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    for selector in promql.selectors(expression):
        for matcher in selector.matchers:
            if matcher.label == "job":
                assert matcher.operator == "=" and matcher.value in scraped
        # These names are everybody's.
        if where.startswith("alert") and selector.metric.startswith(("grpc_", "process_", "up")):
            assert "job" in {matcher.label for matcher in selector.matchers}, selector


def test_dashboards_of_the_original_find_their_metrics(pages):
    types = promql.types(pages["immudb"])
    assert {name: types.get(name) for name in OF_THE_ORIGINAL} == OF_THE_ORIGINAL
