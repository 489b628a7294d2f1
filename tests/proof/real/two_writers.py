#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T33: two processes want to write, in races and in every way around a lock.

One of them writes; the other is told who does; what is there is the one's events, in order.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import time

import support


def line(stream, number):
    return json.dumps({"type": "counted", "stream": stream, "data": {"n": number}}).encode() + b"\n"


class Writer:
    """`everfold append`, which writes as long as its input goes on."""

    def __init__(self, options, log, stream):
        self.stream, self.acknowledged = stream, 0
        self.process = subprocess.Popen([support.everfold(options), "append", log], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def submit(self):
        try:
            self.process.stdin.write(line(self.stream, self.acknowledged))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def is_acknowledged(self):
        """Waits for the answer to the line that was submitted last."""
        if not self.process.stdout.readline():
            return False
        self.acknowledged += 1
        return True

    def append(self):
        self.submit()
        return self.is_acknowledged()

    def end(self):
        """The exit code, and what it said."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        said = self.process.stderr.read().decode()
        code = self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, said


class Log:
    def __init__(self, suite, options, path):
        self.suite, self.options, self.path, self.truth = suite, options, path, []
        self.last_winner = "nobody"

    def writer(self, stream, path=None):
        return Writer(self.options, path or self.path, stream)

    def events(self, path=None):
        done = support.run([support.everfold(self.options), "read", path or self.path, "--json"])
        return [(e["stream"], e["data"]["n"]) for e in map(json.loads, done.stdout.splitlines())]

    def check(self, what, replay):
        found = self.events()
        self.suite.holds(found == self.truth, f"{what}: {found[-4:]}, not {self.truth[-4:]}", replay)
        done = support.run([support.everfold(self.options), "verify", self.path])
        self.suite.holds(done.returncode == support.DONE, f"{what}: verify: {done.stderr.decode()}", replay)

    def keep(self, writer, first=0):
        self.truth += [(writer.stream, n) for n in range(first, writer.acknowledged)]

    def refuses(self, what, writer, pid, replay):
        """It does not write, says who does, and ends."""
        writer.submit()
        code, said = writer.end()
        self.suite.holds(code == support.IN_USE, f"{what}: ended with {code}: {said}", replay)
        self.suite.holds(pid is None or str(pid) in said, f"{what}: does not name {pid}: {said}", replay)


def race(log, chance, number, planted, replay):
    writers = [log.writer(f"{side}-{number}") for side in "ab"]
    chance.shuffle(writers)
    for writer in writers:
        writer.submit()
    won = [writer.is_acknowledged() for writer in writers]
    if not log.suite.holds(won.count(True) == 1, f"race {number}: {won.count(True)} have won", replay):
        for writer in writers:
            writer.end()
        return
    winner, loser = writers if won[0] else writers[::-1]
    code, said = loser.end()
    log.suite.holds(code == support.IN_USE, f"race {number}: the other ended with {code}: {said}", replay)
    # Who has taken the lock writes its name next: until then the last one's may stand there.
    log.suite.holds(any(name in said for name in (str(winner.process.pid), log.last_winner, "has just begun")),
                    f"race {number}: does not name the winner: {said}", replay)
    log.last_winner = str(winner.process.pid)
    winner.append()
    code, said = winner.end()
    log.suite.holds(code == support.DONE, f"race {number}: the winner ended with {code}: {said}", replay)
    log.keep(winner)
    if planted:  # the bug: a client that takes its refusal for success
        log.truth.append((loser.stream, 0))


def with_one_writing(log, name, replay, do):
    """`do(writer)` says what it expects of the writer's end; the log holds what was acknowledged."""
    writer = log.writer(name)
    log.suite.holds(writer.append(), f"{name}: the first one does not write", replay)
    expected = do(writer)
    code, said = writer.end()
    log.suite.holds(code == expected, f"{name}: the first one ended with {code}: {said}", replay)
    log.keep(writer)
    log.check(name, replay)
    log.suite.cases += 1


def scripted(log, scratch, replay):
    lock, suite = os.path.join(log.path, "LOCK"), log.suite

    def through_a_link(writer):
        link = os.path.join(scratch, "link")
        os.symlink(log.path, link)
        log.refuses("a linked directory", log.writer("x", link), writer.process.pid, replay)
        os.unlink(link)
        return support.DONE

    def through_another_name(writer):
        for path in (log.path + "/.", os.path.relpath(log.path), log.path + "//"):
            log.refuses(path, log.writer("x", path), writer.process.pid, replay)
        return support.DONE

    def a_linked_lock(writer):
        os.link(lock, os.path.join(scratch, "hard"))
        os.unlink(os.path.join(scratch, "hard"))
        log.refuses("a lock that had two names", log.writer("x"), writer.process.pid, replay)
        suite.holds(writer.append(), "a lock that had two names: the first one stopped", replay)
        return support.DONE

    def a_copy(writer):
        copy = os.path.join(scratch, "copy")
        for number in range(20):
            writer.append()
            if number % 5 == 0:
                shutil.rmtree(copy, ignore_errors=True)
                subprocess.run(["cp", "-r", log.path, copy], check=True)
                other = log.writer("in the copy", copy)
                suite.holds(other.append(), "a copy does not open", replay)
                other.end()
                found = log.events(copy)
                suite.holds(found[:-1] == (log.truth + [(writer.stream, n) for n in range(writer.acknowledged)]),
                            f"a copy holds {found[-3:]}", replay)
        shutil.rmtree(copy)
        return support.DONE

    def a_lost_lock(writer):
        os.unlink(lock)
        log.refuses("a lock file that is gone", log.writer("x"), None, replay)
        suite.holds(not writer.append(), "a lock file that is gone: the first one goes on", replay)
        return support.IN_USE

    def a_replaced_lock(writer):
        os.unlink(lock)
        with open(lock, "wb"):
            pass
        log.refuses("another lock file", log.writer("x"), None, replay)
        suite.holds(not writer.append(), "another lock file: the first one goes on", replay)
        return support.IN_USE

    def a_moved_directory(writer):
        other = log.path + "-moved"
        os.rename(log.path, other)
        log.refuses("a directory that was moved", log.writer("x", other), writer.process.pid, replay)
        os.rename(other, log.path)
        suite.holds(writer.append(), "moved there and back: the first one stopped", replay)
        return support.DONE

    def a_stopped_writer(writer):
        writer.process.send_signal(signal.SIGSTOP)
        log.refuses("a stopped writer", log.writer("x"), writer.process.pid, replay)
        writer.process.send_signal(signal.SIGCONT)
        suite.holds(writer.append(), "a stopped writer does not go on", replay)
        return support.DONE

    def a_killed_writer(writer):
        writer.process.kill()
        writer.process.wait()
        after = log.writer("after a kill")
        begin = time.monotonic()
        suite.holds(after.append(), "a killed writer's log does not open", replay)
        suite.holds(time.monotonic() - begin < 5, "a killed writer is waited for", replay)
        after.end()
        log.keep(writer)
        log.keep(after)
        writer.acknowledged = 0
        return -signal.SIGKILL

    def readers_beside(writer):
        for _ in range(5):
            suite.holds(writer.append(), "beside readers, the first one stopped", replay)
            suite.holds(log.events() == log.truth + [(writer.stream, n) for n in range(writer.acknowledged)],
                        "a reader sees something else", replay)
        return support.DONE

    cases = (through_a_link, through_another_name, a_linked_lock, a_copy, a_lost_lock, a_replaced_lock,
             a_moved_directory, a_stopped_writer, a_killed_writer, readers_beside)
    for case in cases:
        with_one_writing(log, case.__name__.replace("_", " "), replay, case)


def prove(options, scratch, cases, planted):
    races = support.Suite("T33", "two processes want to write: one does, the other is told who", options, planted)
    chance, replay = random.Random(options.seed), f"--cases {cases}"
    log = Log(races, options, os.path.join(scratch, "races"))
    for number in range(cases):
        race(log, chance, number, planted, replay)
        races.cases += 1
        if number % 100 == 99 or number + 1 == cases:
            log.check(f"after race {number}", replay)
        if planted and races.violations:
            return races.close()
    good = races.close()
    ways = support.Suite("T33", "locks linked, lost, replaced and left; directories linked, copied and moved",
                         options, planted)
    scripted(Log(ways, options, os.path.join(scratch, "scripted")), scratch, replay)
    return ways.close() and good


if __name__ == "__main__":
    support.main(prove, 20, 5000)
