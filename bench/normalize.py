"""Speed and memory of the main job on the AlpacaEval mirror, ours and a pandas script in turns.

    python normalize.py ALIQUOT MIRROR

Peak memory is the largest resident set of one process (of pandas: of its largest worker or parent).
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
RECIPE = "manifests/recipes/alpaca-eval.toml"

program, mirror = sys.argv[1], pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "")
if not mirror.is_dir() or not sys.argv[2:]:
    sys.exit("make bench needs the raw files: make bench MIRROR=DIR")


def timed(command):
    """Wall seconds, peak resident MiB and output of a command."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command} failed")
    return seconds, usage.ru_maxrss / 1024, output


def report(name, runs, megabytes):
    seconds = statistics.median(run[0] for run in runs)
    peak = max(run[1] for run in runs)
    print(f"{name:34} {seconds:6.2f} s  {megabytes / seconds:6.0f} MB/s of JSON  peak {peak:5.0f} MiB")
    return seconds


ours, theirs, idle = [], [], []
with tempfile.TemporaryDirectory(dir=".") as scratch:
    for round in range(ROUNDS):
        store = f"{scratch}/store-{round}"
        base = [program, "run", RECIPE, "--mirror", mirror, "--store", store, "--offline"]
        ours.append(timed([*base, "--until", "merge", "--jobs", "2"]))
        theirs.append(timed([sys.executable, "bench/pandas_normalize.py", mirror, f"{scratch}/pandas-{round}", 2]))
    full = timed(base)
    for _ in range(ROUNDS):
        idle.append(timed(base))

megabytes = int(theirs[0][2]) / 1e6
print(f"AlpacaEval mirror, {megabytes:.0f} MB of JSON, {os.cpu_count()} cores, median of {ROUNDS} rounds in turns")
first = report("aliquot: fetch + normalize + merge", ours, megabytes)
second = report("pandas + pyarrow, 2 processes", theirs, megabytes)
print(f"ratio pandas / aliquot {second / first:.1f}")
print(f"rest of the release (audit to publish) {full[0]:.2f} s; a run with nothing to do {max(run[0] for run in idle):.3f} s")
