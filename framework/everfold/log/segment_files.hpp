// SPDX-License-Identifier: MIT
#pragma once
// The files of sealed segments, opened when somebody reads them: few descriptors and no work for
// what nobody asks for, however long the log is.

#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/source.hpp>
#include <everfold/log/stored_index.hpp>

#include <cstdint>
#include <exception>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace everfold::log {

/// Threads: any.
class segment_files {
public:
    /// Only one that holds the log's lock `stores_indexes`.
    segment_files(
        io::machine machine,
        std::string directory,
        uuid log_id,
        std::uint32_t batch_bytes_max,
        bool stores_indexes
    );

    /// The bytes of a sealed segment, checked to be those that the manifest names.
    /// Failure: io_error; corruption where it is missing or another one.
    [[nodiscard]] std::shared_ptr<segment_source> source_of(const segment_entry& entry);

    /// The index of a sealed segment: its file's, or made anew from the frames where that is
    /// missing or damaged, and then stored. Throws what source_of throws; corruption where frames
    /// do not check.
    [[nodiscard]] std::shared_ptr<const segment_index> index_of(const segment_entry& entry);

    /// Writes the index of a sealed segment, and gives it back as it is on disk. Nothing is lost
    /// but time where that fails: then there is a note, and the result is null.
    [[nodiscard]] std::shared_ptr<const segment_index>
    store_index(const segment_entry& entry, const segment_index& index);

    /// The same for the active segment, as far as `of` says; who opens the log next may use it.
    void store_active_index(
        const segment_entry& entry, const segment_index& index, const index_identity& of
    );

    /// What is wrong with the index file of a segment whose frames give `truth`; empty where it
    /// says the same, or is missing.
    [[nodiscard]] std::string
    compare_index(const segment_entry& entry, const segment_index& truth) const;

    /// What the manifest says of the segment now, where that is something else: its file was
    /// replaced.
    [[nodiscard]] std::optional<segment_entry> replaced(const segment_entry& entry) const;

    /// Closes the file of a segment that was replaced.
    void forget(const segment_entry& entry);

    /// Keeps a sentence for whoever asks what was found.
    void note(std::string sentence);
    /// `what` and why, or nothing where memory has run out.
    void note_failure(const char* what, const std::exception& why) noexcept;

    /// What was found wrong with derived files, a sentence each; handed out once.
    [[nodiscard]] std::vector<std::string> take_notes();

private:
    [[nodiscard]] std::shared_ptr<segment_source> open(const segment_entry& entry) const;
    [[nodiscard]] index_identity identity_of(const segment_entry& entry) const;

    io::machine machine_;
    std::string directory_;
    uuid log_id_;
    std::uint32_t batch_bytes_max_;
    bool stores_indexes_;
    std::mutex mutex_{};
    std::mutex storing_{}; // an index: the same one may be made twice, under one temporary name
    /// The ones that were asked for last, the very last in front.
    std::list<std::pair<std::string, std::shared_ptr<segment_source>>> open_{};
    std::vector<std::string> notes_{};
};

} // namespace everfold::log
