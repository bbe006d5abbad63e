// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A net in 256 lanes at once, and truth tables over such nets. Lane i is bit i % 64 of word i / 64.
#ifndef LUTFORGE_NETLIST_LANES_HPP
#define LUTFORGE_NETLIST_LANES_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lutforge {

const unsigned LANES = 256, LANE_WORDS = LANES / 64;
typedef uint64_t Lanes __attribute__((vector_size(LANES / 8)));

inline Lanes every(bool one) { return Lanes{} - uint64_t(one); }
inline bool any(Lanes value) { return (value[0] | value[1] | value[2] | value[3]) != 0; }
inline bool all(Lanes value) { return (value[0] & value[1] & value[2] & value[3]) == ~uint64_t(0); }
inline Lanes select(Lanes chosen, Lanes one, Lanes zero) { return zero ^ ((zero ^ one) & chosen); }
inline bool lane_of(const Lanes& value, unsigned lane) {
    return reinterpret_cast<const uint64_t*>(&value)[lane / 64] >> lane % 64 & 1;
}
inline unsigned first_lane(const Lanes& value) {  // of a value that is not all zero
    unsigned word = 0;
    while (!reinterpret_cast<const uint64_t*>(&value)[word]) ++word;
    return 64 * word + unsigned(__builtin_ctzll(reinterpret_cast<const uint64_t*>(&value)[word]));
}

// Exchange bit j of word i and bit i of word j (Warren, Hacker's Delight, 7-3).
inline void transpose(uint64_t* words) {
    uint64_t mask = 0x00000000ffffffffull;
    for (unsigned half = 32; half; half >>= 1, mask ^= mask << half) {
        for (unsigned start = 0; start < 64; start += 2 * half) {
            for (unsigned row = start; row < start + half; ++row) {
                const uint64_t exchanged = (words[row] >> half ^ words[row + half]) & mask;
                words[row] ^= exchanged << half;
                words[row + half] ^= exchanged;
            }
        }
    }
}

// Bit i of INIT is the output at address i; input 0 is bit 0 of the address.
template <unsigned INIT>
inline Lanes table_of_2(Lanes a, Lanes b) {
    if constexpr (INIT == 0) return every(false);
    else if constexpr (INIT == 15) return every(true);
    else if constexpr (INIT == 10) return a;
    else if constexpr (INIT == 12) return b;
    else if constexpr (INIT == 8) return a & b;
    else if constexpr (INIT == 2) return a & ~b;
    else if constexpr (INIT == 4) return b & ~a;
    else if constexpr (INIT == 6) return a ^ b;
    else if constexpr (INIT == 14) return a | b;
    else return ~table_of_2<15 - INIT>(a, b);
}

template <unsigned INIT>
inline Lanes table_of_3(Lanes a, Lanes b, Lanes c) {
    return select(c, table_of_2<(INIT >> 4)>(a, b), table_of_2<(INIT & 15)>(a, b));
}

// Tables of up to three inputs are compiled, one function for each INIT. Operands: output, inputs.
typedef void (*Run)(Lanes* nets, const uint32_t* operands, uint32_t count);

template <unsigned INPUTS, unsigned INIT>
void run_small(Lanes* nets, const uint32_t* at, uint32_t count) {
    for (; count; --count, at += INPUTS + 1) {
        const Lanes a = nets[at[1]];
        if constexpr (INPUTS == 1) nets[at[0]] = table_of_2<(INIT * 5)>(a, a);
        if constexpr (INPUTS == 2) nets[at[0]] = table_of_2<INIT>(a, nets[at[2]]);
        if constexpr (INPUTS == 3) nets[at[0]] = table_of_3<INIT>(a, nets[at[2]], nets[at[3]]);
    }
}

template <unsigned INPUTS, size_t... INIT>
constexpr std::array<Run, sizeof...(INIT)> small_tables(std::index_sequence<INIT...>) {
    return {{run_small<INPUTS, unsigned(INIT)>...}};
}

static const auto TABLES_OF_1 = small_tables<1>(std::make_index_sequence<4>());
static const auto TABLES_OF_2 = small_tables<2>(std::make_index_sequence<16>());
static const auto TABLES_OF_3 = small_tables<3>(std::make_index_sequence<256>());

// A larger table is a tree of selections over the sixteen functions of its first two inputs, which are made first:
// no branch depends on INIT.
template <unsigned INPUTS>
inline Lanes tree(const Lanes* functions, const Lanes* inputs, uint64_t init) {
    if constexpr (INPUTS == 2) return functions[init & 15];
    else {
        const Lanes zero = tree<INPUTS - 1>(functions, inputs, init);
        return select(inputs[INPUTS - 1], tree<INPUTS - 1>(functions, inputs, init >> (1u << (INPUTS - 1))), zero);
    }
}

// Operands: output, inputs, INIT (one word, two for six inputs).
template <unsigned INPUTS>
void run_large(Lanes* nets, const uint32_t* at, uint32_t count) {
    const unsigned words = INPUTS == 6 ? 2 : 1;
    for (; count; --count, at += 1 + INPUTS + words) {
        Lanes inputs[INPUTS];
        for (unsigned index = 0; index < INPUTS; ++index) inputs[index] = nets[at[1 + index]];
        const Lanes a = inputs[0], b = inputs[1], both = a & b, either = a | b, differ = a ^ b;
        const Lanes functions[16] = {every(false), ~either, a & ~b, ~b, b & ~a, ~a, differ, ~both,
                                     both, ~differ, a, a | ~b, b, b | ~a, either, every(true)};
        uint64_t init = at[1 + INPUTS];
        if (words == 2) init |= uint64_t(at[2 + INPUTS]) << 32;
        nets[at[0]] = tree<INPUTS>(functions, inputs, init);
    }
}

}  // namespace lutforge

#endif
