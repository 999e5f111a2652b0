"""How Grafana and Metabase find their way in the ledger: what they ask (grafana/introspection.py) is answered, and with sense."""

import pytest
from conftest import airshed, company, export
from grafana.introspection import GRAFANA, METABASE
from serving import serve

QUESTIONS = [
    pytest.param(statement, (tool, name), id=f"{tool}: {name}")
    for tool, statements in [("grafana", GRAFANA), ("metabase", METABASE)]
    for name, statement in statements.items()
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    export(folder / "bills" / "acme.parquet", company(60))
    airshed("run", "--quiet", "--input", "bills", "--lake", "lake", folder=folder)
    with serve(folder, [("grafana", "analyst", "panels on a wall of glass", None)]) as server:
        yield server


def version(rows):
    assert 906 <= rows[0][0] < 10_000, "9.6 and up is what Grafana builds its queries for"


def nothing(rows):
    assert rows == []


def schemas(rows):
    assert rows == [("public",)]


def names_of_tables(rows):
    names = [name for (name,) in rows]
    assert {"emissions_daily", "carbon_daily", "provider_variance"} <= set(names) and len(set(names)) == len(names)
    assert not any(name.startswith(("pg_", "information_schema")) for name in names)


def columns(rows):
    types = dict(rows)
    assert types["day"] == "timestamp with time zone" and types["energy_kwh"] == "numeric" and types["account_id"] in ("text", "character varying")


def tables(rows):
    found = {row[1]: row for row in rows}
    assert found["emissions_daily"][2] == "TABLE" and found["emissions_daily"][3], "with its comment"
    assert found["carbon_daily"][2] == "VIEW" and all(row[0] == "public" for row in rows)
    assert all(not row[4] for row in rows), "how many rows there are is not told"


def privileges(rows):
    assert {"emissions_daily", "carbon_daily"} <= {row[2] for row in rows}
    assert all(row[3:7] == (False, True, False, False) for row in rows), "reading, and nothing else"


def fields(rows):
    found = {(row[4], row[0]): row for row in rows}
    assert found["emissions_daily", "energy_kwh"][1] == "numeric"
    assert found["emissions_daily", "day"][1:3] == ("timestamptz", 0)
    assert found["emissions_daily", "energy_kwh"][6], "the comment has the unit"
    assert not any(row[5] for row in rows), "no primary keys"


def zone(rows):
    assert rows == [("UTC",)]


def one(rows):
    assert rows == [(1,)]


def sample(rows):
    assert rows and all(len(row) == 3 and row[0] for row in rows)


ANSWERS = {
    ("grafana", "version"): version,
    ("grafana", "timescaledb"): nothing,
    ("grafana", "schemas"): schemas,
    ("grafana", "tables of a schema"): names_of_tables,
    ("grafana", "tables"): names_of_tables,
    ("grafana", "columns"): columns,
    ("grafana", "columns of a qualified name"): columns,
    ("metabase", "default zone"): zone,
    ("metabase", "alive"): one,
    ("metabase", "tables"): tables,
    ("metabase", "privileges"): privileges,
    ("metabase", "fields"): fields,
    ("metabase", "foreign keys"): nothing,
    ("metabase", "enums"): nothing,
    ("metabase", "probe"): nothing,
    ("metabase", "sample"): sample,
}


@pytest.mark.parametrize("is_prepared", [False, True], ids=["simple", "prepared"])
@pytest.mark.parametrize(("statement", "key"), QUESTIONS)
def test_questions_of_tools_are_answered(server, statement, key, is_prepared):
    with server.connect("grafana") as connection:
        cursor = connection.execute(statement, prepare=is_prepared)
        rows = cursor.fetchall() if cursor.description else []
    check = ANSWERS.get(key)
    if check:
        check(rows)
