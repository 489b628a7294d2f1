// SPDX-License-Identifier: MIT
#pragma once
// A closed log for suites that damage it.

#include <support/damaged_log.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace everfold::proof {

using namespace testing;

/// Of a file of a log: what begins and ends as its name does.
inline std::string kind_of(const std::string& path) {
    const auto name = path.substr(path.rfind('/') + 1);
    return name.substr(0, name.find('-')) +
           (name.find('.') == std::string::npos ? "" : name.substr(name.rfind('.')));
}

/// A closed log, and what it was before its last events.
struct specimen {
    std::shared_ptr<io::simulated_disk> intact{};
    std::map<std::string, byte_buffer> older{};
    std::vector<std::string> files{};
    std::vector<std::string> truth{};

    explicit specimen(std::uint32_t variant)
        : intact{closed_log(variant)} {
        for (const auto& path : intact->files_below("/log"))
            older[path] = intact->content(path);
        {
            auto s = open("/log", quiet({}), io::simulated_machine(intact, 50));
            s.append(to_stream("a", {numbered(10, "counted", {"kind:even"})})).value();
            s.append(to_stream("c", {numbered(11), numbered(12)})).value();
            s.close();
        }
        for (const auto& path : intact->files_below("/log")) {
            if (!path.ends_with("/LOCK")) // its text is for messages only
                files.push_back(path);
        }
        auto s = open("/log", {.mode = open_mode::read_only}, io::simulated_machine(intact));
        truth = everything(s);
    }
};

} // namespace everfold::proof
