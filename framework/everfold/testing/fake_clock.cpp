// SPDX-License-Identifier: MIT
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/testing/fake_clock.hpp>

namespace everfold::testing {

class fake_clock::standing final : public io::clock {
public:
    explicit standing(timestamp start)
        : wall_{start, std::chrono::nanoseconds{}} {}

    [[nodiscard]] timestamp now() override { return wall_.now(); }

    [[nodiscard]] std::chrono::nanoseconds monotonic() override { return real_->monotonic(); }

    [[nodiscard]] io::simulated_clock& wall() noexcept { return wall_; }

private:
    io::simulated_clock wall_;
    std::shared_ptr<io::clock> real_{io::posix_machine().time};
};

fake_clock::fake_clock(timestamp start)
    : time_{std::make_shared<standing>(start)} {}

timestamp fake_clock::now() const {
    return time_->now();
}

void fake_clock::set(timestamp t) {
    time_->wall().set(t);
}

void fake_clock::advance(std::chrono::nanoseconds by) {
    time_->wall().advance(by);
}

std::shared_ptr<io::clock> fake_clock::clock() const {
    return time_;
}

store open_in_memory(const fake_clock& time, const store_options& options) {
    auto machine = io::posix_machine();
    machine.files = std::make_shared<io::simulated_disk>(false);
    machine.time = time.clock();
    machine.has_background = false;
    auto in_memory = options;
    in_memory.mode = open_mode::create;
    in_memory.level = durability::commit();
    in_memory.compress_sealed = false;
    return open("/log", in_memory, machine);
}

} // namespace everfold::testing
