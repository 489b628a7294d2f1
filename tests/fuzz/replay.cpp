// SPDX-License-Identifier: MIT
// Runs one target without a fuzzer: each file that is named or lies in a folder that is named, and
// so many changed copies of each. They are the same each time.
//
//   replay_TARGET [--copies N] PATH...
//
// With EVERFOLD_KEEP_INPUT in the environment each copy is written to last-input.bin before it is
// run.

#include "fuzz.hpp"
#include "mutate.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace everfold;

namespace {

constexpr std::size_t size_max = 64 * 1024;

byte_buffer content_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    fuzz::require(in.good() || in.eof(), "a file of the corpus can be read");
    const auto bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

std::vector<std::filesystem::path> files_at(const std::filesystem::path& path) {
    std::vector<std::filesystem::path> out;
    if (!std::filesystem::is_directory(path))
        return {path};
    for (const auto& entry : std::filesystem::directory_iterator{path})
        out.push_back(entry.path());
    std::ranges::sort(out);
    return out;
}

/// In the file last-input.bin of the working directory, for the one that ends the process.
void keep(bytes_view input) {
    std::ofstream{"last-input.bin", std::ios::binary} << as_text(input);
}

void replay(const std::filesystem::path& path, std::size_t copies) {
    const auto content = content_of(path);
    std::fprintf(stderr, "%s", path.filename().c_str());
    fuzz::run(content);
    for (std::size_t i = 0; i < copies; ++i) {
        std::fprintf(stderr, i == 0 ? ", copy %zu" : " %zu", i);
        fuzz::choices choose{i};
        auto changed = content;
        fuzz::mutate(changed, size_max, choose);
        fuzz::repair(changed, choose.next());
        changed.shrink_to_fit(); // so that AddressSanitizer sees its end
        if (std::getenv("EVERFOLD_KEEP_INPUT") != nullptr)
            keep(changed);
        fuzz::run(changed);
    }
    std::fprintf(stderr, "\n");
}

} // namespace

int main(int count, char** words) {
    try {
        std::size_t copies = 0;
        std::size_t files = 0;
        for (int i = 1; i < count; ++i) {
            if (std::string_view{words[i]} == "--copies" && i + 1 < count) {
                copies = std::stoul(words[++i]);
                continue;
            }
            for (const auto& path : files_at(words[i])) {
                replay(path, copies);
                ++files;
            }
        }
        std::printf("[check] %zu passed, %d failed\n", files, files == 0 ? 1 : 0);
        return files == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    } catch (const std::exception& e) {
        std::fprintf(
            stderr, "\nnot one of our errors, or thrown where none may be: %s\n", e.what()
        );
        std::abort();
    }
}
