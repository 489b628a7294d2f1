// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/io/posix.hpp>

namespace everfold::cli {

void say_notes(std::string_view program, const std::vector<std::string>& notes) {
    for (const auto& note : notes)
        say(program, "note: " + printable(note));
}

store open_log(std::string_view program, const std::string& path, open_mode mode) {
    auto out = open(path, {.mode = mode}, io::posix_machine());
    say_notes(program, out.report().notes);
    return out;
}

std::unique_ptr<log::event_log>
open_event_log(std::string_view program, const std::string& path, log::access mode) {
    const store_options usual;
    auto out = log::event_log::open(
        io::posix_machine(),
        path,
        {.mode = mode,
         .limits =
             {.segment_bytes_max = usual.segment_bytes_max,
              .event_bytes_max = usual.event_bytes_max,
              .batch_bytes_max = usual.batch_bytes_max}}
    );
    say_notes(program, out->notes().notes);
    return out;
}

} // namespace everfold::cli
