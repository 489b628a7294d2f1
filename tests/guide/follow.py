#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Follows a page of the guide as its reader would, and compares what each block prints.

  follow.py BUILD_ROOT EVERFOLD PAGE [--program PROGRAM] [--installed | --instrumented]

PROGRAM is what extract.py made of the page's `cpp run` blocks. With --installed the page's commands see
an Everfold that was installed from the build directory, and the time is told that following took. With
--instrumented the commands of such a page are left out: what the build installs needs the sanitizers'
libraries, which no page's command links.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from support import (
    ROOT, Compiler, Report, Wrong, changed, code_before, complaint, indented, name_of, placed,
    read_page, says,
)

PATIENCE = 120  # seconds, for one block
END = "\x1e"
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# Reads a file of commands after the other; the first command that fails ends it, unless the line says
# that one is to fail.
SHELL = """
while read -r mode block; do
    if [ "$mode" = fails ]; then set +e; else set -e; fi
    . "$block" </dev/null
    printf '\\036done %s\\n' "$?"
done
"""


class Stopped(Exception):
    """A process ended in the middle of a block; what the block had printed, and how it ended."""

    def __init__(self, printed, how):
        super().__init__(how)
        self.printed = printed


class Process:
    """Does one block after the other, and tells the end of each by a line that begins with END."""

    def __init__(self, command, folder, environment):
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.is_late = False

    def run(self, words):
        """(what the block printed, what the last line says). Raises Stopped."""
        timer = threading.Timer(PATIENCE, self.end_it)
        timer.start()
        printed = ""
        try:
            self.process.stdin.write(words.encode())
            self.process.stdin.flush()
            for line in self.process.stdout:
                before, mark, after = line.decode("utf-8", "backslashreplace").partition(END)
                printed += before
                if mark:
                    return printed, after.strip()
        except BrokenPipeError:
            pass
        finally:
            timer.cancel()
        code = self.process.wait()
        raise Stopped(printed, f"took more than {PATIENCE} s" if self.is_late else f"ended with {code}")

    def end_it(self):
        self.is_late = True
        self.process.kill()

    def close(self):
        """What is wrong with how it ends, or nothing."""
        self.process.stdin.close()
        timer = threading.Timer(PATIENCE, self.end_it)
        timer.start()
        output = self.process.stdout.read().decode("utf-8", "backslashreplace")
        timer.cancel()
        code = self.process.wait()
        return "" if code == 0 and not output else f"ended with {code}\n{indented(output)}"


class Walk:
    """A page that is being followed, in a directory of its own."""

    def __init__(self, arguments, report):
        self.arguments, self.report = arguments, report
        self.page = name_of(arguments.page)
        self.blocks = read_page(arguments.page)
        if any(block.kind == "cpp run" for block in self.blocks) and not arguments.program:
            raise Wrong(self.page, 1, "this page has a `cpp run`, and there is no --program of it")
        self.compiler = Compiler(arguments.build_root)
        self.scratch = tempfile.mkdtemp(prefix="everfold_guide_")
        self.folder = os.path.join(self.scratch, "empty")
        os.mkdir(self.folder)
        self.files = {}  # as they are by now
        self.versions = []  # (block, content) of each file after each change
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CXXFLAGS", "LDFLAGS")},
            "PATH": os.path.dirname(arguments.everfold) + os.pathsep + os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
        }
        self.processes = {}

    def close(self):
        for name, process in self.processes.items():
            wrong = process.close()
            self.report.look(not wrong, f"{self.page}: its {name}, after the last block, {wrong}")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def process(self, name, command):
        if name not in self.processes:
            self.processes[name] = Process(command, self.folder, self.environment)
        return self.processes[name]

    def install(self):
        """From the build directory to a directory of its own, found as an installed one would be."""
        stage = os.path.join(self.scratch, "stage")
        result = subprocess.run(
            ["meson", "install", "-C", self.arguments.build_root, "--no-rebuild", "--destdir", stage],
            check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        if result.returncode:
            raise Wrong(self.page, 1, f"installing failed:\n{result.stdout}{result.stderr}")
        found = {
            name: os.path.join(folder, name)
            for folder, _, names in os.walk(stage) for name in names
            if name in ("everfold", "everfold.pc")
        }
        if len(found) != 2:
            raise Wrong(self.page, 1, f"of everfold and everfold.pc, only {list(found)} is installed")
        # What names the place for good is the prefix; it is where the files are now.
        pc = found["everfold.pc"]
        with open(pc, encoding="utf-8") as file:
            text = re.sub(r"^prefix=", f"prefix={stage}", file.read(), flags=re.MULTILINE)
        with open(pc, "w", encoding="utf-8") as file:
            file.write(text)
        path = os.path.dirname(found["everfold"]) + os.pathsep + os.environ["PATH"]
        self.environment |= {
            "PATH": path,
            "PKG_CONFIG_PATH": os.path.dirname(pc),
            "LD_LIBRARY_PATH": os.path.dirname(os.path.dirname(pc)),  # as ldconfig does for a real prefix
        }

    def follow(self):
        """Every block in its turn; the rest is not looked at after one that stopped."""
        for block in self.blocks:
            if block.kind == "sh" and self.arguments.instrumented:
                continue
            try:
                self.report.thing("", self.complaints(block))
            except Stopped as stopped:
                self.report.look(
                    False,
                    f"{self.page}:{block.line}: the block {stopped}; what comes after it was not "
                    f"followed. It printed:\n{indented(stopped.printed)}",
                )
                # What has ended says nothing more.
                self.processes = {}
                return

    def complaints(self, block):
        if block.is_file:
            yield from self.file_complaints(block)
        elif block.kind == "cpp run":
            printed, last = self.process("program", [self.arguments.program]).run("\n")
            if last.startswith("threw"):
                raise Stopped(printed, last)
            yield from filter(None, [complaint(self.page, block, printed)])
        elif block.kind == "cpp error":
            yield from self.error_complaints(block)
        elif block.kind == "sh install":
            yield from self.install_complaints(block)
        elif block.kind == "sh":
            yield from self.command_complaints(block)

    def file_complaints(self, block):
        if block.replaced and block.file not in self.files:
            yield f"{self.page}:{block.line}: there is no {block.file} yet"
            return
        content = block.text
        if block.replaced:
            content = changed(self.page, block, self.files[block.file])
        self.files[block.file] = content
        self.versions.append((block, content))
        with open(os.path.join(self.folder, block.file), "w", encoding="utf-8") as file:
            file.write(content)

    def command_complaints(self, block):
        script = os.path.join(self.scratch, f"line-{block.line}.sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(block.text)
        mode = "fails" if block.exit_code else "succeeds"
        printed, last = self.process("shell", ["sh", "-c", SHELL]).run(f"{mode} {script}\n")
        wrong = complaint(self.page, block, printed)
        if wrong:
            yield wrong
        if last != f"done {block.exit_code}":
            yield (
                f"{self.page}:{block.line}: is to exit with {block.exit_code}, exited with "
                f"{last.removeprefix('done ')}\n{indented(printed)}"
            )

    def error_complaints(self, block):
        source = code_before(self.page, self.blocks, block) + placed(self.page, block)
        accepted, said = self.compiler.check(source)
        if accepted:
            yield f"{self.page}:{block.line}: is to be refused by the compiler, and is not"
        elif not says(said, block.said.text):
            yield (
                f"{self.page}:{block.said.line}: the compiler does not say this. It says:\n"
                f"{indented(said[:4000])}"
            )

    def install_complaints(self, block):
        """A reader finds one way to install Everfold, wherever he looks."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            shown = set(file.read().splitlines())
        for number, line in enumerate(block.text.splitlines(), block.line):
            if line and line not in shown:
                yield f"{self.page}:{number}: README.md does not have this line: {line}"

    def check_files(self):
        """Each version of each file, under the flags of a reader who is strict with himself."""
        for block, content in self.versions:
            if not block.file.endswith(".cpp"):
                continue
            accepted, said = self.compiler.check(content, *STRICT)
            self.report.look(
                accepted, f"{self.page}:{block.line}: {block.file} does not compile:\n{indented(said)}"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build_root", type=os.path.realpath)
    parser.add_argument("everfold", type=os.path.realpath)
    parser.add_argument("page", type=os.path.realpath)
    parser.add_argument("--program", type=os.path.realpath)
    parser.add_argument("--installed", action="store_true")
    parser.add_argument("--instrumented", action="store_true")
    arguments = parser.parse_args()

    report = Report()
    try:
        walk = Walk(arguments, report)
    except Wrong as wrong:
        report.look(False, str(wrong))
        report.close()
    try:
        if arguments.installed:
            walk.install()
        began = time.monotonic()
        walk.follow()
        if arguments.installed:
            print(f"{walk.page}: following it took {time.monotonic() - began:.1f} s, reading it not counted")
        walk.check_files()
    except Wrong as wrong:
        report.look(False, str(wrong))
    finally:
        walk.close()
    report.close()


if __name__ == "__main__":
    sys.exit(main())
