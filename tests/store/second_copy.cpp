// SPDX-License-Identifier: MIT
// A module with a copy of the whole library in it, for a program that has one already.

#include <everfold/base/error.hpp>
#include <everfold/store/open.hpp>

#include <memory>

namespace {

constexpr int opened_it = 0;
constexpr int was_in_use = 1;
constexpr int failed = 2;

} // namespace

extern "C" {

/// A store that the caller closes by close_copy(); null where `answer` says why.
[[gnu::visibility("default")]] void* open_copy(const char* path, int* answer) {
    try {
        auto opened = std::make_unique<everfold::store>(everfold::open(path));
        *answer = opened_it;
        return opened.release();
    } catch (const everfold::error& e) {
        *answer = e.code() == everfold::errc::in_use ? was_in_use : failed;
    } catch (...) {
        *answer = failed;
    }
    return nullptr;
}

[[gnu::visibility("default")]] void close_copy(void* opened) {
    const std::unique_ptr<everfold::store> ends{static_cast<everfold::store*>(opened)};
}
}
