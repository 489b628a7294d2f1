#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs clang-tidy 19 over every source that a build directory compiles.

  tidy.py SOURCE_ROOT BUILD_ROOT

Prints each finding, then "N passed, N failed", counting source files.
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

TIDY = "clang-tidy-19"


def main():
    root, build = (os.path.realpath(path) for path in sys.argv[1:3])
    if not shutil.which(TIDY):
        print(f"{TIDY} is not installed; the package has the same name")
        return 1
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    sources = sorted({os.path.realpath(os.path.join(c["directory"], c["file"])) for c in commands})
    ours = tuple(os.path.join(root, folder) + os.sep for folder in ("framework", "samples", "tests"))
    sources = [source for source in sources if source.startswith(ours)]

    def look(source):
        return source, subprocess.run(
            [TIDY, "-p", build, "--quiet", "--warnings-as-errors=*", source],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for source, result in pool.map(look, sources):
            if result.returncode:
                failed += 1
                print(f"==== {os.path.relpath(source, root)}\n{result.stdout.strip()}")
                errors = [line for line in result.stderr.splitlines() if "error" in line]
                print("\n".join(errors))
    print(f"{len(sources) - failed} passed, {failed} failed")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
