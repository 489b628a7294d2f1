#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T34: the disk is full at any byte, or a file may not grow: what was acknowledged is there, and it goes on.

On a tmpfs of three megabytes, where this process may mount one in a namespace of its own; and under
RLIMIT_FSIZE, which needs no right.
"""
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import sys

import support

CLONE_NEWNS, CLONE_NEWUSER, MS_REC, MS_PRIVATE = 0x20000, 0x10000000, 0x4000, 1 << 18


def mount_small_disk(at):
    """Whether it could; for this process and its children only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        return False
    return (libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
            and libc.mount(b"none", at.encode(), b"tmpfs", 0, b"size=3m") == 0)


def fill(path, left):
    """Takes all the room but `left` bytes, rounded to what the file system gives out."""
    with open(path, "wb", buffering=0) as file:
        size = 0
        try:
            while True:
                size += file.write(b"x" * 65536)
        except OSError:
            pass
        file.truncate(max(0, size - left))


def lines_of(chance, first, count, padding):
    return [{"type": "counted", "stream": f"s-{chance.randrange(3)}",
             "data": {"n": first + n, "text": "." * chance.randrange(padding)}} for n in range(count)]


class Disk:
    """A log, and what it must hold."""

    def __init__(self, suite, options, log):
        self.suite, self.everfold, self.log, self.truth = suite, support.everfold(options), log, []

    def append(self, events, **more):
        """Appends through the command; remembers what was acknowledged, and may be there. The exit code."""
        text = "".join(json.dumps(e) + "\n" for e in events).encode()
        done = support.run([self.everfold, "append", self.log], text, **more)
        self.submitted = [(e["stream"], e["data"]["n"]) for e in events]
        self.acknowledged = len(done.stdout.split(b"\n")) - 1
        return done

    def check(self, what, replay, planted):
        done = support.run([self.everfold, "read", self.log, "--json"])
        self.suite.holds(done.returncode == support.DONE, f"{what}: read: {done.stderr.decode()}", replay)
        found = [(e["stream"], e["data"]["n"]) for e in map(json.loads, done.stdout.splitlines())]
        new = found[len(self.truth):]
        least = self.acknowledged + planted  # the bug: one is counted that was not acknowledged
        self.suite.holds(found[:len(self.truth)] == self.truth and new == self.submitted[:len(new)]
                         and len(new) >= least, f"{what}: {len(new)} new of {least} acknowledged", replay)
        self.truth, self.submitted, self.acknowledged = found, [], 0


def one_cycle(disk, chance, what, replay, planted, refuse, release):
    """Appends where there is little room, reads, gets room, goes on."""
    events = lines_of(chance, len(disk.truth), chance.randrange(1, 12), 6000)
    limits = refuse()
    done = disk.append(events, **limits)
    disk.suite.holds(done.returncode in (support.DONE, support.INPUT_OUTPUT),
                     f"{what}: exit code {done.returncode}: {done.stderr.decode()}", replay)
    if done.returncode != support.DONE:
        disk.suite.holds(done.stderr.startswith(b"everfold: ") and disk.log.encode() in done.stderr,
                         f"{what}: it does not say where: {done.stderr.decode()}", replay)
    disk.check(what + ", full", replay, planted and done.returncode != support.DONE)
    release()
    done = disk.append(lines_of(chance, len(disk.truth), 2, 200))
    disk.suite.holds(done.returncode == support.DONE, f"{what}: goes not on: {done.stderr.decode()}", replay)
    disk.check(what + ", with room again", replay, False)


def on_small_disk(disk, chance, cycles, place, replay, planted):
    for cycle in range(cycles):
        if cycle % 20 == 0:
            shutil.rmtree(disk.log, ignore_errors=True)
            disk.truth = []
            disk.append(lines_of(chance, 0, 3, 100))
            disk.check("at first", replay, False)
        filler = os.path.join(place, "filler")

        def refuse():
            # The last page is taken up but for a number of bytes that differs each time.
            fill(filler, chance.randrange(0, 40_000))
            return {}

        one_cycle(disk, chance, f"cycle {cycle}", replay, planted, refuse, lambda: os.remove(filler))
        disk.suite.cases += 1
        if planted and disk.suite.violations:
            return


def under_a_limit(disk, chance, cycles, replay, planted):
    for cycle in range(cycles):
        if cycle % 40 == 0:
            shutil.rmtree(disk.log, ignore_errors=True)
            disk.truth = []
            disk.append(lines_of(chance, 0, 3, 100))
            disk.check("at first", replay, False)
        segment = max(os.path.getsize(os.path.join(disk.log, name)) for name in os.listdir(disk.log))
        limit = segment + cycle % 512 + chance.randrange(0, 12) * 512  # each offset in a sector

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        one_cycle(disk, chance, f"cycle {cycle}, files of at most {limit}", replay, planted,
                  lambda limited=limited: {"preexec_fn": limited}, lambda: None)
        disk.suite.cases += 1
        if planted and disk.suite.violations:
            return


def prove(options, scratch, cases, planted):
    limits = support.Suite("T34", "files that may not grow, at every offset of a sector", options, planted)
    disk = Disk(limits, options, os.path.join(scratch, "limited"))
    under_a_limit(disk, random.Random(options.seed), cases, f"--cases {cases}", planted)
    good = limits.close()
    place = os.path.join(scratch, "disk")
    os.mkdir(place)
    sys.stdout.flush()  # or the child prints it again
    child = os.fork()
    if child == 0:
        code = 2
        try:
            if mount_small_disk(place):
                full = support.Suite("T34", "a tmpfs of 3 MiB that is full, and has room again", options, planted)
                disk = Disk(full, options, os.path.join(place, "log"))
                on_small_disk(disk, random.Random(options.seed), cases, place, f"--cases {cases}", planted)
                code = 0 if full.close() else 1
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 2:
        print("  skipped: this process may not mount a small file system")
    return good and code in (0, 2)


if __name__ == "__main__":
    support.main(prove, 12, 300)
