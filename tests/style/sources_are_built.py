#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every source on disk is built, and every test that is built is run.

  sources_are_built.py BUILD_ROOT
"""
import json
import os
import sys

from common import ROOT, Report, files

# Python files that others import.
HELPERS = ("common.py", "support.py")
# What ./tests/run runs on request.
TOOLS = ("tests/support/", "tests/mutants/", "tests/benchmarks/", "tests/proof/")


def main():
    info = os.path.join(os.path.realpath(sys.argv[1]), "meson-info")
    with open(os.path.join(info, "intro-targets.json"), encoding="utf-8") as file:
        targets = json.load(file)
    with open(os.path.join(info, "intro-tests.json"), encoding="utf-8") as file:
        tests = json.load(file)
    commands = {os.path.realpath(test["cmd"][0]) for test in tests}
    # Paths among a test's arguments are absolute or from the build directory.
    arguments = {
        os.path.relpath(os.path.realpath(os.path.join(sys.argv[1], word)), ROOT)
        for test in tests
        for word in test["cmd"][1:]
    }
    with open(os.path.join(info, "intro-benchmarks.json"), encoding="utf-8") as file:
        commands |= {os.path.realpath(test["cmd"][0]) for test in json.load(file)}

    built, run = set(), set()
    for target in targets:
        is_run = any(os.path.realpath(name) in commands for name in target["filename"])
        for group in target["target_sources"]:
            for source in group.get("sources", []):
                path = os.path.relpath(os.path.realpath(source), ROOT)
                built.add(path)
                if is_run:
                    run.add(path)

    report = Report()
    for path in files("tests", ("_test.cpp",)):
        report.look(path in run, f"{path} is in no test of tests/meson.build")
    for path in files("tests", (".py",)):
        if not path.startswith(TOOLS) and os.path.basename(path) not in HELPERS:
            report.look(path in arguments, f"{path} is in no test of a meson.build")
    benchmarks_are_built = any(path.startswith("tests/benchmarks/") for path in built)
    for folder in ("framework", "samples", "tests/benchmarks"):
        if folder == "tests/benchmarks" and not benchmarks_are_built:
            continue
        for path in files(folder, (".cpp",)):
            report.look(path in built, f"{path} is in no meson.build")
    report.close()


main()
