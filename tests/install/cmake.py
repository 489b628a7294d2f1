#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs find the installed library with CMake.

  cmake.py BUILD_ROOT
"""
import os
import re
import shutil

from support import (
    KIND, VERSION, Lines, Prefix, look_at_program, prefixes, quick_start, readme_block, run, scratch_folder,
    skip, write,
)

# What find_package(everfold VERSION) is to take and to refuse, the version being MAJOR.MINOR.PATCH.
MAJOR, MINOR, PATCH = map(int, VERSION.split("."))
FIRST, NEXT = (f"0.{MINOR}", f"0.{MINOR + 1}") if MAJOR == 0 else (f"{MAJOR}", f"{MAJOR + 1}")
LATER = f"{MAJOR}.{MINOR}.{PATCH + 1}"
RIGHT_VERSIONS = ["", FIRST, VERSION, f"{VERSION} EXACT", f"{FIRST}...<{NEXT}", f"0.0...{MAJOR + 1}"]
WRONG_VERSIONS = ["0.0.9", LATER, f"{LATER} EXACT", NEXT, f"{MAJOR + 1}", f"0.0...<{FIRST}"]
WRONG_VERSIONS += [f"{LATER}...{NEXT}"]

# The versions with ... are for CMake 3.19 or newer.
PROBE = """\
cmake_minimum_required(VERSION 3.12)
project(probe LANGUAGES CXX)
foreach(asked IN ITEMS "{versions}")
    set(everfold_DIR "" CACHE PATH "" FORCE)
    separate_arguments(words UNIX_COMMAND "${{asked}}")
    find_package(everfold ${{words}} CONFIG QUIET)
    message(STATUS "asked for [${{asked}}]: ${{everfold_FOUND}}")
endforeach()
"""
CHOICE = """
get_target_property(chosen everfold::everfold INTERFACE_LINK_LIBRARIES)
message(STATUS "chosen: ${chosen}")
"""
# Where no library has a name that CMake looks for.
NOTHING_ELSE = "set(CMAKE_FIND_LIBRARY_SUFFIXES .none)\nfind_package("


def configured(folder, text, prefix):
    write(os.path.join(folder, "CMakeLists.txt"), text)
    write(os.path.join(folder, "program.cpp"), quick_start())
    return run("cmake", "-S", folder, "-B", os.path.join(folder, "build"), env=prefix.env)


def look_at_programs(report, scratch, text):
    for kind, prefix in prefixes(scratch, report, "CMake"):
        folder = os.path.join(scratch, "program", kind)
        own = text
        if kind == "shared":
            # The target lifts a project of an older standard to C++20.
            own = text.replace("find_package(", "set(CMAKE_CXX_STANDARD 17)\nfind_package(")
        succeeded, said = configured(folder, own, prefix)
        if succeeded:
            succeeded, said = run("cmake", "--build", os.path.join(folder, "build"))
        if report.thing_is(f"{kind}: README.md's program builds", succeeded, said):
            program = os.path.join(folder, "build", "program")
            look_at_program(report, f"{kind}: README.md's program", program, kind, prefix.env)

        succeeded, said = configured(
            folder + " without zstd", text.replace("find_package(", NOTHING_ELSE), prefix
        )
        if kind == "static":
            words = "libeverfold.a needs libzstd (or set everfold_zstd_LIBRARY), libxxhash"
            report.thing_is(
                "static: without libzstd and libxxhash it is not found, and says why",
                not succeeded and words in re.sub(r"\s+", " ", said), said,
            )
        else:
            report.thing_is("shared: needs neither libzstd nor libxxhash", succeeded, said)


def look_at_both(report, scratch, text):
    if KIND != "both":
        report.not_built("CMake, both libraries")
        return
    prefix = Prefix(os.path.join(scratch, "both"))
    text += CHOICE
    succeeded, said = configured(os.path.join(scratch, "choice"), text, prefix)
    report.thing_is("both: the shared one is chosen", "chosen: everfold::shared\n" in said, said)
    succeeded, said = configured(
        os.path.join(scratch, "static"), text + "get_target_property(x everfold::static TYPE)\n", prefix
    )
    report.thing_is("both: there is everfold::static, too", succeeded, said)
    succeeded, said = configured(
        os.path.join(scratch, "without zstd"), text.replace("find_package(", NOTHING_ELSE), prefix
    )
    report.thing_is(
        "both: without libzstd there is no everfold::static, and CMake says so",
        succeeded and "There is no everfold::static: libeverfold.a needs libzstd" in said, said,
    )


def look_at_versions(report, scratch):
    prefix = Prefix(os.path.join(scratch, "versions"))
    versions = RIGHT_VERSIONS + WRONG_VERSIONS
    _, said = configured(
        os.path.join(scratch, "probe"), PROBE.format(versions='" "'.join(versions)), prefix
    )
    for version in versions:
        answer = re.search(rf"asked for \[{re.escape(version)}\]: (\w+)", said)
        is_found = bool(answer) and answer[1] in ("1", "TRUE")
        report.thing_is(
            f"find_package(everfold {version or 'without a version'}): "
            + ("is taken" if version in RIGHT_VERSIONS else "is refused"),
            bool(answer) and is_found == (version in RIGHT_VERSIONS), said,
        )


def main():
    if not shutil.which("cmake"):
        skip("cmake is not installed")
    report = Lines()
    text = readme_block("cmake")[0]
    with scratch_folder() as scratch:
        look_at_programs(report, scratch, text)
        look_at_both(report, scratch, text)
        look_at_versions(report, scratch)
    report.close()


main()
