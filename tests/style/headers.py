#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every public header compiles alone, without a warning.

  headers.py BUILD_ROOT
"""
import concurrent.futures
import os
import sys

from common import Compiler, Report, files


def main():
    compiler = Compiler(os.path.realpath(sys.argv[1]))
    report = Report()

    def look(path):
        name = path[len("framework/"):]
        text = f"#include <{name}>\n#include <{name}>\n"
        return path, compiler.check(text, *Compiler.WARNINGS, "-Werror")

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, (accepted, said) in pool.map(look, files("framework/everfold", (".hpp",))):
            report.look(accepted, f"{path} does not compile alone:\n{said}")
    report.close()


main()
