#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the compared benchmarks of a build directory and writes what they say as a table.

  report.py BUILD_DIR [--small | --large] [--publish]    the report, in BUILD_DIR/benchmarks
  report.py BUILD_DIR --guard                            a quick run that fails on a real regression
  report.py BUILD_DIR --from REPORT.json [--publish]     the same report once more, without a run

--small takes 100,000 events, --large 10 million too, for which the other stores are left out. --publish puts
the table into README.md, between its two marks, and what grows and the chart beside the figures. What stands
in the way of a target that is missed is in missed.txt.

The guard fails where a ratio is worse than half of its target, or, for a target that is missed, than half
of what missed.txt says was reached; it tries such a row once more before.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import chart  # noqa: E402
import compile_cost  # noqa: E402

PEERS = ["SQLite", "LevelDB", "LMDB", "RocksDB"]
# In this order: what is measured of a peer's files comes before indexes are added to them.
GROWING = ["append", "replay", "size", "load", "history", "open", "snapshot", "import"]
# What does not depend on how much is in the log.
CONSTANT = ["durable", "live"]
MARKS = ("<!-- figures: ./tests/run --bench --publish -->", "<!-- end of figures -->")
GROWTH_MARKS = ("<!-- growth: ./tests/run --bench --large --publish -->", "<!-- end of growth -->")
WITH_PEERS_MAX = 1_000_000
GUARDED_UNITS = ("bytes", "MiB")
README_EVENTS = 1_000_000


class Missed:
    """The rows that do not meet their target: what was reached, and why not more."""

    def __init__(self, text):
        self.rows = {}
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            operation, aspect, reached, why = (part.strip() for part in line.split("|", 3))
            self.rows[operation, aspect] = (float(reached), why)

    def reached(self, row):
        return self.rows.get(key_of(row), (None, ""))[0]

    def why(self, row):
        return self.rows.get(key_of(row), (None, ""))[1]


def read_missed():
    with open(os.path.join(HERE, "missed.txt"), encoding="utf-8") as file:
        return Missed(file.read())


def key_of(row):
    return row["operation"], row["aspect"]


def is_ratio(row):
    return row.get("target", {}).get("of") == "ratio"


def judged(row):
    return (row["ratio"] if is_ratio(row) else row["ours"])["median"]


def is_better_high(row):
    return row["target"]["way"] == "at_least"


def is_met(row):
    bound = row["target"]["bound"]
    return judged(row) >= bound if is_better_high(row) else judged(row) <= bound


def guard_bound(row, missed):
    """The value that a row must not be worse than; nothing for rows that are not guarded."""
    if "target" not in row or "percentile" in row["aspect"]:
        return None
    if not is_ratio(row) and row["unit"] not in GUARDED_UNITS:
        return None
    bound, reached = row["target"]["bound"], missed.reached(row)
    if reached is not None:
        bound = min(bound, reached) if is_better_high(row) else max(bound, reached)
    return bound / 2 if is_better_high(row) else bound * 2


def is_guarded(row, missed):
    bound = guard_bound(row, missed)
    if bound is None:
        return True
    return judged(row) >= bound if is_better_high(row) else judged(row) <= bound


# ---- running


def run_program(build, name, events, data, extra=()):
    """The rows that it has measured."""
    rows = os.path.join(data, "rows.jsonl")
    if os.path.exists(rows):
        os.remove(rows)
    program = os.path.join(build, "tests", "benchmarks", "compared", "compared_" + name)
    began = time.monotonic()
    subprocess.run([program, str(events), "--data", data, "--json", rows, *extra], check=True)
    print(f"-- {name}, {events:,} events: {time.monotonic() - began:.0f} s\n", flush=True)
    with open(rows, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run_all(build, sizes):
    rows = []
    data = fresh_data(build)
    try:
        for name in CONSTANT:
            rows += run_program(build, name, 100_000, data)
        for events in sizes:
            extra = () if events <= WITH_PEERS_MAX else ("--no-peers", "--pairs", "3")
            for name in GROWING:
                rows += run_program(build, name, events, data, extra)
            shutil.rmtree(data)
            os.makedirs(data)
        machine = describe_machine(build, data)
    finally:
        shutil.rmtree(data)
    return {"machine": machine, "rows": rows + compile_cost.rows(ROOT, build)}


def fresh_data(build):
    data = os.path.join(build, "benchmarks", "data")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data)
    return data


def first_match(path, key):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def describe_machine(build, data):
    file_system = subprocess.run(
        ["df", "--output=fstype", data], capture_output=True, text=True, check=False
    ).stdout.split()
    memory = first_match("/proc/meminfo", "MemTotal").split()[0]
    return {
        "processor": first_match("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory) / 1024 / 1024) if memory.isdigit() else 0,
        "file_system": file_system[-1] if file_system else "unknown",
        "system": platform.system() + " " + platform.release(),
        "compiler": compile_cost.version_of(compile_cost.compiler_of(build)),
        "date": datetime.date.today().isoformat(),
        "load": os.getloadavg()[0],
    }


# ---- writing


def short(value):
    for limit, divisor, letter in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= limit:
            return f"{value / divisor:.3g}{letter}"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def in_range(s, digits=".2f"):
    if s["min"] == s["max"]:
        return f"{s['median']:{digits}}"
    return f"{s['median']:{digits}} ({s['min']:{digits}}–{s['max']:{digits}})"


def target_of(row):
    if "target" not in row:
        return ""
    sign = "≥" if is_better_high(row) else "≤"
    unit = "" if is_ratio(row) else " " + row["unit"]
    return f"{sign} {row['target']['bound']:g}{unit}"


def verdict(row):
    if "target" not in row:
        return ""
    return "met" if is_met(row) else "**missed**"


def title_of(row):
    return row["operation"] + (", " + row["aspect"] if row["aspect"] else "")


def table(rows, with_events=True):
    peers = [p for p in PEERS if any(p in row["peers"] for row in rows)]
    head = ["operation"] + (["events"] if with_events else [])
    head += ["Everfold", "limit", "ratio", "target", ""] + peers
    out = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for row in rows:
        few = f", {row['pairs']} pairs only" if "ratio" in row and row["pairs"] < 3 else ""
        cells = [f"{title_of(row)} [{row['unit']}]{few}"]
        if with_events:
            cells.append(f"{row['events']:,}" if row["events"] else "")
        cells += [
            short(row["ours"]["median"]),
            short(row["limit"]["median"]) if "limit" in row else "",
            in_range(row["ratio"]) if "ratio" in row else "",
            target_of(row),
            verdict(row),
        ]
        cells += [short(row["peers"][p]["median"]) if p in row["peers"] else "" for p in peers]
        out.append("| " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def machine_line(machine, events=None):
    size = f"{events:,} events. " if events else ""
    return size + (
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['file_system']}, {machine['system']}, {machine['compiler']}, "
        f"load {machine['load']:.1f}."
    )


def missed_lines(rows, missed):
    out = []
    for row in rows:
        line = f"- {title_of(row)}: {missed.why(row) or 'not looked into yet.'}"
        if "target" in row and not is_met(row) and line not in out:
            out.append(line)
    return "Missed, and why:\n\n" + "\n".join(out) + "\n" if out else ""


def limit_lines(rows):
    names = {}
    for row in rows:
        if "limit_name" in row:
            names.setdefault(row["operation"], row["limit_name"])
    return "Limits, loops in the same program:\n\n" + "".join(
        f"- {operation}: {name}\n" for operation, name in names.items()
    )


INTRODUCTION = (
    "Ten events for each user, shuffled. Ratios are medians, with the least and the most, of pairs that ran "
    "in turn. The other stores keep a packed payload of 48 bytes an event and fold into the same map; "
    "Everfold's is CBOR that names its fields.\n"
)


def markdown(report, missed):
    rows = report["rows"]
    parts = [machine_line(report["machine"]) + "\n", INTRODUCTION, table(rows), limit_lines(rows)]
    parts.append(missed_lines(rows, missed))
    return "\n".join(part for part in parts if part)


def readme_rows(rows):
    """Of one size, and with a target: the rest explains other rows."""
    sizes = {row["events"] for row in rows}
    size = README_EVENTS if README_EVENTS in sizes else max(sizes)
    sizes_of = {}
    for row in rows:
        sizes_of.setdefault(key_of(row), set()).add(row["events"])
    return [
        row
        for row in rows
        if row["events"] == (size if size in sizes_of[key_of(row)] else max(sizes_of[key_of(row)]))
        and "target" in row
    ]


def put_between_marks(text, marks, what):
    before, rest = text.split(marks[0], 1)
    after = rest.split(marks[1], 1)[1]
    return f"{before}{marks[0]}\n\n{what}\n{marks[1]}{after}"


def growth(rows):
    """What Everfold took at each size, and, where there is a limit, the ratio to it."""
    asked = {100_000, 1_000_000, 10_000_000}  # some rows are of fewer: their operation takes long
    sizes = sorted({row["events"] for row in rows} & asked)
    found = {}
    for row in rows:
        if row["events"] in asked:
            found.setdefault((title_of(row), row["unit"]), {})[row["events"]] = row
    out = ["| operation | " + " | ".join(f"{size:,}" for size in sizes) + " |"]
    out.append("| --- |" + " --- |" * len(sizes))
    for (title, unit), by_size in found.items():
        if len(by_size) < 2:
            continue
        cells = []
        for size in sizes:
            row = by_size.get(size)
            ratio = f", {row['ratio']['median']:.2f}" if row and "ratio" in row else ""
            cells.append(short(row["ours"]["median"]) + ratio if row else "")
        out.append(f"| {title} [{unit}] | " + " | ".join(cells) + " |")
    return "\n".join(out) + "\n"


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def publish(report, missed):
    path = os.path.join(ROOT, "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    rows = readme_rows(report["rows"])
    events = max(row["events"] for row in rows)
    parts = [machine_line(report["machine"], events) + "\n", INTRODUCTION, table(rows, False)]
    parts.append(missed_lines(rows, missed))
    write(path, put_between_marks(text, MARKS, "\n".join(part for part in parts if part)))
    if len({row["events"] for row in report["rows"] if row["events"]}) > 1:
        path = os.path.join(ROOT, "framework", "docs", "figures.md")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        what = machine_line(report["machine"]) + "\n\n" + growth(report["rows"])
        write(path, put_between_marks(text, GROWTH_MARKS, what))
    write(os.path.join(ROOT, "framework", "docs", "figures.svg"), chart.svg(rows))
    print("README.md and framework/docs/figures.{md,svg} are written.")


def write_report(build, report, missed):
    out = os.path.join(build, "benchmarks")
    os.makedirs(out, exist_ok=True)
    write(os.path.join(out, "report.json"), json.dumps(report, indent=1) + "\n")
    write(os.path.join(out, "report.md"), markdown(report, missed))
    write(os.path.join(out, "report.svg"), chart.svg(readme_rows(report["rows"])))
    print(markdown(report, missed))
    print(f"{out}: report.md, report.json, report.svg")


# ---- the guard


def guard(build, missed):
    """Whether no row is much worse than it was."""
    data = fresh_data(build)
    short_run = ("--no-peers", "--pairs", "3", "--seconds", "4")
    failed = []
    try:
        for name in CONSTANT + GROWING:
            bad = [
                row
                for row in run_program(build, name, 50_000, data, short_run)
                if not is_guarded(row, missed)
            ]
            if bad:
                again = run_program(build, name, 50_000, data, ("--no-peers",))
                better = {key_of(row) for row in again if is_guarded(row, missed)}
                failed += [row for row in bad if key_of(row) not in better]
    finally:
        shutil.rmtree(data)
    for row in failed:
        print(
            f"{title_of(row)}: {judged(row):.3g}, twice worse than {guard_bound(row, missed):.3g}, "
            "the most that is let pass"
        )
    return not failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--guard", action="store_true")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--from", dest="source")
    options = parser.parse_args()
    build = os.path.realpath(options.build)
    missed = read_missed()
    if options.guard:
        sys.exit(0 if guard(build, missed) else 1)
    if options.source:
        with open(options.source, encoding="utf-8") as file:
            report = json.load(file)
    else:
        sizes = [100_000]
        if not options.small:
            sizes.append(1_000_000)
        if options.large:
            sizes.append(10_000_000)
        report = run_all(build, sizes)
    write_report(build, report, missed)
    if options.publish:
        publish(report, missed)


if __name__ == "__main__":
    main()
