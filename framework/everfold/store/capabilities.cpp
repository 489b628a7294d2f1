// SPDX-License-Identifier: MIT
#include <everfold/store/capabilities.hpp>

#include <array>

namespace everfold {

namespace {

struct capability {
    bool store_capabilities::*has;
    const char* words;
};

constexpr std::array<capability, 6> all{{
    {&store_capabilities::outlives_process, "events outlive the process"},
    {&store_capabilities::other_processes, "other processes read and follow the same events"},
    {&store_capabilities::mirrored, "each append is in a second directory before it returns"},
    {&store_capabilities::query_conditions, "an append may demand that nothing matches a query"},
    {&store_capabilities::removal, "events can be put out of reach and removed for good"},
    {&store_capabilities::snapshots, "snapshots are kept"},
}};

} // namespace

std::vector<std::string> store_capabilities::lacking(const store_capabilities& needed) const {
    std::vector<std::string> out;
    for (const auto& c : all) {
        if (needed.*c.has && !(this->*c.has))
            out.emplace_back(c.words);
    }
    return out;
}

std::string store_capabilities::to_string() const {
    std::string out;
    for (const auto& c : all) {
        out += this->*c.has ? "yes  " : "no   ";
        out += c.words;
        out += '\n';
    }
    return out;
}

} // namespace everfold
