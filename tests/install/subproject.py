#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Meson project has Everfold as a subproject: this tree, copied into its subprojects/.

  subproject.py BUILD_ROOT

The library is compiled here, once, as a user's project compiles it: without Everfold's own settings.
"""
import json
import os
import re
import shlex
import shutil
import urllib.error
import urllib.request

from support import (
    COMPILER, MESON, ROOT, Lines, Prefix, files, known, look_at_program, must_run, quick_start, read,
    readme_block, run, scratch_folder, write,
)

# For programs and tests: a project that uses the library is not asked for these.
NOT_NEEDED = ("CLI11", "fmt", "libsodium", "doctest", "benchmark")
WRAPS = ("nlohmann_json", "xxhash", "zstd")
WAIT_SECONDS = 5


def user_project(folder):
    write(os.path.join(folder, "meson.build"), readme_block("meson")[0])
    write(os.path.join(folder, "program.cpp"), quick_start())
    for path in files():
        place = os.path.join(folder, "subprojects", "everfold", path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, path), place)
    return folder


def set_up(folder, name, *options):
    """(whether it succeeded, what it said, the build directory); an installed Everfold is not taken."""
    directory = os.path.join(folder, name)
    launcher = "ccache " if shutil.which("ccache") else ""
    succeeded, said = run(
        MESON, "setup", directory, folder, "--buildtype=plain", "--force-fallback-for=everfold", *options,
        env={"CXX": launcher + shlex.join(COMPILER.command)},
    )
    return succeeded, said, directory


def look_at_build(report, what, directory, kind):
    succeeded, said = run(MESON, "compile", "-C", directory)
    if report.thing_is(f"{what}: README.md's program builds", succeeded, said):
        look_at_program(
            report, f"{what}: README.md's program", os.path.join(directory, "program"), kind, {}
        )
    return succeeded


def commands(directory):
    """{source: how it is compiled}"""
    with open(os.path.join(directory, "compile_commands.json"), encoding="utf-8") as file:
        return {entry["file"]: entry["command"] for entry in json.load(file)}


def look_at_settings(report, directory):
    everfolds = {k: v for k, v in commands(directory).items() if "/everfold/framework/" in k}
    report.thing_is("the library is compiled as C++20, and its warnings are no errors",
                    everfolds and all("-std=c++20" in c and "-Werror" not in c for c in everfolds.values()))
    targets = known(directory, "targets")
    places = {re.sub(r"^.*/subprojects/everfold/|/.*$", "", os.path.relpath(t["defined_in"], directory))
              for t in targets if "/subprojects/everfold/" in t["defined_in"]}
    names = {t["name"] for t in targets if t["type"] == "executable"}
    report.thing_is("tests, samples and the command are not built",
                    places == {"framework"} and names == {"program"}, f"{places} {names}")
    found = {dependency["name"] for dependency in known(directory, "dependencies")}
    report.thing_is("libraries for programs are not asked for", not found & set(NOT_NEEDED), found)


def look_at_installed(report, folder, directory):
    """Where the static library is alone, README.md's line for pkg-config will do, word for word."""
    prefix = Prefix(os.path.join(folder, "installed"), directory, "static")
    line = readme_block("sh")[1].replace("c++ ", shlex.join(COMPILER.command) + " ", 1)
    write(os.path.join(prefix.path, "program.cpp"), quick_start())
    succeeded, said = run(shell=line, cwd=prefix.path, env=prefix.env)
    what = "default_library=static, installed: README.md's program"
    if report.thing_is(f"{what} builds", succeeded, said):
        look_at_program(report, what, os.path.join(prefix.path, "program"), "static", {})


def look_at_cpp17(report, folder):
    """A project of an older standard gets the library, and reads what its own program lacks."""
    succeeded, said, directory = set_up(folder, "build-cpp17", "-Dcpp_std=c++17")
    if not report.thing_is("a C++17 project can be set up", succeeded, said):
        return
    everfolds = [c for k, c in commands(directory).items() if "/everfold/framework/" in k]
    report.thing_is("a C++17 project: the library is compiled as C++20",
                    everfolds and all("-std=c++20" in c for c in everfolds))
    succeeded, said = run("ninja", "-C", directory, "program.p/program.cpp.o")
    errors = re.findall(r"^.*/everfold/.*error:.*$", said, re.MULTILINE)
    report.thing_is("a C++17 project: its program is told to be C++20, and no more of Everfold",
                    not succeeded and len(errors) == 1 and "Everfold needs C++20" in errors[0], said)


def unreachable_source():
    """Why the wraps' sources can't be had, or None."""
    for name in WRAPS:
        wrap = dict(re.findall(r"^(\w+) = (.*)$", read(f"subprojects/{name}.wrap"), re.MULTILINE))
        for kind in ("source", "patch"):
            if f"{kind}_url" not in wrap:
                continue
            cached = os.path.join("subprojects", "packagecache", wrap[f"{kind}_filename"])
            if os.path.exists(os.path.join(ROOT, cached)):
                continue
            request = urllib.request.Request(wrap[f"{kind}_url"], method="HEAD")
            try:
                urllib.request.urlopen(request, timeout=WAIT_SECONDS).close()
            except (urllib.error.URLError, OSError) as e:
                return f"{wrap[f'{kind}_url']} can't be reached: {getattr(e, 'reason', e)}"
    return None


def look_at_wraps(report, folder):
    what = "--wrap-mode=forcefallback"
    why = unreachable_source()
    if why:
        report.not_tried(what, why)
        return
    cache = os.path.join(ROOT, "subprojects", "packagecache")
    if os.path.isdir(cache):
        shutil.copytree(cache, os.path.join(folder, "subprojects", "packagecache"))
    succeeded, said, directory = set_up(folder, "build-wraps", what)
    if report.thing_is(f"{what}: can be set up", succeeded, said):
        look_at_build(report, what, directory, "static")


def main():
    report = Lines()
    with scratch_folder() as scratch:
        folder = user_project(os.path.join(scratch, "user"))
        succeeded, said, directory = set_up(folder, "build", "--werror")
        if report.thing_is("can be set up", succeeded, said):
            look_at_settings(report, directory)
            if look_at_build(report, "default_library=static", directory, "static"):
                look_at_installed(report, scratch, directory)
            must_run(MESON, "configure", directory, "-Deverfold:default_library=shared")
            look_at_build(report, "default_library=shared", directory, "shared")
        look_at_cpp17(report, folder)
        look_at_wraps(report, folder)
    report.close()


main()
