// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Instructions of this processor, and memory that may be executed.
#ifndef LUTFORGE_ENGINE_ASSEMBLER_HPP
#define LUTFORGE_ENGINE_ASSEMBLER_HPP

#if defined(__x86_64__) && defined(__AVX2__) && !defined(LUTFORGE_NO_CODE)
#define LUTFORGE_ENGINE_CODE 1

#include <sys/mman.h>

#include <cstring>

#ifdef __AVX512F__
#include "assembler_avx512.hpp"
#else
#include "assembler_avx2.hpp"
#endif

namespace engine {

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
