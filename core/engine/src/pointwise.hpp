// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Operations on single elements, 64 images of one element at a time.
#ifndef LUTFORGE_ENGINE_POINTWISE_HPP
#define LUTFORGE_ENGINE_POINTWISE_HPP

#include <type_traits>

#include "blocks.hpp"

namespace engine {

class Pointwise : public Stage {
  public:
    enum Kind { IDENTITY, THRESHOLD, THERMOMETER, RESCALE, AFFINE, DIGIT, SHAPE, EQUALS };

    Buffer source, dest;
    int64_t channels;
    int kind;
    int64_t first_rows, steps, second_rows;
    std::vector<int64_t> first, second;
    int64_t low, high;
    bool wide;

    void run(const Block& block) const override {
        alignas(64) int32_t x[UNIT];
        for (int64_t row = 0; row < source.rows; ++row)
            for (size_t unit = 0; unit < block.units; ++unit) {
                read_row(block, source, row, unit, x);
                finish(block, row, unit, x);
            }
    }

    // Apply the operation to a row's values, which are overwritten, and store them.
    void finish(const Block& block, int64_t row, size_t unit, int32_t* x) const {
        const int64_t channel = row % channels;
        const int64_t* limits = &first[size_t(first_rows == 1 ? 0 : channel * steps)];
        if (kind == THERMOMETER || (kind == THRESHOLD && steps == 1 && dest.format == PLANES)) {
            for (int64_t step = 0; step < steps; ++step)
                block.lane(dest, row * steps + step)[unit] = always(limits[step]) ? ~uint64_t(0) : exceeding(x, int32_t(limits[step]));
            if (kind == THRESHOLD)
                for (int64_t bit = 1; bit < dest.bits; ++bit) block.lane(dest, row * dest.bits + bit)[unit] = 0;
            return;
        }
        const int64_t other = second[size_t(second_rows == 1 ? 0 : channel)];
        switch (kind) {
            case THRESHOLD: count(x, limits); break;
            case RESCALE: wide ? rescale<int64_t>(x, limits[0], other) : rescale<int32_t>(x, int32_t(limits[0]), other); break;
            case AFFINE: affine(x, uint32_t(limits[0]), uint32_t(other)); break;
            case DIGIT: digit(x); break;
            case SHAPE: shape(x, limits[0] != 0, int(other)); break;
            case EQUALS: equals(x); break;
            default: break;
        }
        write_row(block, dest, row, unit, x);
    }

  private:
    static bool always(int64_t limit) { return limit < INT32_MIN; }
    void count(int32_t* x, const int64_t* limits) const {
        alignas(64) int32_t result[UNIT] = {0};
        for (int64_t step = 0; step < steps; ++step) {
            const int32_t limit = int32_t(limits[step]), every = always(limits[step]);
            for (int i = 0; i < UNIT; ++i) result[i] += (x[i] > limit) | every;
        }
        std::memcpy(x, result, sizeof result);
    }
    // Half up, then clamped; Wide holds every product.
    template <typename Wide>
    void rescale(int32_t* x, Wide multiplier, int64_t shift) const {
        typedef typename std::make_unsigned<Wide>::type Unsigned;  // what fills up a block may overflow, and is thrown away
        const Wide half = shift ? Wide(1) << (shift - 1) : 0, least = Wide(low), most = Wide(high);
        for (int i = 0; i < UNIT; ++i) {
            Wide value = Wide(Unsigned(Wide(x[i])) * Unsigned(multiplier) + Unsigned(half)) >> shift;
            value = value < least ? least : value;
            x[i] = int32_t(value > most ? most : value);
        }
    }
    // Modulo 2**32, which is exact where the result fits.
    void affine(int32_t* x, uint32_t scale, uint32_t offset) const {
        for (int i = 0; i < UNIT; ++i) x[i] = int32_t(uint32_t(x[i]) * scale + offset);
    }
    // Without the low bits, rounded half up; shift is at least 1.
    void shape(int32_t* x, bool rounds, int shift) const {
        for (int i = 0; i < UNIT; ++i) {
            const int32_t kept = (x[i] >> shift) + (rounds ? x[i] >> (shift - 1) & 1 : 0);
            x[i] = int32_t(uint32_t(kept > high ? int32_t(high) : kept) << shift);
        }
    }
    void equals(int32_t* x) const {
        for (int i = 0; i < UNIT; ++i) x[i] = (x[i] & int32_t(high)) == int32_t(low);
    }
    void digit(int32_t* x) const {
        for (int i = 0; i < UNIT; ++i) x[i] = int32_t((uint32_t(x[i]) - uint32_t(high)) >> (8 * low) & 255);
    }
};

}  // namespace engine

#endif
