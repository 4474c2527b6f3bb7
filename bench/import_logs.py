"""Speed and memory of `aliquot import` on generated lm-eval logs, in turns with DuckDB and Polars.

    python import_logs.py ALIQUOT [MEGABYTES] [FILES]

Two threads each. The three give the same rows of responses, items, aliases and prompts, which is checked;
Aliquot's accuracies are recomputed from the log-likelihoods besides, and its shards are kept, so that
a file more is one file read. Peak memory is the largest resident set of the process.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import duckdb
import sample_logs

ROUNDS = 3
THREADS = 2

program, *size = sys.argv[1:]
megabytes, files = map(int, [*size, *(500, 50)[len(size) :]])
here = pathlib.Path(__file__).parent


def timed(*command):
    """Wall seconds and peak resident MiB of a command."""
    start = time.perf_counter()
    environment = {**os.environ, "POLARS_MAX_THREADS": str(THREADS)}
    process = subprocess.Popen([str(part) for part in command], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def number(query):
    return duckdb.sql(query).fetchall()[0][0]


def check(ours, theirs):
    """All have the same rows: digests of items differ, so that their names tell them apart."""
    rows = """
        SELECT r.model, a.task, a.doc_id::UINTEGER AS doc_id, a.doc_hash, p.prompt_hash, r.filter, r.metric, r.score,
            round(r.log_likelihood, 3) AS log_likelihood, i.stem, i.target, r.record::UINTEGER AS record
        FROM '{0}/responses.parquet' r JOIN '{0}/aliases.parquet' a USING (item_uid)
            JOIN '{0}/items.parquet' i USING (item_uid) JOIN '{0}/prompts.parquet' p USING (item_uid)
    """
    mine = rows.format(ours).replace("r.model", "replace(r.model, '/', '__') AS model", 1)
    for other in theirs:
        its = rows.format(other)
        total = number(f"SELECT count(*) FROM ({its})")
        for difference in (f"{mine} EXCEPT {its}", f"{its} EXCEPT {mine}"):
            count = number(f"SELECT count(*) FROM ({difference})")
            # Rounding may fall either way in the last digit.
            assert count < 0.01 * total, (other, count, total)


def report(name, runs, total):
    seconds, peak = statistics.median(run[0] for run in runs), max(run[1] for run in runs)
    print(f"{name:10} {seconds:7.2f} s  {total / seconds:5.0f} MB/s  peak {peak:5.0f} MiB")
    return seconds


with tempfile.TemporaryDirectory(dir=".") as scratch:
    logs, out = pathlib.Path(scratch, "logs"), pathlib.Path(scratch, "out")
    sample_logs.write(logs, megabytes, files)
    total = sum(file.stat().st_size for file in logs.rglob("*.jsonl")) / 1e6
    runs = {"aliquot": [], "DuckDB": [], "Polars": []}
    for round in range(ROUNDS):
        store = f"{scratch}/store-{round}"
        ours = [program, "import", logs, "-o", out, "--store", store, "--jobs", THREADS]
        runs["aliquot"].append(timed(*ours))
        runs["DuckDB"].append(timed(sys.executable, here / "duckdb_import.py", logs, f"{scratch}/duckdb", THREADS))
        runs["Polars"].append(timed(sys.executable, here / "polars_import.py", logs, f"{scratch}/polars", THREADS))
    check(out, [f"{scratch}/duckdb", f"{scratch}/polars"])
    again = timed(*ours)
    print(f"{total:.0f} MB in {files} files, {THREADS} threads, median of {ROUNDS} rounds in turns")
    seconds = {name: report(name, measured, total) for name, measured in runs.items()}
    for other in ("DuckDB", "Polars"):
        print(f"ratio {other} / aliquot {seconds[other] / seconds['aliquot']:.2f}")
    print(f"aliquot once more, with nothing new: {again[0]:.2f} s")
