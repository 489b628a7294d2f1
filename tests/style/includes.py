#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every #include in framework/everfold is one that the rooms' table allows."""
import os

from common import ROOT, Report, files, includes

# Room: the rooms that it names. It may use those, and whatever they may use.
ROOMS = {
    "base": [],
    "io": ["base"],
    "event": ["base"],
    "log": ["base", "io"],
    "store": ["log", "event"],
    "aggregate": ["store"],
    "projection": ["store"],
    "backends": ["store"],
    "testing": ["aggregate", "projection", "backends"],
    "cli": ["aggregate", "projection", "backends", "testing"],
}

# The headers above the rooms, for users: what each may include.
FRONT = {
    "everfold.hpp": ["aggregate", "projection"],
    "json.hpp": ["event", "store", "aggregate"],
}

ABOVE_EVENT = ["event", "store", "aggregate", "projection", "backends", "testing", "cli"]

# Third-party header (or folder): the rooms that may include it; a name with a dot is one file ending.
THIRD_PARTY = {
    "nlohmann/": ABOVE_EVENT + ["json.hpp"],
    "boost/": ["projection/*.cpp"],
    "xxhash.h": ["base", "log", "store"],
    "zstd.h": ["log"],
    "zstd_errors.h": ["log"],
    "CLI/": ["cli"],
    "fmt/": ["cli"],
}

# The operating system's headers: the files that talk to it.
SYSTEM_FILES = [
    f"framework/everfold/io/{name}.cpp" for name in ("posix", "posix_machine", "posix_wait_word")
]
# The command line's own, for the terminal, its signals and the files that users name.
SYSTEM_FILES += [
    f"framework/everfold/cli/{name}.cpp"
    for name in ("arguments", "main", "output", "process", "progress", "user_file")
]
# Headers of the compiler for its intrinsic functions.
INTRINSICS = ["immintrin.h", "nmmintrin.h", "emmintrin.h", "arm_acle.h", "arm_neon.h"]

# What a program gets with everfold.hpp must stay quick to compile.
HEAVY = ["nlohmann/", "boost/"]
LIGHT = "nlohmann/json_fwd.hpp"


def closure(names):
    found = set()
    for name in names:
        found |= {name} | closure(ROOMS[name])
    return found


def complaints(path):
    place = path.split("/")[2:]  # below framework/everfold
    is_front = len(place) == 1
    room = place[0]
    if is_front:
        if room not in FRONT:
            yield ": only a room's folder, or a header that FRONT lists, belongs here"
            return
        allowed = closure(FRONT[room])
    elif room not in ROOMS:
        yield f": there is no room '{room}' in the table"
        return
    else:
        allowed = closure(ROOMS[room]) | {room}
    for line, name, quoted in includes(path):
        where = f":{line}: includes {name}: "
        if quoted:
            yield where + "our own files are included as <everfold/room/file.hpp>"
        elif name.startswith("everfold/"):
            target = name.split("/")[1]
            if target == "json.hpp":
                target = "event"  # the JSON side of that room
            if target == "everfold.hpp" and room not in ("testing", "cli"):
                yield where + "a room names the headers that it needs"
            elif target != "everfold.hpp" and target not in allowed:
                yield where + f"{room} may use {', '.join(sorted(allowed - {room})) or 'no room'}"
        elif "/" in name or name.endswith(".h") or name.endswith(".hpp"):
            owner = next((key for key in THIRD_PARTY if name.startswith(key)), None)
            users = THIRD_PARTY.get(owner, [])
            ending = "." + path.rsplit(".", 1)[-1]
            if room in users or f"{room}/*{ending}" in users:
                continue
            if owner is not None:
                yield where + f"only for {', '.join(users)}"
            elif name not in INTRINSICS and path not in SYSTEM_FILES:
                yield where + f"only {', '.join(SYSTEM_FILES)} may use the system's headers"
        elif name in ("fstream", "filesystem") and path not in SYSTEM_FILES:
            yield where + "files are reached through the io room"


def reachable(name, seen):
    """Everything that including `name` includes, with the way to it."""
    path = "framework/" + name
    if not os.path.isfile(os.path.join(ROOT, path)):
        return  # the compiler says so
    for _, inner, _ in includes(path):
        yield inner, name
        if inner.startswith("everfold/") and inner not in seen:
            seen.add(inner)
            yield from reachable(inner, seen)


def main():
    report = Report()
    sources = files("framework/everfold", (".hpp", ".cpp", ".ipp"))
    for path in sources:
        report.thing(path, complaints(path))
    if "framework/everfold/everfold.hpp" in sources:
        report.thing(
            "everfold.hpp",
            (
                f" reaches {inner} through {outer}, which takes seconds to compile"
                for inner, outer in reachable("everfold/everfold.hpp", {"everfold/everfold.hpp"})
                if inner.startswith(tuple(HEAVY)) and inner != LIGHT
            ),
        )
    report.close()


main()
