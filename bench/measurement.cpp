// SPDX-License-Identifier: LGPL-2.1-or-later
#include "measurement.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "task.hpp"

namespace secmap::bench {

namespace {

// Where a table has put a value is chance, once for each value and layout.
constexpr unsigned layouts = 64;
constexpr unsigned layouts_of_large = 16;
constexpr unsigned large = 4096;
constexpr unsigned few = 16;         // each lies where it is looked for first: no chance is left
constexpr unsigned samples = 16384;  // so many that the mean over them repeats to a fraction of an instruction
constexpr std::size_t bootstrap_draws = 1000;
constexpr double nanoseconds = 1e9;  // in a second

// What takes so many times as long as a call that a pass makes fewer of them: or there would be none without a tick.
unsigned times_of(const scenario& in, unsigned calls) {
    constexpr unsigned filters_in_a_call = 16;
    constexpr unsigned calls_in_a_task = 64;
    constexpr unsigned calls_in_an_answer = 16;
    constexpr unsigned calls_in_a_policy = 512;
    switch (in.what) {
        case work::calls: return std::max(1U, calls / ((in.depth + filters_in_a_call - 1) / filters_in_a_call));
        case work::notifications: return std::max(1U, calls / calls_in_an_answer);
        case work::forks:
        case work::threads: return std::max(1U, calls / calls_in_a_task);
        case work::create: return std::max(1U, calls / calls_in_a_policy);
        case work::attach:
        case work::attach_made:
        case work::replace:
        case work::stall:
        case work::create_table: break;
    }
    return 1;
}

unsigned layouts_of(unsigned values) {
    if (values >= large) return layouts_of_large;
    return values <= few ? layouts : std::max(layouts, samples / values);
}

// Without a filter there is nothing to do in these.
bool needs_filter(work what) {
    return what != work::calls && what != work::forks && what != work::threads && what != work::stall;
}

// A policy is made of a profile and attached; stock seccomp does both in one call.
std::optional<std::string> unfit(const scenario& in, engine by) {
    if (by == engine::none) return needs_filter(in.what) ? std::optional<std::string>("") : std::nullopt;
    if ((in.what == work::create || in.what == work::attach_made) && !is_secmap(by))
        return "seccomp(2) does it in one call: see attach";
    if ((in.what == work::replace || in.what == work::stall) && !is_secmap(by)) return "seccomp(2) cannot";
    if (in.what == work::create_table && by != engine::maps)
        return is_secmap(by) && has_tables(by) ? "the same as of maps" : "it has no tables";
    return std::nullopt;
}

// One engine with one call, and what was measured so far.
struct series {
    engine by = engine::none;
    call_pattern call;
    filter_maker maker;
    std::optional<filter> kept;  ///< of all rounds, where chance has no part in it
    std::vector<double> ticks;
    std::vector<double> nanoseconds;
    std::int64_t returned = 0;
    std::optional<std::string> missing;
};

std::string refused_words(std::int64_t returned) {
    return returned < 0 && returned > -4096
               ? fmt::format("{} ({})", returned, std::strerror(static_cast<int>(-returned)))
               : std::to_string(returned);
}

// A filter that decides otherwise than it should must not have figures.
std::optional<std::string> wrong_answer(const scenario& in, engine by, std::int64_t returned) {
    if (by == engine::none || (in.what != work::calls && in.what != work::notifications)) return std::nullopt;
    if (in.returned && returned != *in.returned)
        return fmt::format("the call returned {}, and should have returned {}", refused_words(returned),
                           refused_words(*in.returned));
    if (!in.returned && returned == -EPERM) return "the call was denied, and should have been allowed";
    return std::nullopt;
}

// Instructions: of a look-up the mean, for it is chance that is averaged; of all else the least, as of the rounds of one
// task, for in the others the kernel does something else besides.
double middle(const plan& of, const scenario& in, const series& one) {
    const summary counted = summarize(one.ticks);
    if (of.unit == unit::instructions) return in.hashed ? counted.mean : counted.minimum;
    return summarize(one.nanoseconds.empty() ? one.ticks : one.nanoseconds).median;
}

// One scenario.
class measuring final {
public:
    measuring(const plan& of, const scenario& in, const filter_source& from, const task_runner& runner)
        : of_(of), in_(in), from_(from), runner_(runner) {}

    // An engine that cannot do it gets a reason instead of figures.
    void prepare() {
        for (const engine by : of_.engines) {
            const auto not_fit = unfit(in_, by);
            if (not_fit && not_fit->empty()) continue;
            const bool in_order = in_.tested != order::none && !has_tables(by);
            const auto calls = in_order ? ends_of(in_.call) : std::vector<call_pattern>{in_.call};
            auto maker = not_fit ? result<filter_maker>(error{0, "", *not_fit, ""}) : bench::prepare(by, in_, from_);
            for (const call_pattern& each : calls) {
                series made;
                made.by = by;
                made.call = each;
                if (maker)
                    made.maker = *maker;
                else
                    made.missing = maker.error().operation.empty() ? maker.error().text : maker.error().message();
                all_.push_back(std::move(made));
            }
        }
    }

    // Turns that @ref take does: of one series, or of all in an order that begins elsewhere each time.
    [[nodiscard]] std::size_t turns() const { return of_.unit == unit::instructions ? all_.size() : of_.rounds; }

    void take(std::size_t turn) {
        if (of_.unit == unit::instructions) {
            series& one = all_[turn];
            for (unsigned task = 0; task < tasks_of(one); ++task) measure_once(one);
            return;
        }
        for (std::size_t place = 0; place < all_.size(); ++place) measure_once(all_[(turn + place) % all_.size()]);
    }

    [[nodiscard]] std::vector<cell> cells() {
        std::vector<cell> made;
        const series* base = needs_filter(in_.what) ? nullptr : chosen(engine::none);
        for (const engine by : of_.engines)
            if (const series* one = chosen(by)) made.push_back(cell_of(*one, base));
        return made;
    }

private:
    // Where memory lies makes a difference to all but calls, and attaching cannot be repeated in one task.
    [[nodiscard]] unsigned tasks_of(const series& one) const {
        constexpr unsigned some = 64;
        constexpr unsigned some_that_fork = 16;  // each has many children
        switch (in_.what) {
            case work::attach:
            case work::attach_made:
            case work::create:
            case work::notifications:
            case work::replace:
            case work::create_table: return some;
            case work::forks:
            case work::threads: return some_that_fork;
            case work::calls:
            case work::stall: break;
        }
        return in_.hashed && has_tables(one.by) ? layouts_of(in_.n) : 1;
    }

    void measure_once(series& one) {
        if (one.missing) return;
        if (auto failed = try_once(one)) one.missing = std::move(*failed);
    }

    std::optional<std::string> try_once(series& one) {
        const bool makes_itself = in_.what == work::attach || in_.what == work::create;
        const bool anew = in_.hashed && has_tables(one.by);
        if (!makes_itself && (!one.kept || anew)) {
            one.kept.reset();
            auto made = one.maker();
            if (!made) return made.error().message();
            one.kept = std::move(*made);
        }
        const bool counting = of_.unit == unit::instructions;
        // A turn tries all of the values.
        const auto calls = std::max(of_.calls, static_cast<unsigned>(one.call.values.size()));
        const pace how = {times_of(in_, calls), counting ? of_.rounds : 1,
                          counting || of_.counter_hz != 0 ? clocks::counter : clocks::counter_raw};
        const auto taken =
            runner_.run({in_, one.call, one.maker, makes_itself ? nullptr : &*one.kept, from_.module, how});
        if (!taken) return taken.error().message();
        if (auto wrong = wrong_answer(in_, one.by, taken->returned)) return wrong;
        one.ticks.push_back(taken->ticks);
        if (!counting)
            one.nanoseconds.push_back(of_.counter_hz != 0 ? taken->ticks * nanoseconds / of_.counter_hz
                                                          : taken->nanoseconds);
        one.returned = taken->returned;
        return std::nullopt;
    }

    // Of the calls that may be the cheapest or the dearest, the one that is.
    [[nodiscard]] const series* chosen(engine by) const {
        const series* found = nullptr;
        for (const series& each : all_) {
            if (each.by != by) continue;
            if (each.missing) return &each;
            const bool first = in_.tested == order::first;
            if (!found || (first ? middle(of_, in_, each) < middle(of_, in_, *found)
                                 : middle(of_, in_, each) > middle(of_, in_, *found)))
                found = &each;
        }
        return found;
    }

    static const std::vector<double>& values_of(const series& one) {
        return one.nanoseconds.empty() ? one.ticks : one.nanoseconds;
    }

    // What a median without a filter is where there is none: nothing.
    [[nodiscard]] std::optional<stock_ratio> to_stock(const series& one, const series* base) const {
        const series* best = nullptr;
        for (const engine by : {engine::stock, engine::stock_tree})
            if (const series* stock = chosen(by); stock && !stock->missing)
                if (!best || middle(of_, in_, *stock) < middle(of_, in_, *best)) best = stock;
        if (!best || one.by == engine::none || (base && base->missing)) return std::nullopt;
        const std::vector<double> zeros(values_of(one).size(), 0);
        const rounds of = {values_of(one), values_of(*best), base ? values_of(*base) : zeros};
        if (of_.unit == unit::instructions) {
            const double without = base ? middle(of_, in_, *base) : 0;
            const double by_stock = middle(of_, in_, *best) - without;
            if (by_stock <= 0) return std::nullopt;
            return stock_ratio{(middle(of_, in_, one) - without) / by_stock, std::nullopt};
        }
        const auto ratio = ratio_of_added(of);
        if (!ratio) return std::nullopt;
        return stock_ratio{*ratio, bootstrap(of, bootstrap_draws, of_.seed)};
    }

    [[nodiscard]] cell cell_of(const series& one, const series* base) const {
        cell made;
        made.scenario = in_.name;
        made.n = in_.n;
        made.by = one.by;
        made.missing = one.missing;
        if (made.missing) return made;
        made.figure = middle(of_, in_, one);
        made.ticks = summarize(one.ticks);
        if (!one.nanoseconds.empty()) made.nanoseconds = summarize(one.nanoseconds);
        made.returned = one.returned;
        if (base && !base->missing) made.added = made.figure - middle(of_, in_, *base);
        made.to_stock = to_stock(one, base);
        return made;
    }

    const plan& of_;
    const scenario& in_;
    const filter_source& from_;
    const task_runner& runner_;
    std::vector<series> all_;
};

std::chrono::seconds estimate(std::chrono::steady_clock::time_point begin, double part) {
    if (part <= 0) return std::chrono::seconds(0);
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - begin;
    return std::chrono::ceil<std::chrono::seconds>(gone * ((1 - part) / part));
}

}  // namespace

result<std::vector<cell>> measure(const plan& of, const filter_source& from, const progress_teller& tell) {
    const auto runner = task_runner::create();
    if (!runner) return runner.error();
    std::vector<cell> found;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t index = 0; index < of.scenarios.size(); ++index) {
        measuring one(of, of.scenarios[index], from, *runner);
        one.prepare();
        for (std::size_t turn = 0; turn < one.turns(); ++turn) {
            const double part =
                (static_cast<double>(index) + static_cast<double>(turn) / static_cast<double>(one.turns())) /
                static_cast<double>(of.scenarios.size());
            tell({of.scenarios[index].label(), index + 1, of.scenarios.size(), estimate(begin, part)});
            one.take(turn);
        }
        for (cell& each : one.cells()) found.push_back(std::move(each));
    }
    return found;
}

}  // namespace secmap::bench
