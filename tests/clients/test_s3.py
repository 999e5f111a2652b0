"""Bills and ledger on S3: moto's server stands for it, on the loopback, with its conditional puts.

What is in the bucket afterwards must be the ledger that DuckDB and Delta's library read, and running again must not
write a single object.
"""

from decimal import Decimal

import boto3
import duckdb
import pytest
from conftest import airshed, company, costs, current_runs, export, sql, table
from moto.s3.models import S3Backend
from moto.server import ThreadedMotoServer

BUCKET = "acme"
BILLS, LAKE = f"s3://{BUCKET}/bills", f"s3://{BUCKET}/carbon/ledger"
LINES = company(600)
ROWS = len(LINES)


class Bucket:
    def __init__(self, port):
        self.env = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self.client = boto3.client(
            "s3",
            endpoint_url=self.env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        place = {"LocationConstraint": "eu-west-1"}
        self.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)

    def objects(self, prefix):
        """Key, content and time of writing of each object."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        found = [entry for page in pages for entry in page.get("Contents", [])]
        return {entry["Key"]: (entry["ETag"], entry["LastModified"]) for entry in found}

    def download(self, prefix, folder):
        for key in self.objects(prefix):
            path = folder / key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.client.download_file(BUCKET, key, str(path))
        return folder


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    bucket = Bucket(server.get_host_and_port()[1])
    folder = tmp_path_factory.mktemp("s3")
    for month, parity in (("2026-10", 0), ("2026-11", 1)):
        file = export(folder / f"{month}.parquet", LINES[parity::2])
        bucket.client.upload_file(str(file), BUCKET, f"bills/acme/data/BILLING_PERIOD={month}/acme-00001.parquet")
    airshed("run", "--input", BILLS, "--lake", LAKE, folder=folder, env=bucket.env)
    yield bucket
    server.stop()


def test_duckdb_and_airshed_agree_on_the_downloaded_ledger(bucket, tmp_path):
    lake = bucket.download("carbon/ledger/", tmp_path / "copy")
    select = "SELECT count(*) AS n, sum(energy_kwh) AS kwh, sum(co2e_location_g) AS g, sum(billed_cost) AS cost"
    [ours] = sql(f"{select} FROM emissions", tmp_path, LAKE, bucket.env)
    runs = ", ".join(f"'{run}'" for run in current_runs(lake).values())
    connection = duckdb.connect()
    connection.register("emissions", table(lake, "emissions"))
    theirs = connection.execute(f"{select} FROM emissions WHERE run_id IN ({runs})").fetchone()
    assert list(theirs) == [Decimal(ours[name]) for name in ("n", "kwh", "g", "cost")]
    assert theirs[0] == ROWS
    assert theirs[1] > 0
    assert theirs[3] == costs(LINES)["USD"]


def test_running_again_writes_nothing(bucket, tmp_path):
    before = bucket.objects("")
    airshed("run", "--input", BILLS, "--lake", LAKE, folder=tmp_path, env=bucket.env)
    assert bucket.objects("") == before
    assert len(before) > 10


def test_the_ledger_verifies_and_a_damaged_file_is_named(bucket, tmp_path):
    airshed("verify", "--lake", LAKE, folder=tmp_path, env=bucket.env)
    keys = [key for key in bucket.objects("carbon/ledger/emissions/") if key.endswith(".parquet")]
    bodies = [bucket.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]
    assert len(keys) == 2
    try:
        bucket.client.put_object(Bucket=BUCKET, Key=keys[0], Body=bodies[1])
        done = airshed("verify", "--lake", LAKE, folder=tmp_path, env=bucket.env, code=3)
        assert keys[0].removeprefix("carbon/ledger/") in done.stdout
    finally:
        bucket.client.put_object(Bucket=BUCKET, Key=keys[0], Body=bodies[0])


def test_a_bucket_that_is_not_there_is_named(bucket, tmp_path):
    for places in (("s3://nobody/x", LAKE), (BILLS, "s3://nobody/x")):
        done = airshed("run", "--input", places[0], "--lake", places[1], folder=tmp_path, env=bucket.env, code=1)
        assert "NoSuchBucket" in done.stderr
        assert "nobody" in done.stderr


def test_a_bill_that_changes_while_it_is_read_is_named_and_read_by_the_next_run(bucket, tmp_path, monkeypatch):
    key = "moving/acme-00001.parquet"
    first, second = (export(tmp_path / f"{rows}.parquet", LINES[:rows]).read_bytes() for rows in (40, 60))
    bucket.client.put_object(Bucket=BUCKET, Key=key, Body=first)
    get_object, reads = S3Backend.get_object, []

    def overwrite_after_the_first_read(backend, bucket_name, key_name, *arguments, **options):
        found = get_object(backend, bucket_name, key_name, *arguments, **options)
        if key_name == key:
            reads.append(key_name)
            if len(reads) == 2:
                backend.put_object(BUCKET, key, second)
        return found

    monkeypatch.setattr(S3Backend, "get_object", overwrite_after_the_first_read)
    run = ["run", "--input", f"s3://{BUCKET}/moving", "--lake", "lake"]
    done = airshed(*run, folder=tmp_path, env=bucket.env, code=75)
    assert f"changed while it was read; run again (s3://{BUCKET}/{key})" in done.stderr
    airshed(*run, folder=tmp_path, env=bucket.env)
    [held] = sql("SELECT count(*) AS lines FROM billing_lines", tmp_path)
    assert int(held["lines"]) == 60
