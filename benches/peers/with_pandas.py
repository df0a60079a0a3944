"""The work of `sr-pipe` on a log in pandas: `with_pandas.py LOG TASK FILE OUT THREADS`."""

import sys

import pandas as pd

COLUMNS = {
    "jdata": ["user_id", "sku_id", "action_time", "type"],
    "kkbox": ["msno", "song_id", "source_screen_name", "target"],
    "trivago": ["user_id", "session_id", "timestamp", "step", "action_type", "reference"],
}


def main():
    log, task, file, out, _ = sys.argv[1:]
    rows = pd.read_csv(file, usecols=COLUMNS[log], engine="pyarrow")[COLUMNS[log]]
    if log == "jdata":
        rows["action_time"] = pd.to_datetime(rows["action_time"])
    if task == "sessions":
        if log == "trivago":
            rows = rows.sort_values(["session_id", "step"], kind="stable")
        else:
            user = COLUMNS[log][0]
            clock, pause = ("action_time", pd.Timedelta(hours=1)) if log == "jdata" else ("row", 2000)
            if log == "kkbox":
                rows["row"] = range(len(rows))
            rows = rows.sort_values([user, clock], kind="stable")
            begins = (rows[clock].diff() > pause) | (rows[user] != rows[user].shift())
            rows["session"] = begins.cumsum()
    rows.to_parquet(out, compression="zstd")


main()
