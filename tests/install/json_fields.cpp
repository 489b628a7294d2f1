// SPDX-License-Identifier: MIT
// A program with fields of nlohmann_json's type, which everfold/json.hpp is for.
#include <everfold/everfold.hpp>
#include <everfold/json.hpp>

#include <iostream>

struct measured {
    static constexpr std::string_view event_type = "measured";
    nlohmann::ordered_json values{};
};

int main() {
    auto store = everfold::open("memory:");
    static_cast<void>(store.append("s", measured{everfold::parse_json(R"({"b":[1,2.5],"a":null})")})
    );
    for (const auto& e : store.read())
        std::cout << e.to_json() << ' ' << e.as<measured>().values["b"][1] << ' '
                  << everfold::json_from_cbor(e.payload)["values"].dump() << '\n';
    try {
        static_cast<void>(everfold::parse_json("[1,"));
    } catch (const everfold::encoding_error& e) {
        std::cout << "refused at " << e.at() << '\n';
    }
}
