// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A truth table of up to six inputs as few functions of three inputs: what one vpternlog computes.
//
// Found by search: Shannon and Davio expansions, functions of four inputs made of two, and splits by a bound set of
// three inputs with few different columns (Ashenhurst, Curtis). Complements cost nothing, since a function of three
// inputs absorbs them.
#ifndef LUTFORGE_ENGINE_DECOMPOSE_HPP
#define LUTFORGE_ENGINE_DECOMPOSE_HPP

#include <cstdint>
#include <vector>

#ifdef __BMI2__
#include <immintrin.h>
#endif

namespace engine {

// A value: a constant (ZERO), or an operand, perhaps inverted.
struct Ref {
    int value;
    bool inverted;
};
const int ZERO = -1;

// value = bit of `function` at address (a << 2 | b << 1 | c), as the immediate of vpternlog.
struct Op3 {
    uint8_t function;
    int value, a, b, c;
};

typedef uint64_t Table;  // of n inputs: the lowest 1 << n bits

inline Table ones(int inputs) { return inputs == 6 ? ~Table(0) : (Table(1) << (1 << inputs)) - 1; }

// Addresses whose bit k is 0.
const Table LOW[6] = {0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F,
                      0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};

// The table with input k fixed, of one input less.
inline Table cofactor(Table table, int inputs, int k, int value) {
    Table half = value ? table >> (1 << k) : table;
#ifdef __BMI2__
    return _pext_u64(half, LOW[k] & ones(inputs));
#else
    half &= LOW[k];
    for (int step = k; step < inputs - 1; ++step) half = (half | half >> (1 << step)) & LOW[step + 1];
    return half & ones(inputs - 1);
#endif
}

inline bool depends(Table table, int inputs, int k) { return (table ^ table >> (1 << k)) & LOW[k] & ones(inputs); }

// How to make a table: cost in operations, and the choice that has it.
struct Choice {
    uint8_t cost, kind, first, second;
};
enum Kind : uint8_t { SINGLE, TWO_OF_FOUR, EXPANSION, BOUND_SET };

class Decomposer {
  public:
    Decomposer();
    // Append the operations of a table over `vars`; new values are numbered from `next` on.
    Ref build(Table table, std::vector<int> vars, std::vector<Op3>& ops, int& next);
    int cost(Table table, int inputs) { return choose(table, inputs).cost; }

  private:
    struct Split {
        int columns;            // different ones
        uint32_t column[8];     // the different columns: bits over the free inputs
        uint8_t number[8];      // which of them each assignment of the bound inputs has
    };
    static const int MAX_CODES = 9, KNOWN_BITS = 13;
    struct Code {
        Table outer;            // over (h0, h1 where there are two, the free inputs)
        uint8_t h[2];           // functions of the bound inputs
        int count;
    };
    Choice choose(Table table, int inputs);
    Choice reduced(Table table, int inputs);
    Choice search(Table table, int inputs);
    Choice search_four(Table table);
    bool split(Table table, int inputs, int set, Split& result) const;
    static int codes(const Split& split, int inputs, Code* result);
    Ref build_four(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next);
    Ref build_expansion(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next);
    Ref build_bound(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next);

    std::vector<Choice> four_;
    struct Known {
        Table table;
        Choice choice;
    };
    std::vector<Known> known_[7];  // the latest choice at each place of a table's hash
    std::vector<int> sets_[7];  // bound sets of three inputs, as bits
};

// The operation `table` over up to three refs, complements and constants absorbed.
inline Ref operation(Table table, const Ref* refs, int count, std::vector<Op3>& ops, int& next) {
    int operands[3], used = 0;
    for (int i = 0; i < count; ++i) {
        bool known = refs[i].value == ZERO;
        for (int j = 0; j < used; ++j) known = known || operands[j] == refs[i].value;
        if (!known) operands[used++] = refs[i].value;
    }
    uint8_t function = 0;
    for (int address = 0; address < 8; ++address) {
        int inner = 0;
        for (int i = 0; i < count; ++i) {
            int bit = 0;
            for (int j = 0; j < used; ++j)
                if (operands[j] == refs[i].value) bit = address >> (2 - j) & 1;
            inner |= (bit ^ int(refs[i].inverted)) << i;
        }
        function |= uint8_t((table >> inner & 1) << address);
    }
    if (function == 0 || function == 0xFF) return {ZERO, function == 0xFF};
    static const uint8_t PLAIN[3] = {0xF0, 0xCC, 0xAA};
    for (int j = 0; j < used; ++j) {
        if (function == PLAIN[j]) return {operands[j], false};
        if (function == uint8_t(~PLAIN[j])) return {operands[j], true};
    }
    for (int j = used; j < 3; ++j) operands[j] = operands[0];
    ops.push_back({function, next, operands[0], operands[1], operands[2]});
    return {next++, false};
}

inline Decomposer::Decomposer() : four_(1 << 16, Choice{0xFF, 0, 0, 0}) {
    for (int inputs = 5; inputs <= 6; ++inputs) known_[inputs].assign(size_t(1) << KNOWN_BITS, {0, {0, SINGLE, 0, 0}});
    for (int inputs = 5; inputs <= 6; ++inputs)
        for (int set = 0; set < 1 << inputs; ++set)
            if (__builtin_popcount(set) == 3) sets_[inputs].push_back(set);
}

inline Choice Decomposer::choose(Table table, int inputs) {
    if (table & 1) table = ~table & ones(inputs);
    if (inputs == 4) {
        Choice& found = four_[table];
        if (found.cost == 0xFF) found = reduced(table, 4);
        return found;
    }
    if (inputs < 4) return reduced(table, inputs);
    const size_t place = size_t(table * 0x9E3779B97F4A7C15u >> (64 - KNOWN_BITS));
    Known& known = known_[inputs][place];
    if (known.table == table) return known.choice;
    const Choice choice = reduced(table, inputs);
    known_[inputs][place] = {table, choice};  // the search may have moved others in between
    return choice;
}

// The choice for a table that may not depend on all its inputs.
inline Choice Decomposer::reduced(Table table, int inputs) {
    for (int k = inputs - 1; k >= 0; --k)
        if (!depends(table, inputs, k)) return choose(cofactor(table, inputs, k, 0), inputs - 1);
    if (inputs <= 1) return {0, SINGLE, 0, 0};
    if (inputs <= 3) return {1, SINGLE, 0, 0};
    return inputs == 4 ? search_four(table) : search(table, inputs);
}

// Whether nonconstant tables p and q of two inputs are one table or its complement; `shared` is the one.
inline bool one_table(unsigned p, unsigned q, unsigned& shared) {
    const bool p_varies = p != 0 && p != 15, q_varies = q != 0 && q != 15;
    shared = p_varies ? p : q_varies ? q : 0;
    return !p_varies || !q_varies || p == q || p == (~q & 15);
}

inline Choice Decomposer::search_four(Table table) {
    for (int outside = 0; outside < 4; ++outside)
        for (int shared = 0; shared < 3; ++shared) {  // among the other three
            unsigned q;
            bool fits = true;
            for (int value = 0; value < 2; ++value) {
                unsigned p0 = unsigned(cofactor(cofactor(table, 4, outside, 0), 3, shared, value));
                unsigned p1 = unsigned(cofactor(cofactor(table, 4, outside, 1), 3, shared, value));
                fits = fits && one_table(p0, p1, q);
            }
            if (fits) return {2, TWO_OF_FOUR, uint8_t(outside), uint8_t(shared)};
        }
    Choice best = {0xFF, EXPANSION, 0, 0};
    for (int k = 0; k < 4; ++k) {
        Table low = cofactor(table, 4, k, 0), high = cofactor(table, 4, k, 1);
        int each[3] = {cost(low, 3), cost(high, 3), cost(low ^ high, 3)};
        for (int left_out = 0; left_out < 3; ++left_out) {
            int total = 1 + each[0] + each[1] + each[2] - each[left_out];
            if (total < best.cost) best = {uint8_t(total), EXPANSION, uint8_t(k), uint8_t(left_out)};
        }
    }
    return best;
}

inline Choice Decomposer::search(Table table, int inputs) {
    Choice best = {0xFF, EXPANSION, 0, 0};
    for (size_t index = 0; index < sets_[inputs].size(); ++index) {
        Split parts;
        if (!split(table, inputs, sets_[inputs][index], parts)) continue;
        Code all[MAX_CODES];
        const int count = codes(parts, inputs, all);
        for (int code = 0; code < count; ++code) {
            int total = cost(all[code].outer, inputs - 3 + all[code].count);
            for (int i = 0; i < all[code].count; ++i) total += cost(all[code].h[i], 3);
            if (total < best.cost) best = {uint8_t(total), BOUND_SET, uint8_t(index), uint8_t(code)};
        }
    }
    if (best.cost <= inputs / 2 + 1) return best;  // no expansion is as small
    for (int k = 0; k < inputs; ++k) {
        Table low = cofactor(table, inputs, k, 0), high = cofactor(table, inputs, k, 1);
        int each[3] = {cost(low, inputs - 1), cost(high, inputs - 1), cost(low ^ high, inputs - 1)};
        for (int left_out = 0; left_out < 3; ++left_out) {
            int total = 1 + each[0] + each[1] + each[2] - each[left_out];
            if (total < best.cost) best = {uint8_t(total), EXPANSION, uint8_t(k), uint8_t(left_out)};
        }
    }
    return best;
}

inline bool Decomposer::split(Table table, int inputs, int set, Split& result) const {
    int bound[3], bounds = 0;
    for (int k = 0; k < inputs; ++k)
        if (set >> k & 1) bound[bounds++] = k;
    result.columns = 0;
    for (int assignment = 0; assignment < 8; ++assignment) {
        Table rest = table;
        int width = inputs;
        for (int i = 2; i >= 0; --i) rest = cofactor(rest, width--, bound[i], assignment >> i & 1);
        const uint32_t column = uint32_t(rest);
        int found = 0;
        while (found < result.columns && result.column[found] != column) ++found;
        if (found == 4) return false;
        if (found == result.columns) result.column[result.columns++] = column;
        result.number[assignment] = uint8_t(found);
    }
    return true;
}

// The ways to number up to four columns with one or two bits, that differ by more than complements.
inline int Decomposer::codes(const Split& parts, int inputs, Code* result) {
    static const uint8_t NUMBERS[3][4] = {{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 3, 1, 2}};
    const int frees = inputs - 3, entries = 1 << frees;
    if (parts.columns <= 2) {
        Code code = {0, {0, 0}, 1};
        for (int assignment = 0; assignment < 8; ++assignment) code.h[0] |= uint8_t(parts.number[assignment] << assignment);
        for (int address = 0; address < 2 * entries; ++address) {
            uint32_t column = parts.column[parts.columns == 1 ? 0 : address & 1];
            code.outer |= Table(column >> (address >> 1) & 1) << address;
        }
        result[0] = code;
        return 1;
    }
    int count = 0;
    for (const auto& numbers : NUMBERS)
        for (int unused = 0; unused < (parts.columns == 3 ? 3 : 1); ++unused) {
            Code code = {0, {0, 0}, 2};
            uint32_t column[4] = {0, 0, 0, 0};
            for (int i = 0; i < 4; ++i) column[numbers[i]] = parts.column[i < parts.columns ? i : unused];
            for (int assignment = 0; assignment < 8; ++assignment) {
                int number = numbers[parts.number[assignment]];
                code.h[0] |= uint8_t((number & 1) << assignment);
                code.h[1] |= uint8_t((number >> 1) << assignment);
            }
            for (int address = 0; address < 4 * entries; ++address)
                code.outer |= Table(column[address & 3] >> (address >> 2) & 1) << address;
            result[count++] = code;
        }
    return count;
}

inline Ref Decomposer::build(Table table, std::vector<int> vars, std::vector<Op3>& ops, int& next) {
    int inputs = int(vars.size());
    for (int k = inputs - 1; k >= 0; --k) {
        if (depends(table, inputs, k)) continue;
        table = cofactor(table, inputs, k, 0);
        vars.erase(vars.begin() + k);
        --inputs;
    }
    if (inputs == 0) return {ZERO, bool(table & 1)};
    if (inputs <= 3) {
        Ref refs[3] = {{ZERO, false}, {ZERO, false}, {ZERO, false}};
        for (int k = 0; k < inputs; ++k) refs[k] = {vars[k], false};
        return operation(table, refs, inputs, ops, next);
    }
    const bool inverted = table & 1;
    if (inverted) table = ~table & ones(inputs);
    const Choice choice = choose(table, inputs);
    Ref made = choice.kind == TWO_OF_FOUR ? build_four(table, choice, vars, ops, next)
               : choice.kind == BOUND_SET ? build_bound(table, choice, vars, ops, next)
                                          : build_expansion(table, choice, vars, ops, next);
    return {made.value, made.inverted != inverted};
}

inline Ref Decomposer::build_four(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next) {
    const int outside = choice.first, shared = choice.second;
    std::vector<int> inner_vars(vars);
    inner_vars.erase(inner_vars.begin() + outside);
    Table inner = 0, outer = 0;  // outer over (h, outside, shared)
    for (int value = 0; value < 2; ++value) {
        unsigned p[2], q;
        for (int side = 0; side < 2; ++side) p[side] = unsigned(cofactor(cofactor(table, 4, outside, side), 3, shared, value));
        one_table(p[0], p[1], q);
        for (int address = 0; address < 8; ++address) {
            if ((address >> shared & 1) != value) continue;
            int rest = (address & ((1 << shared) - 1)) | (address >> (shared + 1) << shared);
            inner |= Table(q >> rest & 1) << address;
        }
        for (int side = 0; side < 2; ++side)
            for (int h = 0; h < 2; ++h) {
                bool bit = p[side] == 15 || (p[side] != 0 && (p[side] == q ? h == 1 : h == 0));
                outer |= Table(bit) << (h | side << 1 | value << 2);
            }
    }
    Ref refs[3] = {build(inner, inner_vars, ops, next), {vars[outside], false}, {inner_vars[shared], false}};
    return operation(outer, refs, 3, ops, next);
}

inline Ref Decomposer::build_expansion(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next) {
    const int inputs = int(vars.size()), k = choice.first;
    std::vector<int> rest(vars);
    rest.erase(rest.begin() + k);
    Table low = cofactor(table, inputs, k, 0), high = cofactor(table, inputs, k, 1);
    Table parts[3] = {low, high, low ^ high};
    Ref refs[3];
    int count = 0;
    for (int part = 0; part < 3; ++part)
        if (part != choice.second) refs[count++] = build(parts[part], rest, ops, next);
    refs[2] = {vars[k], false};
    // over (first part, second part, x): x ? high : low, from the two that were built
    static const Table OUTER[3] = {
        0xA6,  // high, low ^ high: x ? h : h ^ d
        0x6A,  // low, low ^ high: l ^ (x & d)
        0xCA,  // low, high
    };
    return operation(OUTER[choice.second], refs, 3, ops, next);
}

inline Ref Decomposer::build_bound(Table table, const Choice& choice, const std::vector<int>& vars, std::vector<Op3>& ops, int& next) {
    const int inputs = int(vars.size()), set = sets_[inputs][choice.first];
    Split parts;
    split(table, inputs, set, parts);
    Code all[MAX_CODES];
    codes(parts, inputs, all);
    const Code code = all[choice.second];
    std::vector<int> bound, outer;
    for (int k = 0; k < inputs; ++k)
        if (set >> k & 1) bound.push_back(vars[k]);
    Table outside = code.outer;
    int width = inputs - 3 + code.count;
    std::vector<Ref> made;
    for (int i = 0; i < code.count; ++i) made.push_back(build(code.h[i], bound, ops, next));
    for (int i = 0; i < code.count; ++i) {
        if (made[i].inverted) {  // absorbed: swap the halves of the outer table
            Table swapped = 0;
            for (int address = 0; address < 1 << width; ++address)
                swapped |= Table(outside >> (address ^ 1 << i) & 1) << address;
            outside = swapped;
        }
        outer.push_back(made[i].value);
    }
    for (int k = 0; k < inputs; ++k)
        if (!(set >> k & 1)) outer.push_back(vars[k]);
    return build(outside, outer, ops, next);
}

}  // namespace engine

#endif
