// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bench_json.hpp"

#include <cmath>
#include <cstring>
#include <string>

namespace secmap::ctl {

namespace {

using nlohmann::ordered_json;

// Four digits are more than any figure is worth.
double rounded(double number) {
    constexpr double digits = 1e4;
    return std::round(number * digits) / digits;
}

ordered_json text_or_null(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

ordered_json summary_json(const bench::summary& of) {
    if (of.count == 0) return nullptr;
    return {{"count", of.count},
            {"minimum", rounded(of.minimum)},
            {"lower_quartile", rounded(of.lower)},
            {"median", rounded(of.median)},
            {"upper_quartile", rounded(of.upper)},
            {"mean", rounded(of.mean)}};
}

ordered_json cell_json(const bench::report& in, const bench::cell& of) {
    ordered_json json = {{"scenario", of.scenario}, {"n", of.n}, {"engine", bench::engine_label(in, of.by)}};
    json["missing"] = of.missing ? ordered_json(*of.missing) : ordered_json(nullptr);
    if (of.missing) return json;
    json["figure"] = rounded(of.figure);
    json["added"] = of.added ? ordered_json(rounded(*of.added)) : ordered_json(nullptr);
    json["ratio_to_stock"] = of.to_stock ? ordered_json(rounded(of.to_stock->ratio)) : ordered_json(nullptr);
    json["ratio_95"] = of.to_stock && of.to_stock->within
                           ? ordered_json({rounded(of.to_stock->within->low), rounded(of.to_stock->within->high)})
                           : ordered_json(nullptr);
    json["nanoseconds"] = summary_json(of.nanoseconds);
    json["ticks"] = summary_json(of.ticks);
    json["returned"] = of.returned;
    return json;
}

ordered_json machine_json(const bench::machine_facts& of) {
    return {{"kernel", of.kernel},
            {"processor", of.processor},
            {"processors", of.processors},
            {"cpu", of.cpu},
            {"clock", of.clock},
            {"counter_hz", of.counter_hz != 0 ? ordered_json(std::round(of.counter_hz)) : ordered_json(nullptr)},
            {"virtual_machine", of.virtual_machine},
            {"module_loaded", of.module_loaded},
            {"governor", text_or_null(of.governor)},
            {"turbo", text_or_null(of.turbo)},
            {"bpf_jit", text_or_null(of.bpf_jit)},
            {"bpf_jit_harden", text_or_null(of.bpf_jit_harden)},
            {"spec_store_bypass", text_or_null(of.store_bypass)},
            {"other_probes", text_or_null(of.other_probes)},
            {"load", of.load ? ordered_json(*of.load) : ordered_json(nullptr)}};
}

}  // namespace

ordered_json bench_json(const bench::report& of) {
    ordered_json json = {{"unit", of.unit == bench::unit::instructions ? "instructions" : "nanoseconds"},
                         {"rounds", of.rounds},
                         {"calls", of.calls},
                         {"seed", of.seed},
                         {"date", of.date},
                         {"tool", of.tool},
                         {"profile", text_or_null(of.profile)},
                         {"machine", machine_json(of.machine)}};
    json["warnings"] = ordered_json::array();
    for (const bench::warning& each : of.warnings)
        json["warnings"].push_back({{"about", each.about}, {"text", each.text}, {"hint", each.hint}});
    json["unavailable"] = ordered_json::array();
    for (const bench::unavailable_engine& each : of.unavailable)
        json["unavailable"].push_back({{"engine", bench::engine_name(each.which)},
                                       {"text", each.why.operation + ": " + each.why.text},
                                       {"hint", each.why.hint}});
    json["scenarios"] = ordered_json::array();
    for (const bench::scenario_title& each : of.titles)
        json["scenarios"].push_back({{"name", each.name}, {"title", each.title}});
    json["cells"] = ordered_json::array();
    for (const bench::cell& each : of.cells) json["cells"].push_back(cell_json(of, each));
    return json;
}

}  // namespace secmap::ctl
