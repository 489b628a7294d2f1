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

nlohmann::json object_of(const user_directory& state, std::int64_t id) {
    const auto found = state.users.find(id);
    return found == state.users.end() ? nlohmann::json::object() : object_of(found->second);
}

std::vector<everfold::state_change>
changes_between(const user_directory& before, const user_directory& after) {
    std::vector<everfold::state_change> out;
    const auto path_of = [](std::int64_t id) { return "/" + std::to_string(id); };
    for (const auto& [id, was] : before.users) {
        const auto found = after.users.find(id);
        if (found == after.users.end()) {
            out.push_back({path_of(id), canonical_json(was), {}});
        } else if (was != found->second) {
            // One user at a time: within all of them, a deep value would be too deep to encode.
            for (auto& c : everfold::changes_between(object_of(was), object_of(found->second))) {
                c.path.insert(0, path_of(id));
                out.push_back(std::move(c));
            }
        }
    }
    for (const auto& [id, is] : after.users)
        if (!before.users.contains(id))
            out.push_back({path_of(id), {}, canonical_json(is)});
    return out;
}

} // namespace users
