// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/store/store.hpp>

namespace everfold {

event_cursor::~event_cursor() = default;

store_engine::~store_engine() = default;

store::store(std::shared_ptr<store_engine> engine)
    : engine_{std::move(engine)} {
    check(engine_ != nullptr, "a store has an engine");
}

} // namespace everfold
