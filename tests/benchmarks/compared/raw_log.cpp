// SPDX-License-Identifier: MIT
#include "raw_log.hpp"

#include "raw_frame.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

namespace everfold::benchmarks {

namespace {

constexpr std::size_t block_size = std::size_t{64} << 10U;

class file_to_write {
public:
    explicit file_to_write(const std::string& path)
        : descriptor_{::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600)} {
        if (descriptor_ < 0)
            throw std::system_error{errno, std::generic_category(), path};
    }
    file_to_write(const file_to_write&) = delete;
    file_to_write& operator=(const file_to_write&) = delete;
    file_to_write(file_to_write&&) = delete;
    file_to_write& operator=(file_to_write&&) = delete;
    ~file_to_write() { ::close(descriptor_); }

    void write(const char* from, std::size_t size) const {
        while (size > 0) {
            const auto n = ::write(descriptor_, from, size);
            if (n <= 0)
                throw std::system_error{errno, std::generic_category(), "write"};
            from += n;
            size -= static_cast<std::size_t>(n);
        }
    }

private:
    int descriptor_;
};

/// Calls `f` with the payload of each frame.
template <bool IsChecked, class F>
void walk(std::string_view frames, F&& f) {
    const char* at = frames.data();
    const char* const end = at + frames.size();
    while (at < end) {
        std::uint32_t size = 0;
        std::memcpy(&size, at, 4);
        const char* const payload = at + raw_header_size;
        const auto padded = padded_8(size);
        if constexpr (IsChecked)
            require_checksum(at, payload, padded);
        f(payload, size);
        at = payload + padded;
    }
}

} // namespace

std::string_view raw_checksum_name() noexcept {
    return checksum_name;
}

std::string raw_frames(std::span<const user_event> events) {
    std::string out;
    out.reserve(events.size() * 72);
    std::array<char, raw_frame_size_max> frame{};
    for (const auto& e : events)
        out.append(frame.data(), frame_event(e, frame.data()));
    return out;
}

void write_in_blocks(const std::string& path, std::span<const user_event> events) {
    const file_to_write file{path};
    std::vector<char> block(block_size + raw_frame_size_max);
    std::size_t used = 0;
    for (const auto& e : events) {
        used += frame_event(e, block.data() + used);
        if (used >= block_size) {
            file.write(block.data(), used);
            used = 0;
        }
    }
    file.write(block.data(), used);
}

void write_one_by_one(const std::string& path, std::span<const user_event> events) {
    const file_to_write file{path};
    std::array<char, raw_frame_size_max> frame{};
    for (const auto& e : events)
        file.write(frame.data(), frame_event(e, frame.data()));
}

std::string read_whole(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file)
        throw std::runtime_error{path + " can't be read"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::string& path, std::string_view bytes) {
    const file_to_write file{path};
    file.write(bytes.data(), bytes.size());
}

std::size_t raw_end(std::string_view frames) {
    std::size_t at = 0;
    while (at + raw_header_size <= frames.size()) {
        std::uint32_t size = 0;
        std::memcpy(&size, frames.data() + at, 4);
        if (size == 0)
            break;
        at += raw_header_size + padded_8(size);
    }
    return at;
}

std::uint64_t scan(std::string_view frames) {
    std::uint64_t bytes = 0;
    walk<true>(frames, [&](const char*, std::uint32_t size) { bytes += size; });
    return bytes;
}

// ---- folds

class dense_users::slots {
public:
    void prefetch(std::uint32_t id) const {
        if (id < users_.size())
            __builtin_prefetch(&users_[id]);
    }

    void apply(const user_event& e) {
        if (e.user >= users_.size())
            users_.resize(std::max<std::size_t>(std::size_t{e.user} + 1, users_.size() * 2));
        auto& u = users_[e.user];
        if (e.what == kind::deleted) {
            u.fields = 0;
            return;
        }
        if ((e.fields & has_name) != 0)
            set(u.name, e.name);
        if ((e.fields & has_email) != 0) {
            set(u.email, e.email);
            u.fields = static_cast<std::uint8_t>(u.fields & ~email_is_null);
        }
        if ((e.fields & has_phone) != 0)
            set(u.phone, e.phone);
        u.fields |= e.fields;
    }

    [[nodiscard]] std::string digest() const {
        state_digest out;
        for (std::uint32_t id = 0; id < users_.size(); ++id) {
            const auto& u = users_[id];
            if (u.fields != 0)
                out.add(id, u.fields, u.name.view(), u.email.view(), u.phone.view());
        }
        return out.text();
    }

private:
    struct text {
        char* at{};
        std::uint8_t size{};
        std::uint8_t room{};
        [[nodiscard]] std::string_view view() const { return {at, size}; }
    };

    struct user {
        text name{};
        text email{};
        text phone{};
        std::uint8_t fields{};
    };

    void set(text& to, std::string_view value) {
        if (value.size() > to.room) {
            to.room = static_cast<std::uint8_t>((value.size() + 15U) & ~std::size_t{15});
            to.at = take(to.room);
        }
        std::memcpy(to.at, value.data(), value.size());
        to.size = static_cast<std::uint8_t>(value.size());
    }

    char* take(std::size_t size) {
        if (left_ < size) {
            chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_size));
            next_ = chunks_.back().get();
            left_ = chunk_size;
        }
        left_ -= size;
        return std::exchange(next_, next_ + size);
    }

    static constexpr std::size_t chunk_size = std::size_t{1} << 20U;
    std::vector<user> users_{};
    std::vector<std::unique_ptr<char[]>> chunks_{};
    char* next_{};
    std::size_t left_{};
};

dense_users::dense_users()
    : slots_{std::make_unique<slots>()} {}
dense_users::~dense_users() = default;

void dense_users::fold(std::string_view frames) {
    std::array<user_event, 32> ahead{};
    std::size_t n = 0;
    walk<true>(frames, [&](const char* payload, std::uint32_t) {
        ahead[n] = unpack(payload);
        slots_->prefetch(ahead[n].user);
        if (++n == ahead.size()) {
            for (const auto& e : ahead)
                slots_->apply(e);
            n = 0;
        }
    });
    for (std::size_t i = 0; i < n; ++i)
        slots_->apply(ahead[i]);
}

std::string dense_users::digest() const {
    return slots_->digest();
}

namespace {

struct created_view {
    std::uint32_t user{};
    std::string_view name{};
    std::string_view email{};
    bool is_email_null{};
};

struct updated_view {
    std::uint32_t user{};
    std::uint8_t fields{};
    std::string_view name{};
    std::string_view email{};
    std::string_view phone{};
};

struct deleted_view {
    std::uint32_t user{};
};

using any_view = std::variant<created_view, updated_view, deleted_view>;

any_view view_of(const char* payload) {
    const auto e = unpack(payload);
    switch (e.what) {
    case kind::created:
        return created_view{e.user, e.name, e.email, (e.fields & email_is_null) != 0};
    case kind::updated:
        return updated_view{e.user, e.fields, e.name, e.email, e.phone};
    case kind::deleted:
        break;
    }
    return deleted_view{e.user};
}

struct view_folder {
    void operator()(const created_view& e) const {
        auto& u = (*users)[e.user];
        u.name.assign(e.name);
        u.email.assign(e.email);
        u.fields =
            static_cast<std::uint8_t>(has_name | has_email | (e.is_email_null ? email_is_null : 0));
    }

    void operator()(const updated_view& e) const {
        (*users)[e.user].apply(
            {.user = e.user,
             .what = kind::updated,
             .fields = e.fields,
             .name = e.name,
             .email = e.email,
             .phone = e.phone}
        );
    }

    void operator()(const deleted_view& e) const { users->erase(e.user); }

    std::unordered_map<std::uint32_t, user_strings>* users;
};

} // namespace

void fold_views(std::string_view frames, user_map& into) {
    const view_folder fold{&into.users()};
    walk<true>(frames, [&](const char* payload, std::uint32_t) {
        std::visit(fold, view_of(payload));
    });
}

// ---- finding

linked_log::linked_log(std::span<const user_event> events) {
    frames_.reserve(events.size() * 80);
    frames_.append(8, '\0'); // no frame is at 0
    std::array<char, raw_frame_size_max> frame{};
    for (const auto& e : events) {
        if (e.user >= heads_.size())
            heads_.resize(std::size_t{e.user} + 1 + e.user / 2);
        const auto size = frame_event(e, frame.data());
        const auto at = frames_.size();
        const auto back = heads_[e.user];
        frames_.append(frame.data(), raw_header_size);
        frames_.append(reinterpret_cast<const char*>(&back), 8);
        frames_.append(frame.data() + raw_header_size, size - raw_header_size);
        heads_[e.user] = at;
    }
}

bool linked_log::load(std::uint32_t user, user_strings& into) const {
    std::array<const char*, 64> found{};
    std::size_t n = 0;
    for (auto at = heads_[user]; at != 0 && n < found.size();) {
        found[n++] = frames_.data() + at;
        std::memcpy(&at, frames_.data() + at + raw_header_size, 8);
    }
    bool is_there = false;
    while (n > 0) {
        const char* const frame = found[--n];
        const char* const payload = frame + raw_header_size + 8;
        std::uint32_t size = 0;
        std::memcpy(&size, frame, 4);
        require_checksum(frame, payload, padded_8(size));
        const auto e = unpack(payload);
        is_there = e.what != kind::deleted;
        if (is_there)
            into.apply(e);
        else
            into = {};
    }
    return is_there;
}

std::uint64_t count_kind(std::string_view frames, kind wanted) {
    std::uint64_t out = 0;
    walk<false>(frames, [&](const char* payload, std::uint32_t) {
        out += static_cast<kind>(payload[12]) == wanted ? 1U : 0U;
    });
    return out;
}

sparse_times::sparse_times(std::string_view frames)
    : frames_{frames} {
    std::uint64_t next = 0;
    walk<false>(frames, [&](const char* payload, std::uint32_t) {
        const auto offset = static_cast<std::uint64_t>(payload - frames.data()) - raw_header_size;
        if (offset < next)
            return;
        std::uint64_t at_ms = 0;
        std::memcpy(&at_ms, payload, 8);
        entries_.push_back({at_ms, offset});
        next = offset + block_size;
    });
}

std::uint64_t sparse_times::count(std::uint64_t from_ms, std::uint64_t until_ms) const {
    auto first = std::ranges::lower_bound(entries_, from_ms, {}, &entry::at_ms);
    if (first != entries_.begin())
        --first;
    std::uint64_t out = 0;
    for (auto at = first->offset; at < frames_.size();) {
        const char* const frame = frames_.data() + at;
        const char* const payload = frame + raw_header_size;
        std::uint32_t size = 0;
        std::memcpy(&size, frame, 4);
        std::uint64_t at_ms = 0;
        std::memcpy(&at_ms, payload, 8);
        if (at_ms >= until_ms)
            break;
        const auto padded = padded_8(size);
        if (at_ms >= from_ms) {
            require_checksum(frame, payload, padded);
            out += unpack(payload).user > 0 ? 1U : 0U;
        }
        at += raw_header_size + padded;
    }
    return out;
}

std::uint64_t index_frames(std::string_view frames) {
    std::vector<std::vector<std::uint32_t>> users;
    walk<true>(frames, [&](const char* payload, std::uint32_t) {
        std::uint32_t user = 0;
        std::memcpy(&user, payload + 8, 4);
        if (user >= users.size())
            users.resize(std::size_t{user} + 1 + user / 2);
        users[user].push_back(static_cast<std::uint32_t>((payload - frames.data()) / 8));
    });
    return users.size();
}

// ---- snapshots

namespace {

constexpr std::size_t packed_block_header_size = 8;

} // namespace

std::string pack_users(user_map& from) {
    std::string out(packed_block_header_size, '\0');
    out.reserve(from.users().size() * 96);
    std::array<char, packed_size_max> packed{};
    for (const auto& [id, u] : from.users()) {
        const auto size = pack(
            {.user = id,
             .what = kind::created,
             .fields = u.fields,
             .name = u.name,
             .email = u.email,
             .phone = u.phone},
            packed.data()
        );
        const auto short_size = static_cast<std::uint16_t>(size);
        out.append(reinterpret_cast<const char*>(&short_size), 2);
        out.append(packed.data(), size);
    }
    out.append(padded_8(out.size()) - out.size(), '\0');
    const auto sum =
        checksum_of(out.data() + packed_block_header_size, out.size() - packed_block_header_size);
    std::memcpy(out.data() + 4, &sum, 4);
    return out;
}

void unpack_users(std::string_view block, std::vector<user_strings>& into) {
    require_checksum(
        block.data(),
        block.data() + packed_block_header_size,
        block.size() - packed_block_header_size
    );
    for (std::size_t at = packed_block_header_size; at + packed_header_size < block.size();) {
        std::uint16_t size = 0;
        std::memcpy(&size, block.data() + at, 2);
        if (size == 0)
            break;
        const auto e = unpack(block.data() + at + 2);
        if (e.user >= into.size())
            into.resize(std::size_t{e.user} + 1 + e.user / 2);
        into[e.user].apply(e);
        at += 2U + size;
    }
}

std::string digest_of(const std::vector<user_strings>& users) {
    state_digest out;
    for (std::uint32_t id = 0; id < users.size(); ++id)
        if (users[id].fields != 0)
            out.add(id, users[id]);
    return out.text();
}

} // namespace everfold::benchmarks
