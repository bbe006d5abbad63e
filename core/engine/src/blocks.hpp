// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Buffers of a block of images in one arena, and the arrays that a program is made of. Formats: program.py.
#ifndef LUTFORGE_ENGINE_BLOCKS_HPP
#define LUTFORGE_ENGINE_BLOCKS_HPP

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <vector>

#include "lanes.hpp"

namespace engine {

enum Format { RAW, BYTES, WORDS, PLANES };

struct Buffer {
    int format;
    int64_t rows, low, bits, offset, number;  // offset: bytes per 64 images
};

// One block in work: `units` times 64 images, of which `images` are real.
struct Block {
    uint8_t* arena;
    size_t units;
    const uint8_t* raw;  // images of the block, raw_bytes each
    size_t raw_bytes;
    size_t images;
    int64_t* const* outputs;  // where the block's first image goes, as numbers
    int64_t* const* lanes_out;  // and as lanes of `all_words` words
    size_t all_words;
    uint8_t* scratch;         // of the stage that runs
    uint8_t* last;            // bits of the image before this block, for stages that count flips
    bool first;               // whether there is no such image

    // lanes that lie in the caller's memory instead: of a buffer each, -1 for none
    int64_t in_number = -1, out_number = -1;
    uint8_t *in_lanes = nullptr, *out_lanes = nullptr;

    uint8_t* base(const Buffer& buffer) const {
        if (buffer.number == in_number) return in_lanes;
        if (buffer.number == out_number) return out_lanes;
        return arena + size_t(buffer.offset) * units;
    }
    uint8_t* bytes(const Buffer& buffer, int64_t row, size_t unit) const {
        return base(buffer) + (size_t(row) * units + unit) * UNIT;
    }
    int32_t* words(const Buffer& buffer, int64_t row, size_t unit) const {
        return reinterpret_cast<int32_t*>(base(buffer)) + (size_t(row) * units + unit) * UNIT;
    }
    uint64_t* lane(const Buffer& buffer, int64_t lane) const {
        return reinterpret_cast<uint64_t*>(base(buffer)) + size_t(lane) * units;
    }
};

// A stage of a program. scratch_bytes: what it needs beside its buffers, for blocks of so many units.
class Stage {
  public:
    virtual ~Stage() = default;
    virtual void run(const Block& block) const = 0;
    virtual size_t scratch_bytes(size_t) const { return 0; }
    virtual size_t last_bytes() const { return 0; }
};

// 64 values of a row as integers.
inline void read_row(const Block& block, const Buffer& source, int64_t row, size_t unit, int32_t* x) {
    if (source.format == WORDS) {
        std::memcpy(x, block.words(source, row, unit), UNIT * sizeof(int32_t));
        return;
    }
    const uint8_t* from = block.bytes(source, row, unit);
    const int32_t low = int32_t(source.low);
    for (int i = 0; i < UNIT; ++i) x[i] = int32_t(from[i]) + low;
}

// 64 integers into a row of any format.
inline void write_row(const Block& block, const Buffer& dest, int64_t row, size_t unit, const int32_t* x) {
    if (dest.format == WORDS) {
        std::memcpy(block.words(dest, row, unit), x, UNIT * sizeof(int32_t));
    } else if (dest.format == BYTES) {
        uint8_t* to = block.bytes(dest, row, unit);
        const int32_t low = int32_t(dest.low);
        for (int i = 0; i < UNIT; ++i) to[i] = uint8_t(x[i] - low);
    } else {
        for (int64_t bit = 0; bit < dest.bits; ++bit) block.lane(dest, row * dest.bits + bit)[unit] = bits_of(x, int(bit));
    }
}

}  // namespace engine

#endif
