// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A circuit evaluated operation by operation, on any processor: one call works on a whole lane.
#ifndef LUTFORGE_ENGINE_INTERPRETER_HPP
#define LUTFORGE_ENGINE_INTERPRETER_HPP

#include <utility>

#include "circuit.hpp"

namespace engine {

typedef uint64_t Vector __attribute__((vector_size(64), aligned(8), may_alias));
typedef void (*Function3)(uint64_t* to, const uint64_t* a, const uint64_t* b, const uint64_t* c, size_t words);

// A function of two bits by its table; not a loop of cases, since the table is known to the compiler.
template <int TABLE, typename Word>
inline Word two(Word a, Word b) {
    if constexpr (TABLE == 0) return a ^ a;
    else if constexpr (TABLE == 15) return ~(a ^ a);
    else if constexpr (TABLE == 12) return a;
    else if constexpr (TABLE == 3) return ~a;
    else if constexpr (TABLE == 10) return b;
    else if constexpr (TABLE == 5) return ~b;
    else if constexpr (TABLE == 8) return a & b;
    else if constexpr (TABLE == 7) return ~(a & b);
    else if constexpr (TABLE == 14) return a | b;
    else if constexpr (TABLE == 1) return ~(a | b);
    else if constexpr (TABLE == 6) return a ^ b;
    else if constexpr (TABLE == 9) return ~(a ^ b);
    else if constexpr (TABLE == 4) return a & ~b;
    else if constexpr (TABLE == 2) return ~a & b;
    else if constexpr (TABLE == 13) return a | ~b;
    else return ~a | b;
}

// A function of three bits: of b and c where a is 0, and what changes where a is 1.
template <int FUNCTION, typename Word>
inline Word three(Word a, Word b, Word c) {
    constexpr int LOW = FUNCTION & 15, HIGH = FUNCTION >> 4, CHANGE = LOW ^ HIGH;
    if constexpr (CHANGE == 0) return two<LOW>(b, c);
    else if constexpr (CHANGE == 15) return two<LOW>(b, c) ^ a;
    else if constexpr (LOW == 0) return a & two<HIGH>(b, c);
    else if constexpr (HIGH == 0) return two<LOW>(b, c) & ~a;
    else if constexpr (HIGH == 15) return a | two<LOW>(b, c);
    else if constexpr (LOW == 15) return ~a | two<HIGH>(b, c);
    else return two<LOW>(b, c) ^ (a & two<CHANGE>(b, c));
}

template <int FUNCTION>
void apply(uint64_t* to, const uint64_t* a, const uint64_t* b, const uint64_t* c, size_t words) {
    size_t word = 0;
    for (; word + 8 <= words; word += 8)
        *reinterpret_cast<Vector*>(to + word) =
            three<FUNCTION>(*reinterpret_cast<const Vector*>(a + word), *reinterpret_cast<const Vector*>(b + word),
                            *reinterpret_cast<const Vector*>(c + word));
    for (; word < words; ++word) to[word] = three<FUNCTION>(a[word], b[word], c[word]);
}

template <size_t... FUNCTIONS>
const Function3* functions(std::index_sequence<FUNCTIONS...>) {
    static const Function3 all[] = {apply<int(FUNCTIONS)>...};
    return all;
}

class Interpreter {
  public:
    Interpreter(const Circuit& circuit, Decomposer& decomposer) {
        const Function3* all = functions(std::make_index_sequence<256>());
        const int lanes = int(circuit.place.size());
        for (const Gate& gate : circuit.gates) {
            std::vector<Op3> ops;
            int next = lanes;
            Ref ref = decomposer.build(gate.table, std::vector<int>(gate.source, gate.source + gate.inputs), ops, next);
            if (ref.inverted) ops.back().function = uint8_t(~ops.back().function);
            for (const Op3& op : ops) {
                auto place = [&](int value) {
                    if (value == ref.value) value = gate.lane;
                    return value < lanes ? circuit.place[size_t(value)] : Place{TEMPORARY, value - lanes};
                };
                steps_.push_back({all[op.function], place(op.value), place(op.a), place(op.b), place(op.c)});
                temporaries_ = std::max(temporaries_, op.value - lanes + 1);
            }
        }
        for (const auto& copy : circuit.copies) {
            Place from = copy.from == ZERO ? Place{DEST, copy.to} : circuit.place[size_t(copy.from)];
            const uint8_t function = copy.from == ZERO ? (copy.inverted ? 0xFF : 0x00) : (copy.inverted ? 0x0F : 0xF0);
            steps_.push_back({all[function], {DEST, copy.to}, from, from, from});
        }
    }
    int temporaries() const { return temporaries_; }

    void run(const uint64_t* source, uint64_t* dest, uint64_t* scratch, uint64_t* temporary, size_t words) const {
        uint64_t* const bases[4] = {const_cast<uint64_t*>(source), dest, scratch, temporary};
        auto at = [&](Place place) { return bases[place.area] + size_t(place.lane) * words; };
        for (const Step& step : steps_) step.function(at(step.to), at(step.a), at(step.b), at(step.c), words);
    }

  private:
    static const Area TEMPORARY = NOWHERE;
    struct Step {
        Function3 function;
        Place to, a, b, c;
    };
    std::vector<Step> steps_;
    int temporaries_ = 0;
};

}  // namespace engine

#endif
