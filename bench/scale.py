"""The default procedure on 5,000 models x 30,000 items of a Rasch world: time and peak memory.

    python scale.py PROGRAM [MODELS ITEMS]
"""

import sys

from turns import figures

SECONDS, MEBIBYTES = 300, 4096

program, *size = sys.argv[1:]
models, items = size or (5000, 30000)
run = figures(program, models, items, 100)
print(f"default procedure, {models} models x {items} items, k = 100")
for step in ("draw", "sources", "select", "fit"):
    print(f"  {step:10} {run[step + '_seconds']:7.2f} s  peak so far {run[step + '_peak_mib']:6.0f} MiB")
seconds, peak = run["seconds"], run["peak_mib"]
print(f"sources to fit {seconds:.1f} s of {SECONDS}, peak {peak:.0f} MiB of {MEBIBYTES}")
