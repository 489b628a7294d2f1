// SPDX-License-Identifier: MIT
#include "compared.hpp"

#include "support/scratch_dir.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace everfold::benchmarks {

namespace {

struct spread {
    double median{};
    double min{};
    double max{};
};

spread spread_of(std::vector<double> all) {
    std::ranges::sort(all);
    const auto middle = all.size() / 2;
    const auto median = all.size() % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
    return {median, all.front(), all.back()};
}

/// A contestant's values, a list for each aspect.
class record {
public:
    record(const contest& c, const contestant& who)
        : contest_{&c}
        , who_{&who}
        , values_(c.aspects.size()) {}

    void take_turn() {
        const auto o = run();
        for (std::size_t i = 0; i < values_.size(); ++i)
            values_[i].push_back(o.values[i]);
    }

    measured run() const {
        auto o = who_->run();
        if (o.values.size() != values_.size())
            throw std::logic_error{who_->name + " has not measured every aspect"};
        if (o.digest != contest_->digest)
            throw std::runtime_error{
                contest_->operation + ": " + who_->name + " came to the state " + o.digest +
                ", and it must be " + contest_->digest};
        return o;
    }

    [[nodiscard]] const std::string& name() const { return who_->name; }
    [[nodiscard]] const std::vector<double>& of(std::size_t a) const { return values_[a]; }
    [[nodiscard]] spread spread_at(std::size_t a) const { return spread_of(values_[a]); }

private:
    const contest* contest_;
    const contestant* who_;
    std::vector<std::vector<double>> values_;
};

std::string short_number(double v) {
    char text[32];
    if (v >= 1e6)
        std::snprintf(text, sizeof text, "%.2fM", v / 1e6);
    else if (v >= 1e4)
        std::snprintf(text, sizeof text, "%.1fk", v / 1e3);
    else
        std::snprintf(text, sizeof text, v < 10 ? "%.2f" : "%.1f", v);
    return text;
}

std::string with_range(const spread& s) {
    return short_number(s.median) + " (" + short_number(s.min) + "-" + short_number(s.max) + ")";
}

std::string json_text(std::string_view text) {
    std::string out{"\""};
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

std::string json_of(const spread& s) {
    char text[128];
    std::snprintf(
        text, sizeof text, "{\"median\":%.6g,\"min\":%.6g,\"max\":%.6g}", s.median, s.min, s.max
    );
    return text;
}

bool is_met(const aim& target, double value) {
    return target.way == aim::direction::at_least ? value >= target.bound : value <= target.bound;
}

/// One aspect's row.
class row {
public:
    row(const contest& c, std::size_t a, const record& ours, const record* limit)
        : contest_{&c}
        , aspect_{&c.aspects[a]}
        , index_{a}
        , ours_{ours.spread_at(a)} {
        if (limit == nullptr)
            return;
        limit_ = limit->spread_at(a);
        limit_name_ = limit->name();
        std::vector<double> ratios;
        ratios.reserve(ours.of(a).size());
        for (std::size_t i = 0; i < ours.of(a).size(); ++i)
            ratios.push_back(ours.of(a)[i] / limit->of(a)[i]);
        ratio_ = spread_of(std::move(ratios));
    }

    void print(const std::vector<record>& peers) const {
        std::string what = contest_->operation;
        if (!aspect_->what.empty())
            what += ", " + aspect_->what;
        std::printf("%s [%s]\n", what.c_str(), aspect_->unit.c_str());
        std::printf("    %-12s %s\n", "Everfold", with_range(ours_).c_str());
        if (limit_)
            std::printf(
                "    %-12s %s   %s\n", "limit", with_range(*limit_).c_str(), limit_name_.c_str()
            );
        if (ratio_)
            std::printf("    %-12s %s", "ratio", with_range(*ratio_).c_str());
        if (aspect_->target)
            std::printf(
                "%starget %s %g  %s",
                ratio_ ? "   " : "    ",
                aspect_->target->way == aim::direction::at_least ? "at least" : "at most",
                aspect_->target->bound,
                is_met(*aspect_->target, judged()) ? "met" : "MISSED"
            );
        std::printf("\n");
        for (const auto& p : peers)
            std::printf(
                "    %-12s %s\n", p.name().c_str(), with_range(p.spread_at(index_)).c_str()
            );
    }

    [[nodiscard]] std::string json(const std::vector<record>& peers, unsigned pairs) const {
        std::ostringstream out;
        out << "{\"operation\":" << json_text(contest_->operation)
            << ",\"aspect\":" << json_text(aspect_->what)
            << ",\"unit\":" << json_text(aspect_->unit) << ",\"events\":" << contest_->events
            << ",\"work\":" << json_text(contest_->work) << ",\"pairs\":" << pairs
            << ",\"ours\":" << json_of(ours_);
        if (limit_)
            out << ",\"limit\":" << json_of(*limit_) << ",\"limit_name\":" << json_text(limit_name_)
                << ",\"ratio\":" << json_of(*ratio_);
        if (aspect_->target)
            out << ",\"target\":{\"way\":"
                << (aspect_->target->way == aim::direction::at_least ? "\"at_least\""
                                                                     : "\"at_most\"")
                << ",\"bound\":" << aspect_->target->bound
                << ",\"of\":" << (is_ratio_judged() ? "\"ratio\"" : "\"value\"") << '}';
        out << ",\"peers\":{";
        for (std::size_t i = 0; i < peers.size(); ++i)
            out << (i > 0 ? "," : "") << json_text(peers[i].name()) << ':'
                << json_of(peers[i].spread_at(index_));
        out << "}}";
        return out.str();
    }

private:
    [[nodiscard]] bool is_ratio_judged() const { return ratio_ && !aspect_->is_of_value; }
    [[nodiscard]] double judged() const {
        return is_ratio_judged() ? ratio_->median : ours_.median;
    }

    const contest* contest_;
    const aspect* aspect_;
    std::size_t index_;
    spread ours_;
    std::optional<spread> limit_{};
    std::string limit_name_{};
    std::optional<spread> ratio_{};
};

void write(
    const options& how,
    const contest& c,
    unsigned pairs,
    const record& ours,
    const record* limit,
    const std::vector<record>& peers
) {
    std::ofstream file;
    if (!how.json.empty())
        file.open(how.json, std::ios::app);
    for (std::size_t a = 0; a < c.aspects.size(); ++a) {
        const row r{c, a, ours, limit};
        r.print(peers);
        if (file.is_open())
            file << r.json(peers, pairs) << '\n';
    }
    if (file.is_open() && !file.flush())
        throw std::runtime_error{how.json + " can't be written"};
    std::fflush(stdout);
}

options parse(int argc, char** argv) {
    options out;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word{argv[i]};
        const auto value = [&] {
            if (i + 1 == argc)
                throw std::invalid_argument{std::string{word} + " needs a value"};
            return std::string{argv[++i]};
        };
        if (word == "--pairs")
            out.pairs = static_cast<unsigned>(std::stoul(value()));
        else if (word == "--seconds")
            out.seconds = std::stod(value());
        else if (word == "--no-peers")
            out.with_peers = false;
        else if (word == "--data")
            out.data = value();
        else if (word == "--json")
            out.json = value();
        else
            out.events = std::stoull(std::string{word});
    }
    if (out.pairs == 0 || out.events == 0 || out.events % 10 != 0)
        throw std::invalid_argument{"EVENTS is a multiple of ten, and there is at least one pair"};
    return out;
}

} // namespace

void compare(const options& how, const contest& c) {
    record ours{c, c.ours};
    std::optional<record> limit;
    if (c.limit)
        limit.emplace(c, *c.limit);
    std::vector<record> peers;
    peers.reserve(c.peers.size());
    if (how.with_peers)
        for (const auto& p : c.peers)
            peers.emplace_back(c, p);
    const stopwatch spent;
    if (c.warms_up) {
        static_cast<void>(ours.run());
        if (limit)
            static_cast<void>(limit->run());
    }
    unsigned pairs = 0;
    for (; pairs < how.pairs && (pairs == 0 || spent.seconds() < how.seconds); ++pairs) {
        // Who is first changes, so that neither always finds the machine as the other left it.
        if (limit && pairs % 2 == 1)
            limit->take_turn();
        ours.take_turn();
        if (limit && pairs % 2 == 0)
            limit->take_turn();
        for (std::size_t i = 0; i < peers.size(); ++i) {
            const auto turns = c.peers[i].turns;
            if (turns == 0 || pairs < turns)
                peers[i].take_turn();
        }
    }
    write(how, c, pairs, ours, limit ? &*limit : nullptr, peers);
}

double percentile(std::vector<double>& of, double part) {
    std::ranges::sort(of);
    return of[static_cast<std::size_t>(std::floor(part * static_cast<double>(of.size() - 1)))];
}

int answer(int argc, char** argv, const std::function<void(const options&)>& questions) {
    try {
        auto how = parse(argc, argv);
        const testing::scratch_dir scratch;
        if (how.data.empty())
            how.data = scratch.string();
        std::filesystem::create_directories(how.data);
        questions(how);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}

} // namespace everfold::benchmarks
