// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Between bytes, integers and bits of 64 images, and from rows of images to rows of elements.
#ifndef LUTFORGE_ENGINE_LANES_HPP
#define LUTFORGE_ENGINE_LANES_HPP

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) && defined(__AVX512BW__)
#define LUTFORGE_ENGINE_AVX512 1
#include <immintrin.h>
#endif

namespace engine {

const int UNIT = 64;  // images

// Bit i is bit `bit` of byte i.
inline uint64_t bits_of(const uint8_t* bytes, int bit) {
#ifdef LUTFORGE_ENGINE_AVX512
    return _mm512_test_epi8_mask(_mm512_loadu_si512(bytes), _mm512_set1_epi8(char(1 << bit)));
#else
    uint64_t result = 0;
    for (int group = 0; group < 8; ++group) {
        uint64_t eight;
        std::memcpy(&eight, bytes + 8 * group, 8);
        eight = (eight >> bit) & 0x0101010101010101;
        result |= (eight * 0x0102040810204080) >> 56 << (8 * group);  // byte i to bit 56 + i
    }
    return result;
#endif
}

// Add `value` to every byte whose bit is 1.
inline void add_where(uint8_t* bytes, uint64_t bits, uint8_t value) {
#ifdef LUTFORGE_ENGINE_AVX512
    __m512i old = _mm512_loadu_si512(bytes);
    _mm512_storeu_si512(bytes, _mm512_mask_add_epi8(old, bits, old, _mm512_set1_epi8(char(value))));
#else
    for (int i = 0; i < UNIT; ++i) bytes[i] = uint8_t(bytes[i] + (bits >> i & 1 ? value : 0));
#endif
}

// Bit i is 1 where x[i] > threshold.
inline uint64_t exceeding(const int32_t* x, int32_t threshold) {
#ifdef LUTFORGE_ENGINE_AVX512
    uint64_t result = 0;
    for (int part = 0; part < 4; ++part)
        result |= uint64_t(_mm512_cmpgt_epi32_mask(_mm512_loadu_si512(x + 16 * part), _mm512_set1_epi32(threshold)))
                  << (16 * part);
    return result;
#else
    uint64_t result = 0;
    for (int i = 0; i < UNIT; ++i) result |= uint64_t(x[i] > threshold) << i;
    return result;
#endif
}

inline uint64_t bits_of(const int32_t* x, int bit) {
#ifdef LUTFORGE_ENGINE_AVX512
    uint64_t result = 0;
    for (int part = 0; part < 4; ++part)
        result |= uint64_t(_mm512_test_epi32_mask(_mm512_loadu_si512(x + 16 * part), _mm512_set1_epi32(int(1u << bit))))
                  << (16 * part);
    return result;
#else
    uint64_t result = 0;
    for (int i = 0; i < UNIT; ++i) result |= uint64_t(uint32_t(x[i]) >> bit & 1) << i;
    return result;
#endif
}

// Turn a tile: element e of image i, at from[i * from_step + e], to to[e * to_step + i]; 64 images, `elements` <= 64.
inline void turn_tile(const uint8_t* from, size_t from_step, uint8_t* to, size_t to_step, int elements) {
    for (int image = 0; image < UNIT; image += 8) {
        int element = 0;
        for (; element + 8 <= elements; element += 8) {
            uint64_t x[8];
            for (int i = 0; i < 8; ++i) std::memcpy(&x[i], from + size_t(image + i) * from_step + element, 8);
            // 8 x 8 bytes turned in three rounds of exchanges (Hacker's Delight, 7-3, on bytes)
            for (int i = 0; i < 8; ++i)
                if (!(i & 4)) {
                    uint64_t swap = ((x[i] >> 32) ^ x[i + 4]) & 0xFFFFFFFFu;
                    x[i] ^= swap << 32, x[i + 4] ^= swap;
                }
            for (int i = 0; i < 8; ++i)
                if (!(i & 2)) {
                    uint64_t swap = ((x[i] >> 16) ^ x[i + 2]) & 0x0000FFFF0000FFFFu;
                    x[i] ^= swap << 16, x[i + 2] ^= swap;
                }
            for (int i = 0; i < 8; ++i)
                if (!(i & 1)) {
                    uint64_t swap = ((x[i] >> 8) ^ x[i + 1]) & 0x00FF00FF00FF00FFu;
                    x[i] ^= swap << 8, x[i + 1] ^= swap;
                }
            for (int i = 0; i < 8; ++i) std::memcpy(to + size_t(element + i) * to_step + image, &x[i], 8);
        }
        for (; element < elements; ++element)
            for (int i = 0; i < 8; ++i)
                to[size_t(element) * to_step + size_t(image + i)] = from[size_t(image + i) * from_step + element];
    }
}

// Turn 64 x 64 bits: bit b of word i becomes bit i of word b.
inline void turn_bits(uint64_t* x) {
    uint64_t mask = 0x00000000FFFFFFFF;
    for (int step = 32; step; step >>= 1, mask ^= mask << step)
        for (int i = 0; i < 64; ++i)
            if (!(i & step)) {
                uint64_t swap = ((x[i] >> step) ^ x[i + step]) & mask;
                x[i] ^= swap << step;
                x[i + step] ^= swap;
            }
}

}  // namespace engine

#endif
