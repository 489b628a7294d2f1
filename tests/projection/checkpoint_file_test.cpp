// SPDX-License-Identifier: MIT
// P9: a checkpoint's file holds a checkpoint, whatever happens, or it is an error.

#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/projection/checkpoint_file.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>

using namespace everfold;

namespace {

const checkpoint older{uuid{{std::byte{7}}}, position{41}, 0x1234};
const checkpoint newer{uuid{{std::byte{7}}}, position{142}, 0xFEDC'BA98'7654'3210};

/// A disk on which `older` was saved.
std::shared_ptr<io::simulated_disk> disk_with_older() {
    auto disk = std::make_shared<io::simulated_disk>();
    checkpoint_file{"kept", io::simulated_machine(disk)}.save(older);
    return disk;
}

std::optional<checkpoint> loaded_from(const std::shared_ptr<io::simulated_disk>& disk) {
    return checkpoint_file{"kept", io::simulated_machine(disk)}.load();
}

} // namespace

TEST_CASE("P9: a checkpoint is read back from its file, and no file is no checkpoint") {
    const testing::scratch_dir here;
    checkpoint_file file{here / "kept"};
    CHECK(!file.load());
    file.save(older);
    CHECK(file.load() == older);
    file.save(newer);
    CHECK(checkpoint_file{here / "kept"}.load() == newer);
    checkpoint_file elsewhere{here / "missing" + std::string{"/kept"}};
    CHECK_THROWS_AS(elsewhere.save(older), io_error);
}

TEST_CASE("P9: power lost at any operation of saving leaves the old or the new checkpoint") {
    const auto operations_before = disk_with_older()->operation_count();
    std::uint64_t states = 0;
    std::uint64_t old_ones = 0;
    for (std::uint64_t nth = 0;; ++nth) {
        const auto disk = disk_with_older();
        disk->power_off_at(operations_before + nth);
        bool is_saved = false;
        try {
            checkpoint_file{"kept", io::simulated_machine(disk)}.save(newer);
            is_saved = true;
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (const auto kind :
             {io::power_cut::lose_all,
              io::power_cut::keep_all,
              io::power_cut::random,
              io::power_cut::garble}) {
            for (std::uint64_t seed = 0; seed < 20; ++seed) {
                const auto found = loaded_from(disk->after_power_cut(kind, seed));
                CAPTURE(nth);
                CAPTURE(seed);
                CHECK((found == newer || (found == older && !is_saved)));
                ++states;
                old_ones += found == older ? 1 : 0;
                // It can be saved again over whatever was left.
                const auto next = disk->after_power_cut(kind, seed);
                checkpoint_file{"kept", io::simulated_machine(next)}.save(newer);
                CHECK(loaded_from(next) == newer);
            }
        }
        const auto killed = loaded_from(disk->after_kill());
        CHECK((killed == newer || (killed == older && !is_saved)));
        if (is_saved)
            break;
    }
    CHECK(states > 400);
    CHECK(old_ones > 100);
}

TEST_CASE("P9: whatever operation of saving fails, the old or the new checkpoint is there") {
    const auto operations_before = disk_with_older()->operation_count();
    for (std::uint64_t nth = 0;; ++nth) {
        const auto disk = disk_with_older();
        disk->fail_at(operations_before + nth, EIO);
        checkpoint_file file{"kept", io::simulated_machine(disk)};
        bool is_saved = false;
        try {
            file.save(newer);
            is_saved = true;
        } catch (const io_error&) {
        }
        disk->fail_at(0, 0);
        const auto found = loaded_from(disk);
        CHECK((found == newer || (found == older && !is_saved)));
        file.save(newer);
        CHECK(loaded_from(disk) == newer);
        if (is_saved)
            break;
        REQUIRE(nth < 100);
    }
}

TEST_CASE("P9: a damaged checkpoint file is an error that names it, and never a new beginning") {
    const auto intact = disk_with_older()->content("kept");
    const auto require_damaged = [](byte_buffer content) {
        const auto disk = disk_with_older();
        disk->set_content("kept", std::move(content));
        try {
            static_cast<void>(loaded_from(disk));
            FAIL("it was taken for a checkpoint, or for none");
        } catch (const error& e) {
            CHECK((e.code() == errc::damaged || e.code() == errc::unsupported));
            if (e.code() == errc::damaged)
                CHECK(e.message().find("'kept'") != std::string::npos);
        }
    };
    for (std::size_t length = 0; length < intact.size(); ++length)
        require_damaged({intact.begin(), intact.begin() + static_cast<std::ptrdiff_t>(length)});
    for (std::size_t at = 0; at < intact.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            auto flipped = intact;
            flipped[at] ^= static_cast<std::byte>(1U << bit);
            require_damaged(std::move(flipped));
        }
    }
    auto longer = intact;
    longer.push_back(std::byte{'\n'});
    require_damaged(longer);
    require_damaged(byte_buffer(1U << 20U, std::byte{}));
}
