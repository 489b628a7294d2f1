#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""framework/docs/guide/errors.md has an entry for each errc, in the words of the table in base/error.cpp."""
import re

from common import Report, read

HEADER = "framework/everfold/base/error.hpp"
TABLE = "framework/everfold/base/error.cpp"
PAGE = "framework/docs/guide/errors.md"

LABELS = ("Meaning", "Is data safe", "What to do")


def enumerators():
    body = re.search(r"enum class errc[^{]*\{(.*?)\};", read(HEADER), re.DOTALL)[1]
    return re.findall(r"\w+", re.sub(r"//[^\n]*", "", body))


def table():
    """{name: (meaning, data_is_safe, what_to_do)} from the array's initialiser."""
    literal = r'"(?:\\.|[^"\\])*"'
    row = re.compile(r"\{errc::(\w+),((?:\s*" + literal + r"\s*,?)+)\}")
    rows = {}
    for code, rest in row.findall(read(TABLE)):
        # Literals side by side are one text; a comma ends it.
        texts, parts = [], []
        for part, comma in re.findall(r"(" + literal + r")\s*(,?)", rest):
            parts.append(part[1:-1].replace('\\"', '"').replace("\\\\", "\\"))
            if comma:
                texts.append("".join(parts))
                parts = []
        if parts:
            texts.append("".join(parts))
        rows[code] = texts
    return rows


def entries():
    """{name: {label: text}} of the page; a text may run over indented lines."""
    found = {}
    for section in re.split(r"^### ", read(PAGE), flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        points = re.findall(r"^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)", body, re.MULTILINE)
        found[title.strip().strip("`")] = {k: re.sub(r"\s+", " ", v) for k, v in points}
    return found


def main():
    report = Report()
    codes, rows, page = enumerators(), table(), entries()
    report.look(list(rows) == codes, f"{TABLE} has {list(rows)}, the enumeration {codes}")
    report.look(list(page) == codes, f"{PAGE} has {list(page)}, the enumeration {codes}")
    for code in codes:
        row, entry = rows.get(code, []), page.get(code, {})
        if len(row) != 4 or row[0] != code:
            report.look(False, f"{TABLE}: the row of {code} is {row}")
            continue
        for label, text in zip(LABELS, row[1:]):
            # The page writes sentences.
            sentence = text[0].upper() + text[1:] + "."
            report.look(
                entry.get(label) == sentence,
                f"{PAGE}, {code}, {label}: is {entry.get(label)!r}, is to be {sentence!r}",
            )
        report.look(bool(entry.get("Cause")), f"{PAGE}, {code}: has no cause")
    report.close()


main()
