"""The work of `sr-pipe` on a log in DuckDB: `with_duckdb.py LOG TASK FILE OUT THREADS`."""

import sys

import duckdb

LOGS = {
    "jdata": {"columns": "user_id, sku_id, action_time, type", "user": "user_id", "clock": "action_time"},
    "kkbox": {"columns": "msno, song_id, source_screen_name, target", "user": "msno", "clock": "row"},
    "trivago": {"columns": "user_id, session_id, timestamp, step, action_type, reference", "user": "session_id"},
}
PAUSES = {"jdata": "INTERVAL 1 HOUR", "kkbox": "2000"}


def main():
    log, task, file, out, threads = sys.argv[1:]
    how = LOGS[log]
    rows = f"SELECT *, row_number() OVER () AS row FROM read_csv('{file}', header=true)"
    if task == "ingest":
        query = f"SELECT {how['columns']} FROM read_csv('{file}', header=true)"
    elif "clock" not in how:
        query = f"SELECT {how['columns']} FROM read_csv('{file}', header=true) ORDER BY session_id, step"
    else:
        user, clock = how["user"], how["clock"]
        source = f"({rows})" if clock == "row" else f"read_csv('{file}', header=true)"
        pause = f"{clock} - lag({clock}) OVER (PARTITION BY {user} ORDER BY {clock}) <= {PAUSES[log]}"
        cut = f"SELECT {how['columns']}, {'row, ' if clock == 'row' else ''}CASE WHEN {pause} THEN 0 ELSE 1 END AS begins FROM {source}"
        query = (
            f"SELECT *, sum(begins) OVER (PARTITION BY {user} ORDER BY {clock} ROWS UNBOUNDED PRECEDING) AS session"
            f" FROM ({cut})"
        )
    connection = duckdb.connect()
    connection.execute(f"SET threads={threads}")
    connection.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")


main()
