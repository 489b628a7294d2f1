// SPDX-License-Identifier: MIT
#include "reference_frames.hpp"

#include <xxhash.h>

#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace everfold::fuzz::reference {

namespace {

using bytes = std::span<const std::byte>;

std::uint64_t number(bytes b, std::uint64_t at, unsigned size) {
    std::uint64_t out = 0;
    for (unsigned i = size; i-- > 0;)
        out = out << 8U | std::to_integer<std::uint64_t>(b[at + i]);
    return out;
}

std::string text(bytes b) {
    std::string out;
    for (const auto byte : b)
        out += static_cast<char>(byte);
    return out;
}

std::uint64_t sum(bytes b, std::uint64_t seed) {
    return XXH3_64bits_withSeed(b.data(), b.size(), seed);
}

/// RFC 3629, by its table of well-formed sequences.
bool is_utf8_text(const std::string& s) {
    for (std::size_t i = 0; i < s.size();) {
        const auto at = [&](std::size_t k) { return k < s.size() ? s[k] & 0xFF : 0; };
        const auto tails = [&](std::size_t n) {
            for (std::size_t k = 1; k <= n; ++k)
                if ((at(i + k) & 0xC0) != 0x80)
                    return false;
            return true;
        };
        const int a = at(i);
        const int b = at(i + 1);
        if (a < 0x80)
            i += 1;
        else if (a >= 0xC2 && a <= 0xDF && tails(1))
            i += 2;
        else if (a >= 0xE0 && a <= 0xEF && tails(2) && !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F))
            i += 3;
        else if (a >= 0xF0 && a <= 0xF4 && tails(3) && !(a == 0xF0 && b < 0x90) && !(a == 0xF4 && b > 0x8F))
            i += 4;
        else
            return false;
    }
    return true;
}

struct name {
    std::string text{};
    std::uint64_t version{};
    std::uint64_t base{};
    std::optional<std::uint64_t> last_revision{};
    std::uint64_t last_at{};
};

class reader {
public:
    reader(bytes file, std::uint64_t seed, std::uint32_t batch_bytes_max, bool is_rewritten)
        : file_{file}
        , seed_{seed}
        , batch_bytes_max_{batch_bytes_max}
        , is_rewritten_{is_rewritten} {}

    segment read() {
        while (!out_.is_malformed && take_frame()) {
        }
        return out_;
    }

private:
    /// False where the frame does not check, or its records are not well-formed.
    bool take_frame() {
        const auto at = out_.at;
        if (out_.is_sealed || file_.size() < at + 72 || !is_header(file_, at, seed_))
            return false;
        const auto kind = number(file_, at + 4, 2);
        const auto length = number(file_, at + 8, 4);
        const auto count = number(file_, at + 12, 4);
        const auto recorded = static_cast<std::int64_t>(number(file_, at + 40, 8));
        const auto epoch = number(file_, at + 24, 4);
        if (kind < 1 || kind > (is_rewritten_ ? 5 : 3) || number(file_, at + 6, 2) != 0 ||
            length % 8 != 0 || length > batch_bytes_max_ || at + 72 + length > file_.size())
            return false;
        const auto body = file_.subspan(at + 64, length);
        const auto body_sum = number(file_, at + 48, 8);
        if (number(file_, at + 16, 8) != out_.next || epoch < out_.epoch ||
            number(file_, at + 28, 4) != (out_.chain & 0xFFFF'FFFFU) ||
            recorded < out_.recorded_ns || sum(body, out_.next) != body_sum ||
            number(file_, at + 64 + length, 4) != 72 + length ||
            number(file_, at + 68 + length, 4) != ((72 + length) ^ 0xFFFF'FFFFU))
            return false;
        if ((kind == 2 || kind == 3 || kind == 5) && count != 0)
            return false;
        if (kind == 2 && length != 0)
            return false;
        if (kind == 3 && !is_seal(body))
            return false;
        if (kind == 5 && !is_provenance(body))
            return false;
        if (kind == 4 && !is_remains(body, count))
            return false;
        if (kind == 1 || kind == 4) {
            recorded_ns_ = recorded;
            // Known before the chain is: what is behind it is told whole.
            if (!take_batch(body, count, kind == 4)) {
                out_.is_malformed = true;
                return false;
            }
        }
        if (kind == 1) {
            std::array<std::byte, 16> link{};
            for (unsigned i = 0; i < 8; ++i) {
                link.at(i) = static_cast<std::byte>(out_.chain >> 8 * i & 0xFFU);
                link.at(8 + i) = static_cast<std::byte>(body_sum >> 8 * i & 0xFFU);
            }
            out_.chain = sum(link, 0);
        } else if (kind == 4) {
            out_.chain = number(body, 0, 8);
        }
        out_.is_sealed = kind == 3;
        out_.epoch = static_cast<std::uint32_t>(epoch);
        out_.recorded_ns = recorded;
        out_.watermark = number(file_, at + 32, 8);
        ++out_.frames;
        out_.at += 72 + length;
        return true;
    }

    [[nodiscard]] bool is_seal(bytes body) const {
        return body.size() == 32 && number(body, 0, 8) == 0 && number(body, 8, 8) == out_.next &&
               number(body, 16, 8) == out_.chain && number(body, 24, 8) == out_.frames;
    }

    [[nodiscard]] static bool is_provenance(bytes body) {
        if (body.size() < 36)
            return false;
        const auto length = number(body, 32, 4);
        return length <= 4096 && (36 + length + 7) / 8 * 8 == body.size();
    }

    [[nodiscard]] static bool is_remains(bytes body, std::uint64_t count) {
        if (body.size() < 40 || number(body, 24, 4) == 0)
            return false;
        const auto runs = number(body, 28, 4);
        if (runs == 0 || 32 + 8 * runs > body.size())
            return false;
        std::uint64_t end = 0;
        for (std::uint64_t i = 0; i < runs; ++i) {
            const auto first = number(body, 32 + 8 * i, 4);
            const auto many = number(body, 36 + 8 * i, 4);
            if (many == 0 || (i > 0 && first <= end))
                return false;
            end = first + many;
        }
        return end <= count;
    }

    bool take_batch(bytes body, std::uint64_t count, bool is_remains) {
        if (!is_remains && body.size() < 16)
            return false;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
        std::uint64_t at = 16;
        if (is_remains) {
            const auto many = number(body, 28, 4);
            for (std::uint64_t i = 0; i < many; ++i)
                runs.emplace_back(number(body, 32 + 8 * i, 4), number(body, 36 + 8 * i, 4));
            at = 32 + 8 * many;
        }
        std::uint64_t place = 0;
        std::size_t run = 0;
        const auto skip = [&] {
            while (run < runs.size() && runs[run].first == place)
                place += runs[run++].second;
        };
        while (at < body.size()) {
            if (body.size() - at < 24)
                return false;
            const auto length = number(body, at, 4);
            const auto padding = number(body, at + 6, 1) & 7U;
            if (length < 24 || length % 8 != 0 || length > body.size() - at)
                return false;
            const auto record = body.subspan(at, length - padding);
            if (record.size() < 20)
                return false;
            if (number(record, 4, 2) == 0xFFFF) {
                if (!take_name(record))
                    return false;
            } else {
                skip();
                if (place >= count || !take_event(record, out_.at + 64 + at, out_.next + place))
                    return false;
                ++place;
            }
            at += length;
        }
        skip();
        if (place != count || run != runs.size())
            return false;
        out_.next += count;
        return out_.next <= 0xFFFF'FFFFU; // no segment holds more
    }

    bool take_name(bytes record) {
        const auto kind = number(record, 7, 1);
        const auto own = number(record, 8, 4);
        if (kind < 1 || kind > 3 || record.size() < 21 || record.size() > 20 + 255)
            return false;
        auto& known = names_[kind];
        const auto highest = known.empty() ? 0 : known.rbegin()->first + 1;
        if (is_rewritten_ ? own < highest : own != highest)
            return false;
        name n{.text = text(record.subspan(20))};
        if (kind == 2) {
            n.version = number(record, 12, 4);
            if (number(record, 16, 4) != 0 || own >= 0xFFFF)
                return false;
        } else if (kind == 1) {
            n.base = number(record, 12, 8);
        }
        if (!is_utf8_text(n.text) || !introduced_.emplace(kind, n.text, n.version).second)
            return false;
        known[own] = n;
        return true;
    }

    bool take_event(bytes record, std::uint64_t record_at, std::uint64_t position) {
        const auto flags = number(record, 6, 1);
        const auto tag_count = number(record, 7, 1);
        const auto type = names_[2].find(number(record, 4, 2));
        const auto stream = names_[1].find(number(record, 8, 4));
        const auto form = flags >> 3U & 3U;
        if (type == names_[2].end() || stream == names_[1].end())
            return false;
        event e{.position = position, .record_at = record_at};
        auto& of = stream->second;
        const auto revision = number(record, 12, 4);
        const auto back = number(record, 16, 4);
        const auto next_revision = of.last_revision ? *of.last_revision + 1 : 0;
        if (is_rewritten_ ? revision < next_revision : revision != next_revision)
            return false;
        if (!is_rewritten_ && back * 8 != (of.last_revision ? record_at - of.last_at : 0))
            return false;
        std::uint64_t at = 20;
        const auto take = [&](std::uint64_t size) -> std::optional<bytes> {
            if (size > record.size() - at)
                return {};
            at += size;
            return record.subspan(at - size, size);
        };
        const auto tags = take(4 * tag_count);
        if (!tags)
            return false;
        for (std::uint64_t i = 0; i < tag_count; ++i) {
            const auto tag = names_[3].find(number(*tags, 4 * i, 4));
            if (tag == names_[3].end())
                return false;
            e.tags.push_back(tag->second.text);
        }
        auto occurred_ns = recorded_ns_;
        e.recorded_ns = recorded_ns_;
        if (form != 0) {
            const auto time = take(8);
            if (!time)
                return false;
            const auto ns = static_cast<std::int64_t>(number(*time, 0, 8));
            occurred_ns = ns;
            if (form != 2)
                e.recorded_ns = ns;
        }
        e.occurred_seconds = occurred_ns / 1'000'000'000;
        auto rest = occurred_ns % 1'000'000'000;
        if (rest < 0) {
            rest += 1'000'000'000;
            --e.occurred_seconds;
        }
        e.occurred_nanoseconds = static_cast<std::uint32_t>(rest);
        if (form == 3) {
            const auto time = take(12);
            if (!time || number(*time, 8, 4) >= 1'000'000'000)
                return false;
            e.occurred_seconds = static_cast<std::int64_t>(number(*time, 0, 8));
            e.occurred_nanoseconds = static_cast<std::uint32_t>(number(*time, 8, 4));
        }
        const auto id = take((flags & 0x20U) != 0 ? 16 : 0);
        const auto causes = id ? take((flags & 0x40U) != 0 ? 32 : 0) : std::nullopt;
        if (!causes)
            return false;
        e.ids = id->empty() ? std::string(16, '\0') : text(*id);
        e.ids += causes->empty() ? std::string(32, '\0') : text(*causes);
        if ((flags & 0x80U) != 0) {
            const auto size = take(4);
            const auto metadata = size ? take(number(*size, 0, 4)) : std::nullopt;
            if (!metadata)
                return false;
            e.metadata = text(*metadata);
        }
        e.payload = text(record.subspan(at));
        e.revision = of.base + revision;
        e.stream = of.text;
        e.type = type->second.text;
        e.version = static_cast<std::uint32_t>(type->second.version);
        of.last_revision = revision;
        of.last_at = record_at;
        out_.events.push_back(e);
        return true;
    }

    bytes file_;
    std::uint64_t seed_;
    std::uint32_t batch_bytes_max_;
    bool is_rewritten_;
    std::int64_t recorded_ns_{}; // of the frame
    std::map<std::uint64_t, std::map<std::uint64_t, name>> names_{};
    std::set<std::tuple<std::uint64_t, std::string, std::uint64_t>> introduced_{};
    segment out_{};
};

} // namespace

bool is_header(bytes file, std::uint64_t at, std::uint64_t seed) {
    return at + 64 <= file.size() && number(file, at, 4) == 0x4D52'4645 &&
           number(file, at + 56, 8) == sum(file.subspan(at, 56), seed + at);
}

segment read(bytes file, std::uint64_t seed, std::uint32_t batch_bytes_max, bool is_rewritten) {
    return reader{file, seed, batch_bytes_max, is_rewritten}.read();
}

} // namespace everfold::fuzz::reference
