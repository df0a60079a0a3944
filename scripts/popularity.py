"""The items with the most actions of one type, from the raw log. A script of one's own: no module but Python's own.

It reads $IN_RAW/jdata_action.csv and writes $OUT/popularity.csv.
"""

import collections
import csv
import os
import sys

kind, count = sys.argv[1], int(sys.argv[2])
actions = collections.Counter()
with open(os.path.join(os.environ["IN_RAW"], "jdata_action.csv"), newline="") as file:
    for row in csv.DictReader(file):
        if row["type"] == kind:
            actions[row["sku_id"]] += 1

# Equal counts in the order of the item: the same input must give the same bytes.
best = sorted(actions.items(), key=lambda item: (-item[1], item[0]))[:count]
with open(os.path.join(os.environ["OUT"], "popularity.csv"), "w", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["item", "actions"])
    table.writerows(best)
print(f"{len(actions)} items have actions of type {kind}")
