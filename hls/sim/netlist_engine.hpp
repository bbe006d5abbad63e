// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Runs a netlist program, which `netlist_program.py` writes: whole cycles of a design, in 256 lanes at once.
#ifndef LUTFORGE_NETLIST_ENGINE_HPP
#define LUTFORGE_NETLIST_ENGINE_HPP

#include <stdexcept>
#include <string>

#include "netlist_storage.hpp"

namespace lutforge {

// The words of a program, one after the other.
class Words {
public:
    Words(const uint32_t* begin, size_t count) : at_(begin), end_(begin + count) {}
    uint32_t next() {
        if (at_ == end_) throw std::runtime_error("the netlist program is cut short; write it again");
        return *at_++;
    }
    Slots list() {
        Slots result(next());
        for (uint32_t& word : result) word = next();
        return result;
    }
    std::vector<bool> bits() {
        std::vector<bool> result(next());
        uint32_t word = 0;
        for (size_t index = 0; index < result.size(); ++index) {
            if (index % 32 == 0) word = next();
            result[index] = word >> index % 32 & 1;
        }
        return result;
    }
    std::string text() {
        std::string result;
        for (const uint32_t letter : list()) result += char(letter);
        return result;
    }

private:
    const uint32_t *at_, *end_;
};

// Registers with one clock enable and one synchronous reset.
struct Registers {
    uint32_t enable, reset, first;  // first: slot of the first output, the others follow
    bool reset_value;
    Slots data;
};

class Engine {
public:
    static const uint32_t MAGIC = 0x314e464cu;  // "LFN1"

    explicit Engine(Words& words) {
        if (words.next() != MAGIC) throw std::runtime_error("this is no netlist program of this version; write it again");
        nets.resize(words.next());
        set_slots_ = words.list();
        code_ = words.list();
        for (uint32_t count = words.next(); count; --count) {
            Registers group{words.next(), words.next(), words.next(), words.next() != 0, {}};
            group.data = words.list();
            registers_.push_back(group);
        }
        for (uint32_t count = words.next(); count; --count) shifts_.push_back(read_shift(words));
        for (uint32_t count = words.next(); count; --count) memories_.push_back(read_memory(words));
        for (uint32_t count = words.next(); count; --count) inputs.push_back(words.list());
        for (uint32_t count = words.next(); count; --count) outputs.push_back(words.list());
        reset();
    }

    // Everything as it is after configuration.
    void reset() {
        for (Lanes& net : nets) net = every(false);
        for (const uint32_t slot : set_slots_) nets[slot] = every(true);
        for (ShiftRegister& shift : shifts_) shift.reset();
        for (Memory& memory : memories_) memory.reset();
        publish();
    }

    // Let all nets follow from inputs and registers.
    void settle() {
        const uint32_t* at = code_.data();
        const uint32_t* const end = at + code_.size();
        while (at != end) {
            const uint32_t kind = at[0] >> 8, init = at[0] & 255, count = at[1];
            const uint32_t* operands = at + 2;
            at = operands + count * size_of(kind);
            switch (kind) {
                case 1: TABLES_OF_1[init](nets.data(), operands, count); break;
                case 2: TABLES_OF_2[init](nets.data(), operands, count); break;
                case 3: TABLES_OF_3[init](nets.data(), operands, count); break;
                case 4: run_large<4>(nets.data(), operands, count); break;
                case 5: run_large<5>(nets.data(), operands, count); break;
                case 6: run_large<6>(nets.data(), operands, count); break;
                case READ_MEMORY:
                    for (; operands != at; operands += 2) memories_[operands[0]].read(nets, operands[1]);
                    break;
                default:
                    for (; operands != at; operands += 2) shifts_[operands[0]].read(nets, operands[1]);
            }
        }
    }

    // The rising edge. Storage reads the nets first; then registers change, none of which reads another's output
    // directly; last come the outputs of storage.
    void clock() {
        for (ShiftRegister& shift : shifts_) shift.clock(nets);
        for (Memory& memory : memories_) memory.clock(nets);
        for (const Registers& group : registers_) update(group);
        publish();
    }

    Nets nets;
    std::vector<Slots> inputs, outputs;  // of each port, lowest bit first

private:
    enum { READ_MEMORY = 7, READ_SHIFT = 8 };

    static uint32_t size_of(uint32_t kind) { return kind > 6 ? 2 : kind == 6 ? 9 : kind > 3 ? kind + 2 : kind + 1; }

    void update(const Registers& group) {
        const Lanes takes = nets[group.enable], resets = nets[group.reset], value = every(group.reset_value);
        Lanes* out = &nets[group.first];
        const Lanes* const base = nets.data();
        if (!any(resets)) {
            if (!any(takes)) return;
            if (all(takes)) {
                for (const uint32_t slot : group.data) *out++ = base[slot];
                return;
            }
        }
        for (const uint32_t slot : group.data) {
            *out = select(resets, value, select(takes, base[slot], *out));
            ++out;
        }
    }

    void publish() {
        for (ShiftRegister& shift : shifts_) shift.publish(nets);
        for (const Memory& memory : memories_) memory.publish(nets);
    }

    static ShiftRegister read_shift(Words& words) {
        ShiftRegister shift;
        shift.data = words.next();
        shift.enable = words.next();
        shift.depth = words.next();
        shift.init = words.bits();
        shift.tap_positions = words.list();
        shift.tap_slots = words.list();
        for (uint32_t count = words.next(); count; --count) {
            shift.addresses.push_back(words.list());
            shift.read_slots.push_back(words.next());
        }
        return shift;
    }

    static void read_port(Words& words, Port& port) {
        port.address = words.list();
        for (uint32_t count = words.next(); count; --count) {
            Access access{words.next(), words.next(), words.next(), words.next(), false, false};
            const uint32_t values = words.next();
            access.init = values & 1;
            access.reset_value = values >> 1 & 1;
            port.bits.push_back(access);
        }
    }

    static Memory read_memory(Words& words) {
        Memory memory;
        memory.init = words.bits();
        memory.reads.resize(words.next());
        for (Port& port : memory.reads) read_port(words, port);
        memory.writes.resize(words.next());
        for (Port& port : memory.writes) read_port(words, port);
        memory.clocked.resize(words.next());
        for (ClockedRead& port : memory.clocked) {
            read_port(words, port);
            port.enable = words.next();
            port.reset = words.next();
            port.writes = words.next();
            const uint32_t flags = words.next();
            port.keeps = flags & 1;
            port.passes = flags >> 1 & 1;
            port.registered = flags >> 2 & 1;
            port.register_enable = words.next();
            port.register_reset = words.next();
        }
        memory.constant = memory.writes.empty();
        return memory;
    }

    Slots set_slots_, code_;
    std::vector<Registers> registers_;
    std::vector<ShiftRegister> shifts_;
    std::vector<Memory> memories_;
};

}  // namespace lutforge

#endif
