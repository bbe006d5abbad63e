// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// AVX-512 instructions as bytes, and memory that may be executed. Encoding: Intel SDM volume 2, EVEX.
#ifndef LUTFORGE_ENGINE_ASSEMBLER_HPP
#define LUTFORGE_ENGINE_ASSEMBLER_HPP

#if defined(__x86_64__) && defined(__AVX512F__) && !defined(LUTFORGE_NO_CODE)
#define LUTFORGE_ENGINE_CODE 1

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace engine {

const int VECTOR_BYTES = 64;

class Assembler {
  public:
    std::vector<uint8_t> bytes;

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
        evex(1, 1, 1, reg, 0, base);
        bytes.push_back(opcode);
        memory(reg, base, offset);
    }
    // map: 1 is 0F, 3 is 0F3A; pp 1 is 66; 512 bits, no mask
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

class Code {
  public:
    Code() = default;
    Code(const Code&) = delete;
    Code& operator=(const Code&) = delete;
    ~Code() {
        if (memory_) munmap(memory_, size_);
    }
    // False where the system refuses executable memory.
    bool place(const std::vector<uint8_t>& bytes) {
        size_ = bytes.size();
        memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory_ == MAP_FAILED) memory_ = nullptr;
        if (!memory_) return false;
        std::memcpy(memory_, bytes.data(), size_);
        return mprotect(memory_, size_, PROT_READ | PROT_EXEC) == 0;
    }
    void operator()(const void* source, void* dest, void* scratch, void* spills) const {
        typedef void (*Function)(const void*, void*, void*, void*);
        Function function;
        std::memcpy(&function, &memory_, sizeof function);
        function(source, dest, scratch, spills);
    }

  private:
    void* memory_ = nullptr;
    size_t size_ = 0;
};

}  // namespace engine

#endif
#endif
