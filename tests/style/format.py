#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every C++ source is as clang-format 14 lays it out; skipped where that version is not installed.

  format.py [--fix]
"""
import os
import re
import shutil
import subprocess
import sys

from common import ROOT, Report, files

SKIPPED = 77  # what Meson takes for "skipped"


def clang_format_14():
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=False)
            if re.search(r"version 14\.", said.stdout):
                return name
    return None


def main():
    program = clang_format_14()
    if program is None:
        print("clang-format 14 is not installed, and other versions lay code out differently")
        sys.exit(SKIPPED)
    paths = [
        path for folder in ("framework", "samples", "tests")
        for path in files(folder, (".hpp", ".cpp", ".ipp"))
    ]
    if "--fix" in sys.argv[1:]:
        subprocess.run([program, "-i", *paths], cwd=ROOT, check=True)
    report = Report()
    for path in paths:
        said = subprocess.run(
            [program, "--dry-run", "--Werror", path], cwd=ROOT, capture_output=True, text=True,
            env={**os.environ, "LC_ALL": "C"}, check=False,
        )
        first = said.stderr.splitlines()[0] if said.stderr else ""
        report.look(
            said.returncode == 0, f"{first or path}\n  tests/style/format.py --fix lays it out"
        )
    report.close()


main()
