"""Input that is damaged, absurd or no billing export at all: exit codes, messages, and not one row lost.

Each row of the input must end as one line of `emissions` or one of `rejects` with file, row, column and reason; costs
must be those of an independent sum in Python decimals. A file that cannot be read counts as one row, and the exit code
tells that the ledger has not all that was delivered.
"""

import csv
import ctypes
import io
import json
import zipfile
from datetime import datetime, timezone
from decimal import Decimal

import pyarrow as pa
import pytest
from conftest import TYPES, airshed, costs, export, line, sql, table

GOOD = [line(number) for number in range(100, 105)]
FAR = datetime(2999, 1, 1, tzinfo=timezone.utc)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


def run(folder, rows_in, code=0, **options):
    """Runs the pipeline; every row must be accounted for. Returns what was said, and the rejects by place."""
    arguments = ["--input", "in", "--lake", "lake", "-o", "json"]
    done = airshed("run", *arguments, folder=folder, code=code, **options)
    rows = json.loads(done.stdout)["rows"]
    assert rows["in"] == rows_in == sum(rows[kind] for kind in ("estimated", "unmapped", "excluded", "rejected"))
    found = rejects(folder)
    assert table(folder / "lake", "emissions").num_rows + len(found) == rows_in
    airshed("verify", "--quiet", "--lake", "lake", folder=folder)
    return done.stderr, found


def rejects(folder):
    rows = table(folder / "lake", "rejects").to_pylist()
    found = [(r["object_uri"].rsplit("/", 1)[1], r["row_number"], r["column_name"], r["reason"]) for r in rows]
    return sorted(found, key=str)


def truncated(path):
    whole = export(path, [line(number) for number in range(50)]).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def test_a_truncated_file_beside_a_good_one(tmp_path):
    truncated(tmp_path / "in" / "cut.parquet")
    export(tmp_path / "in" / "good.parquet", GOOD)
    said, found = run(tmp_path, len(GOOD) + 1, code=1)
    assert found == [("cut.parquet", -1, None, "damaged")]
    assert "in/cut.parquet, the Parquet footer" in said


def test_nothing_but_a_truncated_file(tmp_path):
    truncated(tmp_path / "in" / "cut.parquet")
    done = airshed("run", "--input", "in", "--lake", "lake", folder=tmp_path, code=1)
    assert "in/cut.parquet, the Parquet footer" in done.stderr
    assert "no billing line of in could be read" in done.stderr


def test_wrong_types_of_columns(tmp_path):
    amount = "line_item_usage_amount"
    lists = [row | {amount: [1]} for row in GOOD]
    export(tmp_path / "in" / "lists.parquet", lists, {amount: pa.list_(pa.int64())})
    texts = [line(1, **{amount: "1.5"}), line(2, **{amount: "lots"})]
    export(tmp_path / "in" / "texts.parquet", texts, {amount: pa.string()})
    said, found = run(tmp_path, 3, code=1)
    assert found == [("lists.parquet", -1, amount, "wrong_type"), ("texts.parquet", 1, amount, "not_a_number")]
    assert f'texts.parquet, row group 0, row 1, column {amount}: not a decimal number ("lots")' in said


def test_absurd_values(tmp_path):
    start, end, bill = "line_item_usage_start_date", "line_item_usage_end_date", "bill_billing_period_start_date"
    cost, amount = "line_item_unblended_cost", "line_item_usage_amount"
    bad = [
        (line(0, **{cost: float("nan")}), cost, "not_finite"),
        (line(1, **{amount: float("inf")}), amount, "not_finite"),
        (line(2, **{amount: float("-inf")}), amount, "not_finite"),
        (line(3, **{cost: 1e30}), cost, "overflow"),
        (line(4, **{start: FAR, end: FAR}), start, "bad_timestamp"),
        (line(5, **{bill: FAR}), bill, "bad_period"),
    ]
    good = [
        line(10, resource_tags=[("user_big", "x" * 10_000_000)]),
        line(11, **{amount: -2.5, cost: -0.5}),
        line(12, product_region_code="xx-nowhere-9"),
        line(13, line_item_currency_code="EUR", **{cost: 0.1}),
        line(14, line_item_currency_code="EUR", **{cost: 0.2}),
        line(15, line_item_currency_code="CNY", **{cost: 1e-9}),
        line(16, **{cost: 123456.123456789}),
    ]
    export(tmp_path / "in" / "bill.parquet", [row for row, *_ in bad] + good)
    said, found = run(tmp_path, len(bad) + len(good))
    assert found == [("bill.parquet", row, column, why) for row, (_, column, why) in enumerate(bad)]
    assert f"in/bill.parquet, row group 0, row 0, column {cost}: not a finite number" in said
    assert "3 more rows" in said
    for name in ("emissions", "emissions_hourly", "emissions_monthly"):
        sums = sql(f"SELECT currency, sum(billed_cost) AS cost FROM {name} GROUP BY currency", tmp_path)
        assert {row["currency"]: Decimal(row["cost"]) for row in sums} == costs(good), name
    tags = table(tmp_path / "lake", "billing_lines").column("tags").to_pylist()
    assert sum(len(tag or "") > 10_000_000 for tag in tags) == 1
    status = "SELECT status, energy_kwh FROM emissions WHERE line_id = 'line-{}'"
    assert sql(status.format(12), tmp_path) == [{"status": "unmapped", "energy_kwh": None}]
    [minus] = sql(status.format(11), tmp_path)
    assert Decimal(minus["energy_kwh"]) < 0


def test_files_without_rows(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "nothing.parquet").write_bytes(b"")
    export(tmp_path / "in" / "header.parquet", [])
    export(tmp_path / "in" / "good.parquet", GOOD)
    said, found = run(tmp_path, len(GOOD) + 1, code=1)
    assert found == [("nothing.parquet", -1, None, "damaged")]
    assert "in/nothing.parquet" in said


def test_a_folder_of_other_things(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("bill.csv", "line_item_usage_type\nx\n")
    folder = tmp_path / "in"
    folder.mkdir()
    with zipfile.ZipFile(folder / "old.zip", "w") as file:
        file.writestr("inner.zip", inner.getvalue())
    (folder / "logo.png").write_bytes(PNG)
    (folder / "README").write_text("Bills of 2026\n")
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    done = airshed("run", "--input", "in", "--lake", "lake", folder=tmp_path, code=1)
    assert "in holds no billing export (4 other objects)" in done.stderr

    (folder / "renamed.parquet").write_bytes(PNG)
    export(folder / "good.parquet", GOOD)
    said, found = run(tmp_path, len(GOOD) + 1, code=1)
    assert found == [("renamed.parquet", -1, None, "wrong_magic")]
    assert "in/renamed.parquet" in said


def test_an_unreadable_file(tmp_path):
    export(tmp_path / "in" / "good.parquet", GOOD)
    secret = export(tmp_path / "in" / "secret.parquet", GOOD[:1])
    secret.chmod(0)

    def without_privilege():
        # Root reads what it likes unless the process gives that up.
        libc = ctypes.CDLL(None)
        libc.prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)
        libc.prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH)

    arguments = ["run", "--input", "in", "--lake", "lake"]
    done = airshed(*arguments, folder=tmp_path, code=1, preexec_fn=without_privilege)
    assert "secret.parquet" in done.stderr
    assert "ermission denied" in done.stderr
    secret.chmod(0o600)
    _, found = run(tmp_path, len(GOOD) + 1)
    assert found == []


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_rows_of_text_with_too_many_or_too_few_fields(tmp_path, ending):
    columns = [name for name in TYPES if name not in ("product", "resource_tags")]

    def cells(row):
        values = (row[name] for name in columns)
        return [v.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(v, datetime) else v for v in values]

    (tmp_path / "in").mkdir()
    with open(tmp_path / "in" / "bill.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator=ending)
        writer.writerow(columns)
        writer.writerow(cells(line(0)))
        writer.writerow([*cells(line(1)), "one", "more"])
        writer.writerow(cells(line(2))[:-1])
        writer.writerow(cells(line(3, line_item_unblended_cost="1.2.3")))
        writer.writerow(cells(line(4, line_item_unblended_cost=-0.0001)))
    said, found = run(tmp_path, 5)
    assert found == [
        ("bill.csv", 1, None, "wrong_field_count"),
        ("bill.csv", 2, None, "wrong_field_count"),
        ("bill.csv", 3, "line_item_unblended_cost", "not_a_number"),
    ]
    assert "in/bill.csv, row group 0, row 1: 19 fields, the header has 17" in said
    [row] = sql("SELECT sum(billed_cost) AS cost FROM emissions", tmp_path)
    assert Decimal(row["cost"]) == Decimal("0.2139")
