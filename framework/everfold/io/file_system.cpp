// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/file_system.hpp>

#include <array>

namespace everfold::io {

mapping::~mapping() = default;
wait_word::~wait_word() = default;
file::~file() = default;

std::unique_ptr<wait_word> file::word_at(byte_offset /*at*/) {
    return nullptr;
}

bool file::is_in_place() {
    return false;
}

file_lock::~file_lock() = default;
file_system::~file_system() = default;
clock::~clock() = default;
random_source::~random_source() = default;

uuid random_source::next_uuid() {
    std::array<std::byte, 16> octets{};
    fill(octets);
    return uuid::from_random(octets);
}

std::uint64_t random_source::next_u64() {
    std::array<std::byte, 8> octets{};
    fill(octets);
    return load_le<std::uint64_t>(octets.data());
}

std::string join(std::string_view directory, std::string_view name) {
    std::string out{directory};
    if (!out.empty() && !out.ends_with('/'))
        out += '/';
    return out.append(name);
}

std::string parent(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos)
        return ".";
    path = path.substr(0, slash + 1);
    while (path.size() > 1 && path.ends_with('/'))
        path.remove_suffix(1);
    return std::string{path};
}

void replace_durably(file_system& files, const std::string& path, bytes_view content) {
    const auto temporary = path + ".tmp";
    // What an earlier attempt left when it was cut short.
    if (files.kind(temporary) != path_kind::missing)
        files.remove(temporary);
    {
        const auto out = files.open(temporary, open_mode::create_new);
        out->write_at(byte_offset{0}, content);
        out->sync_all();
    }
    files.rename(temporary, path);
    files.sync_directory(parent(path));
}

byte_buffer read_whole(file_system& files, const std::string& path, std::size_t size_max) {
    const auto in = files.open(path, open_mode::read);
    const auto size = in->size();
    if (size > size_max)
        throw error{
            errc::limit,
            "'" + printable(path) + "' has " + std::to_string(size) + " bytes; at most " +
                std::to_string(size_max) + " are read"};
    byte_buffer out(static_cast<std::size_t>(size));
    // Shorter where somebody cut the file meanwhile.
    out.resize(in->read_at(byte_offset{0}, out));
    return out;
}

} // namespace everfold::io
