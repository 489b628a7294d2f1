#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""framework/docs/promises.md names tests that exist, and leaves out no promise."""
import re

from common import Report, files, read

PAGE = "framework/docs/promises.md"
LAST = 22


def cases():
    """{name: file} of every doctest case; adjacent literals are one name."""
    found = {}
    for path in files("tests", ("_test.cpp",)):
        for names in re.findall(r'TEST_CASE(?:_TEMPLATE)?\(\s*((?:"[^"]*"\s*)+)', read(path)):
            found["".join(re.findall(r'"([^"]*)"', names))] = path
    return found


def promises():
    """[(number, title, [test], [what is not yet there])] of the page."""
    text = read(PAGE).split("\n## What is assumed")[0]
    found = []
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        number, _, name = title.partition(" ")
        lacking = [re.sub(r"\s+", " ", t) for t in re.findall(r"^Not yet: (.*(?:\n\S.*)*)", body, re.MULTILINE)]
        found.append((number, name, re.findall(r"^- `(.+)`$", body, re.MULTILINE), lacking))
    return found


def main():
    known, page = cases(), promises()
    report = Report()
    numbers = [number for number, *_ in page]
    report.look(numbers == [f"P{n}" for n in range(1, LAST + 1)], f"{PAGE}: has {numbers}")
    for number, _, tests, lacking in page:
        report.look(tests or lacking, f"{PAGE}, {number}: names neither a test nor what is lacking")
        for test in tests:
            report.look(test in known, f"{PAGE}, {number}: there is no test '{test}'")
    report.close()


if __name__ == "__main__":
    main()
