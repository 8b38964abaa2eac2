# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus with the configuration of the tree watches real daemons and an auditor."""
import re

import pytest

import sources
from harness.client import refused
from harness.daemon import Daemon
from processes import Auditor, Prometheus, eventually, get, metrics_address

SETS, PROVEN_SETS, MISSES, FAILED_LOGINS = 25, 5, 7, 3
FAST = ("--consistency-check-rate=0", "--consistency-check-interval=1s")
VALUE = b"paid 120.00 EUR, and that is final"


def damage_value(daemon):
    """Changes a byte of an entry in the log; the index does not know of it."""
    for path in sorted((daemon.data / "defaultdb" / "log").glob("*.log")):
        content = bytearray(path.read_bytes())
        at = content.find(VALUE)
        if at >= 0:
            content[at + 3] ^= 4
            path.write_bytes(content)
            return
    raise AssertionError("the value stands in no log")


class Watched:
    """Three daemons: sound, damaged, gone; an auditor of the first; a Prometheus that sees them."""

    def __init__(self, prometheus, sound, damaged, gone):
        self.prometheus = prometheus
        self.sound, self.damaged, self.gone = map(metrics_address, (sound, damaged, gone))

    def of_sound(self, metric, **labels):
        labels["instance"] = self.sound
        matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
        return self.prometheus.value(f"{metric}{{{matchers}}}")


def use(daemon):
    """Calls of which the figures are known."""
    with daemon.login() as client:
        for number in range(SETS):
            client.Set(key=b"key-%d" % number, value=b"value")
        for number in range(PROVEN_SETS):
            client.safe_set(b"proven-%d" % number, b"value")
        for number in range(MISSES):
            with refused("NotFound"):
                client.Get(key=b"missing-%d" % number)
    with daemon.client() as stranger:
        for _ in range(FAILED_LOGINS):
            with refused(("PermissionDenied", "Unauthenticated", "InvalidArgument", "Unknown")):
                stranger.login(password="wrong")


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watched")
    sound, damaged, gone = (Daemon(folder / name, *FAST) for name in ("sound", "damaged", "gone"))
    with sound, damaged, gone, Auditor(folder / "auditor", sound) as auditor:
        with damaged.login() as client:
            client.safe_set(b"invoice-17", VALUE)
        damage_value(damaged)
        servers = [metrics_address(daemon) for daemon in (sound, damaged, gone)]
        with Prometheus(folder / "prometheus", servers, [auditor.address]) as prometheus:
            eventually(lambda: prometheus.query("up == 1")[3:], "all are seen")
            gone.kill()
            use(sound)
            yield Watched(prometheus, sound, damaged, gone)


def test_prometheus_counts_what_was_done(watched):
    entries = SETS + PROVEN_SETS
    expected = {
        ("grpc_server_handled_total", "Set", "OK"): SETS,
        ("grpc_server_handled_total", "SafeSet", "OK"): PROVEN_SETS,
        ("grpc_server_handled_total", "Get", "NotFound"): MISSES,
        ("grpc_server_handling_seconds_count", "Set"): SETS,
        ("immudb_failed_logins_total",): FAILED_LOGINS,
        ("immudb_number_of_stored_entries",): entries,
    }

    def seen():
        return {name: watched.of_sound(name[0], **dict(zip(("grpc_method", "grpc_code"), name[1:])))
                for name in expected}

    eventually(lambda: seen() == expected, f"{seen()} become {expected}")
    size = 'immudb_database_entries{database="defaultdb",instance="%s"}' % watched.sound
    eventually(lambda: watched.prometheus.value(size) == entries, "the database has its entries")
    median = ('histogram_quantile(0.5, grpc_server_handling_seconds_bucket{instance="%s",'
              'grpc_method="Set"})' % watched.sound)
    eventually(lambda: 0 < (watched.prometheus.value(median) or 0) < 10, "there is a median")


def test_prometheus_reads_the_rules_without_an_error(watched):
    def evaluated():
        groups = watched.prometheus.api("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return rules if all(rule["health"] != "unknown" for rule in rules) else None

    rules = eventually(evaluated, "all rules were evaluated")
    assert {rule["name"]: rule["health"] for rule in rules} == dict.fromkeys(sources.alerts(), "ok")


def test_damage_fires_and_the_sound_server_is_quiet(watched):
    names = {"ImmudbDatabaseTampered", "ImmudbIntegrityDamage"}

    def firing():
        alerts = watched.prometheus.alerts()
        found = [alerts.get((name, watched.damaged)) for name in names]
        return alerts if all(alert and alert["state"] == "firing" for alert in found) else None

    alerts = eventually(firing, "the damage is told")
    tampered = alerts["ImmudbDatabaseTampered", watched.damaged]
    assert tampered["labels"]["database"] == "defaultdb"
    assert tampered["annotations"]["summary"] == (
        f"{watched.damaged}: stored bytes of defaultdb were changed")
    # What waits to fire may be true of this machine's disk.
    assert not [name for (name, instance), alert in alerts.items()
                if instance == watched.sound and alert["state"] == "firing"]


def test_a_server_that_is_gone_is_down(watched):
    down = eventually(
        lambda: watched.prometheus.alerts().get(("ImmudbDown", watched.gone)), "it is missed")
    assert down["state"] in ("pending", "firing")
    expression = sources.alerts()["ImmudbDown"]["expr"]
    eventually(lambda: [labels["instance"] for labels, _ in watched.prometheus.query(expression)] ==
               [watched.gone], "nobody else is missed")


@pytest.mark.parametrize("title,target", sources.targets())
def test_every_panel_shows_something(watched, title, target):
    rows = eventually(lambda: watched.prometheus.query(target["expr"]),
                      f"{title} shows something: {target['expr']}")
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        assert any(label in labels for labels, _ in rows), f"no series has the label {label}"


def test_the_variables_have_values(watched):
    for variable in sources.dashboard()["templating"]["list"][1:]:
        query = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"])
        selector, label = sources.without_variables(query[1]), query[2]
        series = watched.prometheus.api("series", **{"match[]": selector})
        assert watched.sound in {row["instance"] for row in series}
        assert all(row[label] for row in series)


def test_the_metrics_page_is_what_prometheus_read(watched):
    page = get(f"http://{watched.sound}/metrics")
    series = {re.split(r"[{ ]", line)[0] for line in page.splitlines() if not line.startswith("#")}
    assert series <= set(watched.prometheus.api("label/__name__/values"))
