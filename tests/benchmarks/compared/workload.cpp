// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>

namespace everfold::benchmarks {

namespace {

using namespace std::string_view_literals;

/// A seed sequence that gives an engine its very state.
struct words {
    using result_type = std::uint32_t;

    template <class Iterator>
    void generate(Iterator begin, Iterator) const {
        std::copy(state->begin(), state->end(), begin);
    }

    const std::array<std::uint32_t, std::mt19937::state_size>* state;
};

/// random.Random of Python: its seeding, and what it makes of the numbers.
class python_random {
public:
    explicit python_random(std::uint32_t seed) {
        constexpr std::size_t size = std::mt19937::state_size;
        std::array<std::uint32_t, size> state{};
        state[0] = 19650218;
        for (std::uint32_t i = 1; i < size; ++i)
            state[i] = 1812433253U * (state[i - 1] ^ (state[i - 1] >> 30U)) + i;
        // init_by_array of a key of one number.
        std::size_t at = 1;
        const auto step = [&] {
            if (++at == size) {
                state[0] = state[size - 1];
                at = 1;
            }
        };
        for (std::size_t n = 0; n < size; ++n) {
            state[at] = (state[at] ^ ((state[at - 1] ^ (state[at - 1] >> 30U)) * 1664525U)) + seed;
            step();
        }
        for (std::size_t n = 0; n < size - 1; ++n) {
            state[at] = (state[at] ^ ((state[at - 1] ^ (state[at - 1] >> 30U)) * 1566083941U)) -
                        static_cast<std::uint32_t>(at);
            step();
        }
        state[0] = 0x80000000U;
        set(state);
    }

    /// In [0, 1).
    double real() {
        const auto a = engine_() >> 5U;
        const auto b = engine_() >> 6U;
        return (static_cast<double>(a) * 67108864.0 + static_cast<double>(b)) / 9007199254740992.0;
    }

    /// Below `n`, as int(random() * n) is.
    std::size_t scaled(std::size_t n) {
        return static_cast<std::size_t>(real() * static_cast<double>(n));
    }

    void shuffle(std::vector<std::uint32_t>& all) {
        for (std::size_t i = all.size() - 1; i > 0; --i)
            std::swap(all[i], all[below(static_cast<std::uint32_t>(i + 1))]);
    }

private:
    void set(const std::array<std::uint32_t, std::mt19937::state_size>& state) {
        words from{&state};
        engine_.seed(from);
    }

    std::uint32_t below(std::uint32_t n) {
        const auto bits = static_cast<unsigned>(std::bit_width(n));
        auto r = static_cast<std::uint32_t>(engine_()) >> (32U - bits);
        while (r >= n)
            r = static_cast<std::uint32_t>(engine_()) >> (32U - bits);
        return r;
    }

    std::mt19937 engine_{};
};

constexpr std::array first_names{"Alice"sv,   "Bob"sv,   "Carol"sv,  "Dave"sv,   "Erin"sv,
                                 "Frank"sv,   "Grace"sv, "Heidi"sv,  "Ivan"sv,   "Judy"sv,
                                 "Mallory"sv, "Niaj"sv,  "Olivia"sv, "Peggy"sv,  "Rupert"sv,
                                 "Sybil"sv,   "Trent"sv, "Victor"sv, "Walter"sv, "Wendy"sv};
constexpr std::array last_names{
    "Smith"sv,    "Johnson"sv,   "Williams"sv, "Brown"sv,     "Jones"sv,   "Garcia"sv,   "Miller"sv,
    "Davis"sv,    "Rodriguez"sv, "Martinez"sv, "Hernandez"sv, "Lopez"sv,   "Gonzalez"sv, "Wilson"sv,
    "Anderson"sv, "Thomas"sv,    "Taylor"sv,   "Moore"sv,     "Jackson"sv, "Martin"sv};
constexpr std::array odd_names{
    "Zo\u00eb \u00c5ngstr\u00f6m"sv,
    "\u5c71\u7530 \u592a\u90ce"sv,
    "Ren\u00e9e \"Ren\" O'Neil"sv,
    "J\u00fcrgen M\u00fcller"sv};
constexpr std::array domains{"example.com"sv, "mail.example.org"sv, "corp.example.net"sv};

/// Makes the texts, in one string that never moves.
class writer {
public:
    writer(python_random& random, std::string& texts)
        : random_{&random}
        , texts_{&texts} {}

    std::string_view name() {
        const auto x = random_->real();
        if (x < 0.02)
            return odd_names[static_cast<std::size_t>(x * 200)];
        const auto first = first_names[random_->scaled(20)];
        const auto last = last_names[random_->scaled(20)];
        const auto from = texts_->size();
        texts_->append(first).append(" ").append(last);
        return since(from);
    }

    /// Sets the field of `e`, or that it is null.
    void email(user_event& e, double null) {
        e.fields |= has_email;
        if (random_->real() < null) {
            e.fields |= email_is_null;
            return;
        }
        const auto from = texts_->size();
        std::array<char, 32> text{};
        const auto number = random_->scaled(1000);
        std::snprintf(text.data(), text.size(), "user%u.%zu@", e.user, number);
        texts_->append(text.data()).append(domains[random_->scaled(3)]);
        e.email = since(from);
    }

    std::string_view phone() {
        const auto from = texts_->size();
        std::array<char, 32> text{};
        const auto a = 200 + random_->scaled(800);
        const auto b = random_->scaled(1000);
        const auto c = random_->scaled(10'000);
        std::snprintf(text.data(), text.size(), "+1-%03zu-%03zu-%04zu", a, b, c);
        texts_->append(text.data());
        return since(from);
    }

private:
    [[nodiscard]] std::string_view since(std::size_t from) const {
        return std::string_view{*texts_}.substr(from);
    }

    python_random* random_;
    std::string* texts_;
};

constexpr std::size_t text_bytes_max = 80; // of one event

} // namespace

std::string_view name_of(kind k) noexcept {
    switch (k) {
    case kind::created:
        return "user_created";
    case kind::updated:
        return "user_updated";
    case kind::deleted:
        return "user_deleted";
    }
    return {};
}

workload::workload(std::uint64_t events)
    : users_{static_cast<std::uint32_t>(events / events_of_a_user)} {
    if (events == 0 || events % events_of_a_user != 0)
        throw std::invalid_argument{"a workload has ten events for each user"};
    python_random random{1};
    std::vector<std::uint32_t> order(events);
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = static_cast<std::uint32_t>(i / events_of_a_user) + 1;
    random.shuffle(order);
    std::vector<std::uint8_t> seen(std::size_t{users_} + 1);
    events_.reserve(events);
    texts_.reserve(events * text_bytes_max);
    writer write{random, texts_};
    std::uint64_t now_ms = 1'704'067'200'000;
    for (const auto user : order) {
        user_event e{.user = user, .nth = seen[user]++};
        now_ms += random.scaled(20);
        e.at_ms = now_ms;
        if (e.nth == 0) {
            e.what = kind::created;
            e.fields = has_name;
            e.name = write.name();
            write.email(e, 0.1);
        } else if (e.nth == events_of_a_user - 1 && random.real() < 0.2) {
            e.what = kind::deleted;
        } else {
            e.what = kind::updated;
            const auto chosen = 1 + random.scaled(7);
            if ((chosen & 1U) != 0) {
                e.fields |= has_name;
                e.name = write.name();
            }
            if ((chosen & 2U) != 0)
                write.email(e, 0.05);
            if ((chosen & 4U) != 0) {
                e.fields |= has_phone;
                e.phone = write.phone();
            }
        }
        events_.push_back(e);
    }
}

std::size_t pack(const user_event& e, char* to) noexcept {
    std::memcpy(to, &e.at_ms, 8);
    std::memcpy(to + 8, &e.user, 4);
    to[12] = static_cast<char>(e.what);
    to[13] = static_cast<char>(e.fields);
    auto* at = to + packed_header_size;
    std::size_t n = 14;
    for (const auto text : {e.name, e.email, e.phone}) {
        to[n++] = static_cast<char>(text.size());
        std::copy(text.begin(), text.end(), at);
        at += text.size();
    }
    return static_cast<std::size_t>(at - to);
}

user_event unpack(const char* from) noexcept {
    user_event e;
    std::memcpy(&e.at_ms, from, 8);
    std::memcpy(&e.user, from + 8, 4);
    e.what = static_cast<kind>(from[12]);
    e.fields = static_cast<std::uint8_t>(from[13]);
    const auto size = [&](int i) {
        return static_cast<std::size_t>(static_cast<std::uint8_t>(from[i]));
    };
    const char* at = from + packed_header_size;
    e.name = {at, size(14)};
    at += size(14);
    e.email = {at, size(15)};
    at += size(15);
    e.phone = {at, size(16)};
    return e;
}

void user_strings::apply(const user_event& e) {
    if ((e.fields & has_name) != 0)
        name.assign(e.name);
    if ((e.fields & has_email) != 0) {
        email.assign(e.email);
        fields = static_cast<std::uint8_t>(fields & ~email_is_null);
    }
    if ((e.fields & has_phone) != 0)
        phone.assign(e.phone);
    fields |= e.fields;
}

void state_digest::add(
    std::uint32_t user,
    std::uint8_t fields,
    std::string_view name,
    std::string_view email,
    std::string_view phone
) {
    buffer_ = std::to_string(user);
    for (const auto& [bit, text] :
         {std::pair{has_name, name}, std::pair{has_email, email}, std::pair{has_phone, phone}}) {
        if ((fields & bit) == 0)
            buffer_ += "|-";
        else if (bit == has_email && (fields & email_is_null) != 0)
            buffer_ += "|null";
        else
            buffer_.append("|=").append(text);
    }
    const std::uint64_t h = XXH3_64bits(buffer_.data(), buffer_.size());
    sum_ += h * (2 * h + 1);
    ++count_;
}

std::string state_digest::text() const {
    std::array<char, 64> out{};
    std::snprintf(
        out.data(),
        out.size(),
        "%llu:%016llx",
        static_cast<unsigned long long>(count_),
        static_cast<unsigned long long>(sum_)
    );
    return out.data();
}

std::string user_map::digest() const {
    state_digest out;
    for (const auto& [id, u] : users_)
        out.add(id, u);
    return out.text();
}

std::string digest_of(std::span<const user_event> events) {
    user_map state;
    for (const auto& e : events)
        state.apply(e);
    return state.digest();
}

} // namespace everfold::benchmarks
