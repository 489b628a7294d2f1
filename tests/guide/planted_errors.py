#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is wrong with a page of the guide is noticed, with its place: pages with planted errors.

  planted_errors.py BUILD_ROOT EVERFOLD EXTRACT_PY FOLLOW_PY COVERAGE_TABLE_PY
"""
import json
import os
import subprocess
import sys
import tempfile

from support import TESTS, Compiler, Report, difference, indented

BUILD, EVERFOLD, EXTRACT, FOLLOW, TABLE = (os.path.realpath(path) for path in sys.argv[1:])


def block(info, *lines):
    return "".join(f"{line}\n" for line in (f"```{info}", *lines, "```", ""))


def text(*lines):
    return block("text", *lines)


def shell(*lines):
    return block("sh", *lines)


def run(*lines):
    return block("cpp run", *lines)


INCLUDES = block("cpp", "#include <iostream>", "#include <stdexcept>")  # 5 lines
RUN = run("static_cast<void>(0);")  # 4 lines

RIGHT = (
    "# A page\n\n" + INCLUDES + "Something that prints, in two ways:\n\n"
    + run("int i = 1;", "std::cout << i << '\\n' << \"tail\";") + text("1", "tail")
    + block("cpp error", "int none = nothing;") + "The compiler says:\n\n" + text("nothing")
    + shell("echo $((6 * 7)) >answer", "mkdir deep", "cd deep") + shell("cat ../answer") + text("4…")
    + "The scope is the same:\n\n" + run("std::cerr << ++i << '\\n';", "std::cout << ++i << '\\n';")
    + text("2", "3") + "Save this as `file.cpp`:\n\n"
    + block("cpp", "struct kept {", "    int i;", "};", "", "int old() {", "    return 1;", "}")
    + "Replace `old` in `file.cpp`:\n\n" + block("cpp", "int renewed();")
    + shell("cat ../file.cpp") + text("struct kept {", "    int i;", "};", "", "int renewed();")
    + block("sh exits 3", "echo before", "sh -c 'exit 3'") + text("before")
    + shell("everfold --help | grep -c '^  verify '") + text("1")
)

# Name, page, and either nothing, where the page is right, or the line and the words of the complaint.
MISSHAPEN = [
    ("a page that is right", RIGHT),
    ("an unknown info string", RUN + block("c++", "int i;"), 5, "'c++'"),
    ("an exit code that is no number", RUN + block("sh exits N", "false"), 5, "'sh exits N'"),
    ("a block without an end", RUN + "```cpp\nint i;\n", 5, "no end"),
    ("an empty block", RUN + block("cpp", ""), 5, "empty"),
    ("a block in a list", RUN + "- so:\n\n  ```cpp\n  int i;\n  ```\n", 7, "start of a line"),
    ("another fence", RUN + "~~~\nint i;\n~~~\n", 5, "start of a line"),
    ("a text before everything", text("hello") + RUN, 1, "belongs to no block"),
    ("two texts of one block", RUN + text("a") + text("b"), 9, "belongs to no block"),
    ("a text of a declaration", RUN + INCLUDES + text("a"), 10, "belongs to no block"),
    ("an error without its sentence", RUN + block("cpp error", "int i"), 6, "the compiler's sentence"),
    ("nothing to run", "A page.\n\n" + INCLUDES, 1, "no program"),
]

BROKEN = [
    ("a page that is right", RIGHT),
    ("another line", INCLUDES + run('std::cout << "1\\n2\\n";') + text("1", "3"), 12, "'3', got '2'"),
    ("a line less", INCLUDES + run('std::cout << "1\\n";') + text("1", "2"), 12, "'2', got nothing more"),
    ("a line more", INCLUDES + run('std::cout << "1\\n2\\n";') + text("1"), 12, "nothing more, got '2'"),
    ("a line without a text", INCLUDES + run('std::cout << "1\\n";'), 7, "nothing more, got '1'"),
    ("a block that throws", INCLUDES + run("", 'throw std::range_error{"five"};'), 7, "threw five"),
    ("a block that aborts", INCLUDES + RUN + run("std::abort();"), 11, "ended with -6", "not followed"),
    ("a block that exits", INCLUDES + run("std::cout << 1;", "std::exit(0);"), 7, "ended with 0", "    1"),
    ("a block that does not compile", INCLUDES + RUN + run("", "int i = nothing;"), 12, "nothing"),
    ("declarations that do not", INCLUDES + RUN + block("cpp", "int i = nothing;"), 11, "nothing"),
    ("an error that is none", INCLUDES + block("cpp error", "int i;") + text("i"), 7, "is to be refused"),
    (
        "an error with another sentence",
        INCLUDES + block("cpp error", "int i = nothing;") + text("everfold: no"), 11, "does not say", "nothing",
    ),
    ("a command's other line", shell("echo 1", "echo 2") + text("1", "3"), 8, "'3', got '2'"),
    ("a command's line without a text", shell("true", "echo 1") + shell("true"), 2, "got '1'"),
    ("a command's complaint", shell("echo 1 >&2") + text("2"), 6, "'2', got '1'"),
    ("a command that fails", shell("echo 1", "false", "true") + text("1"), 2, "ended with 1", "    1"),
    ("a command that there is not", shell("everfolds"), 2, "ended with 127", "not found"),
    ("a command that is to fail", block("sh exits 3", "true"), 2, "exit with 3, exited with 0"),
    ("a change of no file", "Replace `f` in `file.cpp`:\n\n" + INCLUDES, 4, "no file.cpp"),
    (
        "a change of nothing",
        "As `file.cpp`:\n\n" + INCLUDES + "Replace `f` in `file.cpp`:\n\n" + INCLUDES, 11, "0 of 'f'",
    ),
    (
        "a file that does not compile",
        "As `file.cpp`:\n\n" + block("cpp", "int f() { return nothing; }"), 4, "file.cpp does not compile",
    ),
    (
        "an installation of its own",
        INCLUDES + block("sh install", "make install-everything-at-once"), 7, "README.md does not have",
    ),
]

# What is promised, what is printed, and the difference.
DIFFERENCES = [
    ("", "", None),
    ("a\nb\n", "a\nb", None),
    ("a …Z b\n", "a 2024Z b\n", None),
    ("a …Z b\n", "a 2024 b\n", (0, "a …Z b", "a 2024 b")),
    ("…\n", "", None),
    ("a\n…\nd\n", "a\nb\nc\nd\n", None),
    ("a\n…\nd\n", "a\nd\n", None),
    ("…\nb\n…\nb\n", "a\nb\nc\nb\n", None),
    ("…\nb\n", "a\nb\nc\n", (2, None, "c")),
    ("a\nb\n", "a\nc\nb\n", (1, "b", "c")),
    (".\n", "a\n", (0, ".", "a")),
]


class Pages:
    def __init__(self, folder, report):
        self.folder, self.report = folder, report
        self.compiler = Compiler(BUILD)
        self.page, self.source, self.program = (
            os.path.join(folder, name) for name in ("page.md", "page.cpp", "page")
        )

    def write(self, content):
        with open(self.page, "w", encoding="utf-8") as file:
            file.write(content)

    def extract(self):
        return self.said_by(sys.executable, "-B", EXTRACT, self.page, self.source)

    def build(self):
        return self.said_by(
            *self.compiler.command, "-std=c++20", "-I", TESTS, self.source, "-o", self.program
        )

    def follow(self):
        has_program = os.path.exists(self.program)
        return self.said_by(
            sys.executable, "-B", FOLLOW, BUILD, EVERFOLD, self.page,
            *(["--program", self.program] if has_program else []),
        )

    def said_by(self, *command):
        """(whether it succeeded, what it said)."""
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        return result.returncode == 0, result.stdout + result.stderr

    def look(self, name, wanted, is_right, said):
        """`wanted` is nothing, or the line of the complaint and its words."""
        line, *words = wanted or (None,)
        if line is not None:
            words.append(f"page.md:{line}:")
        lacking = [word for word in words if word not in said]
        self.report.look(
            is_right == (line is None) and not lacking,
            f"{name}: is {'accepted' if is_right else 'refused'}, does not say {lacking}. It says:\n"
            + indented(said),
        )

    def misshapen(self, name, content, *wanted):
        self.write(content)
        self.look(f"extracting {name}", wanted, *self.extract())

    def broken(self, name, content, *wanted):
        self.write(content)
        if os.path.exists(self.program):
            os.remove(self.program)
        steps = [self.follow]
        if "```cpp run\n" in content:
            steps = [self.extract, self.build, self.follow]
        for step in steps:
            is_right, said = step()
            if not is_right:
                break
        self.look(f"following {name}", wanted, is_right, said)


    def tables(self):
        """Of a build that has no test at all."""
        info = os.path.join(self.folder, "meson-info")
        os.mkdir(info)
        target = {"name": "everfold", "type": "executable", "filename": [EVERFOLD]}
        for name, content in (("targets", [target]), ("tests", [])):
            with open(os.path.join(info, f"intro-{name}.json"), "w", encoding="utf-8") as file:
                json.dump(content, file)
        is_right, said = self.said_by(sys.executable, "-B", TABLE, self.folder)
        for words in ("`everfold verify`", "[quick_start](samples/quick_start)", "[errors.md]"):
            wanted = f"no test holds {words}"
            self.report.look(
                not is_right and wanted in said,
                f"a table of nothing does not say '{wanted}'. It says:\n" + indented(said),
            )


def main():
    report = Report()
    for promised, printed, wanted in DIFFERENCES:
        found = difference(promised, printed)
        report.look(found == wanted, f"{promised!r} and {printed!r} differ in {found}, not in {wanted}")
    with tempfile.TemporaryDirectory(prefix="everfold_guide_") as folder:
        pages = Pages(folder, report)
        for case in MISSHAPEN:
            pages.misshapen(*case)
        for case in BROKEN:
            pages.broken(*case)
        pages.tables()
    report.close()


if __name__ == "__main__":
    main()
