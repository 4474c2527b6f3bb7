"""Every fuzz test by itself, with many cases and a bound on its memory.

    python fuzz.py TESTS [CASES]

TESTS is the built test program; `make fuzz` finds it.
"""

import os
import subprocess
import sys
import time

BOUND = 512  # MiB
HANG = 3600  # seconds

program, *rest = sys.argv[1:]
cases = rest[0] if rest else "100000"
listed = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout
names = [line.removesuffix(": test") for line in listed.splitlines() if line.startswith("fuzz_")]
assert names, "there is no fuzz test"
failed = []
for name in names:
    start = time.perf_counter()
    environment = {**os.environ, "ALIQUOT_FUZZ_CASES": cases}
    command = ["timeout", str(HANG), program, "--exact", name, "--nocapture"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    peak = usage.ru_maxrss / 1024
    verdict = "FAILED" if status or peak > BOUND else "ok"
    failed += [name] if verdict == "FAILED" else []
    print(f"{name:50} {time.perf_counter() - start:6.1f} s  peak {peak:4.0f} MiB  {verdict}", flush=True)
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
