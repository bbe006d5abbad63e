// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// AVX-512 instructions as bytes. Encoding: Intel SDM volume 2, EVEX.
#ifndef LUTFORGE_ENGINE_ASSEMBLER_AVX512_HPP
#define LUTFORGE_ENGINE_ASSEMBLER_AVX512_HPP

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace engine {

const int VECTOR_BYTES = 64, REGISTERS = 32;
const bool READS_MEMORY = true;  // the third operand of a function may lie in memory

class Assembler {
  public:
    std::vector<uint8_t> bytes;

    void prologue() {}
    // reg = function(reg, second, third)
    void ternary(int reg, int second, int third, uint8_t function) {
        evex(3, 0, 1, reg, second, third);
        bytes.insert(bytes.end(), {0x25, uint8_t(0xC0 | (reg & 7) << 3 | (third & 7)), function});
    }
    void ternary(int reg, int second, int base, int32_t offset, uint8_t function) {
        evex(3, 0, 1, reg, second, base);
        bytes.push_back(0x25);
        memory(reg, base, offset);
        bytes.push_back(function);
    }
    void move(int to, int from) {
        evex(1, 1, 1, to, 0, from);
        bytes.insert(bytes.end(), {0x6F, uint8_t(0xC0 | (to & 7) << 3 | (from & 7))});
    }
    void load(int reg, int base, int32_t offset) { access(0x6F, reg, base, offset); }
    void store(int reg, int base, int32_t offset) { access(0x7F, reg, base, offset); }
    void raw(std::initializer_list<uint8_t> some) { bytes.insert(bytes.end(), some); }
    void number(int32_t value) {
        for (int shift = 0; shift < 32; shift += 8) bytes.push_back(uint8_t(uint32_t(value) >> shift));
    }

  private:
    void access(uint8_t opcode, int reg, int base, int32_t offset) {
        evex(1, 1, 2, reg, 0, base);  // vmovdqu64
        bytes.push_back(opcode);
        memory(reg, base, offset);
    }
    // map: 1 is 0F, 3 is 0F3A; pp: 1 is 66, 2 is F3; 512 bits, no mask
    void evex(int map, int w, int pp, int reg, int second, int rm) {
        bytes.insert(bytes.end(),
                     {0x62,
                      uint8_t(!(reg & 8) << 7 | !(rm & 16) << 6 | !(rm & 8) << 5 | !(reg & 16) << 4 | map),
                      uint8_t(w << 7 | (~second & 15) << 3 | 4 | pp), uint8_t(0x40 | !(second & 16) << 3)});
    }
    // [base + offset]; a short offset counts in vectors. base: a register whose number needs no SIB byte
    void memory(int reg, int base, int32_t offset) {
        if (offset % VECTOR_BYTES == 0 && offset / VECTOR_BYTES >= -128 && offset / VECTOR_BYTES < 128) {
            bytes.insert(bytes.end(), {uint8_t(0x40 | (reg & 7) << 3 | base), uint8_t(int8_t(offset / VECTOR_BYTES))});
            return;
        }
        bytes.push_back(uint8_t(0x80 | (reg & 7) << 3 | base));
        number(offset);
    }
};

}  // namespace engine

#endif
