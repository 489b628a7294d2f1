#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests that framework/docs/promises.md names, one by one, and prints what came of each.

  promise_table.py BUILD_ROOT

The table has, for each promise and test: what the test counted and printed, the checks made, the result and
the seconds. The exit code is 1 if a test failed or could not be found.
"""
import glob
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "style"))
from common import ROOT  # noqa: E402
from promises import promises  # noqa: E402

SUMMARY = re.compile(r"test cases:\s*(\d+) \|\s*(\d+) passed.*\n.*assertions:\s*(\d+) \|", re.MULTILINE)
NOISE = re.compile(r"^(\[doctest\]|=+$|-+$|\s*$|\S*_test\.cpp:\d+:|TEST CASE:|\s+logged:|\s+\w+ := )")


def pattern(name):
    """For doctest's --test-case: a comma would separate names; a template has its type behind."""
    return name.replace(",", "?") + "*"


def programs(build):
    """{program: its cases}"""
    found = {}
    for path in sorted(glob.glob(os.path.join(build, "tests", "test_*"))):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            listed = subprocess.run([path, "--list-test-cases"], capture_output=True, text=True, check=True)
            found[path] = listed.stdout.splitlines()
    return found


def run(path, name, environment):
    began = time.monotonic()
    done = subprocess.run(
        [path, "--test-case=" + pattern(name)], capture_output=True, text=True, env=environment, check=False
    )
    seconds = time.monotonic() - began
    summary = SUMMARY.search(done.stdout)
    cases, passed, checks = (int(n) for n in summary.groups()) if summary else (0, 0, 0)
    counted = [line.strip() for line in done.stdout.splitlines() if not NOISE.match(line)]
    return done.returncode == 0 and cases > 0 and passed == cases, counted, checks, seconds


def main():
    build = os.path.realpath(sys.argv[1])
    environment = dict(os.environ, EVERFOLD_SOURCE_ROOT=ROOT, EVERFOLD_BUILD_ROOT=build)
    known = programs(build)
    failed = 0
    print("| promise | test | counted | checks | result | s |\n| --- | --- | --- | --- | --- | --- |", flush=True)
    for number, title, tests, lacking in promises():
        for test in tests:
            holders = [p for p, names in known.items() if any(n.startswith(test) for n in names)]
            is_held, counted, checks, seconds = False, ["not found"], 0, 0.0
            if holders:
                is_held, counted, checks, seconds = run(holders[0], test, environment)
            failed += 0 if is_held else 1
            said = "; ".join(counted[:3]) if is_held else "; ".join(counted[:1])
            print(f"| {number} {title} | {test} | {said} | {checks} | {'holds' if is_held else 'FAILED'} "
                  f"| {seconds:.1f} |", flush=True)
        for what in lacking:
            print(f"| {number} {title} | | not yet: {what} | | | |", flush=True)
    sys.exit(1 if failed else 0)


main()
