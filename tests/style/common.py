#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the checks in this folder share. Run by itself, lists the files that they look at."""
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
SKIPPED_FOLDERS = re.compile(r"^(build|build-.*|\.git|\.cache|__pycache__|.*\.everfold)$")


def files(under="", endings=("",)):
    """The repository's own files below `under` as sorted paths from its root."""
    found = []
    for folder, folders, names in os.walk(os.path.join(ROOT, under)):
        at_top = os.path.realpath(folder) == os.path.join(ROOT, "subprojects")
        # Below subprojects/ there are only wraps; a folder there is an unpacked download.
        folders[:] = [] if at_top else [f for f in folders if not SKIPPED_FOLDERS.match(f)]
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            if name.endswith(tuple(endings)) and not name.endswith(("~", ".swp", ".pyc")):
                found.append(path)
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", newline="") as file:
        return file.read()


def without_comments(text, keep_strings=False):
    """C++ text with comments and, unless kept, the insides of literals blanked; lines stay."""
    token = re.compile(
        r"//[^\n]*|/\*.*?\*/|R\"([^()\\ ]{0,16})\(.*?\)\1\"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'",
        re.DOTALL,
    )

    def blank(match):
        is_comment = match[0].startswith("/")
        if not is_comment and keep_strings:
            return match[0]
        # A digit separator (1'000'000) looks like a character literal and stays as it is.
        if match[0].startswith("'") and match.start() and text[match.start() - 1].isdigit():
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return token.sub(blank, text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def includes(path):
    """(line, name, quoted) of every #include of a file."""
    text = without_comments(read(path), keep_strings=True)
    pattern = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"\n]+)[>\"]", re.MULTILINE)
    return [(line_of(text, m.start()), m[2], m[1] == '"') for m in pattern.finditer(text)]


class Compiler:
    """A compiler with the flags that the build itself gives to our sources."""

    WARNINGS = [
        "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wold-style-cast",
        "-Wextra-semi", "-Wnon-virtual-dtor", "-Woverloaded-virtual", "-Wsuggest-override",
    ]

    def __init__(self, build_root, command=None):
        self.directory = build_root
        with open(os.path.join(build_root, "compile_commands.json"), encoding="utf-8") as file:
            entries = json.load(file)
        self.command, self.paths = command, []
        for entry in entries:
            source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
            if not source.startswith(os.path.join(ROOT, "framework") + os.sep):
                continue
            words = shlex.split(entry["command"])
            if self.command is None:
                # What comes before the first option, without a launcher.
                head = words[: next(i for i, w in enumerate(words) if w.startswith("-"))]
                self.command = [w for w in head if os.path.basename(w) != "ccache"]
            for i, word in enumerate(words):
                if word.startswith("-isystem"):
                    path = word[len("-isystem"):] or words[i + 1]
                    if ["-isystem", path] not in self.paths:
                        self.paths.append(["-isystem", path])
        if self.command is None:
            raise SystemExit("the build directory compiles nothing of framework/")
        self.name = os.path.basename(self.command[0])

    def check(self, source, *flags):
        """Parses and checks `source`, text or a path; (is it accepted, what the compiler said)."""
        is_path = os.path.isfile(source)
        command = [
            *self.command, "-std=c++20", "-fsyntax-only", "-I", os.path.join(ROOT, "framework"),
            *[word for path in self.paths for word in path], *flags,
            "-x", "c++", source if is_path else "-",
        ]
        result = subprocess.run(
            command, input="" if is_path else source, capture_output=True, text=True,
            cwd=self.directory, check=False,
        )
        return result.returncode == 0, result.stderr


class Report:
    """Counts what was looked at and prints what is wrong with it."""

    def __init__(self):
        self.passed = self.failed = 0

    def look(self, is_right, complaint):
        if is_right:
            self.passed += 1
        else:
            self.failed += 1
            print(complaint)

    def thing(self, name, complaints):
        """One thing that passes when nobody complains about it."""
        complaints = list(complaints)
        self.look(not complaints, "\n".join(f"{name}{complaint}" for complaint in complaints))

    def close(self):
        if self.passed + self.failed == 0:
            self.look(False, "there was nothing to look at")
        print(f"[check] {self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


if __name__ == "__main__":
    print("\n".join(files()))
