"""How Grafana turns the SQL of a panel into the statement that it sends.

First its page puts in the variables, then its Postgres source the macros. Both are written after Grafana's own code:
`pkg/tsdb/grafana-postgresql-datasource/macros.go` and `sqleng/sql_engine.go` (function `Interpolate`),
`public/app/plugins/datasource/grafana-postgresql-datasource/datasource.ts` (`interpolateVariable`), and the table of cases in
`interpolationTruthTable.test.ts` beside it.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_800, "y": 31_557_600}
# The steps that Grafana rounds a panel's interval to, from an hour up.
STEPS = [(7_200, 3_600), (14_400, 10_800), (36_000, 21_600), (86_400, 43_200), (604_800, 86_400), (1_814_400, 604_800)]


@dataclass(frozen=True)
class All:
    """The choice `All` of a variable with a value of its own for it, which is put in as it stands."""

    value: str


@dataclass
class Dashboard:
    """What somebody chose at the top of a dashboard."""

    start: datetime
    end: datetime
    variables: dict = field(default_factory=dict)

    def statement(self, sql, interval="1h", points=1_000):
        """The statement that is sent for the SQL of a panel."""
        sql = self._variables(sql)
        return self._macros(self._globals(sql, self._interval(interval, points)))

    def _interval(self, least, points):
        seconds = max((self.end - self.start).total_seconds() / points, duration(least))
        return next((step for below, step in STEPS if seconds < below), 2_592_000)

    def _variables(self, sql):
        def put(match):
            name = match[1] or match[3]
            if name.startswith("__"):
                return match[0]
            value = self.variables[name]
            if isinstance(value, All):
                return value.value
            values = value if isinstance(value, list) else [value]
            quoted = ",".join("'" + one.replace("'", "''") + "'" for one in values)
            if match[2] == "sqlstring" or (match[2] is None and isinstance(value, list)):
                return quoted
            assert match[2] is None, f"format {match[2]} is not used by these dashboards"
            return value.replace("'", "''")

        return VARIABLE.sub(put, sql)

    def _globals(self, sql, seconds):
        sql = sql.replace("$__interval_ms", str(seconds * 1_000)).replace("$__interval", f"{seconds}s")
        sql = sql.replace("$__unixEpochFrom()", str(int(self.start.timestamp())))
        return sql.replace("$__unixEpochTo()", str(int(self.end.timestamp())))

    def _macros(self, sql):
        def put(match):
            name = match[1]
            if name == "__timeGroup" and sql[match.end() : match.end() + 1] == ",":
                name = "__timeGroupAlias"
            return self._macro(name, [argument.strip(" ") for argument in match[2].split(",")])

        return MACRO.sub(put, sql)

    def _macro(self, name, arguments):
        column = arguments[0]
        start, end = int(self.start.timestamp()), int(self.end.timestamp())
        match name:
            case "__time":
                return f'{column} AS "time"'
            case "__timeEpoch":
                return f'extract(epoch from {column}) as "time"'
            case "__timeFilter":
                return f"{column} BETWEEN '{rfc3339(self.start)}' AND '{rfc3339(self.end)}'"
            case "__timeFrom":
                return f"'{rfc3339(self.start)}'"
            case "__timeTo":
                return f"'{rfc3339(self.end)}'"
            case "__timeGroup":
                seconds = plain(duration(arguments[1].strip("'")))
                return f"floor(extract(epoch from {column})/{seconds})*{seconds}"
            case "__unixEpochGroup":
                seconds = plain(duration(arguments[1].strip("'")))
                return f"floor(({column})/{seconds})*{seconds}"
            case "__timeGroupAlias" | "__unixEpochGroupAlias":
                return self._macro(name.removesuffix("Alias"), arguments) + ' AS "time"'
            case "__unixEpochFilter":
                return f"{column} >= {start} AND {column} <= {end}"
            case "__unixEpochNanoFilter":
                return f"{column} >= {start * 10**9} AND {column} <= {end * 10**9}"
            case "__unixEpochNanoFrom":
                return str(start * 10**9)
            case "__unixEpochNanoTo":
                return str(end * 10**9)
        raise ValueError(f"unknown macro {name!r}")


def rfc3339(instant):
    """As Go's RFC3339Nano: no zeros at the end of the fraction, and none without a fraction."""
    text = f"{instant.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".")
    return text + "Z"


def duration(text):
    number, unit = re.fullmatch(r"(\d+)(ms|[smhdwMy])", text).groups()
    return timedelta(seconds=int(number) * UNITS[unit]).total_seconds()


def plain(seconds):
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)
