#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the suites on real processes share: options, a scratch directory, and the line of the proof.

  DRIVER BUILD_ROOT [--full] [--plant] [--seed N] [--cases N]

--plant puts in a bug, and ends with 0 where it was caught. Without an option, the quick share and then the
planted bug.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

DONE, REFUSED, USAGE, NOT_A_LOG, DAMAGED, IN_USE, INPUT_OUTPUT = range(7)


class Suite:
    """Counts the cases of one line of the proof."""

    def __init__(self, test, technique, options, planted=False):
        self.test, self.technique, self.options, self.planted = test, technique, options, planted
        self.cases, self.violations, self.begin = 0, 0, time.monotonic()

    def holds(self, what, why, replay=""):
        if what:
            return True
        self.violations += 1
        if self.violations <= 5 and not self.planted:
            print(f"{self.test}: {why}\n  seed={self.options.seed}; again: {self.options.command} "
                  f"--seed {self.options.seed} {replay}", flush=True)
        return False

    def close(self):
        """Whether it ended as it should: a planted bug must be caught."""
        if self.planted:
            if self.violations == 0:
                print(f"{self.test}: the planted bug was not caught in {self.cases} cases")
            return self.violations > 0
        print(f"proof: {self.test} | {self.technique} | {self.cases} | {self.violations} | "
              f"{time.monotonic() - self.begin:.1f}", flush=True)
        return self.violations == 0 and self.cases > 0


def build_path(options, *parts):
    return os.path.join(options.build, *parts)


def everfold(options):
    return build_path(options, "framework", "everfold", "cli", "everfold")


def run(words, given=None, timeout=60, **more):
    return subprocess.run(words, input=given, stdin=subprocess.DEVNULL if given is None else None,
                          capture_output=True, check=False, timeout=timeout, **more)


def main(prove, quick, full):
    """`prove(options, scratch, cases, planted)` gives a closed suite's answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--plant", action="store_true")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--cases", type=int)
    options = parser.parse_args()
    options.build = os.path.realpath(options.build)
    options.command = f"{sys.argv[0]} {options.build}"
    rounds = []
    if not options.plant:
        rounds.append((options.cases or (full if options.full else quick), False))
    if options.plant or not (options.full or options.cases):
        rounds.append((quick, True))
    passed = 0
    for cases, planted in rounds:
        scratch = tempfile.mkdtemp(prefix="everfold_proof_")
        try:
            passed += prove(options, scratch, cases, planted)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"[check] {passed} passed, {len(rounds) - passed} failed")
    sys.exit(0 if passed == len(rounds) else 1)
