// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// What one core can do: operations per second on full vectors, loads, products of bytes, bytes read.
//     ceiling rates                 bits of a vector, then operations, loads and products per second
//     ceiling < numbers             of bytes to be read, a zero, then tables of six inputs: bytes per second at which
//                                   each set is read, operations of three inputs that each table takes

#include <immintrin.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "decompose.hpp"

#if defined(__AVX512F__)
typedef __m512i Vector;
#define LOGIC(x) asm volatile("vpternlogd $0x96, %1, %1, %0" : "+v"(x) : "v"(other))
#define LOAD(x, i) asm volatile("vmovdqa64 %1, %0" : "=v"(x) : "m"(near[i]))
#else
typedef __m256i Vector;
#define LOGIC(x) asm volatile("vpxor %1, %0, %0" : "+x"(x) : "x"(other))
#define LOAD(x, i) asm volatile("vmovdqa %1, %0" : "=x"(x) : "m"(near[i]))
#endif
#if defined(__AVX512VNNI__)
#define PRODUCT(x) asm volatile("vpdpbusd %1, %1, %0" : "+v"(x) : "v"(other))
const int PRODUCTS = 64;
#elif defined(__AVX512BW__)
#define PRODUCT(x) asm volatile("vpmaddwd %1, %0, %0" : "+v"(x) : "v"(other))
const int PRODUCTS = 32;
#else
#define PRODUCT(x) asm volatile("vpmaddwd %1, %0, %0" : "+x"(x) : "x"(other))
const int PRODUCTS = 16;
#endif
#define TWELVE(act) act(a); act(b); act(c); act(d); act(e); act(f); act(g); act(h); act(i); act(j); act(k); act(l)

const long ROUNDS = 10000000;
alignas(64) static Vector near_data[64];

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <typename Body>
static double best(Body body) {
    double least = 1e9;
    for (int repeat = 0; repeat < 8; ++repeat) {
        const double begun = now();
        body();
        const double seconds = now() - begun;
        if (seconds < least) least = seconds;
    }
    return least;
}

// Registers are local variables of the loop's function: what is captured would be stored each time.
static void logic() {
    Vector a = {}, b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a, l = a, other = a;
    for (long round = 0; round < ROUNDS; ++round) { TWELVE(LOGIC); }
}

static void products() {
    Vector a = {}, b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a, l = a, other = a;
    for (long round = 0; round < ROUNDS; ++round) { TWELVE(PRODUCT); }
}

static void loads(const Vector* near, long count, long rounds) {
    Vector v;
    for (long round = 0; round < rounds; ++round)
        for (long place = 0; place + 8 <= count; place += 8) {
            LOAD(v, place); LOAD(v, place + 1); LOAD(v, place + 2); LOAD(v, place + 3);
            LOAD(v, place + 4); LOAD(v, place + 5); LOAD(v, place + 6); LOAD(v, place + 7);
        }
}

int main(int count_of_arguments, char**) {
    if (count_of_arguments > 1) {
        const double each = 12.0 * ROUNDS;
        std::printf("%zu %.9g %.9g %.9g\n", 8 * sizeof(Vector), each / best(logic),
                    64.0 * 2000000 / best([] { loads(near_data, 64, 2000000); }), each * PRODUCTS / best(products));
        return 0;
    }
    unsigned long long number;
    while (std::scanf("%llu", &number) == 1 && number) {
        std::vector<uint8_t> far(number + 64, 1);
        const Vector* from = reinterpret_cast<const Vector*>((reinterpret_cast<uintptr_t>(far.data()) + 63) / 64 * 64);
        const long rounds = 1 + long(200000000 / number);
        const double seconds = best([&] { loads(from, long(number / sizeof(Vector)), rounds); });
        std::printf("%.9g\n", double(rounds) * double(number) / seconds);
    }
    engine::Decomposer decomposer;
    while (std::scanf("%llu", &number) == 1) std::printf("%d\n", decomposer.cost(number, 6));
    return 0;
}
