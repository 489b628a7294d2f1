#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints which tests hold each command, sample and page of the guide, as Markdown tables.

  coverage_table.py BUILD_ROOT [--check]

The rows are what `everfold --help`, `samples/run --list` and the folder of the guide have; the tests are
those that Meson runs. A test holds a command where it is given the program and its script passes the
command's name, or its page shows it; a sample where it is given that program; a page where it is given
that page. A row without a test is an error. With --check the count that tests end with comes last.
"""
import ast
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "style"))
from common import ROOT, Report, files, read  # noqa: E402

GUIDE = "framework/docs/guide"
INDEX = "README.md"


class Names(ast.NodeVisitor):
    """The texts that a script passes on: arguments of calls, and elements of lists."""

    def __init__(self):
        self.found = set()

    def visit_Subscript(self, node):
        self.visit(node.value)  # what is looked up by a text is not passed on

    def add(self, nodes):
        self.found |= {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}

    def visit_Call(self, node):
        self.add(node.args)
        self.generic_visit(node)

    def visit_List(self, node):
        self.add(node.elts)
        self.generic_visit(node)

    visit_Tuple = visit_List


def texts_passed_by(script):
    names = Names()
    names.visit(ast.parse(read(script)))
    return names.found


def commands_shown_by(page):
    blocks = re.findall(r"^```sh.*?\n(.*?)^```$", read(page), re.DOTALL | re.MULTILINE)
    return set(re.findall(r"\beverfold ([a-z]+)\b", "".join(blocks)))


class Tests:
    """What Meson runs: the words of each test, paths from the root of the tree."""

    def __init__(self, build):
        self.build = build
        self.words = {}
        for test in self.info("tests"):
            self.words[test["name"]] = {self.place(word) for word in test["cmd"]}

    def info(self, what):
        with open(os.path.join(self.build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
            return json.load(file)

    def place(self, word):
        return os.path.realpath(os.path.join(self.build, word))

    def program(self, name):
        """Where a program is built, whether or not a test runs it."""
        for target in self.info("targets"):
            if target["name"] == name and target["type"] == "executable":
                return self.place(target["filename"][0])
        return None

    def given(self, path):
        return [name for name, words in self.words.items() if path in words]

    def own(self, name, *endings):
        """The scripts or pages of this tree that a test is given."""
        return [
            os.path.relpath(word, ROOT) for word in sorted(self.words[name])
            if word.startswith(ROOT + os.sep) and word.endswith(endings) and os.path.isfile(word)
        ]


def commands(tests):
    program = tests.program("everfold")
    if program is None:
        raise SystemExit("the build directory does not build the command everfold")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    held = {}
    for name in tests.given(program):
        held[name] = set()
        for path in tests.own(name, ".md"):
            held[name] |= commands_shown_by(path)
        if not tests.own(name, ".md"):
            for path in tests.own(name, ".py"):
                held[name] |= texts_passed_by(path)
    for command in re.findall(r"^  (\S+) +LOG\b", said, re.MULTILINE):
        yield f"`everfold {command}`", [name for name, texts in held.items() if command in texts]


def samples(tests):
    said = subprocess.run(
        [os.path.join(ROOT, "samples", "run"), "--list"], capture_output=True, text=True, check=True
    ).stdout
    for line in said.splitlines():
        sample = line.split()[0]
        program = tests.program(sample)
        yield f"[{sample}](samples/{sample})", tests.given(program) if program else []


def pages(tests):
    for path in files(GUIDE, (".md",)):
        if os.path.basename(path) != INDEX:
            yield f"[{os.path.basename(path)}]({path})", tests.given(os.path.join(ROOT, path))


def main():
    tests = Tests(os.path.realpath(sys.argv[1]))
    report = Report()
    for what, rows in (("command", commands), ("sample", samples), ("page", pages)):
        print(f"| {what} | tests |\n| --- | --- |")
        found = list(rows(tests))
        for row, names in found:
            print(f"| {row} | {', '.join(names) or '**none**'} |")
        print()
        report.look(bool(found), f"there is no {what}")
        for row, names in found:
            report.look(bool(names), f"no test holds {row}")
    index = read(f"{GUIDE}/{INDEX}")
    for path in files(GUIDE, (".md",)):
        name = os.path.basename(path)
        if name != INDEX:
            report.look(f"]({name})" in index, f"{GUIDE}/{INDEX} has no link to {name}")
    if "--check" in sys.argv[2:]:
        report.close()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
