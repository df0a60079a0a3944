"""Reads the tables of a folder with one library and prints what it saw as JSON: types, missing values, events by name."""

import glob
import json
import os
import sys

library, folder, example = sys.argv[1:4]
os.chdir(folder)
tables = {}


def with_polars():
    import polars

    for file in sorted(glob.glob("*.parquet")):
        table = polars.read_parquet(file)
        types = {name: str(of) for name, of in table.schema.items()}
        tables[file] = {"rows": table.height, "types": types, "nulls": {n: table[n].null_count() for n in types}}
    space = {}
    exec(example, space)
    events = space["events"].collect().select("user", "item", "operation", polars.col("time").dt.epoch("s"))
    lengths = space["sessions"].select("session", polars.col("item").list.len()).collect()
    return events.rows(), lengths.rows()


def with_duckdb():
    import duckdb

    for file in sorted(glob.glob("*.parquet")):
        types = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()}
        counts = ", ".join(f'count(*) - count("{name}")' for name in types)
        rows, *nulls = duckdb.sql(f"SELECT count(*), {counts} FROM '{file}'").fetchall()[0]
        tables[file] = {"rows": rows, "types": types, "nulls": dict(zip(types, nulls))}
    macro, events, sessions = [part for part in example.split(";") if part.strip()]
    duckdb.sql(macro)
    events = duckdb.sql(f"SELECT user, item, operation, epoch(time)::BIGINT FROM ({events})").fetchall()
    lengths = duckdb.sql(f"SELECT session, len(items) FROM ({sessions}) ORDER BY session").fetchall()
    return events, lengths


def with_pyarrow():
    from pyarrow import parquet

    for file in sorted(glob.glob("*.parquet")):
        table = parquet.read_table(file)
        types = {field.name: str(field.type) for field in table.schema}
        tables[file] = {"rows": len(table), "types": types, "nulls": {n: table[n].null_count for n in types}}
    names = {key: parquet.read_table(f"{key}s.parquet")[key].to_pylist() for key in ["user", "item", "operation"]}
    events = parquet.read_table("events.parquet").to_pylist()
    named = [[*(names[key][event[key]] for key in names), event["time"]] for event in events]
    sessions = parquet.read_table("sessions.parquet").to_pylist()
    return named, [[session["session"], session["length"]] for session in sessions]


events, lengths = {"polars": with_polars, "duckdb": with_duckdb, "pyarrow": with_pyarrow}[library]()
json.dump({"tables": tables, "events": sorted(map(list, events)), "lengths": list(map(list, lengths))}, sys.stdout)
