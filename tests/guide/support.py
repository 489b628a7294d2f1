#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a page of the guide is made of, and how what it prints is compared with what it promises.

A page is read from top to bottom, as its reader does. What follows a fence's ``` says what the block is:

  cpp           code at namespace scope; after a paragraph that ends in "`NAME`:", a file of this name;
                after one that ends in "replace `TYPE` in `NAME`:", what stands there for that type
                or function from now on
  cpp run       statements; those of a page are one main(), in their order, in one scope
  cpp error     code at namespace scope that the compiler refuses, after all `cpp` before it
  sh            commands, in a directory that is empty at first, with `everfold` on the PATH; each
                succeeds
  sh exits N    the same, and the last command exits with N
  sh install    commands that change the machine: not run, and to be those of README.md
  text          what the block before it prints, standard output and standard error as they come; or
                the sentence of the compiler

A block without a text prints nothing. A `…` in a text is anything on that line, and a line that is only a
`…` is any lines.
"""
import dataclasses
import os
import re
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TESTS = os.path.dirname(HERE)
ROOT = os.path.dirname(TESTS)
sys.path.insert(0, os.path.join(TESTS, "style"))
from common import Compiler, Report  # noqa: E402, F401

ANYTHING = "…"
KINDS = ("cpp", "cpp run", "cpp error", "sh", "sh install", "sh exits N", "text")


class Wrong(Exception):
    """A page that does not say what it means."""

    def __init__(self, page, line, what):
        super().__init__(f"{page}:{line}: {what}")


@dataclasses.dataclass
class Block:
    kind: str
    line: int  # of its first line, in the page
    text: str
    exit_code: int = 0
    file: str = ""  # the file that it is, or that it changes
    replaced: str = ""  # what it stands for in that file
    said: "Block | None" = None  # what it prints

    @property
    def is_file(self):
        return bool(self.file)


def name_of(page):
    return os.path.relpath(page, ROOT) if page.startswith(ROOT + os.sep) else page


def read_page(page):
    """The blocks of a page. Raises Wrong."""
    with open(page, encoding="utf-8") as file:
        lines = file.read().split("\n")
    page = name_of(page)
    blocks, paragraph, opened = [], "", None
    for number, line in enumerate(lines, 1):
        if opened is not None:
            if line != "```":
                continue
            fence, info = opened
            text = "".join(each + "\n" for each in lines[fence : number - 1])
            take(page, blocks, make(page, fence, info, text, paragraph))
            opened, paragraph = None, ""
        elif line.startswith("```"):
            opened = (number, line[3:])
        elif re.match(r"\s+(```|~~~)|~~~", line):
            raise Wrong(page, number, "a block's fence is ``` at the start of a line")
        elif line.strip():
            paragraph = f"{paragraph} {line.strip()}"
        elif lines[number : number + 1] and not lines[number].startswith("```"):
            paragraph = ""
    if opened is not None:
        raise Wrong(page, opened[0], "this block has no end")
    for block in blocks:
        if block.kind == "cpp error" and block.said is None:
            raise Wrong(page, block.line, "after `cpp error` comes the compiler's sentence, a `text`")
    return blocks


def make(page, fence, info, text, paragraph):
    block = Block(info, fence + 1, text)
    exits = re.fullmatch(r"sh exits ([1-9]\d*)", info)
    if exits:
        block.kind, block.exit_code = "sh", int(exits[1])
    elif info not in KINDS or info == "sh exits N":
        raise Wrong(page, fence, f"what is '{info}'? A block is one of: {', '.join(KINDS)}")
    if not text.strip():
        raise Wrong(page, fence, "this block is empty")
    if info == "cpp":
        file = re.search(r"`([\w-]+\.[\w.]+)`:$", paragraph)
        change = re.search(r"\breplace `(\w+)` in `[\w.-]+`:$", paragraph, re.IGNORECASE)
        block.file = file[1] if file else ""
        block.replaced = change[1] if change else ""
    return block


def take(page, blocks, block):
    if block.kind != "text":
        blocks.append(block)
        return
    printer = blocks[-1] if blocks else None
    if printer is None or printer.kind not in ("cpp run", "cpp error", "sh") or printer.said:
        raise Wrong(page, block.line - 1, "this text belongs to no block that prints something")
    printer.said = block


def changed(page, block, content):
    """`content` with the type or function that the block stands for replaced by the block."""
    first = re.compile(
        rf"(?:struct|class|enum class) {block.replaced}\b|[^\s/#][^;=]*\b{block.replaced}\("
    )
    lines = content.splitlines(keepends=True)
    begins = [i for i, line in enumerate(lines) if first.match(line)]
    if len(begins) != 1:
        raise Wrong(
            page, block.line, f"{block.file} has {len(begins)} of '{block.replaced}' to be replaced"
        )
    begin = end = begins[0]
    if not lines[begin].rstrip().endswith(("}", "};")):
        end = next(i for i in range(begin, len(lines)) if lines[i].startswith("}"))
    return "".join([*lines[:begin], block.text, *lines[end + 1 :]])


def code_before(page, blocks, before=None):
    """The code at namespace scope of the blocks that come before one; of all, without it."""
    parts = []
    for block in blocks:
        if block is before:
            break
        if block.kind == "cpp" and not block.is_file:
            parts.append(placed(page, block))
    return "".join(parts)


def placed(page, block):
    """A block's text such that a compiler names its place in the page."""
    return f'#line {block.line} "{page}"\n{block.text}'


def program_of(page):
    """The page as one program, which does one `cpp run` after the other as it is told to."""
    blocks = read_page(page)
    steps = [block for block in blocks if block.kind == "cpp run"]
    if not steps:
        raise Wrong(name_of(page), 1, "this page has no `cpp run`: there is no program in it")
    parts = [code_before(page, blocks), '#include "guide/steps.hpp"\n', "int main() {\n"]
    parts.append("guide_steps guide_steps_;\ntry {\n")
    for step in steps:
        parts += ["guide_steps_.begin();\n", placed(page, step), "guide_steps_.end();\n"]
    parts.append("return 0;\n} catch (...) {\nreturn guide_steps_.fail();\n}\n}\n")
    return "".join(parts)


def line_pattern(line):
    return re.compile(".*".join(re.escape(part) for part in line.split(ANYTHING)))


def difference(expected, got):
    """Nothing where `got` is as expected, or (number of the line, what it is to be, what it is)."""
    wanted = [line.rstrip() for line in expected.splitlines()]
    found = [line.rstrip() for line in got.splitlines()]
    patterns = [line_pattern(line) for line in wanted]
    furthest = (0, 0)
    # All the places in `found` that may come next, for each line that is wanted.
    places = {0}
    for i, line in enumerate(wanted):
        if line.strip() == ANYTHING:
            places = set(range(min(places), len(found) + 1))
            continue
        furthest = (i, max(places))
        places = {at + 1 for at in places if at < len(found) and patterns[i].fullmatch(found[at])}
        if not places:
            break
    else:
        if len(found) in places:
            return None
        furthest = (len(wanted), max(places))
    i, at = furthest
    # After a line of any lines, what comes first is as good a guess as any.
    return (
        i,
        wanted[i] if i < len(wanted) else None,
        found[at] if at < len(found) else None,
    )


def complaint(page, block, got):
    """What is wrong with what a block printed, or nothing."""
    expected = block.said.text if block.said else ""
    wrong = difference(expected, got)
    if wrong is None:
        return ""
    index, wanted, found = wrong
    line = block.said.line + index if block.said else block.line
    return (
        f"{page}:{line}: expected {quoted(wanted)}, got {quoted(found)}\n"
        f"  what the block in line {block.line} prints:\n{indented(got)}"
    )


def quoted(line):
    return "nothing more" if line is None else f"'{line}'"


def indented(text):
    return "".join(f"    {line}\n" for line in text.splitlines()).rstrip("\n") or "    nothing"


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def says(said, expected):
    """Whether a compiler said a sentence, wherever either breaks its lines."""
    pieces = [re.escape(squeezed(piece)) for piece in expected.split(ANYTHING)]
    return re.search(".*".join(pieces), squeezed(said)) is not None
