#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Meson project finds the installed library.

  meson_project.py BUILD_ROOT
"""
import os
import shutil

from support import (
    KIND, MESON, VERSION, Lines, look_at_program, prefixes, quick_start, readme_block, run, scratch_folder,
    skip, write,
)


def main():
    if not shutil.which("pkg-config"):
        skip("pkg-config is not installed")
    report = Lines()
    with scratch_folder() as scratch:
        for kind, prefix in prefixes(scratch, report, "Meson"):
            folder = os.path.join(scratch, "program", kind)
            build = os.path.join(folder, "build")
            text = readme_block("meson")[0]
            if kind == "static" and KIND == "both":
                text = text.replace("dependency('everfold')", "dependency('everfold', static: true)")
            write(os.path.join(folder, "meson.build"), text)
            write(os.path.join(folder, "program.cpp"), quick_start())
            succeeded, said = run(MESON, "setup", build, folder, "--buildtype=plain", env=prefix.env)
            found = f"dependency everfold found: YES {VERSION}"
            if report.thing_is(f"{kind}: is found", succeeded and found in said, said):
                succeeded, said = run(MESON, "compile", "-C", build, env=prefix.env)
            if report.thing_is(f"{kind}: README.md's program builds", succeeded, said):
                program = os.path.join(build, "program")
                look_at_program(report, f"{kind}: README.md's program", program, kind, prefix.env)
    report.close()


main()
