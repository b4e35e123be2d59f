#!/usr/bin/env python3
"""The same rollup with DuckDB on all cores, for comparison in rollup_bench.py.

usage: duckdb_rollup.py FILE

Prints CSV like `tributary rollup`. Prints the seconds of the query and its output, without the
start of Python and DuckDB, to standard error. This was the fastest form of the query: typed
columns, timestamps parsed by DuckDB, one group per transfer_id.
"""

import sys
import time

import duckdb

QUERY = """
COPY (
    SELECT currency,
           strftime(minute, '%Y-%m-%dT%H:%M') AS minute,
           settled,
           transfers
    FROM (
        SELECT currency,
               date_trunc('minute', settled_at_utc) AS minute,
               sum(amount_minor_units)::BIGINT AS settled,
               count(*) AS transfers
        FROM (
            SELECT any_value(currency) AS currency,
                   any_value(amount_minor_units) AS amount_minor_units,
                   any_value(settled_at_utc) AS settled_at_utc
            FROM read_json('{path}', format = 'newline_delimited', columns = {{
                transfer_id: 'VARCHAR', currency: 'VARCHAR',
                amount_minor_units: 'BIGINT', settled_at_utc: 'TIMESTAMP'}})
            GROUP BY transfer_id
        )
        GROUP BY ALL
    )
    ORDER BY currency, minute
) TO '/dev/stdout' (FORMAT csv, HEADER)
"""

connection = duckdb.connect()
begun = time.monotonic()
connection.execute(QUERY.format(path=sys.argv[1].replace("'", "''")))
print(f"{time.monotonic() - begun:.3f}", file=sys.stderr)
