"""Statements that ask for more than there is: time, memory, stack, rows.

Those of `STOPPED` must come to an end by a limit that says so. Those of `SURVIVED` may be answered or refused, but soon, and without
harm to anybody else.
"""

DOUBLING = "WITH RECURSIVE t AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM t)"
COUNTING = "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t)"
CROSS = "emissions a, emissions b, emissions c"

STOPPED = {
    "recursion without end": f"{COUNTING} SELECT count(*) FROM t",
    "recursion that keeps all its rows": f"{COUNTING} SELECT array_agg(n) FROM t",
    "recursion that doubles": f"{DOUBLING} SELECT max(length(s)) FROM t",
    "recursion that multiplies rows": "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT t.n FROM t, (VALUES (1), (2), (3)) AS v (x)) SELECT count(*) FROM t",
    "a series of 10^12": "SELECT count(value) FROM generate_series(1, 1000000000000) WHERE value % 7 = 3",
    "rows of a series of 10^12": "SELECT value FROM generate_series(1, 1000000000000)",
    "an array of 3 * 10^8": "SELECT array_length(range(0, 300000000))",
    "an array of 10^12": "SELECT range(0, 1000000000000)",
    "an array of 10^12 for each row": "SELECT sum(array_length(range(0, 1000000000000 + length(line_id)))) FROM emissions",
    "an array of the same 10^11 times": "SELECT array_length(array_repeat(1, 100000000000))",
    "an array set to 10^11 places": "SELECT array_length(array_resize([1], 100000000000, 0))",
    "a product of tables": f"SELECT count(*) FROM {CROSS} WHERE a.line_id < b.line_id || c.line_id",
    "a product that is kept": f"SELECT array_agg(a.line_id || b.line_id || c.line_id) FROM {CROSS}",
    "a product that is sorted": f"SELECT a.line_id || b.line_id || c.line_id AS x FROM {CROSS} ORDER BY x DESC",
    "a product that is grouped": f"SELECT count(*) FROM (SELECT DISTINCT a.line_id || b.line_id || c.line_id FROM {CROSS})",
    "a text of all texts": f"SELECT length(string_agg(a.line_id || b.line_id, ',')) FROM {CROSS}",
    "a window over a product": f"SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY a.line_id || b.line_id || c.line_id) AS n FROM {CROSS}) x",
    "a series of nanoseconds": "SELECT count(*) FROM generate_series(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', INTERVAL '1 microsecond')",
    "more rows than an answer may have": "SELECT a.line_id FROM emissions a, emissions b",
}

SURVIVED = {
    "10^9 letters": "SELECT length(repeat('x', 1000000000))",
    "10^8 letters for each row": "SELECT sum(length(repeat(line_id, 10000000))) FROM emissions",
    "letters at the left": "SELECT length(lpad('x', 2000000000, 'y'))",
    "letters at the right of each row": "SELECT sum(length(rpad(line_id, 100000000, 'y'))) FROM emissions",
    "letters in place of letters": "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))",
    "letters by a pattern": "SELECT length(regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g'))",
    "a power": "SELECT power(10::numeric, 1000000)",
    "a factorial": "SELECT factorial(1000000000)",
    "deep parentheses": f"SELECT {'(' * 20_000}1{')' * 20_000}",
    "deep calls": f"SELECT {'abs(' * 5_000}1{')' * 5_000}",
    "deep subqueries": f"{'SELECT * FROM (' * 2_000}SELECT 1{') t' * 2_000}",
    "deep signs": f"SELECT {'- ' * 50_000}1",
    "deep negations": f"SELECT {'NOT ' * 50_000}true",
    "deep arrays": f"SELECT {'[' * 5_000}1{']' * 5_000}",
    "deep cases": f"SELECT {'CASE WHEN true THEN ' * 3_000}1{' END' * 3_000}",
    "a long sum": f"SELECT {'1 + ' * 100_000}1",
    "a long condition": f"SELECT count(*) FROM emissions WHERE {' OR '.join(f'line_seq = {n}' for n in range(20_000))}",
    "a long list": f"SELECT count(*) FROM emissions WHERE line_seq IN ({','.join(map(str, range(100_000)))})",
    "a long union": " UNION ALL ".join(["SELECT 1"] * 3_000),
    "a long row": f"SELECT {', '.join(f'{n} AS c{n}' for n in range(20_000))}",
    "many joins": f"SELECT count(*) FROM periods p0 {' '.join(f'JOIN periods p{n} USING (period)' for n in range(1, 120))}",
    "many ctes": "WITH t0 AS (SELECT 1 AS x)"
    + "".join(f", t{n} AS (SELECT a.x FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 26))
    + " SELECT count(*) FROM t25",
    "cube of many columns": f"SELECT count(*) FROM emissions GROUP BY CUBE ({', '.join(f'line_seq + {n}' for n in range(20))})",
    "a pattern that backtracks": "SELECT count(*) FROM emissions WHERE regexp_like(repeat(line_id, 1000) || '!', '^(([a-z0-9-])+.)+[A-Z]([a-z0-9])+$')",
    "a pattern that grows": "SELECT regexp_like('x', '((((a{0,100}){0,100}){0,100}){0,100}){0,100}')",
    "a pattern for each row": "SELECT count(*) FROM emissions WHERE regexp_like(line_id, repeat('(a|' || line_id || ')?', 500))",
    "like with many wildcards": f"SELECT count(*) FROM emissions WHERE repeat(line_id, 1000) LIKE '{'%a' * 200}%'",
}
