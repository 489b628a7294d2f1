// expect: this decider does not decide this command
// SPDX-License-Identifier: MIT
#include <everfold/aggregate/decider.hpp>

struct deposited {
    static constexpr std::string_view event_type = "deposited";
};

struct balance {
    using events = everfold::events<deposited>;
    void apply(const deposited&) {}
};

struct deposit {};
struct withdraw {};

struct rules {
    using state_type = balance;
    static everfold::outcome<balance, int> decide(const balance&, const deposit&) {
        return deposited{};
    }
    // The mistake: no decide(const balance&, const withdraw&).
};

void act(everfold::repository<rules>& all) {
    static_cast<void>(all.update("one", withdraw{}));
}
