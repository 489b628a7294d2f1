// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/log/source.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>

using namespace everfold;
using namespace everfold::log;

namespace {

const uuid log_id = *uuid::parse("01234567-89ab-4def-8123-456789abcdef");

struct archived_file {
    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>(false);
    byte_buffer content{};
    std::shared_ptr<segment_source> archive{};

    explicit archived_file(byte_buffer bytes)
        : content{std::move(bytes)} {
        disk->set_content("/plain", content);
        const auto plain = open_plain(disk->open("/plain", io::open_mode::read), "/plain");
        archive = write_archive(*disk, "/archive", *plain, log_id, 5, {});
    }

    [[nodiscard]] std::shared_ptr<segment_source>
    reopen(const uuid& of = log_id, std::uint64_t id = 5) const {
        return open_archive(disk->open("/archive", io::open_mode::read), "/archive", of, id);
    }
};

/// Half of it compresses, half of it does not.
byte_buffer mixed(std::size_t size) {
    std::mt19937_64 random{size};
    byte_buffer out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = i % 600'000 < 300'000 ? static_cast<std::byte>(i / 64 % 7)
                                       : static_cast<std::byte>(random());
    return out;
}

} // namespace

TEST_CASE("an archive gives back every byte, wherever one asks") {
    for (const std::size_t size : {std::size_t{1}, 256_KiB, 256_KiB + 1, std::size_t{1'500'000}}) {
        CAPTURE(size);
        const archived_file file{mixed(size)};
        const auto archive = file.reopen();
        CHECK(archive->size() == size);
        std::mt19937_64 random{size};
        segment_source::scratch mine;
        for (int i = 0; i < 200; ++i) {
            const auto at = random() % (size + 10);
            byte_buffer into(random() % 300'000);
            const auto n = archive->read_at(byte_offset{at}, into, mine);
            const auto wanted = at >= size ? 0 : std::min(into.size(), size - at);
            REQUIRE(n == wanted);
            CHECK(std::equal(
                into.begin(),
                into.begin() + static_cast<std::ptrdiff_t>(n),
                file.content.begin() +
                    static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(at, size))
            ));
        }
    }
}

TEST_CASE("what compresses is smaller in an archive, what does not is hardly larger") {
    const archived_file zeros{byte_buffer(1'000'000)};
    CHECK(zeros.archive->stored_size() < 2000);
    std::mt19937_64 random{3};
    byte_buffer noise(1'000'000);
    std::ranges::generate(noise, [&] { return static_cast<std::byte>(random()); });
    const archived_file file{noise};
    CHECK(file.archive->stored_size() < 1'001'000);
}

TEST_CASE("an archive of another log or segment is not believed") {
    const archived_file file{mixed(1000)};
    CHECK_THROWS_AS(static_cast<void>(file.reopen(uuid{})), corruption);
    CHECK_THROWS_AS(static_cast<void>(file.reopen(log_id, 6)), corruption);
}

TEST_CASE("an archive is never written over a file that is there") {
    const archived_file file{mixed(1000)};
    const auto plain = open_plain(file.disk->open("/plain", io::open_mode::read), "/plain");
    CHECK_THROWS_AS(
        static_cast<void>(write_archive(*file.disk, "/archive", *plain, log_id, 5, {})), io_error
    );
}

TEST_CASE("no hostile byte of an archive leads outside of it") {
    const archived_file file{mixed(3000)};
    const auto intact = file.disk->content("/archive");
    std::uint64_t refused = 0;
    for (std::size_t bit = 0; bit < intact.size() * 8; ++bit) {
        auto bytes = intact;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        file.disk->set_content("/archive", bytes);
        try {
            segment_source::scratch mine;
            byte_buffer into(3000);
            const auto archive = file.reopen();
            const auto n = archive->read_at(byte_offset{0}, into, mine);
            CHECK(n == 3000);
            CHECK(into == file.content);
        } catch (const corruption&) {
            ++refused;
        }
    }
    CHECK(refused >= intact.size() * 8 - 7 * 8); // all but padding
}
