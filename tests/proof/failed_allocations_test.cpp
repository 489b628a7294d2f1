// SPDX-License-Identifier: MIT
// What a failed allocation has done to a log once, each as small as it is. The suite
// failed_allocations looks for more.

#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>
#include <proof/failing_memory.hpp>
#include <support/stores.hpp>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>

using namespace everfold;
using namespace everfold::testing;
namespace memory = everfold::proof::memory;

namespace {

store_options tiny() {
    store_options out;
    out.segment_bytes_max = 4096 + 1500;
    out.event_bytes_max = 512;
    out.batch_bytes_max = 1024;
    out.compress_sealed = false;
    return out;
}

io::machine machine_on(const std::shared_ptr<io::simulated_disk>& disk, std::uint64_t life) {
    auto out = io::simulated_machine(disk, life);
    out.files = memory::with_memory_of_its_own(disk);
    return out;
}

/// Whether memory ran out at allocation `at` of it. Errors are its own to have.
bool runs_out(std::uint64_t at, const std::function<void()>& what) {
    memory::watch(memory::watched::this_thread);
    memory::fail_at(at, false);
    try {
        what();
    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch)
    } catch (const error&) {          // NOLINT(bugprone-empty-catch)
    }
    const auto failed = memory::heal();
    memory::watch(memory::watched::nobody);
    return failed > 0;
}

append_request long_names(std::uint32_t number) {
    return to_stream(
        "stream-" + std::to_string(number) + std::string(200, '.'), {numbered(number)}
    );
}

} // namespace

TEST_CASE("a log opens again whose rotation ran out of memory, with all that was acknowledged") {
    bool is_over = !memory::is_replaced();
    for (std::uint64_t at = 1; !is_over; ++at) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        std::size_t acknowledged = 0;
        {
            auto s = open("/log", tiny(), machine_on(disk, 1));
            is_over = !runs_out(at, [&] {
                for (std::uint32_t i = 0; i < 9; ++i) {
                    static_cast<void>(s.append(long_names(i)));
                    ++acknowledged;
                }
            });
        }
        auto again = open("/log", tiny(), machine_on(disk, 2));
        CHECK(lines_of(again.read()).size() >= acknowledged);
    }
}

TEST_CASE("a reader that ran out of memory while it followed a writer sees all of it later") {
    bool is_over = !memory::is_replaced();
    for (std::uint64_t at = 1; !is_over; ++at) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        auto s = open("/log", tiny(), machine_on(disk, 1));
        static_cast<void>(s.append(long_names(100)));
        auto reading = tiny();
        reading.mode = open_mode::read_only;
        auto reader = open("/log", reading, machine_on(disk, 2));
        for (std::uint32_t i = 0; i < 11; ++i)
            static_cast<void>(s.append(long_names(i)));
        is_over = !runs_out(at, [&] { static_cast<void>(lines_of(reader.read())); });
        CHECK(lines_of(reader.read()) == lines_of(s.read()));
    }
}

TEST_CASE("a stream stays ended though memory ran out once its tombstone was written") {
    bool is_over = !memory::is_replaced();
    for (std::uint64_t at = 1; !is_over; ++at) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        std::optional<store> first{open("/log", tiny(), machine_on(disk, 1))};
        auto& s = *first;
        static_cast<void>(s.append(to_stream("a", {numbered(1)})));
        is_over = !runs_out(at, [&] { static_cast<void>(s.tombstone("a")); });
        bool is_appended = false;
        try {
            is_appended = s.append(to_stream("a", {numbered(2)})).is_appended();
            s.close();
        } catch (const error&) { // NOLINT(bugprone-empty-catch)
        }
        first.reset();
        auto again = open("/log", tiny(), machine_on(disk, 2));
        CHECK_FALSE((is_appended && again.about("a").end.has_value()));
    }
}

TEST_CASE("what is scavenged is scavenged once more after memory ran out") {
    bool is_over = !memory::is_replaced();
    for (std::uint64_t at = 1; !is_over; ++at) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        auto s = open("/log", tiny(), machine_on(disk, 1));
        for (std::uint32_t i = 0; i < 12; ++i)
            static_cast<void>(s.append(to_stream("a", {numbered(i, std::string(200, 't'))})));
        static_cast<void>(s.truncate("a", revision{10}));
        is_over = !runs_out(at, [&] { s.scavenge(); });
        try {
            s.scavenge(); // it ends
        } catch (const error& e) {
            CHECK(e.code() == errc::writer_failed);
        }
        CHECK(lines_of(s.read()).size() == 2);
    }
}
