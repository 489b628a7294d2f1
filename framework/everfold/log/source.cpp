// SPDX-License-Identifier: MIT
#include <everfold/log/source.hpp>

#include <utility>

namespace everfold::log {

segment_source::~segment_source() = default;

namespace {

class plain_source final : public segment_source {
public:
    plain_source(std::shared_ptr<io::file> file, std::string path)
        : file_{std::move(file)}
        , path_{std::move(path)} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into, scratch& /*mine*/) override {
        return file_->read_at(at, into);
    }

    std::uint64_t size() override { return file_->size(); }

    std::uint64_t stored_size() override { return file_->size(); }

    [[nodiscard]] const std::string& file_name() const noexcept override { return path_; }

private:
    std::shared_ptr<io::file> file_;
    std::string path_;
};

} // namespace

std::shared_ptr<segment_source> open_plain(std::shared_ptr<io::file> file, std::string path) {
    return std::make_shared<plain_source>(std::move(file), std::move(path));
}

} // namespace everfold::log
