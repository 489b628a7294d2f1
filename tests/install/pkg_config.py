#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs find the installed library with pkg-config.

  pkg_config.py BUILD_ROOT
"""
import os
import shlex
import shutil

from support import (
    COMPILER, HERE, KIND, Lines, look_at_program, prefixes, quick_start, readme_block, run,
    scratch_folder, skip, write,
)

EXCEPTIONS = """\
io_error
error
encoding_error
schema_error
conflict
corruption
writer_failed, thrown by the program
a decision's own
replay_error
what apply() threw, within it
a slot's own
"""
JSON_FIELDS = """\
{"values":{"b":[1,2.5],"a":null}} 2.5 {"b":[1,2.5],"a":null}
refused at 3
"""


def build_line(kind):
    """README.md's, with this build's compiler; both libraries built, the static one is asked for."""
    line = readme_block("sh")[1].strip()
    assert line.startswith("c++ -std=c++20 program.cpp $(pkg-config ")
    line = line.replace("c++ ", shlex.join(COMPILER.command) + " ", 1)
    if kind == "static" and KIND == "both":
        line = line.replace("pkg-config ", "pkg-config --static ")
    return line


def look_at_description(report, kind, prefix):
    def asked(*words):
        return run("pkg-config", *words, "everfold", env=prefix.env)[1].split()

    flags = [word for word in asked("--cflags") if word != "-pthread"]
    report.thing_is(f"{kind}: headers need no others", flags == ["-I" + prefix.headers], flags)
    packages = asked("--print-requires", "--print-requires-private")  # NAME >= VERSION
    report.thing_is(f"{kind}: asks for no package but the two that a static library needs",
                    set(packages[::3]) <= {"libxxhash", "libzstd"}, packages)
    report.thing_is(f"{kind}: says which C++", asked("--variable=cpp_std") == ["c++20"])
    if kind == "shared":
        own = ["-L" + prefix.libraries, "-leverfold"]
        report.thing_is("shared: brings no other library", asked("--libs") == own, asked("--libs"))
    else:
        words = asked("--libs", "--static")
        at = [words.index(word) for word in ("-leverfold", "-lxxhash", "-lzstd") if word in words]
        report.thing_is("static: brings its libraries", len(at) == 3 and at[0] == min(at), words)


def look_at_programs(report, kind, prefix, folder):
    def built(name, text, line):
        write(os.path.join(folder, name, "program.cpp"), text)
        succeeded, said = run(shell=line, cwd=os.path.join(folder, name), env=prefix.env)
        return report.thing_is(f"{kind}: {name} compiles and links", succeeded, said)

    def source(name):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            return file.read()

    line = build_line(kind)
    if built("README.md's program", quick_start(), line):
        program = os.path.join(folder, "README.md's program", "program")
        look_at_program(report, f"{kind}: README.md's program", program, kind, prefix.env)
    if built("exceptions.cpp", source("exceptions.cpp"), line):
        program = os.path.join(folder, "exceptions.cpp", "program")
        place = os.path.join(folder, "exceptions.cpp", "empty")
        os.mkdir(place)
        look_at_program(report, f"{kind}: exceptions.cpp", program, kind, prefix.env, EXCEPTIONS, [place])
    line = line.replace(" everfold)", " everfold nlohmann_json)")
    if built("json_fields.cpp", source("json_fields.cpp"), line):
        program = os.path.join(folder, "json_fields.cpp", "program")
        look_at_program(report, f"{kind}: json_fields.cpp", program, kind, prefix.env, JSON_FIELDS)


def main():
    if not shutil.which("pkg-config"):
        skip("pkg-config is not installed")
    report = Lines()
    with scratch_folder() as scratch:
        for kind, prefix in prefixes(scratch, report, "pkg-config"):
            look_at_description(report, kind, prefix)
            look_at_programs(report, kind, prefix, os.path.join(scratch, "programs", kind))
    report.close()


main()
