#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T31: readers, followers and backups are killed again and again, beside a writer that lives on.

It goes on; a follower goes on where it was, or a little before; nothing is left lying about.
"""
import os
import random
import shutil
import subprocess
import threading
import time

import support
from killed_writers import FIRST, Oracle

SAVED_EVERY = 50  # events, by the worker's follower
LEFT_MAX = 8      # files of a log that are no segments or indexes of them


class Living:
    """The writer, whose lines are read all the time."""

    def __init__(self, worker, log):
        self.process = subprocess.Popen([worker, "write", log, "0", str(FIRST)], stdout=subprocess.PIPE)
        self.lines = []
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


def seen_by(process):
    """(position, token) of each line that arrived whole."""
    lines = process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    return [(int(b), int(c)) for _, b, c in (line.split() for line in lines if line.endswith(b"\n"))]


def kill_after(process, seconds):
    time.sleep(seconds)
    process.kill()
    process.wait()


def prove(options, scratch, cases, planted):
    suite = support.Suite("T31", "kill -9 of readers, followers and backups beside a writer", options, planted)
    worker, everfold = support.build_path(options, "tests", "proof", "real", "worker"), support.everfold(options)
    log, copy, replay = os.path.join(scratch, "log"), os.path.join(scratch, "copy"), f"--cases {cases}"
    kept = os.path.join(scratch, "followers")
    os.mkdir(kept)
    subprocess.run([worker, "make", log], check=True)
    chance, writer = random.Random(options.seed), Living(worker, log)
    seen, next_of = {}, {}
    copies = 0
    try:
        while suite.cases < cases and not (planted and suite.violations):
            suite.cases += 1
            kind = chance.choice(("read", "follow", "follow", "backup"))
            seconds = chance.random() * 0.02
            if kind == "backup":
                process = subprocess.Popen([everfold, "backup", log, copy], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
                kill_after(process, seconds)
                if process.returncode == 0:
                    copies += 1
                    done = support.run([everfold, "verify", copy])
                    suite.holds(done.returncode == support.DONE, f"a backup: {done.stderr.decode()}", replay)
                shutil.rmtree(copy, ignore_errors=True)
                continue
            follower = os.path.join(kept, str(suite.cases % 4))
            if planted and kind == "follow" and os.path.exists(follower):
                os.replace(follower, follower + ".lost")  # the bug: a checkpoint that is gone
            words = ["read", log] if kind == "read" else ["follow", log, follower]
            process = subprocess.Popen([worker, *words], stdout=subprocess.PIPE)
            kill_after(process, seconds)
            found = seen_by(process)
            for at, token in found:
                suite.holds(seen.setdefault(at, token) == token, f"{kind}: another event at {at}", replay)
            for (one, _), (other, _) in zip(found, found[1:]):
                suite.holds(other == one + 1, f"{kind}: {other} after {one}", replay)
            if kind == "follow" and found:
                begin, end = next_of.get(follower, (0, 0))
                suite.holds(begin <= found[0][0] <= end, f"a follower was at {end}, saved {begin} or later, "
                            f"and goes on at {found[0][0]}", replay)
                last = found[-1][0] + 1
                # Everything before the last few was saved, and some behind may have been.
                next_of[follower] = (max(begin, found[0][0], last - SAVED_EVERY - 1), last + 1)
            suite.holds(writer.process.poll() is None, "the writer ended", replay)
            left = [name for name in os.listdir(log) if not name.startswith("seg-")]
            suite.holds(len(left) <= LEFT_MAX, f"left in the log: {left}", replay)
            suite.holds(len(os.listdir(kept)) <= 8 + 4 * planted, f"left by followers: {os.listdir(kept)}", replay)
    finally:
        writer.end()
    oracle = Oracle(suite)
    oracle.hear(writer.lines, replay)
    oracle.hear(support.run([worker, "look", log, str(len(oracle.truth))]).stdout.splitlines(keepends=True), replay)
    if not planted:
        suite.holds(all(at < len(oracle.truth) and oracle.truth[at] == token for at, token in seen.items()),
                    "a reader has seen what is not there", replay)
        done = support.run([everfold, "verify", log])
        suite.holds(done.returncode == support.DONE, f"verify: {done.stderr.decode()}", replay)
        print(f"  {len(oracle.truth)} events written meanwhile, {len(seen)} of them seen, {copies} backups whole")
        suite.holds(len(seen) > cases, "readers saw little", replay)
    return suite.close()


if __name__ == "__main__":
    support.main(prove, 60, 2000)
