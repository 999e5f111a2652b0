"""moto's server in a process of its own, with a company built inside it before it listens.

`python -m collect.server --accounts 12 --company FILE` writes what it built to the file, then prints its port.
Building through boto3 within the process takes a third of the time that HTTP takes.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
from collections import defaultdict
from copy import copy
from pathlib import Path

# The images that moto knows cost 0.4 s and some MB for each account and region, and nothing here needs them.
SETTINGS = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


class Moto:
    """The server process, from outside."""

    def __init__(self, folder, accounts, seed=0):
        from collect.organization import Cloud, Company

        path = folder / "company.json"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        command = [sys.executable, "-m", "collect.server", "--company", path, "--accounts", accounts, "--seed", seed]
        self.process = subprocess.Popen(
            list(map(str, command)), cwd=Path(__file__).parents[1], env=clean | SETTINGS,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = self.process.stdout.readline()
        assert line, "moto's server did not start"
        self.port = json.loads(line)["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self.company = Company.load(path)
        self.cloud = Cloud(self.url)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


def mend_metrics(backend, dimension):
    """moto takes dimensions in another order for another metric, which CloudWatch does not, and compares each query
    of GetMetricData with all data of a region, which takes seconds for 500 of them."""
    dimension.__lt__ = lambda one, other: (one.name, one.value) < (other.name, other.value)
    slowly = backend.get_metric_data

    def get_metric_data(self, queries, **window):
        data, results = defaultdict(list), []
        for datum in self.metric_data:
            data[datum.namespace, datum.name].append(datum)
        for query in queries:
            metric = query["MetricStat"]["Metric"]
            view, dimensions = copy(self), [dimension(one["Name"], one["Value"]) for one in metric["Dimensions"]]
            of_metric = data[metric["Namespace"], metric["MetricName"]]
            own = [datum for datum in of_metric if sorted(datum.dimensions) == sorted(dimensions)]
            view.get_all_metrics = lambda own=own: own
            results += slowly(view, [query], **window)
        return results

    backend.get_metric_data = get_metric_data


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--company", type=Path, required=True)
    options.add_argument("--accounts", type=int, required=True)
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    os.environ.update(SETTINGS)

    from moto import mock_aws
    from moto.cloudwatch.models import CloudWatchBackend, Dimension
    from moto.moto_api._internal import mock_random
    from moto.server import ThreadedMotoServer

    from collect.organization import Cloud, build

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    mock_random.seed(options.seed)
    mend_metrics(CloudWatchBackend, Dimension)
    mock = mock_aws()
    mock.start()
    build(Cloud(), options.accounts, options.seed).save(options.company)
    mock.stop(remove_data=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    print(json.dumps({"port": server.get_host_and_port()[1]}), flush=True)
    sys.stdin.read()  # until the tests close it, or end
    os._exit(0)


if __name__ == "__main__":
    main()
