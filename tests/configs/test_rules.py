# SPDX-License-Identifier: Apache-2.0
"""The alerts as files; promtool, which ctest runs beside this, checks what they do."""
import re

import pytest

import promql
import sources

ALERTS = sources.alerts()
CASES = sources.load_yaml(sources.PROMETHEUS / "immudb-rules-test.yml")["tests"]
OPERATIONS = (sources.ROOT / "docs/operations.md").read_text()


def expected(name):
    """The labels of each alert of this name that a case expects to fire."""
    samples = [sample["labels"] for case in CASES for test in case["promql_expr_test"]
               for sample in test["exp_samples"]]
    labels = [dict(re.findall(r'(\w+)="([^"]*)"', sample)) for sample in samples]
    return [found for found in labels if found["alertname"] == name]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_to_do(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    assert len(notes["summary"]) < 120 and notes["description"].endswith(".")
    page, anchor = notes["runbook"].split("#")
    headings = re.findall(r"^#+ (.*)$", (sources.ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
                      for heading in headings}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_in_one_case_and_is_quiet_in_another(name):
    fired = expected(name)
    assert fired, "no case expects it"
    assert {labels["severity"] for labels in fired} == {ALERTS[name]["labels"]["severity"]}
    quiet = [test for case in CASES for test in case["promql_expr_test"]
             if not test["exp_samples"] and (name in test["expr"] or test["expr"] == "ALERTS")]
    assert any(name in test["expr"] for test in quiet), "no case shows that it waits"
    assert any(test["expr"] == "ALERTS" for test in quiet)


@pytest.mark.parametrize("name", ALERTS)
def test_its_text_names_only_labels_that_it_has(name):
    text = " ".join(ALERTS[name]["annotations"].values())
    named = set(re.findall(r"\$labels\.(\w+)", text))
    for labels in expected(name):
        assert named <= set(labels)


def test_the_case_in_which_all_is_well_has_what_every_alert_reads():
    given = {re.split(r"[{ ]", series["series"])[0] for series in CASES[0]["input_series"]}
    read = {selector.metric for rule in ALERTS.values()
            for selector in promql.selectors(rule["expr"])}
    assert read <= given


def test_the_documentation_has_a_row_for_every_alert():
    assert re.findall(r"^\| `(Immudb\w+)`", OPERATIONS, re.MULTILINE) == list(ALERTS)
