// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/checkpoint.hpp>
#include <everfold/store/store.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace everfold {

namespace {

// everfold-checkpoint-1 LOG-ID NEXT DIGEST CHECKSUM: NEXT in decimal, the last two as 16 digits of
// hexadecimal, the checksum (seed 0) that of all before the space in front of it.
constexpr std::string_view any_version = "everfold-checkpoint-";
constexpr std::string_view this_version = "everfold-checkpoint-1 ";
constexpr std::size_t shown_bytes_max = 100;

std::string hex_of(std::uint64_t value) {
    byte_buffer octets;
    octets.reserve(8);
    for (unsigned shift = 64; shift > 0; shift -= 8)
        octets.push_back(static_cast<std::byte>((value >> (shift - 8)) & 0xFFU));
    return to_hex(octets);
}

std::optional<std::uint64_t> number_in(std::string_view text, int base) {
    std::uint64_t value{};
    const auto* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, value, base);
    return failure == std::errc{} && stop == end ? std::optional{value} : std::nullopt;
}

/// Takes what is before the next space off the front, and the space.
std::string_view take_word(std::string_view& rest) {
    const auto space = rest.find(' ');
    const auto word = rest.substr(0, space);
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    return word;
}

[[noreturn]] void refuse(errc code, std::string_view text, std::string_view why) {
    auto message = "'" + printable(text.substr(0, shown_bytes_max));
    message +=
        text.size() > shown_bytes_max ? "…' is not a checkpoint: " : "' is not a checkpoint: ";
    message += why;
    throw error{code, std::move(message)};
}

[[noreturn]] void unconfirmed(std::string message) {
    throw error{errc::unconfirmed, std::move(message)};
}

} // namespace

std::string checkpoint::to_string() const {
    auto out = std::string{this_version};
    out += log_id.to_string();
    out += ' ';
    out += std::to_string(next.value());
    out += ' ';
    out += hex_of(digest);
    const auto sum = log::checksum(as_bytes(out), 0);
    out += ' ';
    out += hex_of(sum);
    return out;
}

checkpoint checkpoint::parse(std::string_view text) {
    if (!text.starts_with(any_version))
        refuse(errc::invalid, text, "it does not begin with '" + std::string{any_version} + "'");
    auto rest = text;
    auto version = take_word(rest);
    version.remove_prefix(any_version.size());
    if (const auto number = number_in(version, 10); number && *number > 1)
        refuse(errc::unsupported, text, "a newer version of Everfold wrote it");
    const auto log_id = uuid::parse(take_word(rest));
    const auto next = number_in(take_word(rest), 10);
    const auto digest = number_in(take_word(rest), 16);
    if (!log_id || !next || !digest)
        refuse(errc::invalid, text, "it is not whole");
    const checkpoint out{*log_id, position{*next}, *digest};
    // One text for each value: whatever is written otherwise was not written by us.
    if (out.to_string() != text)
        refuse(errc::invalid, text, "it does not match its checksum");
    return out;
}

void store::confirm(const checkpoint& c) {
    const auto id = log_id();
    const auto next = std::to_string(c.next.value());
    if (c.log_id != id)
        unconfirmed(
            "the checkpoint at position " + next + " is of the log " + c.log_id.to_string() +
            ", and this is the log " + id.to_string() +
            ": nothing was delivered. Either it belongs to another directory, or the log was "
            "repaired and has lost events: then its positions are others, and who follows it "
            "begins again without a checkpoint"
        );
    const auto last = end();
    if (c.next > last)
        unconfirmed(
            "the checkpoint is ahead of the log: everything before position " + next +
            " was handled, and the log ends at " + std::to_string(last.value()) +
            ": nothing was delivered. Was the log put back to an older copy? Bring the newer one "
            "back, or clear what was built from its events and begin without a checkpoint"
        );
    const auto here = checkpoint_at(c.next);
    if (c.digest != 0 && here.digest != 0 && c.digest != here.digest)
        unconfirmed(
            "the log holds another history than the one that was handled: the events before "
            "position " +
            next +
            " are not those of the checkpoint: nothing was delivered. Was the log put back to an "
            "older copy, and appended to? Bring the one of then back, or clear what was built from "
            "its events and begin without a checkpoint"
        );
}

} // namespace everfold
