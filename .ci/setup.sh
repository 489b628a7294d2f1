# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What samples/run, tests/run and .ci/run share: installing what is missing, configuring, building.
# It is sourced and changes nothing by itself. It lives in .ci because that is the one folder that
# belongs to none of the three: with it under samples/, the tests would need the samples, and the
# other way round.
#
# The caller sets `root` to the top of the tree before, and may set `no_install=yes`.
# POSIX sh: a fresh machine has git and a compiler, and maybe no bash. There are no local variables in
# it: the names set here are the functions' own, and no caller uses them.

: "${root:?}"

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

package_is_installed() {
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -q '^installed$'
}

# A compiler is one that CXX names, or one of those that Meson looks for.
have_compiler() {
    if [ -n "${CXX:-}" ]; then
        # CXX may hold a launcher and arguments: "ccache g++".
        have "${CXX%% *}"
    else
        have c++ || have g++ || have clang++
    fi
}

# Tools count as there when the command is there, whoever installed it; libraries by their package.
# Sets `missing` to the packages to install.
find_missing_packages() {
    missing=""
    have_compiler || missing="$missing g++"
    have meson || missing="$missing meson"
    have ninja || have ninja-build || missing="$missing ninja-build"
    have pkg-config || missing="$missing pkg-config"
    have python3 || missing="$missing python3"
    # Boost: any version's headers will do, and libboost1.81-dev conflicts with libboost-dev.
    package_is_installed libboost-dev || package_is_installed 'libboost1.*-dev' ||
        missing="$missing libboost-dev"
    for package in nlohmann-json3-dev doctest-dev libxxhash-dev libzstd-dev libcli11-dev libfmt-dev \
        libbenchmark-dev libsodium-dev "$@"; do
        have "$package" || package_is_installed "$package" || missing="$missing $package"
    done
    missing="${missing# }"
}

# apt_install PACKAGE…: one printed call. Its output is shown when it fails.
apt_install() {
    apt_line="apt-get update; DEBIAN_FRONTEND=noninteractive apt-get install -y \
--no-install-recommends -o DPkg::Lock::Timeout=300 $*"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif have sudo; then
        as_root="sudo "
    else
        complain "These packages are missing: $*"
        complain "Installing them needs root, and there is no sudo here. As root:"
        complain "    sh -c '$apt_line'"
        return 1
    fi
    say "Installing what is missing:"
    say "    ${as_root}sh -c '$apt_line'"
    apt_log="$(mktemp)"
    # shellcheck disable=SC2086  # as_root is one word or none
    if ! $as_root sh -c "$apt_line" >"$apt_log" 2>&1 </dev/null; then
        cat "$apt_log" >&2
        rm -f "$apt_log"
        complain "Installing failed; the reason is above."
        return 1
    fi
    rm -f "$apt_log"
}

# install_what_is_missing [PACKAGE…]: the arguments are wanted besides the usual ones.
# Sets `installed=yes` when something was installed.
install_what_is_missing() {
    installed=no
    if ! have dpkg-query || ! have apt-get; then
        lacking=""
        have_compiler || lacking="$lacking a C++ compiler,"
        have meson || lacking="$lacking meson,"
        have ninja || have ninja-build || lacking="$lacking ninja,"
        have pkg-config || have pkgconf || lacking="$lacking pkg-config,"
        have python3 || lacking="$lacking python3,"
        if [ -n "$lacking" ]; then
            complain "Not found:${lacking%,}."
        fi
        if [ -n "$lacking" ] || [ ! -d "$root/build" ]; then
            say "This is not Debian or Ubuntu, so nothing is installed. Needed are GCC 12 or Clang 16, Meson 1.0.1,"
            say "Ninja, pkg-config, Python 3, and the libraries nlohmann_json 3.11, Boost 1.74 (headers), xxHash 0.8,"
            say "zstd 1.4, CLI11, fmt 9, libsodium, doctest 2.4.9 and, for benchmarks, Google Benchmark; each that"
            say "version or newer. Meson fetches those that subprojects/ has a wrap for."
        fi
        [ -z "$lacking" ]
        return
    fi
    find_missing_packages "$@"
    [ -n "$missing" ] || return 0
    if [ "${no_install:-no}" = yes ]; then
        say "Missing: $missing"
        return 1
    fi
    # shellcheck disable=SC2086  # a list of packages
    apt_install $missing || return 1
    installed=yes
}

# run_quietly TEXT COMMAND…: silent when the command succeeds, its whole output when it fails.
run_quietly() {
    what="$1"
    shift
    quiet_log="$(mktemp)"
    if "$@" >"$quiet_log" 2>&1 </dev/null; then
        rm -f "$quiet_log"
    else
        status=$?
        cat "$quiet_log" >&2
        rm -f "$quiet_log"
        complain "$what failed; the reason is above."
        return "$status"
    fi
}

# Whether the directory was configured, to the end, from this tree and by this Meson.
is_configured_here() {
    [ -f "$1/build.ninja" ] && [ -f "$1/meson-info/meson-info.json" ] &&
        python3 - "$1/meson-info/meson-info.json" "$root" "$(meson --version)" <<'PYTHON'
import json, os, sys
try:
    with open(sys.argv[1], encoding="utf-8") as file:
        info = json.load(file)
    same = (not info["error"]
            and os.path.realpath(info["directories"]["source"]) == os.path.realpath(sys.argv[2])
            and info["meson_version"]["full"] == sys.argv[3])
except (OSError, ValueError, KeyError, TypeError):
    same = False
sys.exit(0 if same else 1)
PYTHON
}

# configure DIRECTORY [MESON OPTION…]: makes DIRECTORY ready for ninja. One that another Meson, another
# place or an interrupted run left is made anew; one that is not Meson's is left alone. The tests install
# both kinds of library; they share their objects.
configure() {
    configured="$1"
    shift
    if [ "${installed:-no}" = no ] && is_configured_here "$configured"; then
        return 0
    fi
    if [ -d "$configured" ] && [ -n "$(ls -A "$configured")" ]; then
        if [ ! -d "$configured/meson-private" ] && [ ! -d "$configured/meson-info" ]; then
            complain "$configured exists and is not a Meson build directory; move it away."
            return 1
        fi
        rm -rf "$configured"
    fi
    run_quietly "Configuring" meson setup "$configured" "$root" \
        -Dtests=enabled -Dsamples=enabled -Ddefault_library=both "$@"
}

# build DIRECTORY TEXT [TARGET…]: prints TEXT first if there is something to build.
build() {
    built="$1"
    build_text="$2"
    shift 2
    ninja_command=ninja
    have ninja || ninja_command=ninja-build
    if ! "$ninja_command" -C "$built" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
        say "$build_text"
    fi
    run_quietly "Building" "$ninja_command" -C "$built" "$@"
}
