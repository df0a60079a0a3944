"""Writes significance.json: what SciPy says of fixed inputs, for src/metric/significance/reference.rs.

Made with SciPy 1.17.1 and NumPy 2: `python3 significance.py > significance.json`.
The inputs stand in the file beside the answers; nothing here is random but the resamples of one bootstrap, whose
answer is compared with a tolerance.
"""

import json
import sys

import numpy as np
import scipy
from scipy import stats
from scipy.stats import _resampling

if scipy.__version__ != "1.17.1":
    print(f"note: made with SciPy 1.17.1, this is {scipy.__version__}", file=sys.stderr)


def wave(n, tilt, step, digits):
    """Values that look drawn and are not: no two runs differ."""
    return [round(tilt + (i * 7919 % 997) / 997 - 0.5, digits) if i % step else 0.0 for i in range(n)]


def steps(n, plus, minus):
    """Differences of a hit rate: 1, -1 and many zeros."""
    return [1.0 if i * 37 % 100 < plus else -1.0 if i * 37 % 100 >= 100 - minus else 0.0 for i in range(n)]


WILCOXON = {
    "small, no ties": [0.3, -0.1, 0.45, 0.2, 0.7, -0.05, 0.15, 0.9],
    "small, all one way": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    "small, ties": [0.5, 0.5, -0.5, 0.25, 1.0, 1.0, -0.25, 0.5, 0.75, 1.0],
    "small, ties and zeros": [0.0, 0.5, 0.5, -0.5, 0.0, 0.25, 1.0, 0.0, -0.25, 0.5, 0.75, 0.0, 1.0],
    "fifty, no ties": [round((-1) ** (i % 3) * (i + 1) / 64 + 0.001, 6) for i in range(50)],
    "large, no ties": [round(v, 9) + i * 1e-7 for i, v in enumerate(wave(400, 0.06, 10**9, 6)) if i],
    "large, ties": wave(300, 0.05, 10**9, 1),
    "large, ties and zeros": steps(900, 12, 9),
    "large, zeros, far off": steps(5000, 30, 9),
}


def wilcoxon(values):
    d = np.array(values)
    n, distinct = np.count_nonzero(d), len(set(np.abs(d[d != 0])))
    if n > 50:
        how = dict(method="asymptotic", correction=True)
    elif n == distinct == len(d):
        how = dict(method="exact")
    else:
        # SciPy has no exact null distribution with ties, so every pattern of signs is tried.
        how = dict(method=stats.PermutationMethod(n_resamples=np.inf))
    answer = stats.wilcoxon(d, zero_method="wilcox", **how)
    ranks = stats.rankdata(np.abs(d[d != 0]))
    plus, minus = ranks[d[d != 0] > 0].sum(), ranks[d[d != 0] < 0].sum()
    assert answer.statistic in (min(plus, minus), plus), answer
    return {
        "differences": values,
        "differing": int(n),
        "positive": float(plus),
        "negative": float(minus),
        "p": float(answer.pvalue),
        "rank_biserial": float((plus - minus) / (plus + minus)),
        "d_z": float(d.mean() / d.std(ddof=1)),
    }


STUDENT = {
    "two": ([0.61, 0.64], [0.58, 0.57]),
    "three": ([0.312, 0.305, 0.321], [0.309, 0.311, 0.302]),
    "five": ([20.1, 20.9, 20.4, 20.6, 20.2], [19.2, 19.4, 19.9, 19.3, 19.8]),
    "ten": ([v + 0.02 for v in wave(10, 0, 10**9, 4)], wave(11, 0, 10**9, 4)[1:]),
    "thirty": (wave(30, 0.2, 10**9, 4), wave(34, 0, 10**9, 4)[4:]),
}


def student(pair):
    better, than = pair
    answer = stats.ttest_rel(better, than)
    differences = [float(a - b) for a, b in zip(better, than)]
    return {"differences": differences, "t": float(answer.statistic), "freedom": int(answer.df), "p": float(answer.pvalue)}


CLUSTERS = {
    "even": ([0.1, 0.4, -0.2, 0.3, 0.0, 0.2, 0.55, -0.1, 0.15, 0.25], [1] * 10),
    "skewed": ([0.0, 0.0, 0.05, 0.0, 2.5, 0.1, 0.0, 0.3, 0.0, 1.2, 0.0, 0.02], [1, 2, 1, 3, 4, 1, 2, 1, 1, 5, 2, 1]),
    "many": (wave(200, 0.08, 3, 4), [1 + i % 4 for i in range(200)]),
}


def bootstrap(clusters):
    sums, counts = np.array(clusters[0], float), np.array(clusters[1], float)
    estimate = lambda i: sums[i].sum(axis=-1) / counts[i].sum(axis=-1)
    index = np.arange(len(sums))
    # Replicates that both programs are given, so that the bounds can be compared to the last digit.
    chosen = [[(r * 7919 + k * k * 104729 + r * k * 31) % 15485863 % len(sums) for k in index] for r in range(499)]
    replicates = np.array([float(estimate(np.array(c))) for c in chosen])
    low, high, _ = _resampling._bca_interval((index,), lambda i, axis=-1: estimate(i), -1, 0.025, replicates, None, np)
    own = stats.bootstrap(
        (index,), lambda i, axis=-1: estimate(i), n_resamples=200_000, batch=10_000, method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    return {
        "sums": list(map(float, sums)),
        "samples": list(map(float, counts)),
        "replicates": list(map(float, replicates)),
        "of_replicates": [float(np.quantile(replicates, low)), float(np.quantile(replicates, high))],
        "own": [float(own.low), float(own.high)],
    }


def power(d_z):
    """The exact number of pairs: the smallest with which the t-test finds `d_z` four times of five, two-sided."""
    for n in range(2, 100_000):
        t = stats.t.ppf(0.975, n - 1)
        shift = d_z * np.sqrt(n)
        if stats.nct.sf(t, n - 1, shift) + stats.nct.cdf(-t, n - 1, shift) >= 0.8:
            return {"d_z": d_z, "pairs": n}


print(json.dumps({
    "scipy": scipy.__version__,
    "wilcoxon": {name: wilcoxon(values) for name, values in WILCOXON.items()},
    "student": {name: student(pair) for name, pair in STUDENT.items()},
    "bootstrap": {name: bootstrap(clusters) for name, clusters in CLUSTERS.items()},
    "power": [power(d) for d in (3.0, 2.0, 1.5, 1.0, 0.8, 0.5, 0.3, 0.1)],
    "quantiles": [[p, float(stats.norm.ppf(p))] for p in (1e-12, 1e-4, 0.025, 0.1, 0.5, 0.8, 0.975, 0.9999)],
}, indent=None, separators=(",", ":")))
