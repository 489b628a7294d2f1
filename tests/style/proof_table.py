#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of the proof in README.md is of the format that the code has, and nothing in it was violated."""
import os
import re
import sys

from common import ROOT, Report, read

sys.path.insert(0, os.path.join(ROOT, "tests", "proof"))
import report as proof_report  # noqa: E402

ROWS_MIN = 15
ROW = re.compile(r"^\| (T\d\d) \| (.*) \| ([\d,]+) \| (\d+) \| ([\d,]+) \|$")


def main():
    report = Report()
    readme = read("README.md")
    marks = proof_report.MARKS
    report.look(all(readme.count(mark) == 1 for mark in marks), "README.md has the marks of the proof")
    text = readme.split(marks[0], 1)[1].split(marks[1], 1)[0]
    said = re.search(r"^Format version (\d+), commit ([0-9a-f]{12})\.$", text, re.MULTILINE)
    report.look(said is not None, "README.md says which format and commit the proof is of")
    report.look(
        said is not None and int(said[1]) == proof_report.format_version(),
        f"README.md has the proof of another format than {proof_report.format_version()}",
    )
    rows = [ROW.match(line) for line in text.splitlines() if line.startswith("| T")]
    report.look(len(rows) >= ROWS_MIN and all(rows), "README.md has the rows of the proof")
    report.look(all(row and row[4] == "0" for row in rows), "nothing in the proof was violated")
    report.look(
        proof_report.put_between_marks(readme, text.strip("\n") + "\n") == readme, "publishing again changes nothing"
    )
    report.close()


main()
