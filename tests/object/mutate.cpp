// SPDX-License-Identifier: LGPL-2.1-or-later
// Damages object files in every way that it can think of, and reads them: an object is refused with a reason, or it is a
// program whose parts fit together. Built with the address and undefined-behaviour sanitizers.
//
//   secmap-mutate COUNT OBJECT...        SECMAP_SEED=N repeats a run
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <secmap/ebpf_program.hpp>

#include "elf_file.hpp"

namespace {

using bytes = std::vector<std::byte>;

constexpr std::array<const char*, 8> parts_of_interest = {"secmap",   ".relsecmap", ".maps",   ".BTF",
                                                          ".BTF.ext", ".symtab",    ".strtab", ""};
constexpr std::size_t headers_size = 64;
constexpr std::size_t damages_most = 4;

class mutator final {
public:
    mutator(bytes original, std::mt19937_64& random) : original_(std::move(original)), random_(random) {
        const auto file = secmap::detail::elf_file::parse(original_, "original");
        if (!file) return;
        for (const auto& each : file->sections()) {
            const bool wanted = std::ranges::find(parts_of_interest, each.name) != parts_of_interest.end();
            if (!wanted || each.bytes.empty()) continue;
            // The offset is not kept: the bytes are looked for.
            const auto at = std::search(original_.begin(), original_.end(), each.bytes.begin(), each.bytes.end());
            parts_.push_back({static_cast<std::size_t>(at - original_.begin()), each.bytes.size()});
        }
        std::uint64_t table = 0;
        std::memcpy(&table, original_.data() + offsetof(Elf64_Ehdr, e_shoff), sizeof(table));
        parts_.push_back({table, original_.size() - table});
        parts_.push_back({0, headers_size});
    }

    [[nodiscard]] bool usable() const { return !parts_.empty(); }

    bytes next() {
        bytes damaged = original_;
        if (below(8) == 0) damaged.resize(below(damaged.size()));
        for (std::size_t left = 1 + below(damages_most); left != 0 && !damaged.empty(); --left) damage(damaged);
        return damaged;
    }

private:
    struct part {
        std::size_t offset;
        std::size_t size;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    std::uint64_t edge() {
        switch (below(5)) {
            case 0: return below(4);
            case 1: return (std::uint64_t{1} << below(64)) + below(3) - 1;
            case 2: return below(original_.size() + 64);
            case 3: return ~std::uint64_t{0} - below(16);
            default: return random_();
        }
    }

    void damage(bytes& of) {
        constexpr std::array<std::size_t, 4> sizes = {1, 2, 4, 8};
        const part where = parts_[below(parts_.size())];
        const std::size_t size = sizes[below(sizes.size())];
        const std::size_t at = where.offset + below(where.size) / size * size;
        if (at >= of.size()) return;
        const std::uint64_t value = edge();
        std::memcpy(of.data() + at, &value, std::min(size, of.size() - at));
    }

    bytes original_;
    std::mt19937_64& random_;
    std::vector<part> parts_;
};

[[noreturn]] void fail(const char* what) {
    std::printf("FAILED: %s\n", what);
    std::exit(1);
}

void must(bool holds, const char* what) {
    if (!holds) fail(what);
}

/// Everything that is done with a file of somebody else's. True: it was a program.
bool use(const bytes& content) {
    auto image = secmap::parse_ebpf_object(content, "damaged.o");
    if (!image) {
        must(!image.error().text.empty(), "a refusal without a reason");
        return false;
    }
    must(!image->code.empty() && image->code.size() <= secmap::filter_length_max, "a program of no length");
    for (const auto& each : image->tables) {
        const bool map = each.kind == secmap::table_kind::bpf_map;
        must(map || each.contents.max_entries != 0, "a table of no size");
        must(each.contents.values.empty() || each.contents.values.size() == each.contents.keys.size(),
             "a table with other than as many values as keys");
    }
    must(std::ranges::is_sorted(image->lines, {}, &secmap::source_line::instruction), "lines in disorder");
    must(secmap::disassemble(image->code, image->tables).size() == image->code.size(), "lines left out");
    const auto program = secmap::ebpf_program::create(std::move(image).value());
    if (!program) {
        must(!program.error().text.empty(), "a refusal without a reason");
        return false;
    }
    seccomp_data call = {};
    call.arch = 0xc000003e;
    for (call.nr = 0; call.nr < 8; ++call.nr) {
        const auto foreseen = program->predict(secmap::abi::x86_64, static_cast<std::uint32_t>(call.nr));
        must(!foreseen || *foreseen == program->judge(call).action, "a prediction that does not hold");
    }
    return true;
}

std::uint64_t seed() {
    const char* given = std::getenv("SECMAP_SEED");
    return given ? std::strtoull(given, nullptr, 0) : std::random_device()();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s COUNT OBJECT...\n", argv[0]);
        return 2;
    }
    const std::uint64_t from = seed();
    std::printf("SECMAP_SEED=%#llx\n", static_cast<unsigned long long>(from));
    std::fflush(stdout);
    std::mt19937_64 random(from);
    const long count = std::strtol(argv[1], nullptr, 10);
    for (int index = 2; index < argc; ++index) {
        std::ifstream file(argv[index], std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        bytes original(text.size());
        std::memcpy(original.data(), text.data(), text.size());
        must(use(original), "the object itself is not accepted");
        for (std::size_t length = 0; length < original.size(); length += 1 + random() % 16)
            use({original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length)});
        mutator damaging(original, random);
        must(damaging.usable(), "the object has no parts");
        long accepted = 0;
        for (long done = 0; done < count; ++done) accepted += use(damaging.next()) ? 1 : 0;
        std::printf("%s: %ld of %ld damaged ones accepted\n", argv[index], accepted, count);
        // Else the damage is all of one kind.
        must(count < 100 || (accepted != 0 && accepted != count), "nothing but refusals, or none");
    }
    return 0;
}
