// SPDX-License-Identifier: MIT
#include <everfold/io/file_system.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/testing/fold_failures.hpp>
#include <everfold/testing/layout_text.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::testing::detail {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

/// Lines of `a` that `b` does not have.
std::string lines_only_in(const std::string& a, const std::string& b, std::string_view mark) {
    const auto others = lines_of(b);
    const std::set<std::string> there{others.begin(), others.end()};
    std::string out;
    for (const auto& line : lines_of(a))
        if (!there.contains(line))
            out.append("  ").append(mark).append(line).append("\n");
    return out;
}

std::string read_text(io::file_system& files, const std::string& path) {
    const auto file = files.open(path, io::open_mode::read);
    std::string out(file->size(), '\0');
    const auto read = file->read_at(byte_offset{}, std::as_writable_bytes(std::span{out}));
    out.resize(read);
    return out;
}

void write_text(io::file_system& files, const std::string& path, const std::string& text) {
    const bool is_new = files.kind(path) == io::path_kind::missing;
    const auto file = files.open(path, is_new ? io::open_mode::create_new : io::open_mode::write);
    file->truncate(0);
    file->write_at(byte_offset{}, as_bytes(text));
}

} // namespace

std::string in_hex(std::uint64_t number) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "0x";
    for (unsigned shift = 64; shift > 0; shift -= 4)
        out += digits[(number >> (shift - 4)) & 0xFU];
    return out;
}

void compare_with_golden(const std::string& file, const std::string& layout) {
    const auto files = io::posix_files();
    if (const auto* write = std::getenv("EVERFOLD_WRITE_GOLDEN"); write != nullptr && *write != 0) {
        write_text(*files, file, layout);
        return;
    }
    if (files->kind(file) == io::path_kind::missing)
        throw failed{"there is no golden file '" + file + "'; EVERFOLD_WRITE_GOLDEN=1 writes it"};
    const auto golden = read_text(*files, file);
    if (golden == layout)
        return;
    auto text =
        "the layout of the snapshots is not the one in '" + file +
        "'. Those of before are passed over, and states folded from all events, until there are "
        "new ones; where that is meant, EVERFOLD_WRITE_GOLDEN=1 writes the file\n" +
        "golden -> now\n" + lines_only_in(golden, layout, "- ") +
        lines_only_in(layout, golden, "+ ");
    text.pop_back(); // the end of the last line
    throw failed{text};
}

} // namespace everfold::testing::detail
