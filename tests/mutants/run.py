#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts known bugs into a copy of the sources, one after the other, and looks whether the tests notice.

  run.py [--generated N] [--seed S] [--stages N] [--build DIR] [ID...]

Without an ID: the canary, the whole museum and N (40) generated mutants of framing and recovery; with IDs, such
as M07 or G1.12, only those. Prints what noticed each, and ends with "N passed, N failed". What survives
is a failure, unless generated.py says why nobody could notice it.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from generated import EQUIVALENT, STAGES, generate  # noqa: E402
from laboratory import ROOT, Laboratory  # noqa: E402
from museum import CANARY, mutants  # noqa: E402

# Of a test that takes no time by itself; and how much longer than by itself it may take.
LIMIT_LEAST, LIMIT_TIMES = 20, 6


class Run:
    def __init__(self, laboratory, stages):
        self.laboratory = laboratory
        self.stages = stages
        self.seconds = {}  # (program, cases, left out): what they take on unchanged sources
        self.passed = self.failed = 0
        self.noticed = self.explained = 0

    def say(self, is_right, number, bug, what, seconds):
        self.passed += 1 if is_right else 0
        self.failed += 0 if is_right else 1
        print(f"{'ok  ' if is_right else 'FAIL'} {number:10} {seconds:6.1f} s  {bug}: {what}", flush=True)

    def test(self, program, cases, leave_out=()):
        limit = max(LIMIT_LEAST, LIMIT_TIMES * self.seconds[program, cases, leave_out])
        return self.laboratory.run(program, cases, limit, leave_out)

    def learn(self, program, cases, leave_out=()):
        """Whether the test passes on unchanged sources, and how long it takes."""
        if (program, cases, leave_out) in self.seconds:
            return True
        complaint = self.laboratory.build([program])
        if complaint:
            raise SystemExit(f"the unchanged sources do not build:\n{complaint}")
        found = self.laboratory.run(program, cases, 600, leave_out)
        self.seconds[program, cases, leave_out] = found.seconds
        if found.what != "passed":
            print(found.output)
            self.say(False, program, cases[0], f"{found.what} on unchanged sources", found.seconds)
        return found.what == "passed"

    def try_on(self, m):
        """What came of the test that is to notice `m`; the complaint where there is no such mutant."""
        try:
            with self.laboratory.changed(m.changes):
                complaint = self.laboratory.build([m.program])
                if complaint:
                    return None, "does not build\n" + complaint[-2000:]
                return self.test(m.program, (m.case,)), ""
        except LookupError as e:
            return None, str(e)

    def exhibit(self, m):
        if not self.learn(m.program, (m.case,)):
            return
        began = time.monotonic()
        outcome, complaint = self.try_on(m)
        seconds = time.monotonic() - began
        if outcome is None:
            self.say(False, m.number, m.bug, complaint, seconds)
        elif outcome.what == "passed":
            self.say(False, m.number, m.bug, f"nobody notices. Again: tests/run --mutants {m.number}", seconds)
        else:
            self.noticed += 1
            self.say(True, m.number, m.bug, f"{outcome.what}: {m.case}", seconds)

    def canary(self):
        """Whether a mutant that nobody can notice survives, and a test that is not there is missed."""
        if not self.learn(CANARY.program, (CANARY.case,)):
            return
        began = time.monotonic()
        outcome, complaint = self.try_on(CANARY)
        what = outcome.what if outcome else complaint
        self.say(what == "passed", CANARY.number, CANARY.bug,
                 "survives, as it should" if what == "passed" else what, time.monotonic() - began)
        nobody = self.laboratory.run(CANARY.program, ("a test that nobody has written",), LIMIT_LEAST)
        self.say(nobody.what == "missing", CANARY.number, "a test that is not there", nobody.what, nobody.seconds)

    def generated(self, g):
        """False where it is none: it does not build."""
        began = time.monotonic()
        with self.laboratory.changed((g.change(),)):
            if self.laboratory.build([self.stages[0].program]):
                return False
            found, noticed_by = None, ""
            for stage in self.stages:
                complaint = self.laboratory.build([stage.program])
                if complaint:
                    return False
                found = self.test(stage.program, stage.cases, stage.leave_out)
                if found.what != "passed":
                    noticed_by = f"{found.what}: {stage.program}, {name_of_case(found.output)}"
                    break
        seconds = time.monotonic() - began
        if noticed_by and g.key() in EQUIVALENT:
            self.say(False, g.number, g.text(), f"explained, and noticed all the same: {noticed_by}", seconds)
        elif noticed_by:
            self.noticed += 1
            self.say(True, g.number, g.text(), noticed_by, seconds)
        elif g.key() in EQUIVALENT:
            self.explained += 1
            self.say(True, g.number, g.text(), f"survives: {EQUIVALENT[g.key()]}", seconds)
        else:
            self.say(False, g.number, g.text(), f"nobody notices. Again: tests/run --mutants {g.number}", seconds)
        return True


def name_of_case(output):
    """The case that failed, which was the last one, as doctest prints it."""
    for line in reversed(output.splitlines()):
        if line.startswith("TEST CASE:"):
            return line[len("TEST CASE:"):].strip()
    return ""


def arguments():
    parser = argparse.ArgumentParser(prog="tests/run --mutants", description=__doc__.split("\n\n")[0])
    parser.add_argument("--generated", type=int, default=40, metavar="N", help="how many are generated (40)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (1)")
    parser.add_argument("--stages", type=int, default=len(STAGES), metavar="N",
                        help="tests that a generated one must get past; fewer are faster and miss more")
    parser.add_argument("--build", default=os.path.join(ROOT, "build-mutants"), metavar="DIR")
    parser.add_argument("ids", nargs="*", metavar="ID")
    return parser.parse_args()


def wanted(number, ids):
    return not ids or any(number == i or number.startswith(i + ".") for i in ids)


def main():
    given = arguments()
    seeds = {int(i[1:].split(".")[0]) for i in given.ids if i.startswith("G")} or {given.seed}
    laboratory = Laboratory(given.build)
    print("Copying the sources, and building the tests that are needed (the first time takes minutes) ...", flush=True)
    laboratory.prepare()
    run = Run(laboratory, STAGES[:given.stages])
    run.canary()
    for m in mutants():
        if wanted(m.number, given.ids):
            run.exhibit(m)
    museum, run.noticed = run.noticed, 0
    if not given.ids or any(i.startswith("G") for i in given.ids):
        all_learned = [run.learn(s.program, s.cases, s.leave_out) for s in run.stages]
        for seed in sorted(seeds):
            tried = 0
            for g in generate(seed):
                if tried == given.generated or not all(all_learned):
                    break
                if given.ids and not wanted(g.number, given.ids):
                    continue
                tried += 1 if run.generated(g) else 0
    print(f"museum: {museum} noticed; generated: {run.noticed} noticed, {run.explained} explained")
    print(f"{run.passed} passed, {run.failed} failed")
    sys.exit(1 if run.failed or not run.passed else 0)


main()
