#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of an operation by function, with valgrind's callgrind.

  profile.py BUILD_DIR [OPERATION...]

Counts are the same each time, whatever else the machine is doing; what waits for memory or a disk is not in
them. Operations: append, append_one, durable_append, scan, replay_map, replay_table. Reads an optimised
build; 20,000 events, and 2,000 where each is synced.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

OPERATIONS = {
    "append": 20_000,
    "append_one": 20_000,
    "durable_append": 2_000,
    "scan": 20_000,
    "replay_map": 20_000,
    "replay_table": 20_000,
}
SHOWN = 14
LINE = re.compile(r"^\s*([\d,]+) \([ \d.]+%\)\s+(?:\S+?:)?(.*?)(?: \[(.*)\])?$")


def short(name):
    """Without arguments and namespaces that all have."""
    name = re.sub(r"\((?!anonymous)[^()]*(?:\([^()]*\)[^()]*)*\).*$", "", name)
    name = name.replace("(anonymous namespace)::", "").replace("everfold::", "")
    return name if len(name) <= 70 else name[:67] + "..."


def counts(program, operation, events, folder):
    out = os.path.join(folder, "callgrind.out")
    if operation not in ("append", "append_one", "durable_append"):
        # The log that is read is made before, and not under the profiler.
        subprocess.run([program, operation, str(events), folder], check=True)
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--quiet", "--toggle-collect=profiled_part",
         f"--callgrind-out-file={out}", program, operation, str(events), folder],
        check=True,
    )
    told = subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", out], capture_output=True, text=True, check=True
    )
    found = {}
    for line in told.stdout.splitlines():
        match = LINE.match(line)
        if match and "PROGRAM TOTALS" not in line:
            name = short(match[2]) if match[2] != "???" else os.path.basename(match[3] or "?")
            found[name] = found.get(name, 0) + int(match[1].replace(",", ""))
    return found


def tell(operation, events, found):
    total = sum(found.values()) / events
    print(f"{operation}: {total:,.0f} instructions an event, {events:,} events")
    for name, count in sorted(found.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"  {count / events:8.0f}  {100 * count / events / total:4.1f} %  {name}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("operation", nargs="*")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("profile.py: valgrind is not installed")
    program = os.path.join(os.path.realpath(options.build), "tests", "benchmarks", "compared", "profiled")
    for operation in options.operation or OPERATIONS:
        if operation not in OPERATIONS:
            sys.exit(f"profile.py: there is no operation {operation}; there are {', '.join(OPERATIONS)}")
        with tempfile.TemporaryDirectory() as folder:
            events = OPERATIONS[operation]
            tell(operation, events, counts(program, operation, events, folder))


if __name__ == "__main__":
    main()
