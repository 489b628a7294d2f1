#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each mistake in tests/compile_fail/ is refused, in the words that its first line expects.

  compile_fail.py BUILD_ROOT

The first line of a file is `// expect: words`; a further such line adds further words, and `// flags:`
adds to the compiler's. Checked with the build's compiler and, where it is installed, the other one.
"""
import concurrent.futures
import os
import re
import shutil
import sys

from common import ROOT, Compiler, Report, files, read


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def main():
    build = os.path.realpath(sys.argv[1])
    compilers = [Compiler(build)]
    other = "g++" if "clang" in compilers[0].name else "clang++-19"
    if shutil.which(other):
        compilers.append(Compiler(build, [other]))
    report = Report()

    def look(job):
        path, compiler = job
        flags = re.findall(r"^// flags: (.+)$", read(path), re.MULTILINE)
        return path, compiler, compiler.check(os.path.join(ROOT, path), *" ".join(flags).split())

    paths = files("tests/compile_fail", (".cpp",))
    jobs = [(path, compiler) for path in paths for compiler in compilers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, compiler, (accepted, said) in pool.map(look, jobs):
            expected = re.findall(r"^// expect: (.+)$", read(path), re.MULTILINE)
            who = f"{path} with {compiler.name}"
            if not read(path).startswith("// expect: "):
                report.look(False, f"{path}: the first line is to be '// expect: words'")
            elif accepted:
                report.look(False, f"{who}: compiles, and is to be refused with: {expected[0]}")
            else:
                lost = [words for words in expected if squeezed(words) not in squeezed(said)]
                report.look(not lost, f"{who}: does not say {lost}. It says:\n{said[:4000]}")
    report.close()


main()
