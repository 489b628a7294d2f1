// SPDX-License-Identifier: MIT
#include <everfold/aggregate/describe_exception.hpp>
#include <everfold/aggregate/fold.hpp>

#include <algorithm>
#include <exception>
#include <string>

namespace everfold::detail {
namespace {

std::string place_of(const recorded_event& e) {
    return "folding stream '" + printable(e.stream) + "' at revision " +
           std::to_string(e.stream_revision.value()) + ", position " +
           std::to_string(e.log_position.value());
}

[[noreturn]] void refuse(const recorded_event& e, const std::string& why) {
    schema_error failure{std::string{e.type}, e.version, why};
    failure.add(place_of(e));
    throw failure;
}

} // namespace

void fold_table::learn(const recorded_event& e) {
    std::uint32_t newest = 0; // of this type
    auto found = to_skip;
    auto newer = to_skip;
    for (std::uint32_t i = 0; i < steps_.size(); ++i) {
        if (steps_[i].type != e.type)
            continue;
        newest = std::max(newest, steps_[i].version);
        if (found == to_skip && steps_[i].version == e.version)
            found = i; // the first: the others of a split event follow it
        if (steps_[i].reads_newer && steps_[i].version < e.version)
            newer = i;
    }
    if (found == to_skip)
        found = newer;
    if (found == to_skip && policy_ == unknown_events::refuse) {
        // A number above 2^32 types would be a broken store, not a log.
        if (newest != 0 && newest < e.version)
            refuse(
                e,
                "is newer than this program, which folds the type in another version, up to " +
                    std::to_string(newest)
            );
        if (newest != 0)
            refuse(e, "this program folds the type in another version and has no upcaster from it");
        refuse(
            e, "the state does not name this type; add it to its events, or skip unknown events"
        );
    }
    if (e.type_number >= known_.size())
        known_.resize(std::size_t{e.type_number} + 1, unseen);
    known_[e.type_number] = found;
}

std::uint64_t fold_table::fingerprint() const noexcept {
    // FNV-1a. The order of the list says nothing, so each type is hashed alone and the hashes
    // added.
    std::uint64_t sum = 0;
    for (const auto& step : steps_) {
        std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;
        const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100'0000'01B3U; };
        for (const char c : step.type)
            mix(static_cast<unsigned char>(c));
        mix(0xFF); // not in any UTF-8 text
        for (unsigned shift = 0; shift < 32; shift += 8)
            mix(static_cast<unsigned char>((step.version >> shift) & 0xFFU));
        sum += hash;
    }
    return sum;
}

void fail_to_decode(const recorded_event& e, const encoding_error& why) {
    refuse(e, why.message());
}

void fail_to_replay(const recorded_event& e) {
    const auto original = std::current_exception();
    throw replay_error{
        std::string{e.stream},
        e.stream_revision,
        std::string{e.type},
        e.log_position,
        original,
        describe_exception(original)};
}

} // namespace everfold::detail
