#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A copy of the tree in which sources are changed, built and tested. The tree itself is never touched."""
import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "style"))
from common import ROOT, files  # noqa: E402

CASES = re.compile(r"test cases: +(\d+) \| +(\d+) passed \| +(\d+) failed")
# What is read of a killed test's words.
WORDS_MAX = 4000


@dataclass(frozen=True)
class Outcome:
    """What came of a test: "passed", "failed", "crashed", "hung" or "missing"."""

    what: str
    seconds: float
    output: str = ""


class Laboratory:
    def __init__(self, root):
        os.makedirs(root, exist_ok=True)
        self.lock = open(os.path.join(root, "lock"), "w", encoding="utf-8")  # for as long as the process lives
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"another run has {root}") from None
        self.tree = os.path.join(root, "tree")
        self.build_root = os.path.join(root, "build")
        self.environment = dict(
            os.environ, CCACHE_NOHASHDIR="1", CCACHE_BASEDIR=root,
            EVERFOLD_SOURCE_ROOT=self.tree, EVERFOLD_BUILD_ROOT=self.build_root,
        )

    def prepare(self):
        """Brings the copy up to date and configures its build."""
        wanted = set(files())
        for path in wanted:
            self._copy(path)
        for folder, _, names in os.walk(self.tree):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.tree) not in wanted:
                    os.remove(path)
        if os.path.exists(os.path.join(self.build_root, "build.ninja")):
            return
        environment = dict(self.environment)
        if "CXX" not in environment and shutil.which("ccache"):
            environment["CXX"] = "ccache c++"
        # Little optimisation: a mutant is built once and run for seconds.
        subprocess.run(
            ["meson", "setup", self.build_root, self.tree, "-Dbuildtype=plain", "-Doptimization=1",
             "-Dsamples=disabled", "-Dbenchmarks=disabled"],
            env=environment, check=True, stdout=subprocess.DEVNULL,
        )

    def _copy(self, path):
        source, target = os.path.join(ROOT, path), os.path.join(self.tree, path)
        with open(source, "rb") as file:
            content = file.read()
        with contextlib.suppress(FileNotFoundError):
            with open(target, "rb") as file:
                if file.read() == content:
                    return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)  # not its time: what has changed is to be built again

    def build(self, programs):
        """What the compiler complains of; nothing where it builds."""
        targets = [os.path.join("tests", f"test_{p}") for p in programs]
        done = subprocess.run(
            ["ninja", "-C", self.build_root, *targets], env=self.environment, capture_output=True,
            text=True, check=False,
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(self, program, cases, limit, leave_out=()):
        """Runs the cases of a program whose names begin with one of `cases`, with an end to its patience."""
        command = [
            os.path.join(self.build_root, "tests", f"test_{program}"), "--abort-after=1",
            f"--test-case={','.join(map(pattern, cases))}", f"--test-case-exclude={','.join(map(pattern, leave_out))}",
        ]
        began = time.monotonic()
        # A group of its own: a case may have started processes.
        child = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", start_new_session=True,
        )
        try:
            output, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return Outcome("hung", time.monotonic() - began)
        seconds = time.monotonic() - began
        ran = CASES.search(output)
        if child.returncode == 0 and ran and int(ran[1]) > 0 and ran[1] == ran[2]:
            return Outcome("passed", seconds)
        if "no test case matches the filter" in output:
            return Outcome("missing", seconds)
        what = "failed" if child.returncode == 1 and ran else "crashed"
        return Outcome(what, seconds, output[-WORDS_MAX:])

    @contextlib.contextmanager
    def changed(self, changes):
        """The copy with these changes in it, while the block runs. An old text stands exactly once."""
        before = {}
        try:
            for path, old, new in changes:
                full = os.path.join(self.tree, path)
                with open(full, encoding="utf-8") as file:
                    text = file.read()
                before.setdefault(path, text)
                if before[path].count(old) != 1 or text.count(old) != 1:
                    raise LookupError(f"{path} has {before[path].count(old)} times what is to be changed: {old}")
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text.replace(old, new))
            yield
        finally:
            for path, text in before.items():
                with open(os.path.join(self.tree, path), "w", encoding="utf-8") as file:
                    file.write(text)


def pattern(name):
    """For doctest's filters: a comma would separate names; a template has its type behind."""
    return name.replace(",", "?") + "*"
