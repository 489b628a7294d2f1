// SPDX-License-Identifier: MIT
#pragma once
// The files that a person names to import from and export to. No log is touched here.

#include <cstddef>
#include <cstdint>
#include <string>

namespace everfold::cli {

/// A file, or standard input for "-".
///
/// Owns:    the descriptor, unless it is standard input.
/// Failure: input_output_error from the constructor and read().
class input_file {
public:
    explicit input_file(const std::string& path);
    input_file(const input_file&) = delete;
    input_file& operator=(const input_file&) = delete;
    input_file(input_file&&) = delete;
    input_file& operator=(input_file&&) = delete;
    ~input_file();

    /// How many bytes it wrote to `to`; 0 at the end.
    [[nodiscard]] std::size_t read(char* to, std::size_t size);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// In bytes; 0 where it is not known.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

private:
    std::string name_;
    int descriptor_;
    std::uint64_t size_{};
};

/// Whether the file, or what a link of that name leads to, lies in the directory.
[[nodiscard]] bool lies_in(const std::string& directory, const std::string& file);

/// A file that has its name only once it is whole: a failed export leaves what was there before.
/// What is no regular file (a pipe, a device, a link) is written to as it is.
///
/// Owns:    the descriptor, and until commit() the file with the temporary name.
/// Failure: input_output_error from the constructor and commit().
class output_file {
public:
    explicit output_file(std::string path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    output_file(output_file&&) = delete;
    output_file& operator=(output_file&&) = delete;
    ~output_file();

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    void commit();

private:
    std::string path_;
    std::string temporary_{}; // empty: written in place
    int descriptor_{-1};
};

} // namespace everfold::cli
