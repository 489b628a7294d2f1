#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The mutants of tests/mutants still fit the sources and the tests, and their page tells the truth."""
import os
import re
import sys

from common import ROOT, Report, files, read
from promises import cases

sys.path.insert(0, os.path.join(ROOT, "tests", "mutants"))
from generated import EQUIVALENT, FILES, candidates  # noqa: E402
from museum import CANARY, MUSEUM, mutants, table  # noqa: E402

PAGE = "framework/docs/mutants.md"
LAST = 36
GENERATED_LEAST = 40


def complaints(m, sources, known):
    texts = {}
    for path, old, new in m.changes:
        if path not in sources:
            yield f": there is no {path}"
            continue
        text = texts.get(path, read(path))
        if read(path).count(old) != 1 or text.count(old) != 1:
            yield f": {path} has {read(path).count(old)} times, and not once: {old!r}"
        if old == new:
            yield f": changes nothing in {path}"
        texts[path] = text.replace(old, new)
    if not m.changes:
        yield " changes nothing"
    if m.case not in known:
        yield f": there is no test '{m.case}'"
    elif known[m.case] not in programs().get(m.program, ()):
        yield f": '{m.case}' is not in test_{m.program}"


def programs():
    """{program: its sources}, as tests/meson.build lists them."""
    found = {}
    for name, listed in re.findall(r"^ +'(\w+)': \{\s*'src': files\(([^)]*)\)", read("tests/meson.build"), re.MULTILINE):
        found[name] = {os.path.join("tests", path) for path in re.findall(r"'([^']+)'", listed)}
    return found


def main():
    report = Report()
    sources, known = set(files("framework")), cases()
    numbers = [e.number for e in MUSEUM]
    report.look(numbers == [f"M{n:02}" for n in range(1, LAST + 1)], f"the museum has {numbers}")
    for e in MUSEUM:
        report.look(bool(e.mutants) != bool(e.absent), f"{e.number} has either mutants or a reason to have none")
    names = [m.number for m in mutants()]
    report.look(len(names) == len(set(names)), "two mutants have one number")
    for m in [CANARY, *mutants()]:
        report.thing(m.number, complaints(m, sources, known))
    without = sorted(set(programs()) - {m.program for m in mutants()})
    report.look(not without, f"no mutant is for the tests of {', '.join(without)}")
    keys = {g.key() for g in candidates()}
    report.look(len(keys) >= GENERATED_LEAST, f"only {len(keys)} mutants can be generated")
    report.look(all(path in sources for path in FILES), "generated.py names a source that is not there")
    for key in EQUIVALENT:
        report.look(key in keys, f"generated.py explains a mutant that can't be generated: {key}")
    page = read(PAGE).split("\n")
    for line in table():
        report.look(line in page, f"{PAGE} lacks a line of its table; tests/mutants/museum.py prints it: {line}")
    report.close()


main()
