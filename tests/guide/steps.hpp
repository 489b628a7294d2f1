// SPDX-License-Identifier: MIT
#pragma once
// The statements of a guide's page, one block at a time: the test says when, and sees what each
// prints.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

/// Tells the end of a block from what it prints: a line that begins with a control character.
class guide_steps {
public:
    // By lines, so that the two streams come in the order in which they were written to.
    guide_steps() { static_cast<void>(std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ)); }

    /// Waits for its turn; without one the program ends.
    void begin() const {
        if (std::getchar() == EOF)
            std::exit(0);
    }

    void end() const {
        std::cout.flush();
        std::puts("\036done");
        static_cast<void>(std::fflush(stdout));
    }

    /// In a handler: what the page did not catch.
    [[nodiscard]] int fail() const {
        std::cout.flush();
        try {
            throw;
        } catch (const std::exception& e) {
            std::printf("\036threw %s\n", e.what());
        } catch (...) {
            std::puts("\036threw something that is no std::exception");
        }
        static_cast<void>(std::fflush(stdout));
        return 1;
    }
};
