// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The C interface of the netlist engine, which `netlist_executor.py` calls.
#include "netlist_engine.hpp"

#include <cstdio>

using namespace lutforge;

// A row holds the ports of one lane one after the other, each from a new word on. Return the words of a row.
static size_t row_words(const std::vector<Slots>& ports) {
    size_t words = 0;
    for (const Slots& port : ports) words += (port.size() + 63) / 64;
    return words;
}

static void set_inputs(Engine& engine, const uint64_t* rows) {
    const size_t width = row_words(engine.inputs);
    for (unsigned group = 0; group < LANE_WORDS; ++group, rows += 64 * width) {
        size_t column = 0;
        for (const Slots& port : engine.inputs) {
            for (size_t first = 0; first < port.size(); first += 64, ++column) {
                uint64_t block[64];
                for (unsigned lane = 0; lane < 64; ++lane) block[lane] = rows[lane * width + column];
                transpose(block);
                for (size_t bit = first; bit < std::min(port.size(), first + 64); ++bit) {
                    engine.nets[port[bit]][group] = block[bit - first];
                }
            }
        }
    }
}

static void get_outputs(const Engine& engine, uint64_t* rows) {
    const size_t width = row_words(engine.outputs);
    for (unsigned group = 0; group < LANE_WORDS; ++group, rows += 64 * width) {
        size_t column = 0;
        for (const Slots& port : engine.outputs) {
            for (size_t first = 0; first < port.size(); first += 64, ++column) {
                uint64_t block[64] = {};
                for (size_t bit = first; bit < std::min(port.size(), first + 64); ++bit) {
                    block[bit - first] = engine.nets[port[bit]][group];
                }
                transpose(block);
                for (unsigned lane = 0; lane < 64; ++lane) rows[lane * width + column] = block[lane];
            }
        }
    }
}

extern "C" {

// A new engine, or null and a message of at most `size` bytes.
Engine* lutforge_netlist_open(const uint32_t* program, uint64_t words, char* message, uint64_t size) {
    try {
        Words reader(program, words);
        return new Engine(reader);
    } catch (const std::exception& error) {
        std::snprintf(message, size, "%s", error.what());
        return nullptr;
    }
}

void lutforge_netlist_close(Engine* engine) { delete engine; }

void lutforge_netlist_reset(Engine* engine) { engine->reset(); }

// One cycle after the other: inputs, the outputs that follow, a clock edge. Rows: [cycle][LANES].
void lutforge_netlist_cycles(Engine* engine, uint64_t cycles, const uint64_t* inputs, uint64_t* outputs) {
    const size_t in = LANES * row_words(engine->inputs), out = LANES * row_words(engine->outputs);
    for (; cycles; --cycles, inputs += in, outputs += out) {
        set_inputs(*engine, inputs);
        engine->settle();
        get_outputs(*engine, outputs);
        engine->clock();
    }
}

// Block after block of vectors: inputs held for `edges` clock edges, then the outputs. Rows: [block][LANES].
void lutforge_netlist_vectors(Engine* engine, uint64_t blocks, uint64_t edges, const uint64_t* inputs, uint64_t* outputs) {
    const size_t in = LANES * row_words(engine->inputs), out = LANES * row_words(engine->outputs);
    for (; blocks; --blocks, inputs += in, outputs += out) {
        engine->reset();
        set_inputs(*engine, inputs);
        engine->settle();
        for (uint64_t edge = 0; edge < edges; ++edge) {
            engine->clock();
            engine->settle();
        }
        get_outputs(*engine, outputs);
    }
}

}  // extern "C"
