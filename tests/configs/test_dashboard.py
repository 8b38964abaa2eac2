# SPDX-License-Identifier: Apache-2.0
"""The dashboard as a file that Grafana 7.4 to 10 loads."""
import re

import pytest

import sources

BOARD = sources.dashboard()
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
KINDS = {"row", "stat", "timeseries", "table", "bargauge"}


def test_it_can_be_loaded_anywhere():
    assert BOARD["id"] is None and BOARD["uid"] == "immudb" and BOARD["title"] == "immudb"
    # Before 30 Grafana migrates value mappings, before 33 data sources by name: 7 knows no others.
    assert BOARD["schemaVersion"] < 30
    assert list(VARIABLES) == ["DS_PROMETHEUS", "instance", "database"]
    assert VARIABLES["DS_PROMETHEUS"]["type"] == "datasource"
    assert VARIABLES["DS_PROMETHEUS"]["query"] == "prometheus"
    for owner in [*sources.panels(), VARIABLES["instance"], VARIABLES["database"]]:
        assert owner["datasource"] == "${DS_PROMETHEUS}"


def test_ids_are_unique_and_panels_do_not_overlap():
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", sources.panels(), ids=lambda panel: panel["title"])
def test_a_panel_is_complete(panel):
    assert panel["type"] in KINDS and panel["title"] and "description" in panel
    if panel["type"] != "table":
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["legendFormat"] for target in panel["targets"])
    letters = [target["refId"] for target in panel["targets"]]
    assert letters and len(set(letters)) == len(letters)
    for target in panel["targets"]:
        used = set(re.findall(r"\$\{?(\w+)", target["expr"]))
        assert used <= {*VARIABLES, "__rate_interval"}
        if "immuclient_" not in target["expr"] and "ALERTS" not in target["expr"]:
            assert "instance" in used, "the selected instance is not heeded"


def test_titles_are_unique():
    titles = [panel["title"] for panel in BOARD["panels"]]
    assert len(set(titles)) == len(titles)


def test_what_grafana_provisions_is_this():
    sources_file = sources.GRAFANA / "provisioning/datasources/prometheus.yml"
    assert [source["type"] for source in sources.load_yaml(sources_file)["datasources"]] == [
        "prometheus"]
    provider = sources.load_yaml(sources.GRAFANA / "provisioning/dashboards/immudb.yml")
    folder = provider["providers"][0]["options"]["path"]
    mounts = sources.load_yaml(sources.COMPOSE)["services"]["grafana"]["volumes"]
    assert f"../configs/grafana/immudb-dashboard.json:{folder}/immudb-dashboard.json:ro" in mounts
