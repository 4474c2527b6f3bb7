"""FasterPAM, ours and the `kmedoids` package (Schubert and Lenssen, in Rust) in turns, on one thread.

    python medoids.py PROGRAM DATA

Items of mmlu_pro as vectors of the models' scores; dissimilarity is 1 - Pearson's correlation, in f32.
"""

import pathlib
import statistics
import sys
import tempfile
import time

import kmedoids
import numpy
import pandas

from turns import figures

ITEMS, K, ROUNDS = 3000, 100, 7

program, data = sys.argv[1], pathlib.Path(sys.argv[2])
responses = pandas.read_parquet(data / "mmlu_pro" / "responses.parquet")
scores = responses.pivot_table(index="item_id", columns="model", values="score").iloc[:ITEMS]
scores = scores.dropna(axis=1, thresh=ITEMS // 2).T
scores = scores.fillna(scores.mean()).to_numpy().T
with numpy.errstate(invalid="ignore"):
    correlation = numpy.nan_to_num(numpy.corrcoef(scores))  # A constant item correlates with none.
matrix = numpy.clip(1 - correlation, 0, 2).astype("<f4")
matrix = numpy.maximum(matrix, matrix.T)
numpy.fill_diagonal(matrix, 0)

ours, theirs = [], []
with tempfile.TemporaryDirectory() as folder:
    numpy.save(f"{folder}/matrix.npy", matrix)
    for seed in range(ROUNDS):
        run = figures(program, f"{folder}/matrix.npy", K, seed)
        ours.append((run["seconds"], run["loss"], run["swaps"]))
        start = time.perf_counter()
        result = kmedoids.fasterpam(matrix, K, init="random", random_state=seed, n_cpu=1)
        theirs.append((time.perf_counter() - start, float(result.loss), result.n_swap))

print(f"k-medoids, {len(matrix)} items, k = {K}, random start, median of {ROUNDS} rounds in turns")
seconds = []
for name, runs in (("aliquot", ours), ("kmedoids", theirs)):
    time_of, loss, swaps = (statistics.median(column) for column in zip(*runs))
    best = min(run[1] for run in runs)
    print(f"{name:34} {1e3 * time_of:8.1f} ms  loss {loss:.2f} (best {best:.2f})  {swaps:.0f} swaps")
    seconds.append(time_of)
print(f"ratio kmedoids / aliquot {seconds[1] / seconds[0]:.2f}")
