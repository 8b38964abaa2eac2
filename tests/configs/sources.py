# SPDX-License-Identifier: Apache-2.0
"""The files that are tested, as data."""
import json
import os
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "configs/prometheus"
GRAFANA = ROOT / "configs/grafana"
COMPOSE = ROOT / "docker/compose.yml"


def tool(name):
    """A program of Prometheus: as the build found it, else from PATH."""
    path = os.environ.get("IMMUDB_" + name.upper()) or shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is needed: make packages")
    return path


def load_yaml(path):
    return yaml.safe_load(Path(path).read_text())


def dashboard():
    return json.loads((GRAFANA / "immudb-dashboard.json").read_text())


def panels():
    """Those that show something: not the rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def without_variables(expression):
    """As Grafana sends it when all instances and databases are selected."""
    for name, value in (("$__rate_interval", "1m"), ("$instance", ".*"), ("$database", ".*")):
        expression = expression.replace(name, value)
    return expression


def targets():
    """(title of the panel, target), the variables of its expression replaced."""
    return [(panel["title"], dict(target, expr=without_variables(target["expr"])))
            for panel in panels() for target in panel["targets"]]


def alerts():
    groups = load_yaml(PROMETHEUS / "immudb-rules.yml")["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def expressions():
    """(where it stands, PromQL) of everything that Prometheus is asked."""
    return ([(f"panel {title}", target["expr"]) for title, target in targets()] +
            [(f"alert {name}", rule["expr"]) for name, rule in alerts().items()])
