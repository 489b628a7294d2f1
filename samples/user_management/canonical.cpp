// SPDX-License-Identifier: MIT
#include "canonical.hpp"

#include <everfold/base/check.hpp>

#include <sodium.h>

#include <array>
#include <new>
#include <span>

namespace users {

std::string canonical_json(const nlohmann::json& value) {
    std::string out;
    append_json(out, value, canonical_style);
    return out;
}

nlohmann::json object_of(const user& u) {
    const auto text_or_null = [](const std::optional<std::string>& text) {
        return text ? nlohmann::json(*text) : nlohmann::json(nullptr);
    };
    nlohmann::json out = nlohmann::json::object();
    out["user_id"] = u.user_id;
    out["name"] = text_or_null(u.name);
    out["email"] = text_or_null(u.email);
    out["created_at"] = u.created_at;
    if (u.phone.is_null())
        out["phone"] = nullptr;
    else if (u.phone.has_value())
        out["phone"] = *u.phone;
    for (const auto& [field, value] : u.other)
        out[field] = everfold::json_from_cbor(value);
    return out;
}

std::string canonical_json(const user& u) {
    return canonical_json(object_of(u));
}

sha256::sha256() {
    static_assert(sizeof state_ >= sizeof(crypto_hash_sha256_state));
    static_assert(alignof(crypto_hash_sha256_state) <= 8);
    everfold::check(sodium_init() >= 0, "libsodium can be initialised");
    crypto_hash_sha256_init(new (state_) crypto_hash_sha256_state{});
}

void sha256::update(std::string_view text) {
    auto* state = std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_));
    const auto bytes = everfold::as_bytes(text);
    crypto_hash_sha256_update(
        state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()
    );
}

std::string sha256::finish() {
    auto* state = std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state_));
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(state, digest.data());
    return everfold::to_hex(std::as_bytes(std::span{digest}));
}

std::string state_digest(const user_directory& state) {
    sha256 digest;
    for (const auto& [id, u] : state.users)
        digest.update(canonical_json(u) + '\n');
    return digest.finish();
}

std::vector<field_change>
changes_between(const nlohmann::json& before, const nlohmann::json& after) {
    std::vector<field_change> out;
    const auto items_of = [](const nlohmann::json& object) {
        return object.is_object() ? object : nlohmann::json::object();
    };
    const auto was = items_of(before);
    const auto is = items_of(after);
    for (const auto& [field, value] : was.items()) {
        const auto now = is.find(field);
        if (now == is.end())
            out.push_back({field, value, {}});
        // By their text: 1 and 1.0 are equal to nlohmann but not to a reader.
        else if (canonical_json(value) != canonical_json(*now))
            out.push_back({field, value, *now});
    }
    for (const auto& [field, value] : is.items())
        if (!was.contains(field))
            out.push_back({field, {}, value});
    return out;
}

} // namespace users
