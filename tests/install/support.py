#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tests of the installed library share. Their argument is BUILD_ROOT.

They install from that build into a scratch folder, and use what lies there as a program's author
would, with the lines that README.md shows.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "style"))
from common import ROOT, Compiler, Report, files, read

SKIPPED = 77  # what Meson takes for "skipped"
BUILD = os.path.realpath(sys.argv[1])
HERE = os.path.join(ROOT, "tests", "install")
MESON = shutil.which("meson")
COMPILER = Compiler(BUILD)

# Of the environment: what would find this build's library instead of the installed one, and the like.
LEFT_OUT = ("PKG_CONFIG", "CMAKE", "MESON", "LD_LIBRARY_PATH")
QUICK_START_OUTPUT = """\
now 150, before 100
TIME deposited {"amount":100}
TIME deposited {"amount":50}
"""
TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def known(build, what):
    """What Meson knows about a build directory."""
    with open(os.path.join(build, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
        return json.load(file)


def option(name, build=BUILD):
    return next(entry["value"] for entry in known(build, "buildoptions") if entry["name"] == name)


KIND = option("default_library")
PROJECT = known(BUILD, "projectinfo")
VERSION = PROJECT["version"]
if option("b_sanitize") != "none":
    skip("with a sanitizer in the library, programs would need it, too")
if MESON is None:
    skip("meson is not on the path")


class Lines(Report):
    """A report that says of each thing how it went."""

    def thing_is(self, what, is_right, said=""):
        """`said` is shown where the thing is not right."""
        said = str(said).rstrip()
        more = "\n" + "\n".join("    " + line for line in said.splitlines()[-60:]) if said else ""
        self.look(is_right, f"FAILED: {what}{more}")
        if is_right:
            print(f"passed: {what}")
        return is_right

    def not_tried(self, what, why):
        print(f"not tried, and not counted: {what}: {why}")

    def not_built(self, what):
        self.not_tried(what, f"not in this build, which has default_library={KIND}")


def readme_block(language):
    """A code block of README.md's section about using the library."""
    section = read("README.md").split("\n## Use it in a project\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


def quick_start():
    """README.md's program."""
    return re.search(r"^```cpp\n(.*?)^```$", read("README.md"), re.DOTALL | re.MULTILINE)[1]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(*words, cwd=None, env=None, shell=None):
    """(whether it ended with 0, what it printed), of a command, or of a line for the shell."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(LEFT_OUT)}
    own = {"LC_ALL": "C", "CXX": shlex.join(COMPILER.command), **(env or {})}
    result = subprocess.run(
        ["sh", "-c", shell] if shell else words, cwd=cwd, env={**clean, **own},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    return result.returncode == 0, result.stdout


def must_run(*words, **options):
    succeeded, said = run(*words, **options)
    if not succeeded:
        raise SystemExit(f"{shlex.join(words) or options} failed:\n{said}")
    return said


class Prefix:
    """What a build installs, as README.md's second line does it, but below a folder that the build was
    not configured for, and without building."""

    def __init__(self, destination, build=BUILD, kind=KIND):
        line = readme_block("sh")[0].splitlines()[1].split()
        words = [build if word == "build-release" else word for word in line]
        must_run(*words, "--no-rebuild", "--destdir", destination)
        self.path = os.path.join(destination, option("prefix", build).lstrip("/"))
        self.libraries = os.path.join(self.path, option("libdir", build))
        self.headers = os.path.join(self.path, option("includedir", build))
        self.kinds = {"static", "shared"} if kind == "both" else {kind}
        # pkg-config's files name their prefix in full.
        descriptions = os.path.join(self.libraries, "pkgconfig")
        for name in os.listdir(descriptions):
            with open(os.path.join(descriptions, name), encoding="utf-8") as file:
                text = re.sub(r"^prefix=.*$", f"prefix={self.path}", file.read(), flags=re.MULTILINE)
            write(os.path.join(descriptions, name), text)
        self.env = {
            "PKG_CONFIG_PATH": descriptions,
            "CMAKE_PREFIX_PATH": self.path,
            "LD_LIBRARY_PATH": self.libraries,
        }

    def keep_only(self, kind):
        """As if the library of the other kind were not installed."""
        for name in os.listdir(self.libraries):
            if name.startswith("libeverfold.") and (name == "libeverfold.a") != (kind == "static"):
                os.remove(os.path.join(self.libraries, name))
        self.kinds = {kind}
        return self


def prefixes(scratch, report, what):
    """(kind, a prefix with that kind of library alone) for both kinds, as far as they were built."""
    for kind in ("shared", "static"):
        if KIND in (kind, "both"):
            yield kind, Prefix(os.path.join(scratch, kind)).keep_only(kind)
        else:
            report.not_built(f"{what}, {kind}")


def needed_libraries(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", must_run("readelf", "-d", program))


def look_at_program(report, what, program, kind, env, expected=QUICK_START_OUTPUT, arguments=()):
    """It runs, prints what it must, and has the library of that kind."""
    succeeded, said = run(program, *arguments, env=env)
    report.thing_is(f"{what}: runs", succeeded and TIME.sub("TIME", said) == expected, said)
    needed = needed_libraries(program)
    is_shared = any(name.startswith("libeverfold.so.") for name in needed)
    report.thing_is(f"{what}: the library is {kind}", is_shared == (kind == "shared"), needed)


def scratch_folder():
    return tempfile.TemporaryDirectory(prefix="everfold_install_test_")
