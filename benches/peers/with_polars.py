"""The work of `sr-pipe` on a log in polars: `with_polars.py LOG TASK FILE OUT THREADS`."""

import os
import sys

log, task, file, out, threads = sys.argv[1:]
os.environ["POLARS_MAX_THREADS"] = threads

import polars as pl  # noqa: E402 (the number of threads is read when polars is loaded)

COLUMNS = {
    "jdata": ["user_id", "sku_id", "action_time", "type"],
    "kkbox": ["msno", "song_id", "source_screen_name", "target"],
    "trivago": ["user_id", "session_id", "timestamp", "step", "action_type", "reference"],
}


def main():
    rows = pl.scan_csv(file, schema_overrides={"reference": pl.String} if log == "trivago" else None)
    if log == "jdata":
        rows = rows.with_columns(pl.col("action_time").str.to_datetime("%Y-%m-%d %H:%M:%S"))
    rows = rows.select(COLUMNS[log])
    if task == "ingest":
        rows.sink_parquet(out, compression="zstd")
        return
    if log == "trivago":
        rows = rows.sort("session_id", "step")
    else:
        user = COLUMNS[log][0]
        if log == "kkbox":
            rows = rows.with_row_index("clock")
            begins = pl.col("clock").cast(pl.Int64).diff() > 2000
        else:
            rows = rows.rename({"action_time": "clock"})
            begins = pl.col("clock").diff() > pl.duration(hours=1)
        begins = (begins | (pl.col(user) != pl.col(user).shift())).fill_null(True)
        rows = rows.sort(user, "clock").with_columns(begins.cum_sum().alias("session"))
    rows.collect().write_parquet(out, compression="zstd")


main()
