#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed is whole, and no more than it should be.

  installed_files.py BUILD_ROOT
"""
import concurrent.futures
import os
import re
import shlex
import subprocess

from support import (
    BUILD, COMPILER, MESON, PROJECT, ROOT, VERSION, Lines, Prefix, known, must_run, option, readme_block,
    run, scratch_folder,
)

# One version may take another's place within this: below 1.0, a minor version.
COMPATIBLE = ".".join(VERSION.split(".")[: 2 if VERSION.startswith("0.") else 1])
FRONT = [
    "everfold/everfold.hpp", "everfold/json.hpp", "everfold/testing/conformance.hpp", "everfold/testing/kit.hpp",
]
WARNINGS = COMPILER.WARNINGS + ["-Werror"]
# What the shared library may load.
NEEDED = r"lib(xxhash|zstd|stdc\+\+|c\+\+|c\+\+abi|gcc_s|unwind|m|c|pthread)\.so\.\d+|ld-linux.*"
# What it may show, as a letter for its kind and its name: Everfold's own, with what exceptions and virtual
# functions need of them. The room log is hidden, but for inline functions that other rooms use.
SHOWN = r"(?!T everfold::log::)\w (typeinfo for |typeinfo name for |vtable for )?everfold::"


def below(folder):
    """What is installed there. Libraries that were built from their wraps are installed, too."""
    paths = (
        os.path.relpath(os.path.join(inner, name), folder)
        for inner, _, names in os.walk(folder) for name in names
    )
    return sorted(path for path in paths if "everfold" in path or not PROJECT["subprojects"])


def includes(headers, name):
    with open(os.path.join(headers, name), encoding="utf-8") as file:
        return re.findall(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)", file.read(), re.MULTILINE)


def reachable(headers):
    found, ahead = set(), list(FRONT)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            if os.path.exists(os.path.join(headers, name)):
                ahead += [n for n in includes(headers, name) if n.startswith("everfold/")]
    return found


def look_at_headers(report, prefix):
    installed, reached = set(below(prefix.headers)), reachable(prefix.headers)
    report.thing_is("installed headers are those that the front headers reach",
                    installed == reached,
                    f"not reached: {installed - reached}\nnot installed: {reached - installed}")
    for name in sorted(installed):
        # A name without a folder and an ending is the standard library's.
        others = {n for n in includes(prefix.headers, name) if "/" in n or "." in n} - installed
        allowed = {"nlohmann/json.hpp"} if name == "everfold/json.hpp" else set()
        report.thing_is(f"{name}: includes only what is installed, and std", others <= allowed, others)

    system = [word for path in COMPILER.paths for word in path]  # where nlohmann_json has its own place

    def compiled(name):
        result = subprocess.run(
            [*COMPILER.command, "-std=c++20", "-fsyntax-only", *WARNINGS, "-I", prefix.headers, *system,
             "-x", "c++", "-"],
            input=f"#include <{name}>\n", capture_output=True, text=True, check=False,
        )
        return name, result.returncode == 0, result.stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, accepted, said in pool.map(compiled, sorted(n for n in installed if n.endswith(".hpp"))):
            report.thing_is(f"{name}: compiles alone", accepted, said)


def look_at_library(report, prefix):
    if "shared" not in prefix.kinds:
        report.not_built("the shared library")
        return
    library = os.path.join(prefix.libraries, "libeverfold.so")
    facts = must_run("readelf", "-d", library)
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", facts)
    print("libeverfold.so needs", *needed)
    report.thing_is("libeverfold.so needs no other libraries than it should",
                    needed and all(re.fullmatch(NEEDED, name) for name in needed), needed)
    report.thing_is("libeverfold.so is called after the versions that it may replace",
                    f"soname: [libeverfold.so.{COMPATIBLE}]" in facts, facts)
    report.thing_is("libeverfold.so looks for libraries nowhere else",
                    "RUNPATH" not in facts and "RPATH" not in facts, facts)

    said = must_run("nm", "--dynamic", "--defined-only", "--demangle", library)
    names = [line.split(" ", 1)[1] for line in said.splitlines()]
    print(f"libeverfold.so shows {len(names)} names")
    surprises = [name for name in names if not re.match(SHOWN, name)]
    report.thing_is("libeverfold.so shows its own names and no others", names and not surprises,
                    "\n".join(surprises))


def look_at_rest(report, prefix):
    files = [name for name in below(prefix.path) if not name.startswith(option("includedir") + "/")]
    libraries = option("libdir")
    expected = {
        f"{libraries}/pkgconfig/everfold.pc",
        f"{libraries}/cmake/everfold/everfold-config.cmake",
        f"{libraries}/cmake/everfold/everfold-config-version.cmake",
        f"{option('datadir')}/licenses/everfold/LICENSE",
    }
    if "static" in prefix.kinds:
        expected.add(f"{libraries}/libeverfold.a")
    if "shared" in prefix.kinds:
        expected |= {f"{libraries}/libeverfold.so{end}" for end in ("", f".{COMPATIBLE}", f".{VERSION}")}
    command = os.path.join(prefix.path, option("bindir"), "everfold")
    if os.path.exists(command):
        expected.add(os.path.join(option("bindir"), "everfold"))
        succeeded, said = run(command, "--version")
        report.thing_is("the command everfold runs", succeeded and said == f"everfold {VERSION}\n", said)
    else:
        report.not_tried("the command everfold", "it was not built, as CLI11 or fmt is missing")
    report.thing_is("what is installed is what should be", set(files) == expected,
                    f"not expected: {set(files) - expected}\nmissing: {expected - set(files)}")
    for name in files:
        if name.endswith((".pc", ".cmake")):
            with open(os.path.join(prefix.path, name), encoding="utf-8") as file:
                text = file.read()
            report.thing_is(f"{name}: names no folder of the build", ROOT not in text and BUILD not in text)


def look_at_readme(report, scratch):
    """README.md's first line, but for the place of its folder; then what its second line would do."""
    words = shlex.split(readme_block("sh")[0].splitlines()[0])
    directory = os.path.join(scratch, "build-release")
    report.thing_is("README.md sets up build-release", words[:3] == ["meson", "setup", "build-release"])
    succeeded, said = run(MESON, "setup", directory, ROOT, *words[3:])
    if not report.thing_is("README.md's set-up succeeds", succeeded, said):
        return
    names = {os.path.basename(path) for path in known(directory, "installed").values()}
    wanted = {"libeverfold.a", "everfold.pc", "everfold-config.cmake", "everfold.hpp", "json.hpp"}
    report.thing_is("it would install the static library and its files", wanted <= names, names)
    places = {os.path.relpath(t["defined_in"], ROOT).split("/")[0] for t in known(directory, "targets")}
    report.thing_is("it builds neither tests nor samples", places == {"framework"}, places)


def main():
    report = Lines()
    with scratch_folder() as scratch:
        prefix = Prefix(os.path.join(scratch, "installed"))
        look_at_headers(report, prefix)
        look_at_library(report, prefix)
        look_at_rest(report, prefix)
        look_at_readme(report, scratch)
    report.close()


main()
