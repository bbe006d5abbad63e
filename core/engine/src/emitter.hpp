// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A circuit as machine code: functions of three bits (one vpternlogd with AVX-512) and moves, nothing else but a loop.
//
// Code is cut in chunks. A chunk is repeated for every 64 bytes of a lane before the next one starts, so that
// its instructions are fetched once for many images.
#ifndef LUTFORGE_ENGINE_EMITTER_HPP
#define LUTFORGE_ENGINE_EMITTER_HPP

#include "assembler.hpp"

#ifdef LUTFORGE_ENGINE_CODE

#include <unordered_map>

#include "circuit.hpp"

namespace engine {

const int CHUNK_OPS = 128;
const int NEVER = 1 << 30;

// Addresses point so far behind the first lane: a short displacement reaches as far back as forward.
const int BIAS = 128 * VECTOR_BYTES;

// Writes the code of a circuit. lane_bytes: from lane to lane, a multiple of 64.
class Emitter {
  public:
    Emitter(const Circuit& circuit, Decomposer& decomposer, int lane_bytes)
        : circuit_(circuit), decomposer_(decomposer), lane_bytes_(lane_bytes), last_(circuit.place.size(), -1) {}

    std::vector<uint8_t> emit() {
        for (size_t time = 0; time < circuit_.gates.size(); ++time)
            for (int k = 0; k < circuit_.gates[time].inputs; ++k)
                last_[size_t(circuit_.gates[time].source[k])] = int(time);
        for (const auto& copy : circuit_.copies)
            if (copy.from != ZERO) last_[size_t(copy.from)] = NEVER;
        assembler_.prologue();
        for (uint8_t reg : {uint8_t(0xC7), uint8_t(0xC6), uint8_t(0xC2)}) {  // add rdi, rsi, rdx
            assembler_.raw({0x48, 0x81, reg});
            assembler_.number(BIAS);
        }
        size_t begun = 0;
        int next = int(circuit_.place.size());
        std::vector<Op3> ops;
        for (size_t time = 0; time < circuit_.gates.size(); ++time) {
            const Gate& gate = circuit_.gates[time];
            const size_t before = ops.size();
            Ref ref = decomposer_.build(gate.table, std::vector<int>(gate.source, gate.source + gate.inputs), ops, next);
            // a gate of two inputs or more is never a wire, but its complement may be what was built
            if (ref.inverted) ops.back().function = uint8_t(~ops.back().function);
            rename(ops, before, ref.value, gate.lane);
            if (ops.size() >= size_t(CHUNK_OPS) || time + 1 == circuit_.gates.size()) {
                chunk(ops, int(begun), int(time));
                ops.clear();
                begun = time + 1;
            }
        }
        if (!circuit_.copies.empty()) copies();
        assembler_.raw({0xC5, 0xF8, 0x77, 0xC3});  // vzeroupper, ret
        return assembler_.bytes;
    }

  private:
    static const int BASE[3];  // registers of the source, destination and scratch addresses: rdi, rsi, rdx
    static const int SPILL_BASE = 1;  // rcx

    static void rename(std::vector<Op3>& ops, size_t from, int value, int lane) {
        for (size_t i = from; i < ops.size(); ++i)
            if (ops[i].value == value) ops[i].value = lane;
    }
    bool is_lane(int value) const { return value < int(circuit_.place.size()); }
    int base(int lane) const { return BASE[circuit_.place[size_t(lane)].area]; }
    int32_t offset(int lane) const { return circuit_.place[size_t(lane)].lane * lane_bytes_ - BIAS; }
    int words() const { return lane_bytes_ / VECTOR_BYTES; }

    void begin_loop() {
        if (words() > 1) {
            assembler_.raw({0xB8});  // mov eax, words
            assembler_.number(words());
        }
        loop_ = assembler_.bytes.size();
    }
    void end_loop() {
        if (words() == 1) return;
        assembler_.raw({0x48, 0x83, 0xC7, VECTOR_BYTES, 0x48, 0x83, 0xC6, VECTOR_BYTES, 0x48, 0x83, 0xC2, VECTOR_BYTES});
        assembler_.raw({0xFF, 0xC8, 0x0F, 0x85});  // after add rdi, rsi, rdx: dec eax; jnz
        assembler_.number(int32_t(loop_) - int32_t(assembler_.bytes.size()) - 4);
        for (uint8_t reg : {uint8_t(0xEF), uint8_t(0xEE), uint8_t(0xEA)}) {  // sub rdi, rsi, rdx
            assembler_.raw({0x48, 0x81, reg});
            assembler_.number(lane_bytes_);
        }
    }
    void copies() {
        begin_loop();
        for (const auto& copy : circuit_.copies) {
            if (copy.from == ZERO) {
                assembler_.ternary(0, 0, 0, copy.inverted ? 0xFF : 0x00);
            } else {
                assembler_.load(0, base(copy.from), offset(copy.from));
                if (copy.inverted) assembler_.ternary(0, 0, 0, 0x0F);
            }
            assembler_.store(0, BASE[DEST], copy.to * lane_bytes_ - BIAS);
        }
        end_loop();
    }
    void chunk(const std::vector<Op3>& ops, int first, int last);

    const Circuit& circuit_;
    Decomposer& decomposer_;
    const int lane_bytes_;
    std::vector<int> last_;  // gate that reads a lane last
    Assembler assembler_;
    size_t loop_ = 0;
};

const int Emitter::BASE[3] = {7, 6, 2};

// Registers of one chunk: a value is dropped from its register where it is read latest again (Belady).
class Registers {
  public:
    struct Uses {
        std::vector<int> at;
        size_t next = 0;
    };
    explicit Registers(Assembler& assembler) : assembler_(assembler) {
        for (int& each : holds) each = -1;
    }
    int holds[REGISTERS];
    std::unordered_map<int, int> where;    // register of a value
    std::unordered_map<int, int> spilled;  // spill slot of a value without a lane
    std::unordered_map<int, Uses> uses;
    std::vector<int> free_spills;
    int used_spills = 0;

    int next_use(int value) {
        Uses& each = uses[value];
        return each.next < each.at.size() ? each.at[each.next] : NEVER;
    }
    void release(int value) {
        auto found = where.find(value);
        if (found != where.end()) {
            holds[found->second] = -1;
            where.erase(found);
        }
        auto slot = spilled.find(value);
        if (slot != spilled.end()) {
            free_spills.push_back(slot->second);
            spilled.erase(slot);
        }
    }
    // A register for a new value. has_home: whether a value can be read again from its lane.
    template <typename HasHome>
    int take(const HasHome& has_home, uint32_t locked) {
        int best = -1, farthest = -1;
        for (int reg = 0; reg < REGISTERS; ++reg) {
            if (locked >> reg & 1) continue;
            if (holds[reg] < 0) return reg;
            const int use = next_use(holds[reg]);
            if (use > farthest) farthest = use, best = reg;
        }
        const int value = holds[best];
        if (!has_home(value) && !spilled.count(value)) {
            int slot;
            if (free_spills.empty()) slot = used_spills++;
            else slot = free_spills.back(), free_spills.pop_back();
            if (slot >= SPILLS) throw std::runtime_error("a chunk of code needs too many registers");
            assembler_.store(best, 1, slot * VECTOR_BYTES);
            spilled[value] = slot;
        }
        where.erase(value);
        holds[best] = -1;
        return best;
    }

  private:
    Assembler& assembler_;
};

// The immediate with its operands in another order: order[i] is the old place of new operand i.
inline uint8_t permuted(uint8_t function, const int* order) {
    uint8_t result = 0;
    for (int address = 0; address < 8; ++address) {
        int old = 0;
        for (int i = 0; i < 3; ++i) old |= (address >> (2 - i) & 1) << (2 - order[i]);
        result |= uint8_t((function >> old & 1) << address);
    }
    return result;
}

inline void Emitter::chunk(const std::vector<Op3>& ops, int first, int last) {
    begin_loop();
    Registers registers(assembler_);
    std::unordered_map<int, bool> stored;  // lanes made here: whether they lie in memory yet
    for (size_t time = 0; time < ops.size(); ++time) {
        const int operands[3] = {ops[time].a, ops[time].b, ops[time].c};
        for (int i = 0; i < 3; ++i) {
            bool again = false;
            for (int j = 0; j < i; ++j) again = again || operands[j] == operands[i];
            if (!again) registers.uses[operands[i]].at.push_back(int(time));
        }
        if (is_lane(ops[time].value)) stored[ops[time].value] = false;
    }
    (void)first;
    auto has_home = [&](int value) {
        if (!is_lane(value)) return false;
        auto found = stored.find(value);
        return found == stored.end() || found->second;
    };
    for (size_t time = 0; time < ops.size(); ++time) {
        const Op3& op = ops[time];
        const int operands[3] = {op.a, op.b, op.c};
        for (int i = 0; i < 3; ++i) {
            Registers::Uses& uses = registers.uses[operands[i]];
            if (uses.next < uses.at.size() && uses.at[uses.next] == int(time)) ++uses.next;
        }
        uint32_t locked = 0;
        for (int value : operands) {
            auto found = registers.where.find(value);
            if (found != registers.where.end()) locked |= 1u << found->second;
        }
        // one operand may be read from memory, if it is not wanted again; the others are loaded
        int from_memory = -1;
        for (int i = 0; READS_MEMORY && i < 3 && from_memory < 0; ++i) {
            const int value = operands[i];
            if (registers.where.count(value) || registers.next_use(value) != NEVER) continue;
            bool alone = true;
            for (int j = 0; j < 3; ++j) alone = alone && (j == i || operands[j] != value);
            if (alone) from_memory = i;
        }
        auto address = [&](int value, int& at, int32_t& place) {
            auto slot = registers.spilled.find(value);
            if (slot != registers.spilled.end()) at = SPILL_BASE, place = slot->second * VECTOR_BYTES;
            else at = base(value), place = offset(value);
        };
        for (int i = 0; i < 3; ++i) {
            const int value = operands[i];
            if (i == from_memory || registers.where.count(value)) continue;
            int at;
            int32_t place;
            address(value, at, place);
            const int reg = registers.take(has_home, locked);
            assembler_.load(reg, at, place);
            registers.holds[reg] = value;
            registers.where[value] = reg;
            locked |= 1u << reg;
        }
        // the first operand is overwritten: one that is not wanted again, else a copy
        int order[3] = {0, 1, 2};
        if (from_memory >= 0) std::swap(order[from_memory], order[2]);
        int overwritten = -1;
        for (int i = 0; i < (from_memory >= 0 ? 2 : 3) && overwritten < 0; ++i)
            if (registers.next_use(operands[order[i]]) == NEVER) overwritten = i;
        int reg;
        int sources[3];
        if (overwritten >= 0) {
            std::swap(order[0], order[overwritten]);
            reg = registers.where[operands[order[0]]];
        } else {
            reg = registers.take(has_home, locked);
            assembler_.move(reg, registers.where[operands[order[0]]]);
        }
        for (int i = 0; i < 3; ++i) sources[i] = i == 2 && from_memory >= 0 ? -1 : registers.where[operands[order[i]]];
        const uint8_t function = permuted(op.function, order);
        if (from_memory >= 0) {
            int at;
            int32_t place;
            address(operands[order[2]], at, place);
            assembler_.ternary(reg, sources[1], at, place, function);
        } else {
            assembler_.ternary(reg, sources[1], sources[2], function);
        }
        for (int value : operands)
            if (registers.next_use(value) == NEVER) registers.release(value);
        registers.holds[reg] = op.value;
        registers.where[op.value] = reg;
        if (is_lane(op.value)) {
            const bool output = circuit_.place[size_t(op.value)].area == DEST;
            if (output || last_[size_t(op.value)] > last) {
                assembler_.store(reg, base(op.value), offset(op.value));
                stored[op.value] = true;
            }
        }
        if (registers.next_use(op.value) == NEVER) registers.release(op.value);
    }
    end_loop();
}

}  // namespace engine

#endif
#endif
