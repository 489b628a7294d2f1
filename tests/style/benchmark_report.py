#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report of the benchmarks says what was measured, and its guard fails for a real regression only."""
import os
import sys

from common import ROOT, Report, files, read

sys.path.insert(0, os.path.join(ROOT, "tests", "benchmarks"))
import chart  # noqa: E402
import report as benchmark_report  # noqa: E402


def spread(value):
    return {"median": value, "min": value / 2, "max": value * 2}


def row(ratio, way, bound, **more):
    out = {
        "operation": "append",
        "aspect": "",
        "unit": "events/s",
        "events": 1_000_000,
        "ours": spread(ratio * 1000),
        "limit": spread(1000),
        "limit_name": "a loop",
        "ratio": spread(ratio),
        "target": {"way": way, "bound": bound, "of": "ratio"},
        "peers": {"SQLite": spread(10)},
        "pairs": 7,
    }
    out.update(more)
    return out


def check_guard(report):
    none = benchmark_report.Missed("")
    missed = benchmark_report.Missed("# a comment\nappend | | 0.04 | a reason\n")
    cases = [
        ("half of a target", row(0.13, "at_least", 0.25), none, True),
        ("less than half of a target", row(0.12, "at_least", 0.25), none, False),
        ("twice a target", row(5.9, "at_most", 3), none, True),
        ("more than twice a target", row(6.1, "at_most", 3), none, False),
        ("half of what was reached", row(0.021, "at_least", 0.25), missed, True),
        ("less than half of what was reached", row(0.019, "at_least", 0.25), missed, False),
        ("a tail", row(9, "at_most", 3, aspect="99th percentile"), none, True),
        ("no target", {**row(9, "at_most", 3), "target": {}}, none, True),
    ]
    for name, measured, known, is_let_pass in cases:
        if not measured["target"]:
            del measured["target"]
        report.look(
            benchmark_report.is_guarded(measured, known) == is_let_pass,
            f"the guard is to {'let pass' if is_let_pass else 'refuse'} {name}",
        )
    of_value = row(0.5, "at_most", 5)
    of_value["target"]["of"] = "value"
    time_alone = {**of_value, "unit": "ms"}
    report.look(
        benchmark_report.is_guarded(time_alone, none), "the guard is not to judge a bare time"
    )
    bytes_alone = {**of_value, "unit": "bytes"}
    report.look(
        not benchmark_report.is_guarded(bytes_alone, none), "the guard is to judge bytes by value"
    )


def check_table(report):
    missed = benchmark_report.Missed("append | | 0.1 | the reason\n")
    rows = [row(0.1, "at_least", 0.25), row(0.5, "at_least", 0.25, operation="scan", peers={})]
    lines = benchmark_report.table(rows).splitlines()
    report.look("SQLite" in lines[0] and "LMDB" not in lines[0], "a column for each peer that ran")
    report.look("**missed**" in lines[2] and "met" in lines[3], "met and missed are told")
    widths = {line.count("|") for line in lines}
    report.look(len(widths) == 1, "every line of the table has as many cells")
    why = benchmark_report.missed_lines(rows, missed)
    report.look("append: the reason" in why and "scan" not in why, "each miss has its reason")
    few = benchmark_report.table([row(0.1, "at_least", 0.25, pairs=1)])
    report.look("1 pairs only" in few and "pairs only" not in lines[2], "few pairs are told")
    small = row(0.9, "at_least", 0.25, events=100_000)
    kept = benchmark_report.readme_rows([small, rows[0]])
    report.look(kept == [rows[0]], "README.md shows the size that it names")
    grown = benchmark_report.growth([small, rows[0], row(0.2, "at_least", 0.25, operation="scan")])
    report.look(
        "append" in grown and "0.90" in grown and "scan" not in grown, "what has two sizes is told to grow"
    )
    picture = chart.svg(rows)
    report.look(picture.count("<circle") == 5 + 2 + 1, "the chart has a dot for each value")


def check_files(report):
    for name, marks in (
        ("README.md", benchmark_report.MARKS),
        ("framework/docs/figures.md", benchmark_report.GROWTH_MARKS),
    ):
        text = read(name)
        report.look(
            all(text.count(mark) == 1 for mark in marks), f"{name} has {marks[0]} and {marks[1]}"
        )
        once = benchmark_report.put_between_marks(text, marks, "a table\n")
        report.look(
            benchmark_report.put_between_marks(once, marks, "a table\n") == once,
            f"{name}: publishing twice is as once",
        )
    sources = files("tests/benchmarks", (".cpp", ".py"))
    text = "".join(read(path) for path in sources)
    for operation, aspect in benchmark_report.read_missed().rows:
        report.look(f'"{operation}"' in text, f"missed.txt: nobody measures '{operation}'")
        report.look(
            not aspect or f'"{aspect}"' in text, f"missed.txt: nobody measures '{aspect}'"
        )


def main():
    report = Report()
    check_guard(report)
    check_table(report)
    check_files(report)
    report.close()


main()
