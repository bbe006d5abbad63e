// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// AVX2 instructions as bytes: a function of three bits is one to five of them. Encoding: Intel SDM volume 2, VEX.
#ifndef LUTFORGE_ENGINE_ASSEMBLER_AVX2_HPP
#define LUTFORGE_ENGINE_ASSEMBLER_AVX2_HPP

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <vector>

namespace engine {

const int VECTOR_BYTES = 32, REGISTERS = 13;
const bool READS_MEMORY = false;

class Assembler {
  public:
    std::vector<uint8_t> bytes;

    void prologue() { three(0x76, ONES, ONES, ONES); }  // vpcmpeqd

    // reg = function(reg, second, third), by the split of one operand that takes the fewest instructions
    void ternary(int reg, int second, int third, uint8_t function) {
        const int operands[3] = {reg, second, third};
        int best = 0, fewest = 99;
        for (int split = 0; split < 3; ++split) {
            const int count = emit(reg, operands, function, split, false);
            if (count < fewest) fewest = count, best = split;
        }
        emit(reg, operands, function, best, true);
    }
    void ternary(int, int, int, int32_t, uint8_t) { throw std::runtime_error("AVX2 code reads registers only"); }
    void move(int to, int from) {
        vex(1, to, 0, from);
        bytes.insert(bytes.end(), {0x6F, modrm(to, from)});
    }
    void load(int reg, int base, int32_t offset) { access(0x6F, reg, base, offset); }
    void store(int reg, int base, int32_t offset) { access(0x7F, reg, base, offset); }
    void raw(std::initializer_list<uint8_t> some) { bytes.insert(bytes.end(), some); }
    void number(int32_t value) {
        for (int shift = 0; shift < 32; shift += 8) bytes.push_back(uint8_t(uint32_t(value) >> shift));
    }

  private:
    static const int ONES = 13, FIRST = 14, SECOND = 15;  // registers of its own
    static const uint8_t AND = 0xDB, ANDN = 0xDF, OR = 0xEB, XOR = 0xEF;  // ANDN: ~first & second

    // A register, perhaps to be read inverted.
    struct Part {
        int reg;
        bool inverted;
    };

    // f = L(y, z) ^ (x & D(y, z)), x being the split operand. Returns the instructions; emits them if asked.
    int emit(int reg, const int* operands, uint8_t function, int split, bool really) {
        const int x = operands[split], y = operands[split == 0 ? 1 : 0], z = operands[split == 2 ? 1 : 2];
        int low = 0, high = 0;  // bit (y << 1 | z)
        for (int address = 0; address < 8; ++address) {
            const int a = address >> 2, b = address >> 1 & 1, c = address & 1;
            const int bits[3] = {a, b, c};
            const int rest = bits[split == 0 ? 1 : 0] << 1 | bits[split == 2 ? 1 : 2];
            if (function >> address & 1) (bits[split] ? high : low) |= 1 << rest;
        }
        const int change = low ^ high;
        int count = 0;
        Part result;
        auto op = [&](uint8_t code, int to, int a, int b) {
            ++count;
            if (really) three(code, to, a, b);
            return to;
        };
        auto two = [&](int table, int to) { return pair(table, to, y, z, op); };
        // x & p, or ~x & p
        auto both = [&](bool not_x, Part p) -> Part {
            if (!not_x) return {op(p.inverted ? ANDN : AND, FIRST, p.inverted ? p.reg : x, p.inverted ? x : p.reg), false};
            if (!p.inverted) return {op(ANDN, FIRST, x, p.reg), false};
            return {op(OR, FIRST, x, p.reg), true};
        };
        if (change == 0) {
            result = two(low, FIRST);
        } else if (change == 15) {
            const Part p = two(low, FIRST);
            result = p.reg == ONES ? Part{x, !p.inverted} : Part{op(XOR, FIRST, x, p.reg), p.inverted};
        } else if (low == 0) {
            result = both(false, two(high, FIRST));
        } else if (high == 0) {
            result = both(true, two(low, FIRST));
        } else if (high == 15) {  // x | L = ~(~x & ~L)
            Part p = two(low, FIRST);
            p.inverted = !p.inverted;
            result = both(true, p);
            result.inverted = !result.inverted;
        } else if (low == 15) {  // ~x | H = ~(x & ~H)
            Part p = two(high, FIRST);
            p.inverted = !p.inverted;
            result = both(false, p);
            result.inverted = !result.inverted;
        } else {
            const Part changed = both(false, two(change, FIRST)), rest = two(low, SECOND);
            result = {op(XOR, FIRST, changed.reg, rest.reg), changed.inverted != rest.inverted};
        }
        if (result.inverted) op(XOR, reg, result.reg, ONES);
        else if (count && result.reg == FIRST) retarget(reg, really);
        else if (result.reg != reg) {
            ++count;
            if (really) move(reg, result.reg);
        }
        return count;
    }

    // A function of two bits; constants are ONES, perhaps inverted.
    template <typename Op>
    static Part pair(int table, int to, int y, int z, const Op& op) {
        const bool inverted = table & 1;
        switch (inverted ? ~table & 15 : table) {
            case 0: return {ONES, !inverted};
            case 8: return {op(AND, to, y, z), inverted};
            case 14: return {op(OR, to, y, z), inverted};
            case 6: return {op(XOR, to, y, z), inverted};
            case 4: return {op(ANDN, to, z, y), inverted};
            case 2: return {op(ANDN, to, y, z), inverted};
            case 12: return {y, inverted};
            default: return {z, inverted};  // 10
        }
    }

    // Let the last instruction, which wrote FIRST, write `reg` instead.
    void retarget(int reg, bool really) {
        if (!really) return;
        uint8_t* last = &bytes[bytes.size() - 5];
        last[1] = uint8_t((last[1] & 0x7F) | !(reg & 8) << 7);
        last[4] = uint8_t((last[4] & 0xC7) | (reg & 7) << 3);
    }
    void three(uint8_t opcode, int to, int a, int b) {
        vex(1, to, a, b);
        bytes.insert(bytes.end(), {opcode, modrm(to, b)});
    }
    static uint8_t modrm(int reg, int rm) { return uint8_t(0xC0 | (reg & 7) << 3 | (rm & 7)); }
    void access(uint8_t opcode, int reg, int base, int32_t offset) {
        vex(2, reg, 0, base);  // vmovdqu
        bytes.push_back(opcode);
        const bool is_short = offset >= -128 && offset < 128;
        bytes.push_back(uint8_t((is_short ? 0x40 : 0x80) | (reg & 7) << 3 | base));
        if (is_short) bytes.push_back(uint8_t(int8_t(offset)));
        else number(offset);
    }
    // map 0F; pp: 1 is 66, 2 is F3; 256 bits
    void vex(int pp, int reg, int second, int rm) {
        bytes.insert(bytes.end(), {0xC4, uint8_t(!(reg & 8) << 7 | 0x40 | !(rm & 8) << 5 | 1),
                                   uint8_t((~second & 15) << 3 | 4 | pp)});
    }
};

}  // namespace engine

#endif
