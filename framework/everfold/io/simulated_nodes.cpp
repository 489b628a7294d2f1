// SPDX-License-Identifier: MIT
#include <everfold/io/simulated_nodes.hpp>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace everfold::io::simulated {

namespace {

constexpr std::uint64_t sector_size = 512;

void put(byte_buffer& image, std::uint64_t at, bytes_view from) {
    if (from.empty())
        return;
    const auto begin = static_cast<std::size_t>(at);
    if (begin == image.size()) {
        append_bytes(image, from);
        return;
    }
    if (image.size() < begin + from.size())
        image.resize(begin + from.size());
    std::memcpy(&image[begin], from.data(), from.size());
}

void apply_to(byte_buffer& image, const file_change& c) {
    if (c.kind == file_change::what::truncate)
        image.resize(static_cast<std::size_t>(*c.size));
    else
        put(image, c.at, c.bytes);
}

void apply_to(entry_map& entries, const entry_change& c) {
    if (!c.cleared.empty()) {
        // Only if it still means the same: an earlier change of this name may not have survived.
        const auto found = entries.find(c.cleared);
        if (found != entries.end() && found->second == c.target)
            entries.erase(found);
    }
    if (!c.set.empty())
        entries.insert_or_assign(c.set, c.target);
}

/// Builds what a power cut leaves, by walking the surviving names from the root.
class survivors {
public:
    /// Garbage is made of `seed`.
    survivors(power_cut kind, std::uint64_t seed, const simulated_disk::chooser& choose)
        : kind_{kind}
        , garbage_{seed}
        , choose_{choose} {}

    directory_ptr of(const directory_node& before) {
        auto names = before.durable;
        for (const auto& c : before.unsynced)
            if (survives())
                apply_to(names, c);
        auto after = std::make_shared<directory_node>();
        for (const auto& [name, target] : names) {
            if (const auto* directory = std::get_if<directory_ptr>(&target))
                after->current.emplace(name, of(**directory));
            else
                after->current.emplace(name, of(std::get<file_ptr>(target)));
        }
        after->durable = after->current;
        return after;
    }

private:
    // Two names may lead to one file, where a rename between directories survived in one of them.
    file_ptr of(const file_ptr& before) {
        auto& after = files_[before.get()];
        if (!after) {
            after = std::make_shared<file_node>();
            after->durable = content_of(*before);
            after->current = after->durable;
        }
        return after;
    }

    shared_bytes content_of(const file_node& before) {
        if (before.unsynced.empty() || kind_ == power_cut::lose_all)
            return before.durable;
        auto content = before.durable;
        auto& image = content.edit();
        auto size = static_cast<std::uint64_t>(image.size());
        for (const auto& c : before.unsynced)
            apply_by_chance(image, size, c);
        image.resize(static_cast<std::size_t>(size));
        return content;
    }

    // The image may be longer than `size`: sectors that arrived where the size did not. A later
    // size that did arrive shows them.
    void apply_by_chance(byte_buffer& image, std::uint64_t& size, const file_change& c) {
        if (kind_ == power_cut::keep_all) {
            apply_to(image, c);
            size = image.size();
            return;
        }
        const bool is_size_there = c.size && survives();
        if (is_size_there)
            size = *c.size;
        if (c.kind == file_change::what::truncate) {
            if (is_size_there && image.size() > size)
                image.resize(static_cast<std::size_t>(size));
            return;
        }
        const auto end = c.at + c.bytes.size();
        for (auto at = c.at; at < end;) {
            const auto next = std::min(end, (at / sector_size + 1) * sector_size);
            put_by_chance(image, at, bytes_view{c.bytes}.subspan(at - c.at, next - at));
            at = next;
        }
    }

    void put_by_chance(byte_buffer& image, std::uint64_t at, bytes_view sector) {
        enum class outcome : std::uint64_t { old_bytes, new_bytes, zeros, garbage };
        const auto outcomes = kind_ == power_cut::garble ? 4U : 2U;
        const auto what = static_cast<outcome>(choose_(outcomes));
        if (what == outcome::old_bytes)
            return;
        if (what == outcome::new_bytes) {
            put(image, at, sector);
            return;
        }
        byte_buffer filler(sector.size());
        if (what == outcome::garbage)
            for (auto& b : filler)
                b = static_cast<std::byte>(garbage_.next() >> 56U);
        put(image, at, filler);
    }

    bool survives() {
        if (kind_ == power_cut::lose_all)
            return false;
        return kind_ == power_cut::keep_all || choose_(2) == 1;
    }

    power_cut kind_;
    generator garbage_;
    const simulated_disk::chooser& choose_;
    std::unordered_map<const file_node*, file_ptr> files_;
};

/// Copies each node once, however many names and pending changes lead to it.
class copier {
public:
    directory_ptr copy(const directory_ptr& before) {
        auto& known = directories_[before.get()];
        if (known)
            return known;
        const auto after = known = std::make_shared<directory_node>();
        for (const auto& [name, target] : before->current)
            after->current.emplace(name, copy(target));
        for (const auto& [name, target] : before->durable)
            after->durable.emplace(name, copy(target));
        for (const auto& c : before->unsynced)
            after->unsynced.push_back({c.set, c.cleared, copy(c.target)});
        return after;
    }

private:
    entry copy(const entry& target) {
        if (const auto* directory = std::get_if<directory_ptr>(&target))
            return copy(*directory);
        const auto& before = std::get<file_ptr>(target);
        auto& after = files_[before.get()];
        if (!after) {
            after = std::make_shared<file_node>(*before);
            after->is_locked = false;
            if (after->before_torn) {
                after->current = after->before_torn->first;
                after->unsynced.resize(after->before_torn->second);
                after->before_torn.reset();
            }
        }
        return after;
    }

    std::unordered_map<const directory_node*, directory_ptr> directories_;
    std::unordered_map<const file_node*, file_ptr> files_;
};

} // namespace

std::uint64_t generator::next() noexcept {
    state_ += 0x9E37'79B9'7F4A'7C15U;
    auto z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return z ^ (z >> 31U);
}

shared_bytes::shared_bytes()
    : bytes_{std::make_shared<byte_buffer>()} {}

shared_bytes::shared_bytes(byte_buffer bytes)
    : bytes_{std::make_shared<byte_buffer>(std::move(bytes))} {}

shared_bytes::shared_bytes(const shared_bytes& other) noexcept
    : bytes_{other.bytes_}
    , is_shared_{true} {
    other.is_shared_ = true;
}

shared_bytes& shared_bytes::operator=(const shared_bytes& other) noexcept {
    if (this != &other) {
        bytes_ = other.bytes_;
        is_shared_ = other.is_shared_ = true;
    }
    return *this;
}

byte_buffer& shared_bytes::edit() {
    if (is_shared_) {
        bytes_ = std::make_shared<byte_buffer>(*bytes_);
        is_shared_ = false;
    }
    return *bytes_;
}

void file_node::write(std::uint64_t at, bytes_view from, bool keeps_unsynced) {
    auto& image = current.edit();
    const auto size_before = image.size();
    put(image, at, from);
    if (!keeps_unsynced || from.empty())
        return;
    file_change c{file_change::what::write, at, byte_buffer(from.begin(), from.end())};
    if (image.size() != size_before)
        c.size = image.size();
    unsynced.push_back(std::move(c));
}

void file_node::truncate(std::uint64_t size, bool keeps_unsynced) {
    current.edit().resize(static_cast<std::size_t>(size));
    if (keeps_unsynced)
        unsynced.push_back({file_change::what::truncate, 0, {}, size});
}

void file_node::sync() {
    if (unsynced.empty())
        return;
    auto& image = durable.edit();
    for (const auto& c : unsynced)
        apply_to(image, c);
    unsynced.clear();
}

void directory_node::change(entry_change c, bool keeps_unsynced) {
    apply_to(current, c);
    if (keeps_unsynced)
        unsynced.push_back(std::move(c));
}

void directory_node::sync() {
    for (const auto& c : unsynced)
        apply_to(durable, c);
    unsynced.clear();
}

directory_ptr after_power_cut(const directory_ptr& root, power_cut kind, std::uint64_t seed) {
    generator chance{seed};
    const auto by_chance = [&](std::uint64_t answers) { return (chance.next() >> 32U) % answers; };
    return survivors{kind, ~seed, by_chance}.of(*root);
}

directory_ptr
after_chosen_cut(const directory_ptr& root, power_cut kind, const simulated_disk::chooser& choose) {
    return survivors{kind, 0, choose}.of(*root);
}

directory_ptr deep_copy(const directory_ptr& root) {
    return copier{}.copy(root);
}

} // namespace everfold::io::simulated
