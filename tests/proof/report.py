#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the suites of the proof, and writes what they print as a table.

  report.py BUILD_ROOT --full [SUITE...]     the figures of the catalogue, for at most eight minutes at a time
  report.py BUILD_ROOT --report [FILE]       FILE.md and FILE.json of what --full has come to; without that,
                                             of the quick shares
  report.py BUILD_ROOT --publish             puts the table of what --full has come to into README.md
  report.py BUILD_ROOT --collect FILE...     takes in the lines that another program has printed

A suite prints "proof: ID | technique | cases | violations | seconds" for each line of the table, and
"proof-next: STEP" where it was told to end before its last step. BUILD_ROOT/proof.json keeps what has been
counted for one commit. Exits with 1 if a promise was violated, with 3 if --full has to be run again.
"""
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
LINE = re.compile(r"^proof: (T\d\d) \| (.*) \| (\d+) \| (\d+) \| ([\d.]+)$", re.MULTILINE)
NEXT = re.compile(r"^proof-next: (\d+)$", re.MULTILINE)
SECONDS = 480  # of one call; the suite ends with the step in which they are over
# Suites on real processes: drivers that run whole, each for about five minutes with --full.
REAL = (
    "audited_calls", "failing_calls", "full_disks", "handed_over", "hostile_places", "killed_readers", "killed_writers",
    "soak", "system_calls", "two_writers",
)
REAL_SECONDS = 330
MARKS = ("<!-- proof: ./tests/run --full, then --publish-proof -->\n", "<!-- end of proof -->\n")
HEADER = ("| test | technique | cases | violations | seconds |", "| --- | --- | ---: | ---: | ---: |")


def git(*arguments):
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def commit():
    changed = git("status", "--porcelain", "--", "framework", "tests")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" and changes" if changed else "")


def format_version():
    with open(os.path.join(ROOT, "framework/everfold/log/format.hpp"), encoding="utf-8") as file:
        return int(re.search(r"\bformat_major\b[^=;]*[={]\s*(\d+)", file.read())[1])


class Results:
    """What has been counted, by suite and line."""

    def __init__(self, build):
        self.path = os.path.join(build, "proof.json")
        self.data = {"commit": commit(), "format": format_version(), "suites": {}}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                before = json.load(file)
            if (before["commit"], before["format"]) == (self.data["commit"], self.data["format"]):
                self.data = before

    def suite(self, name):
        return self.data["suites"].setdefault(name, {"next": 0, "lines": {}})

    def take(self, name, output):
        suite = self.suite(name)
        for test, technique, cases, violations, seconds in LINE.findall(output):
            line = suite["lines"].setdefault(f"{test} | {technique}", [0, 0, 0.0])
            line[0] += int(cases)
            line[1] += int(violations)
            line[2] = round(line[2] + float(seconds), 1)
        left = NEXT.search(output)
        suite["next"] = int(left[1]) if left else None
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
        os.replace(self.path + ".new", self.path)

    def rows(self):
        """(test, technique, cases, violations, seconds), in the order of the catalogue."""
        found = []
        for suite in self.data["suites"].values():
            for key, (cases, violations, seconds) in suite["lines"].items():
                found.append((*key.split(" | ", 1), cases, violations, seconds))
        return sorted(found, key=lambda row: row[0])

    def violations(self):
        return sum(row[3] for row in self.rows())


def prove(build, suite, *options):
    program = os.path.join(build, "tests", "proof", "proof")
    words = [program, suite, *options]
    if suite in REAL:
        program = os.path.join(ROOT, "tests", "proof", "real", suite + ".py")
        words = [sys.executable, program, build, *(["--full"] if options else [])]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not LINE.search(done.stdout)):
        sys.exit(f"{program} {suite} ended with {done.returncode}")
    return done.stdout


def names(build):
    program = os.path.join(build, "tests", "proof", "proof")
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines()] + list(REAL)


def full(build, wanted):
    results = Results(build)
    known = names(build)
    for name in wanted:
        if name not in known:
            sys.exit(f"there is no suite {name}; there are {', '.join(known)}")
    end = time.monotonic() + SECONDS
    for name in wanted or known:
        while results.suite(name)["next"] is not None:
            left = int(end - time.monotonic())
            if left < (REAL_SECONDS if name in REAL else 1):
                print("Not finished: run it again, and it goes on.")
                return 3
            since = str(results.suite(name)["next"])
            print(f"{name}, from step {since}", flush=True)
            results.take(name, prove(build, name, "--full", "--seconds", str(left), "--from", since))
    print(f"Finished: {sum(row[2] for row in results.rows()):,} cases, {results.violations()} violations.")
    return 1 if results.violations() else 0


def table(results):
    yield f"Format version {results.data['format']}, commit {results.data['commit']}."
    yield ""
    yield from HEADER
    for test, technique, cases, violations, seconds in results.rows():
        yield f"| {test} | {technique} | {cases:,} | {violations} | {seconds:,.0f} |"


def report(build, to):
    results = Results(build)
    if not results.data["suites"]:
        for name in names(build):
            results.take(name, prove(build, name))
        os.remove(results.path)  # or a full run would begin behind the quick one
    unfinished = [name for name, suite in results.data["suites"].items() if suite["next"] is not None]
    with open(to + ".md", "w", encoding="utf-8") as file:
        file.write("\n".join(table(results)) + "\n")
        if unfinished:
            file.write(f"\nNot finished: {', '.join(unfinished)}.\n")
    with open(to + ".json", "w", encoding="utf-8") as file:
        rows = [dict(zip(("test", "technique", "cases", "violations", "seconds"), row)) for row in results.rows()]
        head = {key: results.data[key] for key in ("commit", "format")}
        json.dump({**head, "unfinished": unfinished, "rows": rows}, file, indent=1)
        file.write("\n")
    print(f"{to}.md and {to}.json: {len(results.rows())} rows, {results.violations()} violations")
    return 1 if results.violations() else 0


def put_between_marks(text, what):
    before, rest = text.split(MARKS[0], 1)
    return before + MARKS[0] + "\n" + what + "\n" + MARKS[1] + rest.split(MARKS[1], 1)[1]


def publish(build):
    results = Results(build)
    if not results.data["suites"]:
        sys.exit("nothing has been run with --full for this commit")
    lines = list(table(results))
    unfinished = [name for name, suite in results.data["suites"].items() if suite["next"] is not None]
    absent = sorted(set(names(build)) - set(results.data["suites"]))
    if unfinished or absent:
        lines += ["", f"Not run to the end: {', '.join(unfinished + absent)}."]
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(put_between_marks(text, "\n".join(lines) + "\n"))
    print("README.md is written.")
    return 1 if results.violations() else 0


def collect(build, paths):
    results = Results(build)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            output = file.read()
        if not LINE.search(output):
            sys.exit(f"{path} has no line of the proof")
        results.data["suites"].pop(os.path.basename(path), None)
        results.take(os.path.basename(path), output)
    return 1 if results.violations() else 0


def main():
    build, mode, rest = os.path.realpath(sys.argv[1]), sys.argv[2], sys.argv[3:]
    if mode == "--full":
        return full(build, rest)
    if mode == "--collect":
        return collect(build, rest)
    if mode == "--publish":
        return publish(build)
    return report(build, rest[0] if rest else os.path.join(build, "proof"))


if __name__ == "__main__":
    sys.exit(main())
