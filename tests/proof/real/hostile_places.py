#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T36: a log where somebody has put links, pipes, devices and directories, or took permissions away.

The command works, or refuses with the place in its message, and never waits. What lies outside of the log
is as it was, and with the place mended the log holds what it held.
"""
import ctypes
import json
import os
import shutil
import socket
import stat
import subprocess
import sys

import support

NOBODY = 65534
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 0x4000, 1 << 18
WORKS, REFUSED_ALL = (support.DONE,), (support.REFUSED, support.NOT_A_LOG, support.DAMAGED, support.INPUT_OUTPUT)
FAILS, NO_LOG = (support.INPUT_OUTPUT,), (support.NOT_A_LOG,)


def line(number, stream="s"):
    return json.dumps({"type": "counted", "data": {"n": number}, "stream": stream}).encode() + b"\n"


def picture(place):
    """What there is below, to the last byte."""
    found = {}
    for at, folders, files in os.walk(place):
        for name in folders + files:
            path = os.path.join(at, name)
            status = os.lstat(path)
            content = b""
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            found[path] = (status.st_mode, status.st_size, status.st_mtime_ns, content)
    return found


class Places:
    def __init__(self, suite, options, scratch, planted):
        self.suite, self.planted, self.scratch = suite, planted, scratch
        self.shim = support.build_path(options, "tests", "proof", "real", "shim.so")
        os.chmod(scratch, 0o755)
        # Who owns nothing may not reach the build.
        self.everfold = shutil.copy(support.everfold(options), os.path.join(scratch, "everfold"))
        self.kept = os.path.join(scratch, "kept")
        self.files = None
        for _ in range(100):
            self.files = self.files or self.make()
        self.events = self.read(self.kept)
        self.plain = os.path.join(scratch, "plain")  # no thread archives anything of it
        support.run([self.everfold, "append", self.plain], b"".join(map(line, range(4))))
        self.number = 0

    def make(self):
        """What is in a log with a segment that was written anew, unless a thread archived that at once."""
        shutil.rmtree(self.kept, ignore_errors=True)
        for words, given in ((["append"], b"".join(map(line, range(4)))), (["truncate", "s", "--before", "2"], None),
                             (["scavenge"], None), (["append"], line(4))):
            done = support.run([self.everfold, words[0], self.kept, *words[1:]], given)
            if done.returncode != support.DONE:
                raise RuntimeError(done.stderr.decode())
        names = sorted(os.listdir(self.kept))
        rewritten = [n for n in names if n.endswith(".evr") and n[:-1] + "i" in names]
        if not rewritten:
            return None
        return {"the list": "LOG", "the lock": "LOCK", "the mark": "head", "a segment": rewritten[0],
                "the last segment": [n for n in names if n.endswith(".evl")][-1], "an index": rewritten[0][:-1] + "i"}

    def read(self, log):
        done = support.run([self.everfold, "read", log, "--json"])
        if done.returncode != support.DONE:
            return done.stderr
        return [(e["position"], e["data"]["n"]) for e in map(json.loads, done.stdout.splitlines())]

    def fresh(self, kept=None):
        """(a copy of the log, an empty place beside it that the log has nothing to do with)."""
        self.number += 1
        here = os.path.join(self.scratch, f"case-{self.number}")
        os.mkdir(here)
        os.mkdir(os.path.join(here, "outside"))
        log = shutil.copytree(kept or self.kept, os.path.join(here, "log"))
        return log, os.path.join(here, "outside")

    def run(self, words, given=None, nobody=False, **more):
        if nobody and os.geteuid() == 0:
            more.update(user=NOBODY, group=NOBODY, extra_groups=[])
        if self.planted:
            more["env"] = {**os.environ, "LD_PRELOAD": self.shim, "EVERFOLD_SHIM": "follow 1"}
        try:
            return support.run([self.everfold, *words], given, timeout=10, **more)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(words, 124, b"", b"it did not end in ten seconds")

    def check(self, what, words, allowed, outside, given=None, names=None, **more):
        """One case: how it ended, and that nothing outside is another. `names`: what a refusal names."""
        before = picture(outside)
        done = self.run(words, given, **more)
        self.suite.cases += 1
        replay = f"({what}: everfold {' '.join(words)[:200]})"
        self.suite.holds(done.returncode in allowed,
                         f"{what}: {words[0]} ended with {done.returncode}, not {allowed}: {done.stderr.decode()}",
                         replay)
        self.suite.holds(picture(outside) == before, f"{what}: {words[0]} changed what is outside of the log",
                         replay)
        if done.returncode != support.DONE:
            named = names if names is not None else words[1]
            self.suite.holds(done.stderr.startswith(b"everfold: ") and named.encode() in done.stderr,
                             f"{what}: {words[0]} does not name the place: {done.stderr.decode()}", replay)
        return done

    def still_holds(self, what, log, added=(), kept=None):
        found, before = self.read(log), self.read(kept) if kept else self.events
        self.suite.holds(isinstance(found, list) and found[:len(before)] == before
                         and [n for _, n in found[len(before):]] == list(added),
                         f"{what}: mended, it holds {found}", f"({what})")
        done = support.run([self.everfold, "verify", log])
        self.suite.holds(done.returncode == support.DONE, f"{what}: verify: {done.stderr.decode()}", f"({what})")


def put(kind, path, outside):
    """False where it can't."""
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a directory":
        os.mkdir(path)
    elif kind == "a link to nothing":
        os.symlink(os.path.join(outside, "nothing"), path)
    elif kind == "a link to a device":
        os.symlink("/dev/zero", path)
    elif kind == "a link to itself":
        os.symlink(path, path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            here = os.open(os.path.dirname(path), os.O_RDONLY)
            try:  # a socket's path may not be long
                made.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
            finally:
                os.close(here)
    elif kind == "a device":
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            return False
    return True


KINDS = ("a pipe", "a directory", "a link to nothing", "a link to a device", "a link to itself", "a socket", "a device")


def things_instead_of_files(at):
    for called, name in at.files.items():
        for kind in (*KINDS, "a link to its like"):
            log, outside = at.fresh()
            path, real = os.path.join(log, name), os.path.join(os.path.dirname(log), "real")
            os.rename(path, real)
            if kind == "a link to its like":
                os.symlink(shutil.copy2(real, os.path.join(outside, "like")), path)
            elif not put(kind, path, outside):
                continue
            what, added = f"{kind} for {called}", []
            for words, given in ((["append", log], line(9)), (["read", log], None), (["verify", log], None)):
                allowed = WORKS if called == "the lock" and words[0] != "append" else REFUSED_ALL
                done = at.check(what, words, allowed, outside, given)
                added += [9] if words[0] == "append" and done.returncode == support.DONE else []
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.remove(path)
            os.rename(real, path)
            at.still_holds(what, log, added)
            if at.planted and at.suite.violations:
                return  # a pipe makes each command wait


def things_in_the_way(at):
    """Where the log is about to make a file."""
    for name, words, given in (("quarantine", ["append"], line(9)), ("LOG.tmp", ["scavenge"], None),
                               ("seg-next.tmp", ["append"], line(9)), ("head.tmp", ["append"], line(9)),
                               ("LOG.importing", ["read"], None)):
        for kind in (*KINDS, "a link to a directory"):
            log, outside = at.fresh()
            path = os.path.join(log, name)
            if kind == "a link to a directory":
                os.symlink(outside, path)
            elif not put(kind, path, outside):
                continue
            what = f"{kind} for {name}"
            if name == "quarantine":  # there is something to be put into it
                with open(os.path.join(log, at.files["the last segment"]), "ab") as file:
                    file.write(b"EFRM, and the power went")
            at.check(what, [words[0], log], WORKS + REFUSED_ALL, outside, given)
            found = at.read(log)
            at.suite.holds(isinstance(found, list) and found[:len(at.events)] == at.events, f"{what}: {found}",
                           f"({what})")


def things_instead_of_the_log(at):
    log, outside = at.fresh()
    here = os.path.dirname(log)
    for kind in KINDS:
        path = os.path.join(here, "instead")
        if not put(kind, path, outside):
            continue
        if kind == "a directory":
            os.chmod(path, 0o555)
        for words, given in ((["append", path], line(9)), (["read", path], None), (["verify", path], None),
                             (["backup", path, os.path.join(here, "copy")], None)):
            if kind != "a directory" or words[0] != "append":  # a new log, there
                at.check(f"{kind} for the log", words, REFUSED_ALL, outside, given)
        for words in (["backup", log, path], ["repair", log, "--into", path]):
            if kind != "a directory":
                at.check(f"{kind} for the target", words, (*REFUSED_ALL, support.USAGE), outside, names=path)
        (os.rmdir if kind == "a directory" else os.remove)(path)
    to_log = os.path.join(here, "to_log")
    os.symlink(log, to_log)
    at.check("a link to the log", ["append", to_log], WORKS, outside, line(9))
    at.check("a link to the log", ["verify", to_log], WORKS, outside)
    at.still_holds("a link to the log", log, [9])
    for what, path in (("a name too long", os.path.join(here, "x" * 300)), ("a path too long", here + "/x" * 2500),
                       ("a file on the way", os.path.join(log, "LOG", "log")),
                       ("no parent", os.path.join(here, "no", "log"))):
        for words, given in ((["append", path], line(9)), (["read", path], None), (["backup", log, path], None),
                             (["repair", log, "--into", path], None)):
            at.check(what, words, REFUSED_ALL, outside, given, names=path[:200])
    at.still_holds("targets that can't be", log, [9])


def permissions(at):
    """As somebody who is not root."""
    log, outside = at.fresh()
    if at.run(["--version"], nobody=True).returncode != 0:
        print("  skipped: who is not root may not run the command")
        return

    def given_away():
        log, outside = at.fresh()
        if os.geteuid() == 0:
            for path in (os.path.dirname(log), log, *(os.path.join(log, n) for n in os.listdir(log))):
                os.chown(path, NOBODY, NOBODY)
        return log, outside

    changes = (("append", line(9)), ("scavenge", None))
    for mode in (0o500, 0o000, 0o300, 0o600):
        reading = WORKS if mode == 0o500 else FAILS
        log, outside = given_away()
        os.chmod(log, mode)
        if mode == 0o500:
            os.remove(os.path.join(log, "LOCK"))  # or there is nothing to be made in it
        what = f"a directory of mode {mode:o}"
        for name, given in changes:
            at.check(what, [name, log], FAILS, outside, given, nobody=True)
        for name in ("read", "verify"):
            at.check(what, [name, log], reading, outside, nobody=True)
        os.chmod(log, 0o700)
        at.still_holds(what, log)
    for called, name in at.files.items():
        for mode in (0o000, 0o400, 0o200):
            log, outside = given_away()
            os.chmod(os.path.join(log, name), mode)
            what = f"{called} of mode {mode:o}"
            writes = called in ("the list", "the lock", "the mark", "the last segment")
            changing = WORKS if mode == 0o400 and not writes else FAILS
            reading = WORKS if called == "the lock" or mode == 0o400 else FAILS
            done = at.check(what, ["append", log], changing, outside, line(9), nobody=True)
            at.check(what, ["read", log], reading, outside, nobody=True)
            at.check(what, ["verify", log], reading, outside, nobody=True)
            if os.path.exists(os.path.join(log, name)):  # a segment may be archived by now
                os.chmod(os.path.join(log, name), 0o600)
            at.still_holds(what, log, [9] if done.returncode == support.DONE else [])
    log, outside = given_away()
    here = os.path.dirname(log)
    os.chmod(here, 0o555)
    new = os.path.join(here, "new")
    for words, given in ((["append", new], line(9)), (["backup", log, new], None),
                         (["repair", log, "--into", new], None)):
        at.check("a parent of mode 555", words, FAILS, outside, given, nobody=True, names=new)
        at.suite.holds(not os.path.lexists(new), "made in a directory of mode 555")
    if os.geteuid() == 0:
        log, outside = at.fresh()
        for name in ("append", "read", "verify"):
            at.check("somebody else's log", [name, log], FAILS, outside, line(9), nobody=True)
        os.chmod(outside, 0o1777)
        new = os.path.join(outside, "new")
        for mask in (0o000, 0o077, 0o777):
            # In a place like /tmp, where everybody may make files, and only their owners remove them.
            done = at.run(["append", new], line(1), nobody=True, umask=mask)
            modes = {oct(entry[0] & 0o777) for path, entry in picture(outside).items() if path != new}
            at.suite.cases += 1
            at.suite.holds(done.returncode == support.DONE and modes == {"0o600"}
                           and stat.S_IMODE(os.lstat(new).st_mode) == 0o700,
                           f"umask {mask:03o}: {modes}: {done.stderr}")
            shutil.rmtree(new, ignore_errors=True)


def swapped_while_open(at):
    """The writer waits for its next line; meanwhile somebody replaces the directory, or a file of it."""
    files = {"the list": "LOG", "the lock": "LOCK", "the mark": "head",
             "the segment": next(n for n in os.listdir(at.plain) if n.endswith(".evl"))}
    for what in ("the directory", *files):
        for kind in ("a link", "a copy"):
            log, outside = at.fresh(at.plain)
            place = log if what == "the directory" else os.path.join(log, files[what])
            away, instead = os.path.join(os.path.dirname(log), "away"), os.path.join(outside, "instead")
            copy = shutil.copytree if what == "the directory" else shutil.copy2
            with subprocess.Popen([at.everfold, "append", log], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as process:
                process.stdin.write(line(8))
                process.stdin.flush()
                first = process.stdout.readline()
                os.rename(place, away)
                copy(away, instead)
                if kind == "a link":
                    os.symlink(instead, place)
                else:
                    copy(away, place)
                before = picture(outside)
                output, _ = process.communicate(line(9), timeout=20)
            at.suite.cases += 1
            told = f"{kind} for {what}, while it is open"
            at.suite.holds(b"position" in first, f"{told}: it did not begin", f"({told})")
            at.suite.holds(picture(outside) == before, f"{told}: it wrote to what is outside", f"({told})")
            at.suite.holds(process.returncode >= 0, f"{told}: ended by signal {-process.returncode}", f"({told})")
            if what in ("the directory", "the lock"):
                at.suite.holds(output == b"" and process.returncode != 0, f"{told}: it went on: {output}", f"({told})")
            # What is held open is what was written to.
            (os.remove if os.path.islink(place) or what != "the directory" else shutil.rmtree)(place)
            os.rename(away, place)
            at.still_holds(told, log, [8] + [9] * output.count(b"position"), at.plain)


def mounts(at):
    """In a child with a file system of its own to look at; where that is allowed."""
    log, outside = at.fresh()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        return False
    if (libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0
            or libc.mount(log.encode(), log.encode(), None, MS_BIND, None) != 0):
        return False
    for what, flags, changing in (("read only", MS_RDONLY, FAILS),
                                  ("no programs", MS_NOEXEC | MS_NOSUID | MS_NODEV, WORKS)):
        if libc.mount(b"none", log.encode(), None, MS_REMOUNT | MS_BIND | flags, None) != 0:
            return False
        at.check(f"a mount, {what}", ["read", log], WORKS, outside)
        at.check(f"a mount, {what}", ["verify", log], WORKS, outside)
        copy = os.path.join(os.path.dirname(log), "copy of " + what)
        at.check(f"a mount, {what}", ["backup", log, copy], WORKS, outside)
        at.check(f"a mount, {what}", ["append", log], changing, outside, line(9))
    at.still_holds("a mount", log, [9])
    return True


def in_child(at):
    """The mounts go with the child."""
    read_end, write_end = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            counts = at.suite.cases, at.suite.violations
            done = mounts(at)
            sys.stdout.flush()
            os.write(write_end, f"{done:d} {at.suite.cases - counts[0]} {at.suite.violations - counts[1]}".encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        counts = pipe.read().split()
    os.waitpid(child, 0)
    at.suite.holds(len(counts) == 3, "the child with mounts of its own came to an end")
    if len(counts) == 3:
        at.suite.cases += int(counts[1])
        at.suite.violations += int(counts[2])
        if counts[0] == "0":
            print("  skipped: this process may not mount")


def prove(options, scratch, cases, planted):
    suite = support.Suite("T36", "links, pipes, devices, directories, permissions, swaps, mounts", options, planted)
    at = Places(suite, options, scratch, planted)
    things_instead_of_files(at)
    if not planted:
        for part in (things_in_the_way, things_instead_of_the_log, permissions, swapped_while_open, in_child):
            part(at)
    return suite.close()


if __name__ == "__main__":
    support.main(prove, 1, 1)
