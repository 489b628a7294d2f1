// SPDX-License-Identifier: MIT
#pragma once
// What LevelDB and RocksDB have in common. Two kinds of key, with big-endian numbers, so that they
// are ordered: E and the position, for the event; S, the user and the version, for its position.

#include "peer.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace everfold::benchmarks {

template <class Unsigned>
void store_be(char* to, Unsigned value) noexcept {
    for (std::size_t i = sizeof value; i-- > 0; value = static_cast<Unsigned>(value >> 8U))
        to[i] = static_cast<char>(value & 0xFFU);
}

[[nodiscard]] inline std::uint64_t load_be(const char* from) noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i)
        out = (out << 8U) | static_cast<std::uint8_t>(from[i]);
    return out;
}

using ordered_key = std::array<char, 9>;

[[nodiscard]] inline ordered_key key_of_event(std::uint64_t position) noexcept {
    ordered_key out{'E'};
    store_be(out.data() + 1, position);
    return out;
}

[[nodiscard]] inline ordered_key key_in_stream(std::uint32_t user, std::uint32_t version) noexcept {
    ordered_key out{'S'};
    store_be(out.data() + 1, user);
    store_be(out.data() + 5, version);
    return out;
}

/// `Api` names the library's types: db, slice, write_batch, write_options, read_options, and opens
/// it.
template <class Api>
class ordered_keys final : public peer {
public:
    ordered_keys(const std::string& path, syncing how)
        : db_{Api::open(path)}
        , how_{how}
        , next_{find_next()} {}

    std::unique_ptr<peer_writer> writer() override { return std::make_unique<one_writer>(*this); }

    std::uint64_t read_rows() override {
        std::uint64_t count = 0;
        std::uint64_t bytes = 0;
        walk(0, [&](slice value) {
            bytes += value.size();
            ++count;
            return true;
        });
        return bytes > 0 ? count : 0;
    }

    void read_all(const event_visitor& see) override {
        walk(0, [&](slice value) {
            see(unpack(value.data()));
            return true;
        });
    }

    void read_stream(std::uint32_t user, const event_visitor& see) override {
        const auto first = key_in_stream(user, 0);
        const auto it = iterate(true);
        std::string value;
        for (it->Seek(as_slice(first)); it->Valid(); it->Next()) {
            const auto key = it->key();
            if (key.size() != first.size() || std::memcmp(key.data(), first.data(), 5) != 0)
                break;
            require(db_->Get(
                typename Api::read_options{},
                as_slice(key_of_event(load_be(it->value().data()))),
                &value
            ));
            see(unpack(value.data()));
        }
    }

    void read_kind(kind wanted, const event_visitor& see) override {
        walk(0, [&](slice value) {
            if (static_cast<kind>(value.data()[12]) == wanted)
                see(unpack(value.data()));
            return true;
        });
    }

    /// Times ascend with positions, so the first one is found by halving.
    void
    read_times(std::uint64_t from_ms, std::uint64_t until_ms, const event_visitor& see) override {
        std::uint64_t low = 0;
        for (std::uint64_t high = next_; low < high;) {
            const auto middle = (low + high) / 2;
            std::uint64_t there = 0;
            walk(middle, [&](slice value) {
                there = unpack(value.data()).at_ms;
                return false;
            });
            if (there < from_ms)
                low = middle + 1;
            else
                high = middle;
        }
        walk(low, [&](slice value) {
            const auto e = unpack(value.data());
            if (e.at_ms >= until_ms)
                return false;
            see(e);
            return true;
        });
    }

private:
    using slice = typename Api::slice;

    class one_writer final : public peer_writer {
    public:
        explicit one_writer(ordered_keys& to)
            : to_{&to} {
            options_.sync = to.how_ == syncing::commit;
        }

        void append(std::span<const user_event> batch) override {
            typename Api::write_batch writes;
            std::array<char, packed_size_max> packed{};
            auto position = to_->next_.fetch_add(batch.size());
            for (const auto& e : batch) {
                const auto key = key_of_event(position++);
                writes.Put(as_slice(key), slice{packed.data(), pack(e, packed.data())});
                writes.Put(
                    as_slice(key_in_stream(e.user, e.nth)), slice{key.data() + 1, key.size() - 1}
                );
            }
            require(to_->db_->Write(options_, &writes));
        }

    private:
        ordered_keys* to_;
        typename Api::write_options options_{};
    };

    [[nodiscard]] static slice as_slice(const ordered_key& key) {
        return slice{key.data(), key.size()};
    }

    template <class Status>
    static void require(const Status& s) {
        if (!s.ok())
            throw std::runtime_error{std::string{Api::name} + ": " + s.ToString()};
    }

    [[nodiscard]] auto iterate(bool fills_cache) const {
        typename Api::read_options options;
        options.fill_cache = fills_cache;
        return std::unique_ptr<typename Api::iterator>{db_->NewIterator(options)};
    }

    /// Until `f` says no.
    template <class F>
    void walk(std::uint64_t from, F&& f) {
        const auto it = iterate(false);
        for (it->Seek(as_slice(key_of_event(from))); it->Valid() && it->key().data()[0] == 'E';
             it->Next())
            if (!f(it->value()))
                break;
    }

    [[nodiscard]] std::uint64_t find_next() const {
        const auto it = iterate(true);
        const char behind = 'F';
        it->Seek(slice{&behind, 1});
        if (it->Valid())
            it->Prev();
        else
            it->SeekToLast();
        return it->Valid() && it->key().data()[0] == 'E' ? load_be(it->key().data() + 1) + 1 : 0;
    }

    std::unique_ptr<typename Api::db> db_;
    syncing how_;
    std::atomic<std::uint64_t> next_;
};

} // namespace everfold::benchmarks
