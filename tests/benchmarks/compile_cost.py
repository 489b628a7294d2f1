#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Everfold costs a program to compile, and in bytes; as rows of the report.

  compile_cost.py BUILD_DIR
"""
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile

EVENT = """
struct happened_{n} {{
    static constexpr std::string_view event_type = "happened_{n}";
    std::int64_t id{{}};
    std::string name{{}};
    std::optional<std::string> note{{}};
}};
static_assert(everfold::event<happened_{n}>);
"""
STATE = """
struct state {{
    using events = everfold::events<{types}>;
    std::int64_t count{{}};
{applies}
}};
void append_and_fold(everfold::store& to) {{
    {appends}
    everfold::folder<state> fold;
    state now;
    for (const auto& e : to.read())
        fold.apply(now, e);
}}
"""
HEAD = """#include <everfold/everfold.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
"""
FURTHER = 10


def program(events, are_used):
    text = HEAD + "".join(EVENT.format(n=n) for n in range(events))
    if not are_used:
        return text
    names = [f"happened_{n}" for n in range(events)]
    return text + STATE.format(
        types=", ".join(names),
        applies="\n".join(f"    void apply(const {name}&) {{ ++count; }}" for name in names),
        appends="\n    ".join(f'to.append("s", {name}{{}}).value();' for name in names),
    )


def seconds_to_compile(compiler, root, text, tries=3):
    """Of the processor, and the least of some tries: what disturbs makes it only slower."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "program.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        command = [*compiler, "-std=c++20", "-O0", "-I", os.path.join(root, "framework"), "-c", source]
        command += ["-o", os.path.join(folder, "program.o")]
        taken = []
        for _ in range(tries):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def row(operation, unit, value, bound=None):
    out = {
        "operation": operation,
        "aspect": "",
        "unit": unit,
        "events": 0,
        "work": "",
        "pairs": 1,
        "ours": {"median": value, "min": value, "max": value},
        "peers": {},
    }
    if bound is not None:
        out["target"] = {"way": "at_most", "bound": bound, "of": "value"}
    return out


def stripped_size(path):
    with tempfile.TemporaryDirectory() as folder:
        stripped = os.path.join(folder, "stripped")
        subprocess.run(["strip", "-o", stripped, path], check=True)
        return os.path.getsize(stripped)


def compiler_of(build):
    """The words that start it, as Meson has them; without a cache, which would answer instead."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        words = shlex.split(json.load(file)[0]["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    return words[:1]


def version_of(compiler):
    said = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0]


def rows(root, build):
    compiler = compiler_of(build)
    name = shlex.join(compiler)
    def seconds(events, are_used):
        return seconds_to_compile(compiler, root, program(events, are_used))

    def for_each_further(are_used, one):
        return max(0, seconds(1 + FURTHER, are_used) - one) / FURTHER * 1e3

    one = seconds(1, False)
    out = [
        row(f"to compile everfold.hpp and an event, {name} -O0", "s", one, 2.5),
        row("to compile each further event", "ms", for_each_further(False, one), 40),
        row("the same, appended and folded, too", "ms", for_each_further(True, seconds(1, True))),
    ]
    sample = os.path.join(build, "samples", "user_management", "user_management")
    if os.path.exists(sample):
        out.append(row("user_management, stripped", "MB", stripped_size(sample) / 1e6, 2))
    return out


if __name__ == "__main__":
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    for found in rows(top, sys.argv[1]):
        print(f"{found['operation']}: {found['ours']['median']:.3g} {found['unit']}")
