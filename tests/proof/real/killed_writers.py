#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T30: a writer is killed again and again, beside three readers and two followers that live on.

What was acknowledged is there, what is there was submitted, and nobody has seen what went away.
"""
import os
import random
import signal
import subprocess
import threading
import time

import support


FIRST = 1 << 40  # of the tokens, which all take eight bytes


class Watcher:
    """A reader or follower; keeps what it has seen until it is compared."""

    def __init__(self, worker, *words):
        self.words = words
        self.process = subprocess.Popen([worker, *words], stdout=subprocess.PIPE)
        self.seen, self.next = [], 0
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            _, position, token = line.split()
            self.seen.append((int(position), int(token)))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()


class Oracle:
    """What must be there, by position, and what may be: the last append of the writer that was killed."""

    def __init__(self, suite):
        self.suite, self.truth, self.open_append = suite, [], []

    def hear(self, lines, replay):
        """Takes what one writer said; True where it got as far as opening the log."""
        checked, found, opened = len(self.truth), [], False
        for kind, a, b in (line.split() for line in lines if line.endswith(b"\n")):
            a, b = int(a), int(b)
            if kind == b"f":
                found.append(b)
            elif kind == b"o":
                opened = True
                good = self.suite.holds(found == [] or found == self.open_append,
                                        f"found {found} behind {checked}, submitted {self.open_append}", replay)
                self.suite.holds(a == checked + len(found) == b, f"the log ends at {a}, not behind {b}", replay)
                self.truth += found if good else []
                self.open_append = []
            elif kind == b"s":
                self.suite.holds(a == len(self.truth) + len(self.open_append), f"submitted at {a}", replay)
                self.open_append.append(b)
            elif kind == b"a":
                self.truth += self.open_append
                self.open_append = []
                self.suite.holds(a == len(self.truth), f"acknowledged up to {a}, not {len(self.truth)}", replay)
        return opened

    def compare(self, watcher, replay):
        """What it has seen, with what is there now that the log was opened again."""
        for position, token in watcher.seen:
            self.suite.holds(position == watcher.next, f"{watcher.words[0]} saw {position} after {watcher.next}",
                             replay)
            self.suite.holds(position < len(self.truth) and self.truth[position] == token,
                             f"{watcher.words[0]} saw {token} at {position}, which is not there", replay)
            watcher.next = position + 1


def kill_after(process, seconds):
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    output = process.stdout.read()
    process.wait()
    process.stdout.close()
    return output.splitlines(keepends=True)


def prove(options, scratch, cases, planted):
    suite = support.Suite("T30", "kill -9 of the writer beside 3 readers and 2 followers", options, planted)
    worker = support.build_path(options, "tests", "proof", "real", "worker")
    log = os.path.join(scratch, "log")
    subprocess.run([worker, "make", log], check=True)
    watchers = [Watcher(worker, "read", log) for _ in range(3)]
    watchers += [Watcher(worker, "follow", log, os.path.join(scratch, f"kept{n}")) for n in range(2)]
    chance, oracle, replay = random.Random(options.seed), Oracle(suite), f"--cases {cases}"
    opened = 0
    try:
        while suite.cases < cases:
            suite.cases += 1
            words = [worker, "write", log, str(len(oracle.truth)), str(FIRST + (suite.cases << 20))]
            writer = subprocess.Popen(words + ["planted"] * planted, stdout=subprocess.PIPE)
            if chance.random() < 0.1:  # a kill anywhere in opening, too
                lines = kill_after(writer, chance.random() * 0.008)
            else:
                first = writer.stdout.readline()
                lines = [first, *kill_after(writer, chance.random() * 0.015)]
            opened += oracle.hear(lines, replay)
            if planted and suite.violations:
                break
        last = support.run([worker, "look", log, str(len(oracle.truth))])
        oracle.hear(last.stdout.splitlines(keepends=True), replay)
        final = support.run([support.everfold(options), "verify", log])
        suite.holds(final.returncode == support.DONE, f"verify: {final.stderr.decode()}", replay)
        kept = [int(line.split()[2]) for line in support.run([worker, "look", log, "0"]).stdout.splitlines()
                if line.startswith(b"f")]
        suite.holds(kept == oracle.truth, "the log is not what its writers said", replay)
        until = time.monotonic() + 60
        while not planted and any(len(w.seen) < len(kept) for w in watchers) and time.monotonic() < until:
            time.sleep(0.02)
        for watcher in watchers:
            suite.holds(watcher.process.poll() is None, f"{watcher.words[0]} ended", replay)
    finally:
        for watcher in watchers:
            watcher.end()
    for watcher in watchers:
        oracle.compare(watcher, replay)
        suite.holds(planted or watcher.next == len(kept), f"{watcher.words[0]} stayed at {watcher.next}", replay)
    if not planted:
        print(f"  {len(kept)} events kept, {opened} of {cases} writers got to append")
        suite.holds(opened * 2 > cases and len(kept) > cases, "few writers got to append", replay)
    return suite.close()


if __name__ == "__main__":
    support.main(prove, 60, 5000)
