#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T22: every file system call of a session, as the kernel saw it, against what the log promises of it.

How files are opened and with which modes, whatever the umask; what is synced before what; what a command
that only reads leaves alone; and that no data goes to a standard stream. Needs strace, and a system that
lets it trace.
"""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import time

import support

CALLS = ("open openat openat2 creat mkdir mkdirat mknod mknodat write writev pwrite64 pwritev pwritev2 truncate "
         "ftruncate fallocate fsync fdatasync syncfs sync_file_range rename renameat renameat2 unlink unlinkat rmdir "
         "link linkat symlink symlinkat dup dup2 dup3 fcntl chmod fchmod fchmodat flock copy_file_range sendfile")
WHOLE = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)")
BEGUN = re.compile(r"^(\d+) +(\w+)\((.*?),? ?<unfinished \.\.\.>$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. \w+ resumed>(.*)$")
DESCRIPTOR = re.compile(r"^(-?\d+|AT_FDCWD)(?:<([^>]*)>)?")
AT = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"([^"]*)"')
SEGMENTS = (".evl", ".evr", ".evz")


class Call:
    def __init__(self, begin, end, thread, name, arguments, result):
        self.begin, self.end, self.thread, self.name, self.arguments = begin, end, thread, name, arguments
        self.result = -1 if result == "?" else int(result)

    def descriptor(self):
        """(number, path) of the first argument."""
        found = DESCRIPTOR.match(self.arguments)
        return (-1, "") if not found or found[1] == "AT_FDCWD" else (int(found[1]), found[2] or "")

    def paths(self):
        return [os.path.normpath(os.path.join(at, path)) for at, path in AT.findall(self.arguments)]


def calls_of(lines):
    """In the order in which they were done; of one that another thread interrupted, when it began, too."""
    begun = {}
    for number, line in enumerate(lines):
        unfinished = BEGUN.match(line)
        if unfinished:
            begun[unfinished[1]] = (number, unfinished[2], unfinished[3])
            continue
        resumed, begin = RESUMED.match(line), number
        if resumed and resumed[1] not in begun:
            continue  # an edit took its beginning away
        if resumed:
            begin, name, arguments = begun.pop(resumed[1])
            line = f"{resumed[1]} {name}({arguments}{resumed[2]}"
        whole = WHOLE.match(line)
        if whole:
            yield Call(begin, number, *whole.groups())


class File:
    def __init__(self, is_new=False):
        self.written = []  # (when, at, by whom), of what is not synced
        self.is_new, self.is_private = is_new, not is_new


class Audit:
    """One process of the session: what of the files is not synced, call by call."""

    def __init__(self, step, logs, target):
        self.step, self.logs, self.target = step, logs, target
        self.files, self.entries, self.deviations, self.calls = {}, {}, [], 0
        self.was_log = os.path.exists(os.path.join(target, "LOG")) if target else True

    def wrong(self, what, call):
        self.deviations.append(f"{what}: {call.name}({call.arguments}) = {call.result}" if call else what)

    def is_ours(self, path):
        return any(path == log or path.startswith(log + "/") for log in self.logs)

    def file(self, path):
        return self.files.setdefault(path, File())

    def changed(self, path, call):
        self.entries.setdefault(os.path.dirname(path), []).append((call.end, path))

    def unsynced_files(self, place, counts):
        return [path for path, file in self.files.items()
                if os.path.dirname(path) == place and counts(path) and file.written]

    def unsynced_names(self, place, counts):
        return [path for _, path in self.entries.get(place, []) if counts(path)]

    def must_be_synced(self, when, call, place, files, names):
        left = self.unsynced_files(place, files) + self.unsynced_names(place, names)
        if left:
            self.wrong(f"{when}, and not synced: {', '.join(sorted(set(map(os.path.basename, left))))}", call)

    def take(self, call):
        number, at = call.descriptor()
        paths = call.paths()
        if not any(map(self.is_ours, [at, *paths])) and not (call.name == "write" and number == 1):
            if call.name in ("fsync", "fdatasync") and call.result == 0:
                self.sync(at, call)
            return
        self.calls += 1
        if ">(deleted)" in call.arguments:
            return  # an index that two threads make at once
        if self.step.reads and call.name not in ("write", "open", "openat", "fcntl"):
            self.wrong("a command that only reads changes something", call)
        if call.result < 0:
            return
        getattr(self, "take_" + call.name, self.take_other)(call, number, at, paths)

    def take_other(self, call, number, at, paths):
        self.wrong("a call that is not expected", call)

    def take_openat(self, call, number, at, paths):
        path, flags = paths[0], call.arguments.split('"')[2]
        if "O_CLOEXEC" not in flags:
            self.wrong("a child would have it", call)
        if "O_DIRECTORY" not in flags and "O_NOFOLLOW" not in flags:
            self.wrong("it follows a link", call)
        if self.step.reads and ("O_RDONLY" not in flags or "O_CREAT" in flags):
            self.wrong("a command that only reads opens for writing", call)
        if "O_TRUNC" in flags:
            self.wrong("a file of the log is emptied", call)
        if "O_CREAT" in flags:
            if "O_EXCL" not in flags or not flags.endswith(", 0600"):
                self.wrong("not made as a new, private file", call)
            self.files[path] = File(is_new=True)
            self.changed(path, call)

    def take_mkdirat(self, call, number, at, paths):
        if not call.arguments.endswith(", 0700"):
            self.wrong("not made as a private directory", call)
        self.changed(paths[0], call)

    def take_fchmod(self, call, number, at, paths):
        if not call.arguments.endswith(", 0600"):
            self.wrong("not private", call)
        self.file(at).is_private = True

    def take_fchmodat(self, call, number, at, paths):
        if ", 0700" not in call.arguments:
            self.wrong("not private", call)

    def take_fcntl(self, call, number, at, paths):
        if "F_DUPFD" in call.arguments and "F_DUPFD_CLOEXEC" not in call.arguments:
            self.wrong("a child would have it", call)

    def take_flock(self, call, number, at, paths):
        if number <= 2 or os.path.basename(at) != "LOCK":
            self.wrong("not the lock", call)

    def take_pwrite64(self, call, number, at, paths):
        if number <= 2:
            self.wrong("data on a standard stream", call)
        if not self.file(at).is_private:
            self.wrong("written before it is private", call)
        self.file(at).written.append((call.end, int(call.arguments.rsplit(", ", 1)[1]), call.thread))

    def take_ftruncate(self, call, number, at, paths):
        if number <= 2:
            self.wrong("data on a standard stream", call)
        self.file(at).written.append((call.end, 0, call.thread))

    def sync(self, at, call):
        """What was written before the sync began is safe."""
        if at in self.files:
            self.files[at].written = [w for w in self.files[at].written if w[0] > call.begin]
        self.entries[at] = [e for e in self.entries.get(at, []) if e[0] > call.begin]

    def take_fsync(self, call, number, at, paths):
        self.sync(at, call)

    take_fdatasync = take_fsync

    def take_renameat(self, call, number, at, paths):
        source, to = paths
        if self.file(source).written and not (self.step.syncs_at_end and not self.was_log):
            self.wrong("it has its name before its content is safe", call)
        self.files[to] = self.files.pop(source)
        place, name = os.path.split(to)
        self.entries[place] = [e for e in self.entries.get(place, []) if e[1] != source]
        if name == "LOG" and not self.was_log:
            # From here on it is a log.
            self.must_be_synced("it becomes a log", call, place, lambda p: not p.endswith("LOCK"),
                                lambda p: not p.endswith("LOCK"))
            self.must_be_synced("it becomes a log", call, os.path.dirname(place), lambda p: False, lambda p: p == place)
            self.was_log = True
        self.changed(to, call)

    def take_linkat(self, call, number, at, paths):
        self.files[paths[1]] = self.file(paths[0])
        self.changed(paths[1], call)

    def take_unlinkat(self, call, number, at, paths):
        place = os.path.dirname(paths[0])
        entries = self.entries.setdefault(place, [])
        if any(path == paths[0] for _, path in entries):
            # Its name was never safe: whether it comes back is as before.
            self.entries[place] = [e for e in entries if e[1] != paths[0]]
            self.files.pop(paths[0], None)
            return
        if paths[0].endswith(SEGMENTS):
            # The list of what is live no longer has it, and what stands for it is there. It begins alike.
            alike = paths[0][:paths[0].rindex("-")]

            def stands_for_it(path):
                return path.startswith(alike) and path.endswith(SEGMENTS)

            self.must_be_synced("a segment goes", call, place,
                                lambda p: p.endswith("/LOG") or stands_for_it(p), stands_for_it)
        self.files.pop(paths[0], None)
        self.changed(paths[0], call)

    def take_write(self, call, number, at, paths):
        if number == 1 and self.target and not self.is_ours(at):
            # An acknowledgement. The mark of the end lags, and so may the first slot of the list;
            # another thread, which archives, may be about to change the list.
            self.must_be_synced("acknowledged", call, self.target,
                                lambda p: p.endswith(".evl") or (p.endswith("/LOG") and any(
                                    w[1] != 0 and w[2] == call.thread for w in self.files[p].written)),
                                lambda p: p.endswith((".evl", "/LOG", "/head")))
            self.must_be_synced("acknowledged", call, os.path.dirname(self.target), lambda p: False,
                                lambda p: p == self.target)
        elif self.is_ours(at):
            self.wrong("data on a stream", call)

    def end(self):
        if self.step.is_killed:
            return
        for path, file in self.files.items():
            if file.is_new and not file.is_private:
                self.wrong(f"{path} was never made private", None)
        for log in self.logs:
            # An archive that was given up in the middle is removed again by the next writer, if it comes back.
            self.must_be_synced("it ended", None, log, lambda p: not p.endswith("/LOCK"),
                                lambda p: not p.endswith(("/LOCK", ".evz")))
        if self.target:
            for place, folders, files in os.walk(self.target):
                for name, wanted in [(".", 0o700), *((f, 0o700) for f in folders), *((f, 0o600) for f in files)]:
                    mode = stat.S_IMODE(os.lstat(os.path.join(place, name)).st_mode)
                    if mode != wanted:
                        self.wrong(f"{os.path.join(place, name)} has mode {mode:o}", None)


class Step:
    """`target`: the log that it writes, if any. A sync at the end for all: `syncs_at_end`."""

    def __init__(self, name, words, target=None, given=None, program="everfold", syncs_at_end=False, ends=support.DONE):
        self.name, self.words, self.target, self.given, self.program = name, words, target, given, program
        self.reads, self.syncs_at_end, self.ends = target is None, syncs_at_end, ends
        self.is_killed = ends is None and not self.reads


def events(count, stream="s"):
    lines = ({"type": "counted", "data": {"n": n}, "stream": stream} for n in range(count))
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def session():
    return [
        Step("append to a new log", ["append", "LOG"], "LOG", events(4)),
        Step("append", ["append", "LOG"], "LOG", events(8)),
        Step("append to another stream", ["append", "LOG"], "LOG", events(3, "other")),
        Step("import", ["import", "LOG", "LINES", "--stream", "user-{user_id}"], "LOG"),
        Step("export, exact", ["export", "LOG", "--exact"]),
        Step("import, exact", ["import", "EXACT", "EXPORTED", "--exact"], "EXACT", syncs_at_end=True),
        Step("describe", ["describe", "LOG", "s", "--metadata", "owner=ada"], "LOG"),
        Step("retain", ["retain", "LOG", "other", "--max-count", "2"], "LOG"),
        Step("rotate", ["write", "ROTATED", "0", str(1 << 40)], "ROTATED", program="worker", ends=None),
        Step("truncate", ["truncate", "LOG", "s", "--before", "4"], "LOG"),
        Step("backup before", ["backup", "LOG", "BEFORE"], "BEFORE"),
        Step("scavenge", ["scavenge", "LOG"], "LOG"),
        Step("backup", ["backup", "LOG", "BACKUP"], "BACKUP"),
        Step("backup, copied", ["backup", "LOG", "COPIED", "--copy"], "COPIED"),
        Step("sample create", ["SAMPLE", "create", "7", "Ada"], "SAMPLE", program="sample"),
        Step("sample update", ["SAMPLE", "update", "7", "email=a@example.com"], "SAMPLE", program="sample"),
        Step("sample snapshot", ["SAMPLE", "snapshot"], "SAMPLE", program="sample"),
        Step("sample compact", ["SAMPLE", "compact"], "SAMPLE", program="sample"),
        Step("sample show", ["SAMPLE", "show", "7"], program="sample"),
        Step("recover a torn tail", ["append", "ROTATED"], "ROTATED", events(2)),
        Step("tombstone", ["tombstone", "LOG", "other"], "LOG"),
        Step("repair", ["repair", "LOG", "--into", "REPAIRED"], "REPAIRED", syncs_at_end=True),
        Step("copy", ["copy", "LOG", "ANOTHER"], "ANOTHER"),
        *(Step(name, [name, "LOG"]) for name in ("read", "streams", "stats", "verify", "removals", "export")),
        Step("about", ["about", "LOG", "s"]),
        Step("would scavenge", ["scavenge", "LOG", "--dry-run"]),
        Step("follow", ["read", "LOG", "--follow"], ends=None),
    ]


LOGS = ("LOG", "EXACT", "BEFORE", "BACKUP", "COPIED", "SAMPLE", "REPAIRED", "ANOTHER", "ROTATED")


class Session:
    def __init__(self, options, scratch, mask):
        self.scratch, self.mask = os.path.join(scratch, f"{mask:03o}"), mask
        os.mkdir(self.scratch)
        self.programs = {
            "everfold": support.everfold(options),
            "worker": support.build_path(options, "tests", "proof", "real", "worker"),
            "sample": support.build_path(options, "samples", "user_management", "user_management"),
        }
        self.shim = support.build_path(options, "tests", "proof", "real", "shim.so")
        self.logs = {name: os.path.join(self.scratch, name.lower()) for name in LOGS}
        self.names = {**self.logs, "LINES": self.path("lines"), "EXPORTED": self.path("exported")}
        with open(self.names["LINES"], "w", encoding="utf-8") as file:
            for n in range(4):
                file.write(json.dumps({"timestamp": 1704067200000 + n, "event_type": "user_created",
                                       "data": {"user_id": n, "name": "Ada"}}) + "\n")

    def path(self, name):
        return os.path.join(self.scratch, name)

    def words(self, step):
        return [self.programs[step.program]] + [self.names.get(w, w) for w in step.words]

    def before(self, step):
        if step.name == "recover a torn tail":
            log = self.logs["ROTATED"]
            with open(os.path.join(log, max(n for n in os.listdir(log) if n.endswith(".evl"))), "ab") as file:
                file.write(b"EFRM, and the power went")

    def run(self, step, order=None, closed=()):
        """(lines of the trace, how it ended)."""
        self.before(step)
        trace = self.path("trace")
        words = ["strace", "-f", "-y", "-s", "0", "-qq", "-e", "signal=none", "-e", "trace=" + ",".join(
            "?" + name for name in CALLS.split()), "-o", trace]
        if order:
            words += ["-E", f"LD_PRELOAD={self.shim}", "-E", f"EVERFOLD_SHIM={order}"]
        if closed:
            words += ["sh", "-c", 'exec "$@" ' + " ".join(f"{n}>&-" for n in closed), "sh"]
        if step.name == "follow":
            done = self.until(words + self.words(step), lambda line: b"followed" in line, self.append_while_followed)
        elif step.is_killed:
            done = self.until(words + self.words(step), self.has_rotated, lambda: None)
        else:
            done = support.run(words + self.words(step), step.given, umask=self.mask)
        with open(trace, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        if step.name == "export, exact":
            with open(self.names["EXPORTED"], "wb") as file:
                file.write(done.stdout)
        return lines, done

    def append_while_followed(self):
        support.run([self.programs["everfold"], "append", self.logs["LOG"]], events(1, "followed"))

    def has_rotated(self, line):
        return line.startswith(b"a ") and sum(n.endswith(SEGMENTS) for n in os.listdir(self.logs["ROTATED"])) > 2

    def until(self, words, is_enough, once_begun):
        """Ends the traced process at a line of what it says, at the latest after half a minute."""
        with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, umask=self.mask) as process:
            line = process.stdout.readline()
            once_begun()
            end = time.monotonic() + 30
            while line and not is_enough(line) and time.monotonic() < end:
                line = process.stdout.readline()
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGKILL)
            process.stdout.read()
        return subprocess.CompletedProcess(words, process.returncode, b"", b"")

    def audit(self, step, lines):
        audit = Audit(step, list(self.logs.values()), self.logs.get(step.target))
        audit.was_log = self.was_log
        for call in calls_of(lines):
            audit.take(call)
        audit.end()
        return audit

    def look(self, step):
        self.was_log = step.target is None or os.path.exists(os.path.join(self.logs[step.target], "LOG"))


def may_trace():
    if shutil.which("strace") is None:
        return "there is no strace"
    done = support.run(["strace", "-f", "-o", "/dev/null", "true"])
    return "" if done.returncode == 0 else "this process may not trace: " + done.stderr.decode().strip()


# What is made of a line of a true trace, of which step, and must be found.
EDITS = (
    ("append", r"(/head\".*)\|O_CLOEXEC", r"\1"),
    ("append", r"(/LOG\".*)\|O_NOFOLLOW", r"\1"),
    ("append to a new log", r"(\.evl\".*O_CREAT.*), 0600\)", r"\1, 0644)"),
    ("append to a new log", r"mkdirat(.*), 0700\)", r"mkdirat\1, 0755)"),
    ("append to a new log", r"\|O_EXCL", ""),
    ("append to a new log", r"^\d+ +fchmod\(.*", ""),
    ("append to a new log", r"^\d+ +fsync\(\d+<.*/LOG\.tmp>.*", ""),
    ("append to a new log", r"^\d+ +fsync\(\d+<.*/log>.*", ""),
    ("append to a new log", r"^\d+ +fsync\(\d+<[^>]*/\d+>.*", ""),
    ("append", r"^\d+ +fdatasync\(\d+<.*\.evl>.*", ""),
    ("append", r"pwrite64\(\d+<(.*\.evl)>", r"pwrite64(2<\1>"),
    ("append", r"pwrite64\((\d+<.*\.evl>.*), \d+\) ", r"write(\1) "),
    ("import, exact", r"^\d+ +fsync\(\d+<.*\.evl>.*", ""),
    ("scavenge", r"^\d+ +fdatasync\(\d+<.*/LOG>.*", ""),
    ("scavenge", r"^\d+ +fsync\(\d+<.*/log>.*", ""),
    ("backup", r"^\d+ +fsync\(\d+<.*/backup>.*", ""),
    ("read", r"(/head\".*)O_RDONLY", r"\1O_RDWR"),
)


def check_edits(suite, at, step, lines):
    for number, (name, what, instead) in enumerate(EDITS):
        if name != step.name:
            continue
        edited = [re.sub(what, instead, line) for line in lines]
        if edited == lines or not at.audit(step, edited).deviations:
            print(f"T22: edit {number} of \"{name}\" was not found" + (": no such line" if edited == lines else ""))
            suite.missed += 1


def one_session(suite, options, scratch, mask, closed, planted):
    at = Session(options, scratch, mask)
    for step in session():
        if step.program == "sample" and not os.path.exists(at.programs["sample"]):
            continue
        at.look(step)
        needs_streams = step.ends is None or step.name == "export, exact"
        lines, done = at.run(step, "unsynced 1" if planted else None, () if needs_streams else closed)
        replay = f"(umask {mask:03o}, {step.name}{', streams closed' * bool(closed)})"
        suite.holds(done.returncode == step.ends or step.ends is None or closed or planted,
                    f"{step.name} ended with {done.returncode}: {done.stderr.decode()}", replay)
        audit = at.audit(step, lines)
        suite.cases += audit.calls
        suite.holds(audit.calls > 0, f"{step.name}: no call was seen", replay)
        if planted and step.target and not audit.deviations:
            print(f"T22: {step.name} without syncs was not found")
            suite.missed += 1
        if not planted and mask == 0 and not closed:
            check_edits(suite, at, step, lines)
        for deviation in audit.deviations:
            suite.holds(False, f"{step.name}: {deviation}", replay)


def prove(options, scratch, cases, planted):
    reason = may_trace()
    if reason:
        print(f"  skipped: {reason}")
        return True
    suite = support.Suite("T22", "calls of a session, traced: flags, modes, order of syncs", options, planted)
    suite.missed = 0
    os.umask(0o022)
    for mask, closed in ((0o000, ()),) if planted else ((0o000, ()), (0o077, (0, 1, 2)), (0o777, ())):
        one_session(suite, options, scratch, mask, closed, planted)
    return suite.close() and suite.missed == 0


if __name__ == "__main__":
    support.main(prove, 1, 1)
