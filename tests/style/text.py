#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules for every text file, and for what may lie at the top of the tree."""
import os
import re

from common import ROOT, SKIPPED_FOLDERS, Report, files, read

TOP_LEVEL = {
    "meson.build", "meson_options.txt", "framework", "samples", "tests", "subprojects", "README.md",
    "LICENSE", ".clang-format", ".clang-tidy", ".editorconfig", ".gitignore", ".ci", ".git",
}
# What editors and language servers leave; .gitignore names them too.
LITTER = {".vscode", ".idea", "compile_commands.json"}

DATA = (".jsonl", ".json", ".bin", ".cbor", ".gz", ".zst", ".everfold")
SOURCES = (".cpp", ".hpp", ".ipp", ".py", ".sh")
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
# Started by name, so their executable bit must not get lost.
PROGRAMS = [".ci/run", "samples/run", "tests/run", "samples/user_management/tour"]


def complaints(path):
    full = os.path.join(ROOT, path)
    is_executable = os.access(full, os.X_OK)
    try:
        text = read(path)
    except UnicodeDecodeError:
        yield " is not UTF-8"
        return
    is_script = text.startswith("#!")
    if is_script and not is_executable:
        yield " starts with #! and is not executable"
    if is_executable and not is_script:
        yield " is executable and does not start with #!"
    if path.endswith(".py") and not is_script:
        yield " is a script and does not start with #!"
    if path.endswith(SOURCES) or is_script:
        if not any("SPDX-License-Identifier: MIT" in line for line in text.splitlines()[:3]):
            yield " has no SPDX line among its first three"
    if path.endswith((".hpp", ".ipp")) and "\n#pragma once\n" not in text:
        yield " has no #pragma once"
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            yield f":{number}: names unfinished work; write an issue instead"
        if "\t" in line:
            yield f":{number}: has a tab"
        if line.endswith((" ", "\r")):
            yield f":{number}: ends with a space or a carriage return"
    if path.endswith(".md"):
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
            if not os.path.exists(os.path.join(os.path.dirname(full), target)):
                yield f" links to {target}, which does not exist"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield " is to end with one line break"


def main():
    report = Report()
    for name in sorted(os.listdir(ROOT)):
        if not SKIPPED_FOLDERS.match(name) and name not in LITTER:
            report.look(name in TOP_LEVEL, f"{name} does not belong at the top of the tree")
    for name in sorted(TOP_LEVEL - {".git"}):
        report.look(os.path.exists(os.path.join(ROOT, name)), f"{name} is missing at the top")
    for path in PROGRAMS:
        report.look(os.access(os.path.join(ROOT, path), os.X_OK), f"{path} is not an executable file")
    for path in files():
        if path.startswith("tests/golden/"):
            continue  # bytes that were written by a released version
        if path.split("/")[0] in TOP_LEVEL and not path.endswith(DATA):
            report.thing(path, complaints(path))
    for path in files("subprojects"):
        report.look(path.endswith(".wrap"), f"{path}: subprojects/ is for wraps only")
    report.close()


main()
