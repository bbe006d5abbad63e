// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Integer products: bytes of 64 images times 8-bit weights, summed modulo 2**32.
#ifndef LUTFORGE_ENGINE_MATMUL_HPP
#define LUTFORGE_ENGINE_MATMUL_HPP

#include "pointwise.hpp"

#if defined(LUTFORGE_ENGINE_AVX512) && defined(__AVX512VNNI__) && defined(__AVX512VBMI__)
#define LUTFORGE_ENGINE_VNNI 1
#endif

#if defined(LUTFORGE_ENGINE_VNNI) || defined(__AVX2__)
#define LUTFORGE_ENGINE_PACKED 1  // inputs of an image stand side by side: four bytes, or two of 16 bits
#endif

namespace engine {

struct Pass {
    Buffer source;
    std::vector<int8_t> weights;  // [outputs][fan_in]
    int shift;
    uint8_t pad;
};

class Matmul : public Stage {
  public:
    std::vector<Pass> passes;
    int64_t positions, fan_in, outputs;
    std::vector<int32_t> index;  // [positions][fan_in]
    std::vector<int64_t> bias;
    Buffer dest;
    std::unique_ptr<Pointwise> then;

    void prepare();
    void run(const Block& block) const override;
    size_t scratch_bytes(size_t) const override { return size_t(groups_) * 4 * UNIT * passes.size() + (from_raw() ? size_t(fan_in) * UNIT : 0); }

  private:
    static const int ROWS = 6;  // outputs whose sums are held in registers
#ifdef LUTFORGE_ENGINE_VNNI
    static const int GROUP = 4;  // inputs that are multiplied and added at once
#else
    static const int GROUP = 2;
#endif
    int64_t groups_ = 0;
    std::vector<std::vector<int32_t>> packed_;  // per pass [outputs / ROWS][groups][ROWS], GROUP weights each

    const uint8_t* row(const Block& block, const Pass& pass, int64_t position, int64_t input, size_t unit, const uint8_t* pad) const {
        if (input >= fan_in) return pad;
        if (from_raw()) return turned(block) + input * UNIT;
        const int32_t at = index[size_t(position * fan_in + input)];
        return at < 0 ? pad : block.bytes(pass.source, at, unit);
    }
    // The images themselves, all of them once: the one source of every pass.
    bool from_raw() const { return passes[0].source.format == RAW; }
    uint8_t* turned(const Block& block) const { return block.scratch + size_t(groups_) * 4 * UNIT * passes.size(); }
    void turn(const Block& block, size_t unit) const {
        const uint8_t* from = block.raw + unit * UNIT * block.raw_bytes;
        for (int64_t row = 0; row < fan_in; row += 64)
            turn_tile(from + row, block.raw_bytes, turned(block) + row * UNIT, UNIT, int(fan_in - row < 64 ? fan_in - row : 64));
    }
    void gather_raw(const Block& block, size_t unit) const;
    void finish(const Block& block, int64_t position, int64_t output, size_t unit, int32_t* x) const {
        const int64_t at = position * outputs + output;
        if (then) then->finish(block, at, unit, x);
        else write_row(block, dest, at, unit, x);
    }
    void sums(const Block& block, int64_t position, int64_t output, size_t unit, int32_t (*x)[UNIT]) const;
    void gather(const Block& block, int64_t position, size_t unit) const;
    void prepare_inputs(const Block& block, int64_t position, size_t unit) const {
#ifdef LUTFORGE_ENGINE_VNNI
        if (from_raw()) return gather_raw(block, unit);
#endif
        if (from_raw()) turn(block, unit);
        gather(block, position, unit);
    }
};

inline void Matmul::prepare() {
    groups_ = (fan_in + GROUP - 1) / GROUP;
#ifdef LUTFORGE_ENGINE_PACKED
    const int64_t blocks = (outputs + ROWS - 1) / ROWS;
    const int bits = 32 / GROUP;
    for (const Pass& pass : passes) {
        std::vector<int32_t> all(size_t(blocks * groups_ * ROWS), 0);
        for (int64_t output = 0; output < outputs; ++output)
            for (int64_t input = 0; input < fan_in; ++input) {
                int32_t& some = all[size_t((output / ROWS * groups_ + input / GROUP) * ROWS + output % ROWS)];
                const uint32_t weight = uint32_t(int32_t(pass.weights[size_t(output * fan_in + input)]));
                some |= int32_t((weight & (bits == 8 ? 0xFFu : 0xFFFFu)) << (bits * (input % GROUP)));
            }
        packed_.push_back(all);
    }
#endif
}

#ifdef LUTFORGE_ENGINE_VNNI

// Four inputs of an image side by side: [group][image][4], for each pass.
inline void Matmul::gather(const Block& block, int64_t position, size_t unit) const {
    alignas(64) static const uint8_t ORDER[64] = {
        0, 16, 32, 48, 1, 17, 33, 49, 2,  18, 34, 50, 3,  19, 35, 51, 4,  20, 36, 52, 5,  21,
        37, 53, 6, 22, 38, 54, 7, 23, 39, 55, 8,  24, 40, 56, 9,  25, 41, 57, 10, 26, 42, 58,
        11, 27, 43, 59, 12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63};
    const __m512i order = _mm512_load_si512(ORDER);
    alignas(64) uint8_t pad[UNIT];
    uint8_t* to = block.scratch;
    for (size_t number = 0; number < passes.size(); ++number) {
        const Pass& pass = passes[number];
        if (number && pass.source.number == passes[number - 1].source.number) continue;
        std::memset(pad, pass.pad, UNIT);
        for (int64_t group = 0; group < groups_; ++group) {
            const uint8_t* rows[4];
            for (int i = 0; i < 4; ++i) rows[i] = row(block, pass, position, GROUP * group + i, unit, pad);
            for (int part = 0; part < 4; ++part) {
                __m512i x = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[0]) + part));
                x = _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[1]) + part), 1);
                x = _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[2]) + part), 2);
                x = _mm512_inserti32x4(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[3]) + part), 3);
                _mm512_store_si512(to, _mm512_permutexvar_epi8(order, x));
                to += 64;
            }
        }
    }
}

// The same of the images as they come, where four inputs of an image are a number of 32 bits already.
inline void Matmul::gather_raw(const Block& block, size_t unit) const {
    __m512i x[16];
    for (int part = 0; part < 4; ++part) {
        const uint8_t* from = block.raw + (unit * UNIT + size_t(16 * part)) * block.raw_bytes;
        for (int64_t group = 0; group < groups_; group += 16) {
            const int64_t left = fan_in - 4 * group;
            const __mmask64 inside = left < 64 ? (uint64_t(1) << left) - 1 : ~uint64_t(0);
            for (int i = 0; i < 16; ++i) x[i] = _mm512_maskz_loadu_epi8(inside, from + size_t(i) * block.raw_bytes + 4 * group);
            turn_dwords(x);
            uint8_t* to = block.scratch + (group * 4 + part) * 64;
            for (int i = 0; i < 16 && group + i < groups_; ++i) _mm512_store_si512(to + 256 * i, x[i]);
        }
    }
}

// ROWS outputs of 64 images.
inline void Matmul::sums(const Block& block, int64_t, int64_t output, size_t, int32_t (*x)[UNIT]) const {
    __m512i total[ROWS][4];
    for (auto& each : total)
        for (auto& part : each) part = _mm512_setzero_si512();
    const uint8_t* bytes = block.scratch;
    for (size_t number = 0; number < passes.size(); ++number) {
        const bool same = number && passes[number].source.number == passes[number - 1].source.number;
        if (number && !same) bytes += size_t(groups_) * 4 * UNIT;
        if (passes[number].shift)
            for (auto& each : total)
                for (auto& part : each) part = _mm512_sll_epi32(part, _mm_cvtsi32_si128(passes[number].shift));
        const int32_t* weights = &packed_[number][size_t(output / ROWS * groups_ * ROWS)];
        const uint8_t* quad = bytes;
        for (int64_t count = 0; count < groups_; ++count, quad += 4 * UNIT, weights += ROWS) {
            const __m512i a = _mm512_load_si512(quad), b = _mm512_load_si512(quad + 64);
            const __m512i c = _mm512_load_si512(quad + 128), d = _mm512_load_si512(quad + 192);
            for (int i = 0; i < ROWS; ++i) {
                const __m512i weight = _mm512_set1_epi32(weights[i]);
                total[i][0] = _mm512_dpbusd_epi32(total[i][0], a, weight);
                total[i][1] = _mm512_dpbusd_epi32(total[i][1], b, weight);
                total[i][2] = _mm512_dpbusd_epi32(total[i][2], c, weight);
                total[i][3] = _mm512_dpbusd_epi32(total[i][3], d, weight);
            }
        }
    }
    for (int i = 0; i < ROWS; ++i) {
        const int64_t at = output + i < outputs ? output + i : output;
        const __m512i more = _mm512_set1_epi32(int32_t(uint32_t(bias[size_t(at)])));
        for (int part = 0; part < 4; ++part) _mm512_store_si512(x[i] + 16 * part, _mm512_add_epi32(total[i][part], more));
    }
}

#elif defined(LUTFORGE_ENGINE_PACKED)

// Two inputs of an image side by side, in 16 bits each: [group][image][2], for each pass.
inline void Matmul::gather(const Block& block, int64_t position, size_t unit) const {
    alignas(64) uint8_t pad[UNIT];
    __m256i* to = reinterpret_cast<__m256i*>(block.scratch);
    for (size_t number = 0; number < passes.size(); ++number) {
        const Pass& pass = passes[number];
        if (number && pass.source.number == passes[number - 1].source.number) continue;
        std::memset(pad, pass.pad, UNIT);
        for (int64_t group = 0; group < groups_; ++group) {
            const __m128i* a = reinterpret_cast<const __m128i*>(row(block, pass, position, 2 * group, unit, pad));
            const __m128i* b = reinterpret_cast<const __m128i*>(row(block, pass, position, 2 * group + 1, unit, pad));
            for (int part = 0; part < 4; ++part) {
                const __m128i x = _mm_loadu_si128(a + part), y = _mm_loadu_si128(b + part);
                _mm256_store_si256(to++, _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x, y)));
                _mm256_store_si256(to++, _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x, y)));
            }
        }
    }
}

inline void Matmul::sums(const Block& block, int64_t, int64_t output, size_t, int32_t (*x)[UNIT]) const {
    for (int i = 0; i < ROWS && output + i < outputs; ++i) {
        __m256i total[8];
        for (auto& part : total) part = _mm256_setzero_si256();
        const __m256i* inputs = reinterpret_cast<const __m256i*>(block.scratch);
        for (size_t number = 0; number < passes.size(); ++number) {
            const bool same = number && passes[number].source.number == passes[number - 1].source.number;
            if (number && !same) inputs += size_t(groups_) * 8;
            for (auto& part : total) part = _mm256_sll_epi32(part, _mm_cvtsi32_si128(passes[number].shift));
            const int32_t* weights = &packed_[number][size_t(output / ROWS * groups_ * ROWS + i)];
            const __m256i* from = inputs;
            for (int64_t group = 0; group < groups_; ++group, from += 8, weights += ROWS) {
                const __m256i weight = _mm256_set1_epi32(*weights);
                for (int part = 0; part < 8; ++part)
                    total[part] = _mm256_add_epi32(total[part], _mm256_madd_epi16(from[part], weight));
            }
        }
        const __m256i more = _mm256_set1_epi32(int32_t(uint32_t(bias[size_t(output + i)])));
        for (int part = 0; part < 8; ++part)
            _mm256_store_si256(reinterpret_cast<__m256i*>(x[i]) + part, _mm256_add_epi32(total[part], more));
    }
}

#else

inline void Matmul::gather(const Block&, int64_t, size_t) const {}

inline void Matmul::sums(const Block& block, int64_t position, int64_t output, size_t unit, int32_t (*x)[UNIT]) const {
    uint8_t pad[UNIT];
    for (int i = 0; i < ROWS && output + i < outputs; ++i) {
        uint32_t total[UNIT] = {0};
        for (const Pass& pass : passes) {
            std::memset(pad, pass.pad, UNIT);
            for (uint32_t& each : total) each <<= pass.shift;
            const int8_t* weights = &pass.weights[size_t((output + i) * fan_in)];
            for (int64_t input = 0; input < fan_in; ++input) {
                if (!weights[input]) continue;
                const uint8_t* from = row(block, pass, position, input, unit, pad);
                const int32_t weight = weights[input];
                for (int image = 0; image < UNIT; ++image) total[image] += uint32_t(int32_t(from[image]) * weight);
            }
        }
        for (int image = 0; image < UNIT; ++image) x[i][image] = int32_t(total[image] + uint32_t(bias[size_t(output + i)]));
    }
}

#endif

inline void Matmul::run(const Block& block) const {
    alignas(64) int32_t x[ROWS][UNIT];
    for (size_t unit = 0; unit < block.units; ++unit)
        for (int64_t position = 0; position < positions; ++position) {
            prepare_inputs(block, position, unit);
            for (int64_t output = 0; output < outputs; output += ROWS) {
                sums(block, position, output, unit, x);
                for (int i = 0; i < ROWS && output + i < outputs; ++i) finish(block, position, output + i, unit, x[i]);
            }
        }
}

}  // namespace engine

#endif
