#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T32: a writer and all beside it are killed at once, and two others want to take over.

Exactly one does, at once; what was acknowledged is there.
"""
import os
import random
import signal
import subprocess
import time

import support
from killed_writers import FIRST, Oracle

PATIENCE = 5.0  # seconds; a stale lock that is waited for takes longer


def begin(worker, *words, group=0):
    """In a process group of its own, or in that of another."""
    return subprocess.Popen([worker, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            preexec_fn=lambda: os.setpgid(0, group))


def lines_of(process):
    out = process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    return out


def prove(options, scratch, cases, planted):
    suite = support.Suite("T32", "a process group is killed, and two writers want to take over", options, planted)
    worker = support.build_path(options, "tests", "proof", "real", "worker")
    log, replay = os.path.join(scratch, "log"), f"--cases {cases}"
    subprocess.run([worker, "make", log], check=True)
    chance, oracle, slowest, tokens = random.Random(options.seed), Oracle(suite), 0.0, 0

    def writer():
        nonlocal tokens
        tokens += 1
        words = ["write", log, str(len(oracle.truth)), str(FIRST + (tokens << 20))]
        return begin(worker, *words, *(["planted"] * planted))

    now = writer()
    heard = [now.stdout.readline()]
    while suite.cases < cases:
        suite.cases += 1
        beside = [begin(worker, "read", log, group=now.pid),
                  begin(worker, "follow", log, os.path.join(scratch, "kept"), group=now.pid)]
        time.sleep(chance.random() * 0.01)
        os.killpg(now.pid, signal.SIGKILL)
        heard += lines_of(now)
        now.wait()
        oracle.hear(heard, replay)
        if planted and suite.violations:
            now = None
            break
        killed_at = time.monotonic()
        both = [writer(), writer()]
        chance.shuffle(both)
        first = [process.stdout.readline() for process in both]
        took = time.monotonic() - killed_at
        slowest = max(slowest, took)
        suite.holds(took < PATIENCE, f"the next one opened after {took:.1f} s", replay)
        for process in beside:
            process.wait()
            process.stdout.close()
        won = [bool(line) for line in first]
        if not suite.holds(won.count(True) == 1, f"{won.count(True)} of two have taken over", replay):
            for process in both:
                process.kill()
                process.wait()
                process.stdout.close()
            now = None
            break
        now, other = both if won[0] else both[::-1]
        suite.holds(other.wait() == 5, f"the other one ended with {other.returncode}", replay)
        other.stdout.close()
        heard = [first[0] or first[1]]
        for process in both:
            if process is not now:
                process.wait()
    if now is not None:
        now.kill()
        heard += lines_of(now)
        now.wait()
        oracle.hear(heard, replay)
    if not planted:
        oracle.hear(support.run([worker, "look", log, str(len(oracle.truth))]).stdout.splitlines(keepends=True), replay)
        done = support.run([support.everfold(options), "verify", log])
        suite.holds(done.returncode == support.DONE, f"verify: {done.stderr.decode()}", replay)
        print(f"  {len(oracle.truth)} events kept, the slowest take-over took {slowest * 1000:.0f} ms")
        suite.holds(len(oracle.truth) > cases, "little was appended", replay)
    return suite.close()


if __name__ == "__main__":
    support.main(prove, 20, 1000)
