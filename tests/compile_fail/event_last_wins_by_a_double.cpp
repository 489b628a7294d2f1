// expect: last_wins_by takes members of the event itself that are text, a whole number
// SPDX-License-Identifier: MIT
#include <everfold/store/key_compaction.hpp>

struct price_set {
    static constexpr std::string_view event_type = "price_set";
    double price{};
    static constexpr auto last_wins = everfold::last_wins_by<&price_set::price>; // the mistake
};

void compact(everfold::store s) {
    static_cast<void>(everfold::compact_by_key<price_set>(s));
}
