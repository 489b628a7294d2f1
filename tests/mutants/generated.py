#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small changes to framing and recovery, made by rule and chosen by a seed.

A mutant changes one place of one line: a comparison, a sum, a number, a condition, or it leaves a statement
out. A seed puts all of them into an order that does not depend on where in the file a line stands, so that
most of a choice stays when the sources change. Run by itself, prints how many there are, by rule and file.
"""
import collections
import hashlib
import os
import re
import sys
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "style"))
from common import read, without_comments  # noqa: E402

FILES = tuple(
    f"framework/everfold/log/{name}.cpp"
    for name in (
        "format", "frame_reader", "frame_walk", "slots", "opening", "manifest", "record", "batch_framer",
        "log_writer", "log_writer_durability", "discovery",
    )
)


# Cases of test_log that take longer than all others together, mostly since threads or processes wait in them.
SLOW = (
    "threads that append in every way",
    "closing does not wait for a segment",
    "segments are archived beside writers",
    "a segment that many find full at once",
    "a follower goes on through segments",
    "P22: backups beside writers",
    "P15: what is left after removals",
    "more event types than one segment",
    "killed anywhere",
    "a segment that nobody appends to",
)
# They take seconds and look at how readers are woken, and at descriptors.
LEFT_OUT = (
    "a reader in another process is woken",
    "followers see each event once and in order",
    "a head mark that is cut",
    "a reader of a log at rest sleeps once",
    "a log of many segments is read and written with few descriptors",
)


@dataclass(frozen=True)
class Stage:
    """What a generated mutant must get past: cases of a program, by the beginnings of their names."""

    program: str
    cases: tuple = ("",)
    leave_out: tuple = ()


STAGES = (
    Stage("log", leave_out=SLOW + LEFT_OUT),
    Stage("log_repair"),
    Stage("log_crash", leave_out=("P15: power lost at any operation of a removal",)),
    Stage("log", SLOW),
    Stage("store_property", (
        "any flipped bit of a closed log", "a closed log cut", "bytes added to a closed log", "a file of a closed log",
    )),
)

# (pattern, replacement) on code without comments and texts; the place is group 1 where there is one.
RULES = (
    ("comparison", r" (<|>|<=|>=|==|!=) (?!=)", {"<": "<=", ">": ">=", "<=": "<", ">=": ">", "==": "!=", "!=": "=="}),
    ("and, or", r" (&&|\|\|)(?= |$)", {"&&": "||", "||": "&&"}),
    ("sum", r" ([+-]) (?!\")", {"+": "-", "-": "+"}),
    ("least, most", r"std::(max|min)[(<]", {"max": "min", "min": "max"}),
    ("truth", r"(?:= |return )(true|false);", {"true": "false", "false": "true"}),
    ("number", r"(?<![\w.':])(\d+)(?![\w.'])", None),
    ("condition", r"^ +(?:if|while) \((.+)\)(?: \{)?$", None),
    ("left out", r"^ +((?!return|throw|check|const|static_cast|using|break|continue)[\w.>\-:*\[\]]+"
                 r"(?:\(.*\)|(?: = | \+= )[^{]+));$", None),
    ("left out", r"^ +((?:\+\+|--)[\w.>\-]+);$", None),
    ("left out", r"^ +(throw .+);$", None),
)

# What only asks for memory ahead, or tells the compiler something.
NOTHING_TO_NOTICE = re.compile(r"\breserve\(|^ *constexpr (?:std::size_t|int) (?:read_|reading_)|static_assert|nodiscard")


@dataclass(frozen=True)
class Generated:
    number: str
    path: str
    rule: str
    line: str  # without what is around it
    new_line: str
    at: int  # of the line in the file, from 0
    count: int  # how many such lines precede it in the file

    def key(self):
        """What it is called where it survives: stands as long as the line does."""
        return (os.path.basename(self.path), self.line.strip(), self.new_line.strip(), self.count)

    def text(self):
        return f"{os.path.basename(self.path)}:{self.at + 1} `{self.line.strip()}` -> `{self.new_line.strip()}`"

    def change(self):
        """(file, old text, new text), the old one with as many lines around it as make it unique."""
        lines = read(self.path).split("\n")
        whole = "\n".join(lines)
        for reach in range(len(lines)):
            first, last = max(0, self.at - reach), min(len(lines), self.at + reach + 1)
            old = "\n".join(lines[first:last])
            if whole.count(old) == 1:
                new = lines[first:self.at] + [self.new_line] + lines[self.at + 1:last]
                return self.path, old, "\n".join(new)
        raise LookupError(self.path)


def replaced(rule, table, found):
    if table is not None:
        return table[found[1]]
    if rule == "number":
        return str(int(found[1]) + 1)
    if rule == "condition":
        return f"!({found[1]})"
    return ""


def candidates():
    """Every mutant there is, in the order of the sources; numbers come later."""
    for path in FILES:
        text = read(path)
        bare = without_comments(text)
        seen = collections.Counter()
        for at, (line, code) in enumerate(zip(text.split("\n"), bare.split("\n"), strict=True)):
            if NOTHING_TO_NOTICE.search(code) or code.lstrip().startswith(("#", "namespace")):
                continue
            code = code.rstrip()
            for rule, pattern, table in RULES:
                for found in re.finditer(pattern, code):
                    if rule == "condition" and (found[1].count("(") != found[1].count(")") or "= " in found[1]
                                                and ";" not in found[1] and "const auto" in found[1]):
                        continue
                    new = line[:found.start(1)] + replaced(rule, table, found) + line[found.end(1):]
                    seen[line.strip(), new] += 1
                    yield Generated("", path, rule, line, new, at, seen[line.strip(), new])


def generate(seed):
    """All of them in the order that the seed gives, numbered."""

    def rank(g):
        name = f"{seed}|{g.path}|{g.line.strip()}|{g.new_line.strip()}|{g.count}"
        return hashlib.sha256(name.encode()).hexdigest()

    for n, g in enumerate(sorted(candidates(), key=rank), 1):
        yield Generated(f"G{seed}.{n}", g.path, g.rule, g.line, g.new_line, g.at, g.count)


# {(file, line, changed line, which of such lines): why nobody can notice}. What is here and is noticed is a failure.
EQUIVALENT = {
    ("log_writer_durability.cpp", "in_flight_.clear();", ";", 2):
        "what stays is where it says, is in the index as well, and makes way for the next group",
    ("manifest.cpp", "const auto units = (payload + slot_overhead + manifest_slot_unit - 1) / manifest_slot_unit;",
     "const auto units = (payload + slot_overhead + manifest_slot_unit + 1) / manifest_slot_unit;", 1):
        "a slot may be larger than it must be: its size stands in it",
}


def main():
    by_file, by_rule = collections.Counter(), collections.Counter()
    for g in candidates():
        by_file[os.path.basename(g.path)] += 1
        by_rule[g.rule] += 1
    for counted in (by_file, by_rule):
        for name, count in counted.items():
            print(f"{count:5} {name}")
        print(f"{sum(counted.values()):5} in all\n")


if __name__ == "__main__":
    main()
