#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
""".clang-tidy turns on what it means to: prints the effective list, and compares it with the file.

A missing comma silently changes such a list. Skipped where clang-tidy 19 is not installed.
"""
import re
import shutil
import subprocess
import sys

from common import ROOT, Report, read

SKIPPED = 77
TIDY = "clang-tidy-19"


def main():
    if not shutil.which(TIDY):
        print(f"{TIDY} is not installed")
        sys.exit(SKIPPED)
    said = subprocess.run(
        [TIDY, "--list-checks"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )
    enabled = set(re.findall(r"^    (\S+)$", said.stdout, re.MULTILINE))
    print("\n".join(sorted(enabled)))

    block = re.search(r"^Checks: >-?\n((?:  .*\n)+)", read(".clang-tidy"), re.MULTILINE)[1]
    patterns = [word for word in re.split(r"[,\s]+", block) if word]
    report = Report()
    report.look(said.returncode == 0, f"{TIDY} does not accept .clang-tidy:\n{said.stderr}")
    for pattern in patterns[1:] if patterns[0] == "-*" else patterns:
        wanted = re.compile(re.escape(pattern.lstrip("-")).replace(r"\*", ".*") + "$")
        matches = [check for check in enabled if wanted.match(check)]
        if pattern.startswith("-"):
            report.look(not matches, f"{pattern} leaves {matches} on")
        else:
            report.look(bool(matches), f"{pattern} turns nothing on")
    report.look(patterns[0] == "-*", ".clang-tidy is to start from nothing: '-*' first")
    report.close()


main()
