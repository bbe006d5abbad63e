// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Stages that move and compare: in and out of the engine, between formats, pools, the largest of several.
#ifndef LUTFORGE_ENGINE_STAGES_HPP
#define LUTFORGE_ENGINE_STAGES_HPP

#include <algorithm>

#include "blocks.hpp"
#include "emitter.hpp"
#include "interpreter.hpp"

namespace engine {

class Load : public Stage {
  public:
    Buffer source, dest;

    void run(const Block& block) const override {
        for (size_t unit = 0; unit < block.units; ++unit) {
            const uint8_t* from = block.raw + unit * UNIT * block.raw_bytes;
            if (dest.format == BYTES) {
                for (int64_t row = 0; row < dest.rows; row += 64)
                    turn_tile(from + row, block.raw_bytes, block.bytes(dest, row, unit), block.units * UNIT,
                              int(std::min<int64_t>(64, dest.rows - row)));
                continue;
            }
            for (int64_t row = 0; row < dest.rows; ++row) {
                int32_t* to = block.words(dest, row, unit);
                for (int image = 0; image < UNIT; ++image)
                    std::memcpy(to + image, from + size_t(image) * block.raw_bytes + size_t(row) * 4, 4);
            }
        }
    }
};

// Lanes as they come, from an array [lane][images / 64].
class Import : public Stage {
  public:
    Buffer dest;

    void run(const Block& block) const override {
        for (int64_t lane = 0; lane < dest.rows * dest.bits; ++lane)
            std::memcpy(block.lane(dest, lane), block.raw + size_t(lane) * block.raw_bytes, (block.images + UNIT - 1) / UNIT * 8);
    }
};

class Slice : public Stage {
  public:
    Buffer source, dest;
    int64_t steps;
    std::vector<uint8_t> least;      // [steps][rows rounded up to 64]: a byte that is this or more
    std::vector<uint64_t> possible;  // [steps][rows / 64]: rows that there are and whose comparison may hold

    void prepare(const std::vector<int64_t>& thresholds) {
        const int64_t rows = source.rows;
        least.assign(size_t(steps * groups() * 64), 0);
        possible.assign(size_t(steps * groups()), 0);
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t step = 0; step < steps; ++step) {
                const int64_t threshold = thresholds[size_t(row * steps + step)];
                least[size_t(step * groups() * 64 + row)] = uint8_t(std::min<int64_t>(threshold + 1, 255));
                if (threshold < 255) possible[size_t(step * groups() + row / 64)] |= uint64_t(1) << (row % 64);
            }
    }
    size_t scratch_bytes(size_t) const override { return size_t(AT_ONCE) * STRIDE * 8; }
    void run(const Block& block) const override {
        uint64_t* const bits = reinterpret_cast<uint64_t*>(block.scratch);  // [group][image of a tile]
        for (int64_t step = 0; step < steps; ++step)
            for (size_t unit = 0; unit < block.units; unit += TILE / UNIT) {
                const int images = int(std::min<size_t>(TILE, (block.units - unit) * UNIT));
                const uint8_t* from = block.raw + unit * UNIT * block.raw_bytes;
                for (int64_t first = 0; first < groups(); first += AT_ONCE) {
                    const int64_t count = std::min<int64_t>(AT_ONCE, groups() - first);
                    if (count == AT_ONCE && 64 * (first + AT_ONCE) <= source.rows)
                        compare<AT_ONCE>(from, block.raw_bytes, step, first, images, bits);
                    else
                        for (int64_t group = 0; group < count; ++group)
                            compare<1>(from, block.raw_bytes, step, first + group, images, bits + group * STRIDE);
                    for (int64_t group = first; group < first + count; ++group)
                        turn(bits + (group - first) * STRIDE, images, block.lane(dest, 64 * group * steps + step) + unit,
                             size_t(steps) * block.units, int(std::min<int64_t>(64, source.rows - 64 * group)));
                }
            }
    }

  private:
    // Images, and from group to group, no power of two, for the cache; groups of 64 rows whose bits the cache holds.
    static const int TILE = 512, STRIDE = TILE + 8, AT_ONCE = 4;
    int64_t groups() const { return (source.rows + 63) / 64; }

    // Bit e of bits[k * STRIDE + i]: whether byte e of group `first` + k of image i reaches its limit.
    template <int GROUPS>
    void compare(const uint8_t* from, size_t image_bytes, int64_t step, int64_t first, int images, uint64_t* bits) const {
        const uint8_t* limit = &least[size_t((step * groups() + first) * 64)];
        const uint64_t* may = &possible[size_t(step * groups() + first)];
        const int rest = int(std::min<int64_t>(64, source.rows - 64 * first));
        from += 64 * first;
#ifdef LUTFORGE_ENGINE_AVX512
        __m512i limits[GROUPS];
        for (int k = 0; k < GROUPS; ++k) limits[k] = _mm512_loadu_si512(limit + 64 * k);
        const __mmask64 inside = rest == 64 ? ~0ull : (1ull << rest) - 1;
        for (int image = 0; image < images; ++image, from += image_bytes)
            for (int k = 0; k < GROUPS; ++k) {
                const __m512i x = GROUPS > 1 ? _mm512_loadu_si512(from + 64 * k) : _mm512_maskz_loadu_epi8(inside, from);
                bits[k * STRIDE + image] = _mm512_mask_cmpge_epu8_mask(may[k], x, limits[k]);
            }
#else
        for (int image = 0; image < images; ++image, from += image_bytes)
            for (int k = 0; k < GROUPS; ++k) bits[k * STRIDE + image] = reached(from + 64 * k, limit + 64 * k, rest) & may[k];
#endif
    }
#ifndef LUTFORGE_ENGINE_AVX512
    static uint64_t reached(const uint8_t* bytes, const uint8_t* limit, int count) {
        alignas(64) uint8_t hits[64] = {0};
        if (count == 64)  // of known length, which compilers turn into vector instructions
            for (int i = 0; i < 64; ++i) hits[i] = bytes[i] >= limit[i];
        else
            for (int i = 0; i < count; ++i) hits[i] = bytes[i] >= limit[i];
        return bits_of(hits, 0);
    }
#endif
    static void turn(uint64_t* bits, int images, uint64_t* to, size_t step, int elements) {
#ifdef LUTFORGE_ENGINE_GFNI
        if (images == TILE) return turn_512(bits, to, step, elements);
#endif
        for (int image = 0; image < images; image += UNIT) {
            turn_bits(bits + image);
            for (int i = 0; i < elements; ++i) to[size_t(i) * step + size_t(image / UNIT)] = bits[image + i];
        }
    }
};

class Gather : public Stage {
  public:
    Buffer source, dest;
    std::vector<int32_t> index;
    int64_t fill;

    void run(const Block& block) const override {
        const size_t size = row_bytes(block);
        for (size_t row = 0; row < index.size(); ++row) {
            uint8_t* to = block.base(dest) + row * size;
            if (index[row] >= 0) std::memcpy(to, block.base(source) + size_t(index[row]) * size, size);
            else pad(block, row, to, size);
        }
    }

  private:
    size_t row_bytes(const Block& block) const {
        const size_t unit = dest.format == BYTES ? UNIT : dest.format == WORDS ? 4 * UNIT : 8 * size_t(dest.bits);
        return unit * block.units;
    }
    void pad(const Block& block, size_t row, uint8_t* to, size_t size) const {
        if (dest.format == BYTES) {
            std::memset(to, int(fill), size);
        } else if (dest.format == WORDS) {
            std::fill_n(reinterpret_cast<int32_t*>(to), size / 4, int32_t(fill));
        } else {
            for (int64_t bit = 0; bit < dest.bits; ++bit)
                std::memset(block.lane(dest, int64_t(row) * dest.bits + bit), fill >> bit & 1 ? 0xFF : 0, block.units * 8);
        }
    }
};

class Pool : public Stage {
  public:
    Buffer source, dest;
    int64_t taps;
    std::vector<int32_t> index;  // [rows][taps]

    void run(const Block& block) const override {
        for (int64_t row = 0; row < dest.rows; ++row) {
            const int32_t* from = &index[size_t(row * taps)];
            if (dest.format == BYTES) largest<uint8_t>(block, row, from);
            else largest<int32_t>(block, row, from);
        }
    }

  private:
    template <typename Value>
    void largest(const Block& block, int64_t row, const int32_t* from) const {
        const size_t count = block.units * UNIT;
        Value* to = reinterpret_cast<Value*>(block.base(dest)) + size_t(row) * count;
        const Value* values = reinterpret_cast<const Value*>(block.base(source));
        std::memcpy(to, values + size_t(from[0]) * count, count * sizeof(Value));
        for (int64_t tap = 1; tap < taps; ++tap) {
            const Value* other = values + size_t(from[tap]) * count;
            for (size_t i = 0; i < count; ++i) to[i] = other[i] > to[i] ? other[i] : to[i];
        }
    }
};

class Combine : public Stage {
  public:
    std::vector<Buffer> sources;
    Buffer dest;
    std::vector<int32_t> index;  // [rows][source, row], empty: the sum

    void run(const Block& block) const override {
        alignas(64) int32_t x[UNIT], y[UNIT];
        for (int64_t row = 0; row < dest.rows; ++row) {
            const int32_t* from = index.empty() ? nullptr : &index[size_t(2 * row)];
            for (size_t unit = 0; unit < block.units; ++unit) {
                read_row(block, sources[from ? size_t(from[0]) : 0], from ? from[1] : row, unit, x);
                for (size_t other = 1; !from && other < sources.size(); ++other) {
                    read_row(block, sources[other], row, unit, y);
                    for (int i = 0; i < UNIT; ++i) x[i] = int32_t(uint32_t(x[i]) + uint32_t(y[i]));
                }
                write_row(block, dest, row, unit, x);
            }
        }
    }
};

class Expand : public Stage {
  public:
    Buffer source, dest;
    std::vector<int64_t> values;  // of each bit

    void run(const Block& block) const override {
        for (int64_t row = 0; row < source.rows; ++row)
            for (size_t unit = 0; unit < block.units; ++unit) {
                if (dest.format == BYTES) {
                    uint8_t* to = block.bytes(dest, row, unit);
                    std::memset(to, uint8_t(-dest.low), UNIT);
                    for (int64_t bit = 0; bit < source.bits; ++bit)
                        add_where(to, block.lane(source, row * source.bits + bit)[unit], uint8_t(values[size_t(bit)]));
                    continue;
                }
                int32_t* to = block.words(dest, row, unit);
                std::memset(to, 0, UNIT * sizeof(int32_t));
                for (int64_t bit = 0; bit < source.bits; ++bit) {
                    const uint64_t word = block.lane(source, row * source.bits + bit)[unit];
                    const int32_t value = int32_t(values[size_t(bit)]);
                    for (int i = 0; i < UNIT; ++i) to[i] += int32_t(word >> i & 1) * value;
                }
            }
    }
};

class ArgMax : public Stage {
  public:
    Buffer source, dest;
    int64_t classes;

    void run(const Block& block) const override {
        alignas(64) int32_t x[UNIT], best[UNIT];
        for (int64_t vector = 0; vector < dest.rows; ++vector)
            for (size_t unit = 0; unit < block.units; ++unit) {
                int32_t* found = block.words(dest, vector, unit);
                read_row(block, source, vector * classes, unit, best);
                std::memset(found, 0, UNIT * sizeof(int32_t));
                for (int64_t number = 1; number < classes; ++number) {
                    read_row(block, source, vector * classes + number, unit, x);
                    for (int i = 0; i < UNIT; ++i) {
                        found[i] = x[i] > best[i] ? int32_t(number) : found[i];
                        best[i] = x[i] > best[i] ? x[i] : best[i];
                    }
                }
            }
    }
};

class Export : public Stage {
  public:
    Buffer source;
    int64_t number;

    void run(const Block& block) const override {
        alignas(64) int32_t x[UNIT];
        if (source.format == PLANES) {  // the caller's words of a lane stand where images / 64 says
            uint64_t* to = reinterpret_cast<uint64_t*>(block.lanes_out[number]);
            for (int64_t lane = 0; lane < source.rows * source.bits; ++lane)
                std::memcpy(to + size_t(lane) * block.all_words, block.lane(source, lane), (block.images + UNIT - 1) / UNIT * 8);
            return;
        }
        for (size_t unit = 0; unit * UNIT < block.images; ++unit) {
            const size_t count = std::min<size_t>(UNIT, block.images - unit * UNIT);
            int64_t* to = block.outputs[number] + int64_t(unit) * UNIT * source.rows;
            for (int64_t row = 0; row < source.rows; ++row) {
                read_row(block, source, row, unit, x);
                for (size_t i = 0; i < count; ++i) to[int64_t(i) * source.rows + row] = x[i];
            }
        }
    }
};

// Flips of each bit from image to image.
class Count : public Stage {
  public:
    Buffer source;
    int64_t number, bits;
    size_t last_offset;

    size_t last_bytes() const override { return size_t(source.rows * bits); }
    void run(const Block& block) const override {
        uint8_t* last = block.last + last_offset;
        int64_t* sums = block.outputs[number];
        alignas(64) int32_t x[UNIT];
        for (size_t unit = 0; unit * UNIT < block.images; ++unit) {
            const size_t count = std::min<size_t>(UNIT, block.images - unit * UNIT);
            for (int64_t row = 0; row < source.rows; ++row) {
                if (source.format != PLANES) read_row(block, source, row, unit, x);
                for (int64_t bit = 0; bit < bits; ++bit) {
                    const int64_t lane = row * bits + bit;
                    const uint64_t word = source.format == PLANES ? block.lane(source, lane)[unit] : bits_of(x, int(bit));
                    const uint64_t before = block.first && unit == 0 ? word & 1 : last[lane];
                    uint64_t flips = word ^ (word << 1 | before);
                    if (count < UNIT) flips &= (uint64_t(1) << count) - 1;
                    sums[lane] += __builtin_popcountll(flips);
                    last[lane] = uint8_t(word >> (count - 1) & 1);
                }
            }
        }
    }
};

// Gates over lanes, at every position.
class Netlist : public Stage {
  public:
    Buffer source, dest;
    int64_t rows, columns, row_stride, column_stride;  // positions, and lanes from one to the next
    int64_t outputs;
    Circuit circuit;

    // units: of every block that code is made for; 0 where none is.
    bool prepare(Decomposer& decomposer, size_t units, bool with_code) {
#ifdef LUTFORGE_ENGINE_CODE
        if (with_code && units % 8 == 0) {
            code_.reset(new Code);
            if (code_->place(Emitter(circuit, decomposer, int(units * 8)).emit())) return true;
            code_.reset();
        }
#else
        (void)with_code, (void)units;
#endif
        interpreter_.reset(new Interpreter(circuit, decomposer));
        return false;
    }
    size_t scratch_bytes(size_t units) const override {
        size_t lanes = size_t(circuit.scratch);
        if (interpreter_) lanes += size_t(interpreter_->temporaries());
        return lanes * units * 8 + SPILLS * 64 + 64;  // and spilled registers
    }
    void run(const Block& block) const override {
        for (int64_t row = 0; row < rows; ++row)
            for (int64_t column = 0; column < columns; ++column) {
                const uint64_t* from = block.lane(source, row * row_stride + column * column_stride);
                uint64_t* to = block.lane(dest, (row * columns + column) * outputs);
                uint64_t* scratch = reinterpret_cast<uint64_t*>(block.scratch + SPILLS * 64);
#ifdef LUTFORGE_ENGINE_CODE
                if (code_) {
                    (*code_)(from, to, scratch, block.scratch);
                    continue;
                }
#endif
                interpreter_->run(from, to, scratch, scratch + size_t(circuit.scratch) * block.units, block.units);
            }
    }

  private:
#ifdef LUTFORGE_ENGINE_CODE
    std::unique_ptr<Code> code_;
#endif
    std::unique_ptr<Interpreter> interpreter_;
};

}  // namespace engine

#endif
