// expect: it does not say that the last one wins
// SPDX-License-Identifier: MIT
#include <everfold/store/key_compaction.hpp>

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    std::optional<std::string> email{};
};

void compact(everfold::store s) {
    static_cast<void>(everfold::compact_by_key<user_updated>(s)
    ); // the mistake: it would lose users
}
