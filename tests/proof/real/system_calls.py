#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T20: the command and the sample end before and after each of their file system calls, one after another.

What was acknowledged is there, the rest is as before or as after, the log is clean, and it goes on.
"""
import collections
import json
import os
import shutil

import support

STREAM = 6  # events that append takes
LOOKS = ("fstat", "fstatat", "readdir", "mmap")  # calls that leave everything as it is


def event(number):
    return {"type": "counted", "data": {"n": number}, "stream": "s"}


def to_lines(objects):
    return "".join(json.dumps(o) + "\n" for o in objects).encode()


class Step:
    """A command of the session; `adds` events, each of which a line of its output acknowledges."""

    def __init__(self, name, words, given=None, adds=0, hides=0, is_sample=False):
        self.name, self.words, self.given = name, words, given
        self.adds, self.hides, self.is_sample = adds, hides, is_sample


def session():
    users = [{"timestamp": 1704067200000 + n, "event_type": "user_created", "data": {"user_id": n, "name": "Ada"}}
             for n in range(4)]
    return [
        Step("append", ["append", "LOG"], to_lines(map(event, range(STREAM))), adds=STREAM),
        Step("append again", ["append", "LOG"], to_lines(map(event, range(3))), adds=3),
        Step("import", ["import", "LOG", "-", "--stream", "user-{user_id}"], to_lines(users), adds=4),
        Step("truncate", ["truncate", "LOG", "s", "--before", "4"], hides=4),
        Step("scavenge", ["scavenge", "LOG"]),
        Step("backup", ["backup", "LOG", "BACKUP"]),
        Step("sample create", ["LOG", "create", "7", "Bob"], adds=1, is_sample=True),
        Step("sample update", ["LOG", "update", "7", "email=b@example.com"], adds=1, is_sample=True),
        Step("sample snapshot", ["LOG", "snapshot"], is_sample=True),
        Step("sample compact", ["LOG", "compact"], is_sample=True),
    ]


class Session:
    def __init__(self, options, scratch):
        self.everfold = support.everfold(options)
        self.sample = support.build_path(options, "samples", "user_management", "user_management")
        self.shim = support.build_path(options, "tests", "proof", "real", "shim.so")
        self.scratch = scratch
        self.log, self.backup = os.path.join(scratch, "log"), os.path.join(scratch, "backup")

    def run(self, step, order=None):
        names = {"LOG": self.log, "BACKUP": self.backup}
        words = [self.sample if step.is_sample else self.everfold] + [names.get(w, w) for w in step.words]
        more = {"env": {**os.environ, "LD_PRELOAD": self.shim, "EVERFOLD_SHIM": order}} if order else {}
        return support.run(words, step.given, **more)

    def read(self, log):
        """(position, stream, data) of each event; None where there is no log."""
        done = support.run([self.everfold, "read", log, "--json"])
        if done.returncode == support.NOT_A_LOG:
            return None
        if done.returncode != support.DONE:
            return done.stderr.decode()
        lines = map(json.loads, done.stdout.splitlines())
        return [(e["position"], e["stream"], json.dumps(e["data"])) for e in lines]

    def calls(self, step):
        path = os.path.join(self.scratch, "calls")
        done = self.run(step, f"count {path}")
        if done.returncode != support.DONE:
            raise RuntimeError(f"{step.name}: {done.stderr.decode()}")
        with open(path, encoding="utf-8") as file:
            calls = file.read().split()
        os.remove(path)
        return calls

    def restore(self, before):
        for path in (self.log, self.backup):
            shutil.rmtree(path, ignore_errors=True)
        if before:
            shutil.copytree(before, self.log)


def check(suite, session, step, states, done, replay):
    """The log after a step that ended early: one of `states`, clean, and it goes on."""
    acknowledged = len(done.stdout.splitlines()) if step.adds and not step.is_sample and step.name != "import" else 0
    if done.returncode == support.DONE:
        allowed = states[-1:]
    else:
        allowed = states[acknowledged:]
    found = session.read(session.log)
    suite.holds((found or []) in allowed, f"{step.name}, {acknowledged} acknowledged: found {found}", replay)
    if found is not None:
        verified = support.run([session.everfold, "verify", session.log])
        suite.holds(verified.returncode == support.DONE, f"{step.name}: verify: {verified.stderr.decode()}", replay)
    more = support.run([session.everfold, "append", session.log], to_lines([{**event(99), "stream": "after"}]))
    suite.holds(more.returncode == support.DONE, f"{step.name}: goes not on: {more.stderr.decode()}", replay)
    now = session.read(session.log)
    suite.holds(isinstance(now, list) and now[-1][1] == "after" and now[:-1] in allowed
                and len(now[:-1]) >= len(found or []) * bool(step.adds),  # a reader may not see the last one yet
                f"{step.name}: after another append: {now}", replay)
    verified = support.run([session.everfold, "verify", session.log])
    suite.holds(verified.returncode == support.DONE, f"{step.name}: verify: {verified.stderr.decode()}", replay)
    if step.name == "backup" and os.path.exists(session.backup):
        copy = session.read(session.backup)
        # Half a copy has no manifest, and is refused; it is never taken for a shorter log.
        suite.holds(copy is None or isinstance(copy, str) or copy == states[-1], f"a backup that is half a log: {copy}", replay)


def states_of(step, before, after):
    if step.adds:
        return [after[:len(before) + n] for n in range(step.adds + 1)]
    return [before, after]


def prove(options, scratch, cases, planted):
    suite = support.Suite("T20", "the process ends before and after each file system call", options, planted)
    at, kinds, number = Session(options, scratch), collections.Counter(), 0
    before, seen = None, []
    for step in session():
        if step.is_sample and not os.path.exists(at.sample):
            continue
        calls = at.calls(step)
        after = at.read(at.log)
        kept = os.path.join(scratch, "kept-" + step.name)
        shutil.copytree(at.log, kept)
        states = states_of(step, seen, after)
        ways = ("forget",) if planted else ("before", "after")
        for k, name in enumerate(calls, 1):
            if name in LOOKS:
                continue
            for way in ways:
                number += 1
                if options.cases:  # one of them alone
                    if number != options.cases:
                        continue
                # The quick share takes some of each step, other ones for each seed.
                elif not options.full and (number * 7 + options.seed) % 29 != 0:
                    continue
                suite.cases += 1
                kinds[name] += 1
                at.restore(before)
                done = at.run(step, f"{way} {k}")
                check(suite, at, step, states, done, f"--cases {number}  ({way} {name}, call {k} of {step.name})")
                if not planted:
                    suite.holds(done.returncode in (86, support.DONE), f"{step.name} ended with {done.returncode}")
            if planted and suite.violations:
                return suite.close()
        at.restore(kept)
        before, seen = kept, after
    if not planted:
        print("  " + ", ".join(f"{count} {name}" for name, count in sorted(kinds.items())))
    return suite.close()


if __name__ == "__main__":
    support.main(prove, None, None)
