// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/snapshot_files.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <utility>

namespace everfold {

namespace {

constexpr std::array<std::byte, 8> magic{
    std::byte{0x89},
    std::byte{'E'},
    std::byte{'V'},
    std::byte{'P'},
    std::byte{0x0D},
    std::byte{0x0A},
    std::byte{0x1A},
    std::byte{0x00}};
constexpr std::uint32_t snapshot_format = 0;
constexpr std::size_t fixed_size = 8 + 4 + 4 + 16 + 5 * 8;
constexpr std::size_t kept = 2;
constexpr std::size_t snapshot_bytes_max = std::size_t{1} << 30U;
constexpr std::string_view extension = ".evs";

std::string prefix_of(std::string_view stream, std::string_view fold) {
    std::string key{stream};
    key += '\0';
    key += fold;
    std::array<char, 32> text{};
    const auto n = std::snprintf(
        text.data(),
        text.size(),
        "snap-%016llx-",
        static_cast<unsigned long long>(log::checksum(as_bytes(key), 0))
    );
    return std::string(text.data(), static_cast<std::size_t>(n));
}

std::string name_of(const snapshot& s) {
    std::array<char, 32> revision_text{};
    const auto n = std::snprintf(
        revision_text.data(),
        revision_text.size(),
        "%020llu",
        static_cast<unsigned long long>(s.at.value())
    );
    return prefix_of(s.stream, s.fold)
        .append(revision_text.data(), static_cast<std::size_t>(n))
        .append(extension);
}

std::optional<std::uint64_t> revision_in(std::string_view name, std::string_view prefix) {
    name.remove_prefix(prefix.size());
    if (!name.ends_with(extension))
        return {};
    name.remove_suffix(extension.size());
    std::uint64_t value{};
    const auto* end = name.data() + name.size();
    const auto [stop, failure] = std::from_chars(name.data(), end, value);
    return failure == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

byte_buffer encode_file(const snapshot& s, const uuid& log_id, std::uint64_t chain) {
    byte_buffer out;
    append_bytes(out, magic);
    append_le(out, snapshot_format);
    append_le(out, s.fold_version);
    append_bytes(out, log_id.octets);
    append_le(out, chain);
    append_le(out, s.log_position.value());
    append_le(out, s.at.value());
    append_le(out, s.layout);
    append_le(out, static_cast<std::uint64_t>(s.state.size()));
    append_le(out, static_cast<std::uint16_t>(s.stream.size()));
    append_bytes(out, as_bytes(s.stream));
    append_le(out, static_cast<std::uint16_t>(s.fold.size()));
    append_bytes(out, as_bytes(s.fold));
    append_bytes(out, s.state);
    append_le(out, log::checksum(out, 0));
    return out;
}

/// Takes a text of u16 length off the front; false where it is cut short.
bool take_text(bytes_view& rest, std::string& into) {
    if (rest.size() < 2)
        return false;
    const std::size_t length = load_le<std::uint16_t>(rest.data());
    if (rest.size() < 2 + length)
        return false;
    into = as_text(rest.subspan(2, length));
    rest = rest.subspan(2 + length);
    return true;
}

std::optional<snapshot_files::found>
decode_file(bytes_view file, const uuid& log_id, std::string& why) {
    if (file.size() < fixed_size + 4 + 8 || !std::equal(magic.begin(), magic.end(), file.begin())) {
        why = "it is not a whole snapshot";
        return {};
    }
    if (load_le<std::uint64_t>(file.data() + file.size() - 8) !=
        log::checksum(file.first(file.size() - 8), 0)) {
        why = "it does not match its checksum";
        return {};
    }
    if (load_le<std::uint32_t>(file.data() + 8) != snapshot_format) {
        why = "a newer version of Everfold wrote it";
        return {};
    }
    if (!std::equal(log_id.octets.begin(), log_id.octets.end(), file.begin() + 16)) {
        why = "it is of another log";
        return {};
    }
    snapshot_files::found out;
    out.content.fold_version = load_le<std::uint32_t>(file.data() + 12);
    out.chain = load_le<std::uint64_t>(file.data() + 32);
    out.content.log_position = position{load_le<std::uint64_t>(file.data() + 40)};
    out.content.at = revision{load_le<std::uint64_t>(file.data() + 48)};
    out.content.layout = load_le<std::uint64_t>(file.data() + 56);
    const auto state_size = load_le<std::uint64_t>(file.data() + 64);
    auto rest = file.subspan(fixed_size, file.size() - fixed_size - 8);
    if (!take_text(rest, out.content.stream) || !take_text(rest, out.content.fold) ||
        rest.size() != state_size) {
        why = "its fields do not fit together";
        return {};
    }
    out.content.state.assign(rest.begin(), rest.end());
    return out;
}

} // namespace

snapshot_files::snapshot_files(io::machine machine, std::string directory, uuid log_id)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , log_id_{log_id} {}

void snapshot_files::save(const snapshot& s, std::uint64_t chain) {
    auto& files = *machine_.files;
    const auto content = encode_file(s, log_id_, chain);
    if (content.size() > snapshot_bytes_max)
        throw error{
            errc::limit,
            "a snapshot of stream '" + printable(s.stream) + "' takes " +
                std::to_string(content.size()) + " bytes; at most 1 GiB is kept"};
    io::replace_durably(files, io::join(directory_, name_of(s)), content);
    const auto all = names(s.stream, s.fold, revision{std::numeric_limits<std::uint64_t>::max()});
    for (std::size_t i = kept; i < all.size(); ++i)
        files.remove(io::join(directory_, all[i]));
}

std::vector<std::string>
snapshot_files::names(std::string_view stream, std::string_view fold, revision up_to) const {
    const auto prefix = prefix_of(stream, fold);
    std::vector<std::string> out;
    for (const auto& name : machine_.files->list(directory_)) {
        if (!name.starts_with(prefix))
            continue;
        if (const auto r = revision_in(name, prefix); r && *r <= up_to.value())
            out.push_back(name);
    }
    std::ranges::reverse(out); // names of one prefix sort by revision
    return out;
}

std::vector<std::string> snapshot_files::all_names() const {
    std::vector<std::string> out;
    for (const auto& name : machine_.files->list(directory_)) {
        if (name.starts_with("snap-") && name.ends_with(extension))
            out.push_back(name);
    }
    return out;
}

std::optional<snapshot_files::found>
snapshot_files::load(const std::string& name, std::string& why) const {
    byte_buffer file;
    try {
        file = io::read_whole(*machine_.files, io::join(directory_, name), snapshot_bytes_max);
    } catch (const error& e) {
        why = e.message(); // another process may have replaced it meanwhile
        return {};
    }
    auto out = decode_file(file, log_id_, why);
    if (out && name_of(out->content) != name) {
        why = "its name is that of another one";
        return {};
    }
    return out;
}

std::optional<snapshot_files::found> snapshot_files::load(
    const std::string& name, std::string_view stream, std::string_view fold, std::string& why
) const {
    auto out = load(name, why);
    if (out && (out->content.stream != stream || out->content.fold != fold)) {
        why = "it is of another stream";
        return {};
    }
    return out;
}

std::uint64_t snapshot_files::count() const {
    return all_names().size();
}

std::vector<std::string>
snapshot_files::paths_if(const std::function<bool(std::string_view)>& is_meant) const {
    auto& files = *machine_.files;
    std::vector<std::string> out;
    for (const auto& name : files.list(directory_)) {
        if (!name.starts_with("snap-") || !name.ends_with(extension))
            continue;
        auto path = io::join(directory_, name);
        std::string why;
        const auto content =
            decode_file(io::read_whole(files, path, snapshot_bytes_max), log_id_, why);
        if (content && is_meant(content->content.stream))
            out.push_back(std::move(path));
    }
    return out;
}

std::uint64_t snapshot_files::count_if(const std::function<bool(std::string_view)>& is_meant
) const {
    return paths_if(is_meant).size();
}

std::uint64_t snapshot_files::remove_if(const std::function<bool(std::string_view)>& is_meant) {
    const auto paths = paths_if(is_meant);
    for (const auto& path : paths)
        machine_.files->remove(path);
    if (!paths.empty())
        machine_.files->sync_directory(directory_);
    return paths.size();
}

} // namespace everfold
