#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report's chart: how near to the machine's limit each store comes, on a logarithmic scale.

  chart.py REPORT.json > CHART.svg
"""
import json
import math
import sys
from xml.sax.saxutils import escape

COLOURS = {
    "Everfold": "#c2410c",
    "SQLite": "#2563eb",
    "LevelDB": "#16a34a",
    "LMDB": "#7c3aed",
    "RocksDB": "#64748b",
}
LEFT, WIDTH, ROW, TOP, BOTTOM = 330, 560, 26, 46, 40
LEAST = 0.001


def shares(row):
    """System: how much of the limit it reaches; 1 is the limit."""
    limit = row["limit"]["median"]
    is_rate = "/s" in row["unit"]
    values = {"Everfold": row["ours"]["median"]}
    values.update({name: s["median"] for name, s in row["peers"].items()})
    return {name: v / limit if is_rate else limit / v for name, v in values.items() if v > 0}


def place(share):
    span = -math.log10(LEAST) + math.log10(2)
    kept = min(max(share, LEAST), 2)
    return LEFT + WIDTH * (math.log10(kept) - math.log10(LEAST)) / span


def text(x, y, words, anchor="start", colour="#334155"):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def svg(rows):
    shown = [
        row for row in rows
        if "limit" in row and "percentile" not in row["aspect"] and row["unit"] != "events"
    ]  # fmt: skip
    height = TOP + ROW * len(shown) + BOTTOM
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
        f'font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="{height}" fill="#ffffff"/>',
    ]
    for i, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + i * 100
        out.append(f'<circle cx="{x}" cy="18" r="5" fill="{colour}"/>')
        out.append(text(x + 10, 22, name))
    bottom = TOP + ROW * len(shown)
    for share, label in ((0.001, "0.1 %"), (0.01, "1 %"), (0.1, "10 %"), (1, "the limit")):
        x = place(share)
        out.append(
            f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{bottom}" stroke="#cbd5e1"/>'
        )
        out.append(text(x, bottom + 20, label, "middle"))
    for i, row in enumerate(shown):
        y = TOP + ROW * i + ROW / 2
        title = row["operation"] + (", " + row["aspect"] if row["aspect"] else "")
        out.append(text(LEFT - 14, y + 4, title, "end"))
        found = shares(row)
        # Everfold last, so that nothing hides it.
        for name in sorted(found, key=lambda n: n == "Everfold"):
            radius = 6 if name == "Everfold" else 5
            out.append(
                f'<circle cx="{place(found[name]):.1f}" cy="{y:.0f}" r="{radius}" '
                f'fill="{COLOURS[name]}"/>'
            )
    return "\n".join([*out, "</svg>"]) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as report:
        print(svg(json.load(report)["rows"]), end="")
