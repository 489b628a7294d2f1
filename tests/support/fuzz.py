#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs each fuzzer for some seconds, from its corpus, and ends with "N passed, N failed".

  fuzz.py BUILD_ROOT SECONDS [TARGET...]

What is found on the way stays in BUILD_ROOT/fuzz/TARGET, so that the next run goes on from there; an
input that ends the process is BUILD_ROOT/fuzz/crash-TARGET-….
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INPUT_BYTES_MAX = 16 * 1024


def run(build, target, seconds):
    """One row of the table, and whether nothing was found."""
    found = build / "fuzz" / target
    found.mkdir(parents=True, exist_ok=True)
    corpus = ROOT / "tests" / "fuzz" / "corpus" / target
    known = set(found.iterdir())
    environment = dict(
        os.environ,
        ASAN_OPTIONS="detect_stack_use_after_return=0:strict_string_checks=1",
        UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1",
    )
    done = subprocess.run(
        [
            build / "tests" / "fuzz" / f"fuzz_{target}", f"-max_total_time={seconds}",
            f"-max_len={INPUT_BYTES_MAX}", "-timeout=20", "-print_final_stats=1", "-close_fd_mask=1",
            f"-artifact_prefix={build}/fuzz/crash-{target}-", found, corpus,
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True, errors="replace",
    )
    text = done.stderr
    executed = re.findall(r"stat::number_of_executed_units: (\d+)", text) or re.findall(r"^#(\d+)", text, re.M) or ["0"]
    coverage = re.findall(r"cov: (\d+)", text) or ["0"]
    count = int(executed[-1])
    new = len(set(found.iterdir()) - known)
    crash = re.search(r"Test unit written to (\S+)", text)
    is_fine = done.returncode == 0 and count > 0
    print(
        f"{target:14}{count:12,}{count / max(seconds, 1):10,.0f}{coverage[-1]:>8}{new:8}  "
        + ("passed" if is_fine else "FAILED"),
        flush=True,
    )
    if not is_fine:
        print("\n".join(text.splitlines()[-40:]))
        if crash:
            print(f"the input: {crash[1]}\nagain with: {build}/tests/fuzz/fuzz_{target} {crash[1]}")
    return is_fine


def main():
    build, seconds = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
    targets = sys.argv[3:] or sorted(
        path.name.removeprefix("fuzz_") for path in (build / "tests" / "fuzz").glob("fuzz_*") if path.is_file()
    )
    print(f"{'target':14}{'execs':>12}{'execs/s':>10}{'edges':>8}{'new':>8}  result")
    passed = sum(run(build, target, seconds) for target in targets)
    print(f"{passed} passed, {len(targets) - passed} failed")
    return 0 if targets and passed == len(targets) else 1


if __name__ == "__main__":
    sys.exit(main())
