// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/projection/checkpoint_file.hpp>

#include <utility>

namespace everfold {

namespace {

// Ours has 100 and some.
constexpr std::size_t file_bytes_max = 4096;

} // namespace

checkpoint_file::checkpoint_file(std::string path)
    : checkpoint_file{std::move(path), io::posix_machine()} {}

checkpoint_file::checkpoint_file(std::string path, io::machine machine)
    : path_{std::move(path)}
    , machine_{std::move(machine)} {}

std::optional<checkpoint> checkpoint_file::load() const {
    auto& files = *machine_.files;
    if (files.kind(path_) == io::path_kind::missing)
        return {};
    try {
        const auto content = io::read_whole(files, path_, file_bytes_max);
        auto line = as_text(content);
        if (!line.ends_with('\n'))
            throw error{errc::invalid, "it does not end with a line's end"};
        line.remove_suffix(1);
        return checkpoint::parse(line);
    } catch (const error& e) {
        if (e.code() != errc::invalid && e.code() != errc::limit)
            throw;
        throw corruption{
            path_,
            byte_offset{0},
            e.message() + ". Nothing was delivered; bring the file back from a copy, or remove it "
                          "and clear what was built from the events, to begin again"};
    }
}

void checkpoint_file::save(const checkpoint& c) {
    io::replace_durably(*machine_.files, path_, as_bytes(c.to_string() + '\n'));
}

} // namespace everfold
