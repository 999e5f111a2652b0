"""The dashboards of infra/grafana against `airshed serve`: every panel and variable as Grafana asks it.

No Grafana runs here: the macros are expanded as it does (grafana/macros.py), the statements are sent as its Postgres source
sends them, by the simple protocol, and the rows are looked at as its panels need them. Sums are compared with `airshed sql`.
"""

import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from conftest import sql
from grafana import ledger
from grafana.macros import All, Dashboard
from serving import serve

PLACE = Path(__file__).parents[2] / "infra" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((PLACE / "dashboards").glob("*.json"))}
SOURCE = {"type": "grafana-postgresql-datasource", "uid": "airshed"}
START = datetime(2026, 11, 1, tzinfo=timezone.utc)
# Grafana's own end of `now/M`: the last millisecond.
END = datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=timezone.utc)
EVERYTHING = {name: All("'*'") for name in ["account", "service", "region", "team", "period"]}
CHOSEN = EVERYTHING | {"team_tag": "team", "basis": "location"}
# Of the units that Grafana knows (packages/grafana-data/src/valueFormats/categories.ts), those that fit what the ledger holds.
UNITS = {"massg", "masskg", "kwatth", "percentunit", "currencyUSD", "s", "short", "suffix: g/kWh"}
TIMES = {1114, 1184}
NUMBERS = {20, 21, 23, 700, 701, 1700}
TEXTS = {25, 1043}

PANELS = [
    pytest.param(board, panel, target, id=f"{name}: {panel['title']} {target['refId']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    for target in panel["targets"]
]
VARIABLES = [
    pytest.param(variable, id=f"{name}: {variable['name']}")
    for name, board in BOARDS.items()
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grafana")
    ledger.make(folder)
    return folder


@pytest.fixture(scope="module")
def grafana(folder):
    users = [
        ("grafana", "analyst", "panels on a wall of glass", None),
        ("team", "analyst", "one account and no other", "account=222222222223"),
    ]
    with serve(folder, users) as server:
        yield server


@pytest.fixture(scope="module")
def connection(grafana):
    with grafana.connect("grafana") as connection:
        yield connection


def ask(connection, statement):
    """The columns, name and type number each, and the rows."""
    cursor = connection.execute(statement)
    return [(column.name, column.type_code) for column in cursor.description], cursor.fetchall()


def shown(connection, panel, target, start=START, end=END, **variables):
    dashboard = Dashboard(start, end, CHOSEN | variables)
    return ask(connection, dashboard.statement(target["rawSql"], panel.get("interval", "1h")))


def panel_of(name, title):
    return next(panel for panel in BOARDS[name]["panels"] if panel["title"] == title)


def first(connection, title, **variables):
    """The rows of an overview panel's first query."""
    panel = panel_of("overview", title)
    return shown(connection, panel, panel["targets"][0], **variables)[1]


# --- what the panels need ---


def is_series(columns, rows):
    names = [name for name, _ in columns]
    assert names[0] == "time", "a series begins with its time"
    assert columns[0][1] in TIMES | NUMBERS
    assert all(number in NUMBERS for name, number in columns[1:] if name != "metric"), columns
    assert all(number in TEXTS for name, number in columns if name == "metric"), columns
    times = [row[0] for row in rows]
    assert None not in times and times == sorted(times), "Grafana refuses series out of order"
    keys = [tuple(value for (name, _), value in zip(columns, row) if name in ("time", "metric")) for row in rows]
    assert len(keys) == len(set(keys)), "one value for each time and series"
    assert len(set(times)) > 1, "a series of one point shows nothing"


def is_stat(columns, rows):
    numbers = [name for name, number in columns if number in NUMBERS]
    assert numbers and len(columns) - len(numbers) <= 1, "a figure has numbers, and at most a name"
    assert 1 <= len(rows) <= 10
    assert any(value is not None for row in rows for value in row)


def is_bars(columns, rows):
    assert columns[0][1] in TEXTS, "bars are named by their first column"
    assert len(columns) > 1 and all(number in NUMBERS for _, number in columns[1:])
    labels = [row[0] for row in rows]
    assert None not in labels and len(set(labels)) == len(labels)


def is_table(columns, rows):
    names = [name for name, _ in columns]
    assert len(set(names)) == len(names), "two columns of one name cannot be told apart"


NEEDS = {"stat": is_stat, "bargauge": is_bars, "barchart": is_bars, "table": is_table}


@pytest.mark.parametrize(("board", "panel", "target"), PANELS)
def test_every_panel_gets_what_it_needs(connection, board, panel, target):
    columns, rows = shown(connection, panel, target)
    assert rows, "the ledger of this test has something for every panel"
    (is_series if target["format"] == "time_series" else NEEDS[panel["type"]])(columns, rows)


@pytest.mark.parametrize(("board", "panel", "target"), PANELS)
def test_every_panel_stands_any_choice(connection, board, panel, target):
    """One value, several, a name with a quote in it, one that there is not, the other basis; hours and years."""
    few = {"account": ["222222222223", "222222222224"], "service": ["AmazonEC2"], "region": ["eu-west-1"], "team": ["data's"]}
    none = {name: ["it's nothing"] for name in EVERYTHING}
    assert shown(connection, panel, target, **few, basis="market") is not None
    columns, rows = shown(connection, panel, target, **none)
    assert columns
    is_filtered = "${" in target["rawSql"]
    assert not is_filtered or all(value in (None, 0) or isinstance(value, str) for row in rows for value in row), rows
    shown(connection, panel, target, START, START.replace(hour=5, minute=13))
    shown(connection, panel, target, START.replace(year=2024), END)


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_lists_its_values(connection, variable):
    columns, rows = ask(connection, Dashboard(START, END, CHOSEN).statement(variable["query"]))
    names = [name for name, _ in columns]
    assert len(names) == 1 or set(names) == {"__text", "__value"}
    values = [row[names.index("__value")] if "__value" in names else row[0] for row in rows]
    assert len(values) > 1 and None not in values and len(set(values)) == len(values)
    assert variable["includeAll"] and variable["multi"] and variable["allValue"] == "'*'"


def test_values_of_variables_are_those_of_the_ledger(connection, folder):
    values = {}
    for variable in BOARDS["overview"]["templating"]["list"]:
        if variable["type"] == "query":
            values[variable["name"]] = {row[0] for row in ask(connection, Dashboard(START, END, CHOSEN).statement(variable["query"]))[1]}
    assert values["team"] == {"core", "data's", "(none)"}
    assert values["region"] == {"eu-west-1", "us-east-1"}
    assert values["period"] == {"2026-10", "2026-11"}
    assert values["account"] == {f"{222222222222 + number}" for number in range(5)}
    for choice, column in [("service", "service_code")]:
        assert values[choice] == {row[column] for row in sql(f"SELECT DISTINCT {column} FROM emissions", folder)}


# --- the same numbers ---

IN_NOVEMBER = "FROM emissions_hourly WHERE hour >= '2026-11-01' AND hour < '2026-12-01'"


def test_the_total_is_that_of_the_ledger(connection, folder):
    (whole,) = sql("SELECT sum(co2e_location_g) AS location, sum(co2e_market_g) AS market, sum(energy_kwh) AS energy FROM emissions", folder)
    all_days = {"start": START.replace(month=10)}
    assert first(connection, "Operational emissions", **all_days) == [(Decimal(whole["location"]),)]
    assert first(connection, "Operational emissions", **all_days, basis="market") == [(Decimal(whole["market"]),)]
    assert first(connection, "Energy", **all_days) == [(Decimal(whole["energy"]),)]
    assert whole["location"] != whole["market"] or Decimal(whole["location"]) > 0


def test_a_month_is_that_of_the_hours(connection, folder):
    (month,) = sql(f"SELECT sum(co2e_location_g) AS g {IN_NOVEMBER}", folder)
    assert first(connection, "Operational emissions") == [(Decimal(month["g"]),)]
    for choice, condition in [
        ({"account": ["222222222223"]}, "account_id = '222222222223'"),
        ({"region": ["us-east-1"]}, "region = 'us-east-1'"),
        ({"team": ["data's"]}, "tag(tags, 'team') = 'data''s'"),
        ({"team": ["(none)"]}, "tag(tags, 'team') IS NULL"),
        ({"service": ["AmazonS3", "AmazonLex"]}, "service_code IN ('AmazonS3', 'AmazonLex')"),
    ]:
        (part,) = sql(f"SELECT sum(co2e_location_g) AS g {IN_NOVEMBER} AND {condition}", folder)
        assert first(connection, "Operational emissions", **choice) == [(Decimal(part["g"]),)], condition
        assert Decimal(part["g"]) < Decimal(month["g"]), "the choice leaves something out"


def test_the_change_is_from_as_many_days_before(connection, folder):
    """November against the 30 days before it, which are October without its first."""
    (now,) = sql(f"SELECT sum(co2e_location_g) AS g {IN_NOVEMBER}", folder)
    (before,) = sql("SELECT sum(co2e_location_g) AS g FROM emissions_hourly WHERE hour >= '2026-10-02' AND hour < '2026-11-01'", folder)
    expected = (Decimal(now["g"]) - Decimal(before["g"])) / Decimal(before["g"])
    ((change,),) = first(connection, "Against the days before")
    assert change == pytest.approx(float(expected), rel=1e-12)
    assert first(connection, "Against the days before", start=START.replace(month=10)) == [(None,)], "there was nothing before"


def test_costs_of_two_currencies_stay_two(connection, folder):
    sums = sql(f"SELECT currency, sum(billed_cost) AS cost {IN_NOVEMBER} GROUP BY currency ORDER BY currency", folder)
    assert len(sums) == 2
    assert first(connection, "Cost") == [(row["currency"], Decimal(row["cost"])) for row in sums]


def test_no_panel_adds_costs_across_currencies():
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                if re.search(r"sum\([^)]*billed_cost", target["rawSql"]):
                    grouped = re.search(r"GROUP BY (.*)", target["rawSql"])
                    assert "currency" in target["rawSql"] and grouped, f"{name}: {panel['title']}"


def test_series_and_rankings_add_up(connection, folder):
    """Every cut of the month gives the month: by day, by service with the rest, by region and hour."""
    (month,) = first(connection, "Operational emissions")
    by_day = first(connection, "Emissions, energy and cost")
    by_service = first(connection, "Emissions by service")
    assert sum(row[1] for row in by_day) == month[0] == sum(row[2] or 0 for row in by_service)
    regions = panel_of("regions-and-hours", "Regions")
    columns, rows = shown(connection, regions, regions["targets"][0])
    place = [name for name, _ in columns].index("co2e_location_g")
    assert sum(row[place] for row in rows) == month[0]


def test_intensity_is_emissions_by_energy(connection, folder):
    panel = panel_of("regions-and-hours", "Grid intensity by region")
    _, rows = shown(connection, panel, panel["targets"][0], END.replace(day=2, hour=0, minute=0), END.replace(day=2))
    sums = sql(
        "SELECT to_char(hour, '%H') AS at, region, sum(co2e_location_g) AS g, sum(energy_kwh) AS kwh FROM emissions_hourly "
        "WHERE hour >= '2026-11-02' AND hour < '2026-11-03' GROUP BY 1, 2 HAVING sum(energy_kwh) > 0 ORDER BY 1, 2",
        folder,
    )
    expected = {(row["at"], row["region"]): float(Decimal(row["g"]) / Decimal(row["kwh"])) for row in sums}
    found = {(f"{int(at) % 86_400 // 3_600:02}", region): value for at, region, value in rows}
    assert found == pytest.approx(expected, rel=1e-12)


def test_somebody_with_a_scope_sees_their_own_total(grafana, folder):
    (own,) = sql(f"SELECT sum(co2e_location_g) AS g {IN_NOVEMBER} AND account_id = '222222222223'", folder)
    with grafana.connect("team") as connection:
        for board in ["overview", "regions-and-hours"]:
            for panel in BOARDS[board]["panels"]:
                for target in panel["targets"]:
                    shown(connection, panel, target)
        assert first(connection, "Operational emissions") == [(Decimal(own["g"]),)]


# --- every macro ---

MACROS = [
    "SELECT $__time(day), sum(energy_kwh) FROM emissions_daily WHERE $__timeFilter(day) GROUP BY day ORDER BY 1",
    "SELECT $__timeEpoch(day), sum(energy_kwh) FROM emissions_daily WHERE $__timeFilter(day) GROUP BY day ORDER BY 1",
    "SELECT $__timeGroup(hour,'6h'), sum(energy_kwh) FROM emissions_hourly WHERE $__timeFilter(hour) GROUP BY 1 ORDER BY 1",
    "SELECT $__timeGroup(hour,$__interval), sum(energy_kwh) FROM emissions_hourly WHERE $__timeFilter(hour) GROUP BY 1 ORDER BY 1",
    "SELECT $__timeGroupAlias(hour,'1d',NULL), region AS metric, sum(energy_kwh) FROM emissions_hourly GROUP BY 1, 2 ORDER BY 1",
    "SELECT day AS time, energy_kwh FROM emissions_daily WHERE day >= $__timeFrom() AND day <= $__timeTo() ORDER BY 1",
    "SELECT t AS time, energy_kwh FROM (SELECT extract(epoch from day) AS t, energy_kwh FROM emissions_daily) d WHERE $__unixEpochFilter(t) ORDER BY 1",
    "SELECT day AS time, energy_kwh FROM emissions_daily WHERE extract(epoch from day) BETWEEN $__unixEpochFrom() AND $__unixEpochTo() ORDER BY 1",
    "SELECT $__unixEpochGroup(t,'7d') AS time, sum(energy_kwh) FROM (SELECT extract(epoch from day) AS t, energy_kwh FROM emissions_daily) d GROUP BY 1 ORDER BY 1",
    "SELECT $__unixEpochGroupAlias(t,'7d'), sum(energy_kwh) FROM (SELECT extract(epoch from day) AS t, energy_kwh FROM emissions_daily) d GROUP BY 1 ORDER BY 1",
    "SELECT count(*) AS n, $__unixEpochNanoFrom() AS a, $__unixEpochNanoTo() AS b FROM emissions_daily",
    "SELECT $__interval_ms AS ms, count(*) AS n FROM emissions_daily WHERE $__timeFilter(day) LIMIT 50",
]


@pytest.mark.parametrize("statement", MACROS)
def test_every_macro_runs(connection, statement):
    expanded = Dashboard(START, END, CHOSEN).statement(statement)
    assert "$" not in expanded
    assert ask(connection, expanded)[1]


def test_macros_are_expanded_as_by_grafana():
    """Cases of Grafana's macros_test.go and interpolationTruthTable.test.ts."""
    start = datetime(2018, 4, 12, 18, 0, tzinfo=timezone.utc)
    board = Dashboard(start, start.replace(minute=5), {"host": ["O'Brien", "srv2"], "one": "it's"})
    for given, expected in [
        ("select $__time(time_column)", 'select time_column AS "time"'),
        ("WHERE $__timeFilter(t)", "WHERE t BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'"),
        ("select $__timeFrom()", "select '2018-04-12T18:00:00Z'"),
        ("GROUP BY $__timeGroup(time_column , '5m')", "GROUP BY floor(extract(epoch from time_column)/300)*300"),
        ("SELECT $__timeGroup(t,'5m'), x", 'SELECT floor(extract(epoch from t)/300)*300 AS "time", x'),
        ("SELECT $__timeGroupAlias(t,'5m')", 'SELECT floor(extract(epoch from t)/300)*300 AS "time"'),
        ("WHERE $__unixEpochFilter(t)", "WHERE t >= 1523556000 AND t <= 1523556300"),
        ("WHERE host IN ($host)", "WHERE host IN ('O''Brien','srv2')"),
        ("WHERE host IN (${host:sqlstring})", "WHERE host IN ('O''Brien','srv2')"),
        ("WHERE name = '$one'", "WHERE name = 'it''s'"),
        ("WHERE name = ${one:sqlstring}", "WHERE name = 'it''s'"),
    ]:
        assert board.statement(given) == expected
    with pytest.raises(ValueError, match="unknown macro"):
        board.statement("SELECT $__nothing(x)")


# --- the files ---


@pytest.mark.parametrize("name", BOARDS)
def test_dashboards_are_sound(name):
    board = BOARDS[name]
    assert board["schemaVersion"] == 39 and board["timezone"] == "utc" and "id" not in board
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["datasource"] == SOURCE and all(target["datasource"] == SOURCE for target in panel["targets"])
        assert panel["description"] and {target["format"] for target in panel["targets"]} <= {"table", "time_series"}
    known = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{(\w+)", json.dumps(board)))
    assert used <= known and known - used == set(), (used, known)


@pytest.mark.parametrize("name", BOARDS)
def test_units_are_grafanas(name):
    properties = [
        (one["id"], one["value"])
        for panel in BOARDS[name]["panels"]
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
    ]
    units = {panel["fieldConfig"]["defaults"].get("unit") for panel in BOARDS[name]["panels"]} - {None}
    assert units | {value for key, value in properties if key == "unit"} <= UNITS


def test_provisioning_names_what_the_dashboards_use():
    (source,) = yaml.safe_load((PLACE / "provisioning/datasources/airshed.yaml").read_text())["datasources"]
    assert (source["type"], source["uid"]) == (SOURCE["type"], SOURCE["uid"])
    assert source["jsonData"]["timescaledb"] is False and "password" in source["secureJsonData"]
    (provider,) = yaml.safe_load((PLACE / "provisioning/dashboards/airshed.yaml").read_text())["providers"]
    (service,) = yaml.safe_load((PLACE / "docker-compose.yaml").read_text())["services"].values()
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounts["./dashboards"] == provider["options"]["path"]
    assert mounts["./provisioning"] == "/etc/grafana/provisioning"
    for name in re.findall(r"\$\{?(\w+)", (PLACE / "provisioning/datasources/airshed.yaml").read_text()):
        assert name in service["environment"], name
