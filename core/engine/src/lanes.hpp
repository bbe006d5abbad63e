// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Between bytes, integers and bits of 64 images, and from rows of images to rows of elements.
#ifndef LUTFORGE_ENGINE_LANES_HPP
#define LUTFORGE_ENGINE_LANES_HPP

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) && defined(__AVX512BW__)
#define LUTFORGE_ENGINE_AVX512 1
#endif
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace engine {

const int UNIT = 64;  // images

// Bit i is bit `bit` of byte i.
inline uint64_t bits_of(const uint8_t* bytes, int bit) {
#ifdef LUTFORGE_ENGINE_AVX512
    return _mm512_test_epi8_mask(_mm512_loadu_si512(bytes), _mm512_set1_epi8(char(1 << bit)));
#elif defined(__AVX2__)
    uint64_t result = 0;
    for (int half = 0; half < 2; ++half) {
        const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes) + half);
        const __m256i top = _mm256_sll_epi16(x, _mm_cvtsi32_si128(7 - bit));  // the bit is each byte's highest now
        result |= uint64_t(uint32_t(_mm256_movemask_epi8(top))) << (32 * half);
    }
    return result;
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
#elif defined(__AVX2__)
    uint64_t result = 0;
    for (int part = 0; part < 8; ++part) {
        const __m256i eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x) + part);
        const __m256i more = _mm256_cmpgt_epi32(eight, _mm256_set1_epi32(threshold));
        result |= uint64_t(uint8_t(_mm256_movemask_ps(_mm256_castsi256_ps(more)))) << (8 * part);
    }
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

#if defined(LUTFORGE_ENGINE_AVX512) && defined(__AVX512VBMI__)
#define LUTFORGE_ENGINE_VBMI 1

// Turn 16 x 16 numbers of 32 bits.
inline void turn_dwords(__m512i* x) {
    __m512i y[16];
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; ++j) {
            x[i + 2 * j] = _mm512_unpacklo_epi64(y[i + j], y[i + j + 2]);
            x[i + 2 * j + 1] = _mm512_unpackhi_epi64(y[i + j], y[i + j + 2]);
        }
    // now x[4a + c] holds column 4l + c of rows 4a..4a+3 in lane l
    for (int c = 0; c < 4; ++c) {
        const __m512i low = _mm512_shuffle_i32x4(x[c], x[4 + c], 0x88), high = _mm512_shuffle_i32x4(x[c], x[4 + c], 0xDD);
        const __m512i low2 = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0x88), high2 = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0xDD);
        y[c] = _mm512_shuffle_i32x4(low, low2, 0x88);
        y[4 + c] = _mm512_shuffle_i32x4(high, high2, 0x88);
        y[8 + c] = _mm512_shuffle_i32x4(low, low2, 0xDD);
        y[12 + c] = _mm512_shuffle_i32x4(high, high2, 0xDD);
    }
    for (int i = 0; i < 16; ++i) x[i] = y[i];
}

// Turn 64 images of 64 elements: 16 images at a time as 32-bit numbers, then the four bytes of each.
inline void turn_whole_tile(const uint8_t* from, size_t from_step, uint8_t* to, size_t to_step) {
    alignas(64) static const uint8_t BYTES_APART[64] = {
        0, 4, 8,  12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 1, 5, 9,  13, 17, 21, 25, 29, 33, 37, 41, 45, 49, 53, 57, 61,
        2, 6, 10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58, 62, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43, 47, 51, 55, 59, 63};
    const __m512i apart = _mm512_load_si512(BYTES_APART);
    for (int image = 0; image < UNIT; image += 16) {
        __m512i x[16];
        for (int i = 0; i < 16; ++i) x[i] = _mm512_loadu_si512(from + size_t(image + i) * from_step);
        turn_dwords(x);
        for (int four = 0; four < 16; ++four) {
            const __m512i rows = _mm512_permutexvar_epi8(apart, x[four]);
            uint8_t* at = to + size_t(4 * four) * to_step + image;
            _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm512_castsi512_si128(rows));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(at + to_step), _mm512_extracti32x4_epi32(rows, 1));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 2 * to_step), _mm512_extracti32x4_epi32(rows, 2));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 3 * to_step), _mm512_extracti32x4_epi32(rows, 3));
        }
    }
}
#endif

// Turn a tile: element e of image i, at from[i * from_step + e], to to[e * to_step + i]; 64 images, `elements` <= 64.
inline void turn_tile(const uint8_t* from, size_t from_step, uint8_t* to, size_t to_step, int elements) {
#ifdef LUTFORGE_ENGINE_VBMI
    if (elements == 64) return turn_whole_tile(from, from_step, to, to_step);
#endif
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

#if defined(LUTFORGE_ENGINE_AVX512) && defined(__GFNI__) && defined(__AVX512VBMI__)
#define LUTFORGE_ENGINE_GFNI 1

inline void turn_qwords(__m512i* x) {
    __m512i y[8];
    for (int i = 0; i < 8; i += 2) {
        y[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; ++j) {
            x[i + j] = _mm512_shuffle_i64x2(y[i + j], y[i + j + 2], 0x88);      // lanes 0, 2
            x[i + j + 2] = _mm512_shuffle_i64x2(y[i + j], y[i + j + 2], 0xDD);  // lanes 1, 3
        }
    for (int i = 0; i < 4; ++i) {
        y[i] = _mm512_shuffle_i64x2(x[i], x[i + 4], 0x88);
        y[i + 4] = _mm512_shuffle_i64x2(x[i], x[i + 4], 0xDD);
    }
    for (int i = 0; i < 8; ++i) x[i] = y[i];
}

// Turn 512 x 64 bits: bit e of word i becomes bit i of 512 at to + e * step words. `elements` of them are stored.
inline void turn_512(const uint64_t* words, uint64_t* to, size_t step, int elements) {
    alignas(64) static const uint8_t GROUP[64] = {
        56, 48, 40, 32, 24, 16, 8,  0, 57, 49, 41, 33, 25, 17, 9,  1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3,
        60, 52, 44, 36, 28, 20, 12, 4, 61, 53, 45, 37, 29, 21, 13, 5, 62, 54, 46, 38, 30, 22, 14, 6, 63, 55, 47, 39, 31, 23, 15, 7};
    const __m512i group = _mm512_load_si512(GROUP), basis = _mm512_set1_epi64(int64_t(0x8040201008040201));
    __m512i all[8][8];  // [pair of elements][unit]
    for (int unit = 0; unit < 8; ++unit) {
        __m512i z[8], a[8];
        for (int i = 0; i < 8; ++i) {  // 8 images: byte e is element e
            const __m512i eight = _mm512_permutexvar_epi8(group, _mm512_loadu_si512(words + 64 * unit + 8 * i));
            z[i] = _mm512_gf2p8affine_epi64_epi8(basis, eight, 0);
        }
        for (int i = 0; i < 4; ++i) {
            a[i] = _mm512_unpacklo_epi8(z[2 * i], z[2 * i + 1]);
            a[i + 4] = _mm512_unpackhi_epi8(z[2 * i], z[2 * i + 1]);
        }
        for (int half = 0; half < 2; ++half) {
            const __m512i* b = a + 4 * half;
            const __m512i low01 = _mm512_unpacklo_epi16(b[0], b[1]), high01 = _mm512_unpackhi_epi16(b[0], b[1]);
            const __m512i low23 = _mm512_unpacklo_epi16(b[2], b[3]), high23 = _mm512_unpackhi_epi16(b[2], b[3]);
            all[4 * half][unit] = _mm512_unpacklo_epi32(low01, low23);
            all[4 * half + 1][unit] = _mm512_unpackhi_epi32(low01, low23);
            all[4 * half + 2][unit] = _mm512_unpacklo_epi32(high01, high23);
            all[4 * half + 3][unit] = _mm512_unpackhi_epi32(high01, high23);
        }
    }
    for (int pair = 0; pair < 8; ++pair) {
        turn_qwords(all[pair]);
        for (int i = 0; i < 8; ++i) {
            const int element = 16 * (i / 2) + 2 * pair + i % 2;
            if (element < elements) _mm512_storeu_si512(to + size_t(element) * step, all[pair][i]);
        }
    }
}
#endif

}  // namespace engine

#endif
