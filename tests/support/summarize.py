#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what `meson test` ran, shows what failed, and ends with "N passed, N failed".

  summarize.py MESON_TEST_LOG.json

A doctest executable counts with each of its cases, a check script with each thing it looked at, any
other test as one. A test that failed in a way that its own count does not show (a crash, a timeout,
an executable without a case) counts as one failure. The exit code is 1 if anything failed or nothing
ran. EVERFOLD_TOTALS names a file to append the two numbers to; the last line is then a sentence, so
that a run over several builds has one total.
"""
import json
import os
import re
import sys

DOCTEST = re.compile(
    r"^\[doctest\] test cases: +(\d+) \| +(\d+) passed \| +(\d+) failed", re.MULTILINE
)
CHECK = re.compile(r"^\[check\] (\d+) passed, (\d+) failed$", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LINES_SHOWN = 200


def count(entry):
    """(passed, failed, why) of one line of Meson's log."""
    text = COLOUR.sub("", entry.get("stdout") or "")
    result = entry["result"]
    if result == "SKIP":
        return 0, 0, ""
    passed, failed, counted = 0, 0, False
    for match in DOCTEST.finditer(text):
        passed += int(match[2])
        failed += int(match[3])
        counted = True
    for match in CHECK.finditer(text):
        passed += int(match[1])
        failed += int(match[2])
        counted = True
    if not counted:
        return (1, 0, "") if result in ("OK", "EXPECTEDFAIL") else (0, 1, result.lower())
    if passed + failed == 0:
        return 0, 1, "it ran no test case"
    if result not in ("OK", "EXPECTEDFAIL") and failed == 0:
        return passed, 1, f"{result.lower()}, exit code {entry.get('returncode')}"
    return passed, failed, "" if failed == 0 else f"{failed} of {passed + failed} cases"


def show(entry, why):
    print(f"\n==== {entry['name']}: {why}")
    for stream in ("stdout", "stderr"):
        lines = (entry.get(stream) or "").rstrip().splitlines()
        if len(lines) > LINES_SHOWN:
            print(f"({len(lines) - LINES_SHOWN} lines of its {stream} are left out here)")
        print("\n".join(lines[-LINES_SHOWN:]))


def main():
    passed = failed = 0
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            entries = [json.loads(line) for line in file if line.strip()]
    except FileNotFoundError:
        print("no test was run")
        entries = []
    for entry in entries:
        entry_passed, entry_failed, why = count(entry)
        passed += entry_passed
        failed += entry_failed
        if entry_failed:
            show(entry, why)
    totals = os.environ.get("EVERFOLD_TOTALS")
    if totals:
        with open(totals, "a", encoding="utf-8") as file:
            file.write(f"{passed} {failed}\n")
        print(f"{passed} tests passed and {failed} failed in this build")
    else:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
