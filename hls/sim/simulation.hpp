// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// What a simulation executable is besides its model: options, random stalls, files, and stats.json.
#ifndef LUTFORGE_SIMULATION_HPP
#define LUTFORGE_SIMULATION_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace lutforge {

typedef std::vector<unsigned char> Bytes;

// What ends a simulation early. status: the exit code.
struct Failure : std::runtime_error {
    Failure(int exit_status, const std::string& text) : std::runtime_error(text), status(exit_status) {}
    int status;
};

enum { WRONG_USE = 2, NOTHING_MOVES = 3, WRONG_PROTOCOL = 4 };

struct Options {
    uint64_t images = 0;
    uint64_t batch = 0;  // images of one start; 0: all of them
    std::string in, out, stats, trace;
    std::string runs;  // file of a start per line: images and answer beats, where answers are no fixed part of an image
    uint64_t stall_seed = 0;
    unsigned stall_in = 0, stall_out = 0;  // percent of cycles
    uint64_t watchdog = 1000000;           // cycles in which nothing moves
};

inline uint64_t whole_number(const std::string& name, const std::string& text) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
    if (text.empty() || *end || text[0] == '-') throw Failure(WRONG_USE, name + " " + text + " is no whole number");
    return value;
}

inline Options read_options(int count, char** words) {
    Options options;
    for (int index = 1; index < count; index += 2) {
        const std::string name = words[index];
        if (index + 1 == count) throw Failure(WRONG_USE, "option " + name + " has no value");
        const std::string value = words[index + 1];
        if (name == "--in") options.in = value;
        else if (name == "--out") options.out = value;
        else if (name == "--stats") options.stats = value;
        else if (name == "--trace") options.trace = value;
        else if (name == "--runs") options.runs = value;
        else if (name == "--images") options.images = whole_number(name, value);
        else if (name == "--batch") options.batch = whole_number(name, value);
        else if (name == "--stall-seed") options.stall_seed = whole_number(name, value);
        else if (name == "--stall-in") options.stall_in = unsigned(whole_number(name, value));
        else if (name == "--stall-out") options.stall_out = unsigned(whole_number(name, value));
        else if (name == "--watchdog") options.watchdog = whole_number(name, value);
        else throw Failure(WRONG_USE, "option " + name + " is unknown");
    }
    if (options.in.empty() || options.out.empty()) throw Failure(WRONG_USE, "--in and --out are wanted");
    if (options.stall_in > 99 || options.stall_out > 99) throw Failure(WRONG_USE, "stalls are 0..99 percent of cycles");
    if (!options.batch) options.batch = options.images;
    return options;
}

// Whether a stream is withheld in this cycle: splitmix64 (Steele, Lea, Flood, OOPSLA 2014), `percent` of the time.
class Stalls {
public:
    Stalls(uint64_t seed, unsigned percent) : state_(seed), percent_(percent) {}
    bool next() {
        if (!percent_) return false;
        uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return ((z ^ (z >> 31)) >> 32) * 100 >> 32 < percent_;
    }

private:
    uint64_t state_;
    unsigned percent_;
};

inline Bytes read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Failure(WRONG_USE, path + " cannot be read");
    return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

inline void write_file(const std::string& path, const void* data, size_t bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(static_cast<const char*>(data), std::streamsize(bytes));
    file.flush();
    if (!file) throw Failure(WRONG_USE, path + " cannot be written");
}

// Cycles are counted from the end of reset. answer_cycles: the last beat of each image's answer.
struct Stats {
    uint64_t cycles = 0, images = 0, first_in = 0, first_out = 0, last_out = 0;
    std::vector<uint64_t> answer_cycles;
    std::string error;

    std::string json() const {
        const size_t kept = 64;  // of the first answers; the very last one is always told
        std::string answers;
        for (size_t index = 0; index < answer_cycles.size(); ++index) {
            if (index >= kept && index + 1 != answer_cycles.size()) continue;
            answers += (answers.empty() ? "" : ", ") + std::to_string(answer_cycles[index]);
        }
        std::string text;
        for (const char letter : error) {
            if (letter == '"' || letter == '\\') text += '\\';
            text += letter < ' ' ? ' ' : letter;
        }
        return "{\"cycles\": " + std::to_string(cycles) + ", \"images\": " + std::to_string(images) +
               ", \"first_in\": " + std::to_string(first_in) + ", \"first_out\": " + std::to_string(first_out) +
               ", \"last_out\": " + std::to_string(last_out) + ", \"answer_cycles\": [" + answers +
               "], \"error\": " + (error.empty() ? "null" : "\"" + text + "\"") + "}\n";
    }
};

}  // namespace lutforge

#endif
