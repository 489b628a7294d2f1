#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns a page of the guide into a program.

  extract.py PAGE OUTPUT
"""
import os
import sys

from support import Wrong, program_of


def main():
    page, output = sys.argv[1:]
    try:
        program = program_of(os.path.realpath(page))
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    with open(output, "w", encoding="utf-8") as file:
        file.write(program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
