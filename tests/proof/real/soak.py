#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T37: one process lives through one log after the other: memory, descriptors, threads and mappings stay.

A life is 300 appends over many segments, followers and readers that come and go, a removal, and a close. The
cases are lives.
"""
import os
import statistics
import subprocess
import time

import support

GROWTH_MAX = 1024  # KiB that the resident memory may rise, by a line through all lives after the first third
MAPPINGS_MAX = 8   # that may come and go with the allocator's
LIVES_MIN = 9     # however slow the disk is


def slope(values):
    """Of the straight line through them, for each step."""
    middle, mean = (len(values) - 1) / 2, statistics.fmean(values)
    above = sum((i - middle) * (v - mean) for i, v in enumerate(values))
    return above / sum((i - middle) ** 2 for i in range(len(values)))


def lives(worker, scratch, seconds, planted):
    """For each: (descriptors, threads, mappings, KiB, slowest append in us)."""
    words = [worker, "soak", os.path.join(scratch, "life"), *(["planted"] * planted)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    out, now, until = [], {}, time.monotonic() + seconds
    for line in process.stdout:
        kind, a, b = line.split()
        now[kind] = (int(a), int(b))
        if kind == b"c":
            out.append((*now[b"d"], now[b"m"][0], *now[b"c"]))
            if time.monotonic() > until and len(out) >= LIVES_MIN:
                break
    code = process.poll()
    process.kill()
    process.wait()
    process.stdout.close()
    return out, code


def prove(options, scratch, cases, planted):
    suite = support.Suite("T37", "life after life in one process: memory and descriptors", options, planted)
    worker = support.build_path(options, "tests", "proof", "real", "worker")
    found, code = lives(worker, scratch, cases, planted)
    replay = f"--cases {cases}"
    suite.cases = len(found)
    suite.holds(code is None, f"it ended with {code}", replay)
    if not suite.holds(len(found) >= LIVES_MIN, f"only {len(found)} lives in {cases} s", replay):
        return suite.close()
    warm = found[len(found) // 3:]
    for index, what in ((0, "descriptors"), (1, "threads")):
        seen = sorted({life[index] for life in warm})
        suite.holds(len(seen) == 1, f"{what}: {seen}", replay)
    mappings = [life[2] for life in warm]
    suite.holds(max(mappings) - min(mappings) <= MAPPINGS_MAX, f"mappings: {min(mappings)} to {max(mappings)}", replay)
    growth = slope([life[3] for life in warm]) * len(warm)
    suite.holds(growth <= GROWTH_MAX, f"resident memory rose by {growth:.0f} KiB", replay)
    if not planted:
        third = max(1, len(warm) // 3)
        early, late = (statistics.median(life[4] for life in part) for part in (warm[:third], warm[-third:]))
        print(f"  {len(found)} lives; {warm[-1][3]} KiB at the end, {growth:+.0f} KiB by the line; {warm[-1][0]} descriptors; "
              f"the slowest append of a life {early / 1000:.1f} ms early, {late / 1000:.1f} ms late")
    return suite.close()


if __name__ == "__main__":
    support.main(prove, 4, 280)
