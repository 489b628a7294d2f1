#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""T21: each file system call of the command and a sample fails with each error, is interrupted, or is short.

The command does what it was asked for, or ends with the code of its table and says why; what was
acknowledged is there, no half of a file is taken for a whole one, and the log goes on.
"""
import collections
import errno
import os
import shutil

import support
import system_calls

# What a system may answer, by call; every call may be interrupted or find no memory.
ERRORS = {
    "open": ("ENOSPC", "EMFILE", "EACCES", "EIO", "EROFS"), "openat": ("ENOSPC", "EMFILE", "EACCES", "EIO", "EROFS"),
    "pwrite": ("ENOSPC", "EIO", "EDQUOT", "EFBIG"), "pread": ("EIO", "ESTALE"), "fsync": ("EIO", "ENOSPC", "EDQUOT"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT"), "ftruncate": ("EIO", "ENOSPC"), "renameat": ("EIO", "ENOSPC", "EACCES"),
    "rename": ("EIO", "ENOSPC", "EACCES"), "linkat": ("EXDEV", "EMLINK", "EPERM", "EIO"), "mkdirat": ("ENOSPC", "EACCES"),
    "unlinkat": ("EIO", "EACCES"), "unlink": ("EIO", "EACCES"), "flock": ("ENOLCK", "EIO"), "mmap": ("ENOMEM", "ENODEV"),
    "fstat": ("EIO", "EOVERFLOW"), "fstatat": ("EIO", "EACCES"), "readdir": ("EIO",),
    "fchmod": ("EPERM", "EIO"),
}
CODES = (support.DONE, support.REFUSED, support.NOT_A_LOG, support.DAMAGED, support.IN_USE, support.INPUT_OUTPUT)


def orders_of(name, number):
    """What is done to a call, as the shim takes it."""
    yield f"error {number} {errno.EINTR}"
    for error in ERRORS.get(name, ("EIO",)):
        yield f"error {number} {getattr(errno, error)}"
    if name in ("pread", "pwrite"):
        yield f"short {number}"


def session():
    """That of system_calls, and the commands that only read or make another file."""
    for step in system_calls.session():
        yield step
        if step.name == "backup":
            for name in ("read", "verify", "export"):
                yield system_calls.Step(name, [name, "LOG"])
            yield system_calls.Step("repair", ["repair", "LOG", "--into", "BACKUP"])


ONE_THREAD = ("append", "append again", "import", "truncate", "backup", "read", "verify", "export")


def is_harmless(step, name, order):
    """An interrupted or short call is made again, or goes on. With threads it may be another call each time."""
    return step.name in ONE_THREAD and name in ("openat", "pread", "pwrite", "fsync", "fdatasync", "ftruncate", "flock", "fchmod") and (
        order.endswith(f" {errno.EINTR}") or order.startswith("short"))


def check(suite, at, step, whole, states, done, order, replay):
    code, said = done.returncode, done.stderr.decode(errors="replace")
    if code < 0:
        suite.holds(False, f"{step.name} was ended by signal {-code}: {said}", replay)
    else:
        suite.holds(code in CODES, f"{step.name} ended with {code}: {said}", replay)
    if code == support.DONE and step.name in ("read", "export", "verify"):
        suite.holds(step.name == "verify" or done.stdout == whole, f"{step.name} did not give all, and said it had", replay)
    if code == support.INPUT_OUTPUT:
        suite.holds(at.scratch in said or "'standard " in said,
                    f"{step.name} ended with {code}, and does not say where: {said}", replay)
    if step.name == "repair" and os.path.exists(at.backup):
        copy = at.read(at.backup)
        # What it could not read is lost in the new log, and it says so.
        suite.holds(copy is None or isinstance(copy, str) or code == support.DAMAGED
                    or [e[1:] for e in copy] == [e[1:] for e in states[-1]],
                    f"a repair that ended with {code}, and is half a log: {copy}", replay)
        shutil.rmtree(at.backup)
    system_calls.check(suite, at, step, states, done, replay)


def prove(options, scratch, cases, planted):
    suite = support.Suite("T21", "file system calls that fail, are interrupted or short", options, planted)
    at, kinds, number = system_calls.Session(options, scratch), collections.Counter(), 0
    before, seen = None, []
    apart = 4 if options.full else 61  # about 1,900 of them, other ones for each seed
    for step in session():
        if step.is_sample and not os.path.exists(at.sample):
            continue
        at.restore(before)
        calls = at.calls(step)
        at.restore(before)
        whole = at.run(step).stdout
        after = at.read(at.log)
        kept = os.path.join(scratch, "kept-" + step.name)
        shutil.copytree(at.log, kept)
        states = system_calls.states_of(step, seen, after)
        for k, name in enumerate(calls, 1):
            for order in ([f"signal {k}"] if planted else orders_of(name, k)):
                number += 1
                if options.cases:
                    if number != options.cases:
                        continue
                elif (number + options.seed) % apart != 0:
                    continue
                suite.cases += 1
                kinds[name] += 1
                at.restore(before)
                done = at.run(step, order)
                replay = f"--cases {number}  ({order}: {name}, call {k} of {step.name})"
                if is_harmless(step, name, order):
                    suite.holds(done.returncode == support.DONE, f"{step.name} gave up: {done.stderr.decode()}", replay)
                check(suite, at, step, whole, states, done, order, replay)
            if planted and suite.violations:
                return suite.close()
        at.restore(kept)
        before, seen = kept, after
    if not planted:
        print("  " + ", ".join(f"{count} {name}" for name, count in sorted(kinds.items())))
    return suite.close()


if __name__ == "__main__":
    support.main(prove, None, None)
