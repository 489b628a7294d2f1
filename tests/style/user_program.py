#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The README's program is a tested sample, and a user's strictest flags accept it.

  user_program.py BUILD_ROOT
"""
import os
import re
import sys
import time

from common import ROOT, Compiler, Report, read

SAMPLE = "samples/quick_start/quick_start.cpp"
SPDX = "// SPDX-License-Identifier: MIT\n"


def main():
    compiler = Compiler(os.path.realpath(sys.argv[1]))
    report = Report()

    blocks = re.findall(r"^```cpp\n(.*?)^```$", read("README.md"), re.DOTALL | re.MULTILINE)
    sample = read(SAMPLE).removeprefix(SPDX)
    report.look(bool(blocks), "README.md has no ```cpp block")
    if blocks:
        report.look(
            blocks[0] == sample,
            f"README.md's first program is not {SAMPLE} (after its SPDX line), byte for byte",
        )
        lines = sum(1 for line in blocks[0].splitlines() if line.strip())
        report.look(lines <= 25, f"README.md's first program has {lines} lines; 25 are enough")

    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    accepted, said = compiler.check(os.path.join(ROOT, SAMPLE), *flags)
    report.look(accepted, f"{SAMPLE} does not compile under {' '.join(flags)}:\n{said}")

    began = time.monotonic()
    accepted, said = compiler.check("#include <everfold/everfold.hpp>\nint main() {}\n", *flags)
    report.look(accepted, f"a file with everfold.hpp alone does not compile:\n{said}")
    print(f"everfold.hpp alone: {time.monotonic() - began:.1f} s with {compiler.name}")
    report.close()


main()
