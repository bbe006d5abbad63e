// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// One lane of a netlist simulation: a driver and a DMA for one copy of the design, which sees a run of the images.
//
// It does cycle by cycle what `verilator_main.cpp` does for its only copy, as a state machine, since all lanes move at
// once. The lane does not know nets: it is asked for what it drives, and told what the design answers.
#ifndef LUTFORGE_NETLIST_LANE_HPP
#define LUTFORGE_NETLIST_LANE_HPP

#include <algorithm>

#include "simulation.hpp"

namespace lutforge {

struct ProbeFacts {
    std::string name;
    unsigned lanes, bits;
    bool is_signed;
    uint64_t beats;  // of one image
};

struct StreamFacts {
    unsigned beat_bytes;
    uint64_t input_beats, answer_beats;  // of one image
    std::vector<ProbeFacts> probes;
};

// Signals of the AXI-Lite port; `valid` names are driven by the side that sends.
struct ControlOut { bool arvalid = false, rready = false, awvalid = false, wvalid = false, bready = false; };
struct ControlIn { bool arready, rvalid, awready, wready, bvalid; uint32_t rdata, response; };

class Lane {
public:
    static const unsigned CTRL = 0x00, IMAGES = 0x10, START = 1, DONE = 2, IDLE = 4, DRAIN_CYCLES = 64;

    Lane(const Options& options, const StreamFacts& facts, unsigned number, uint64_t first, uint64_t images)
        : options_(options), facts_(facts), in_stalls_(2 * (options.stall_seed + SPREAD * number), options.stall_in),
          out_stalls_(2 * (options.stall_seed + SPREAD * number) + 1, options.stall_out), number_(number),
          first_(first), images_(images), probe_beats_(facts.probes.size()) {
        stats.images = options.images;
        read(CTRL, EXPECT_IDLE);
    }

    // What the lane drives in this cycle.
    ControlOut control;
    bool control_changed = true;
    uint32_t address = 0, data = 0;
    bool offered = false, ready = false;
    uint64_t beat() const { return first_ * facts_.input_beats + in_beats_; }  // number of the offered beat
    bool has_beat() const { return in_beats_ < images_ * facts_.input_beats; }
    bool last_beat() const { return in_beats_ + 1 == in_limit_; }
    void drive() {
        if (!offered) offered = !in_stalls_.next();
        ready = !out_stalls_.next();
    }

    // What happened in cycle `now`. take_output: returns where the beat belongs among all answers, or null.
    void take_input(uint64_t now);
    bool take_output(uint64_t now, bool valid, bool last, bool keeps_all, const unsigned char* beat);
    uint64_t answer_beat() const { return first_ * facts_.answer_beats + out_beats_ - 1; }  // of the beat just taken
    bool is_waiting() const { return waiting_; }
    int64_t take_probe(uint64_t now, size_t probe);  // returns the number of the beat in the trace, or -1
    bool uses_control() const { return step_ != ANSWERS && step_ < DRAIN; }
    void take_control(uint64_t now, const ControlIn& in);
    void end_cycle(uint64_t now);
    bool is_done() const { return step_ == FINISHED; }
    Stats stats;

private:
    enum Step {
        EXPECT_IDLE, WRITE_IMAGES, EXPECT_IMAGES, WRITE_START, EXPECT_BUSY, ANSWERS, EXPECT_DONE, EXPECT_IDLE_AGAIN, DRAIN,
        FINISHED
    };
    static const uint64_t SPREAD = 0x10001;  // between the seeds of lanes; lane 0 stalls as Verilator does

    void read(uint32_t where, Step step) {
        step_ = step;
        address = where;
        control_changed = true;
        control.arvalid = control.rready = true;
    }
    void write(uint32_t where, uint32_t value, Step step) {
        step_ = step;
        address = where;
        data = value;
        control_changed = true;
        control.awvalid = control.wvalid = control.bready = true;
    }
    void written(uint64_t now);
    void read_done(uint64_t now, uint32_t value);
    void await_answers(uint64_t now, uint32_t control_register);
    bool drains(uint64_t now) const;
    void check_probes(uint64_t now) const;
    void moved(uint64_t now, const char* stream) { last_moved_ = now, last_stream_ = stream; }
    const char* waits_for() const {
        return step_ == EXPECT_BUSY || step_ == ANSWERS ? "answers" : step_ == EXPECT_DONE ? "the done bit" : "a register";
    }
    std::string progress() const;
    std::string where(uint64_t now) const;
    Failure broken(uint64_t now, const std::string& what) const {
        return Failure(WRONG_PROTOCOL, where(now) + what + "; " + progress());
    }

    const Options& options_;
    const StreamFacts& facts_;
    Stalls in_stalls_, out_stalls_;
    unsigned number_;
    uint64_t first_, images_, started_ = 0;  // images: of this lane
    Step step_ = EXPECT_IDLE;
    uint64_t in_beats_ = 0, in_limit_ = 0, out_beats_ = 0, out_limit_ = 0;  // the limits are those of the started batches
    bool waiting_ = false, held_last_ = false;
    unsigned char held_[16];  // what an answer beat showed while it waited
    std::vector<uint64_t> probe_beats_;
    uint64_t last_moved_ = 0, drained_ = 0;
    const char* last_stream_ = "none";
};

inline std::string Lane::where(uint64_t now) const {
    const std::string last = images_ > 1 ? ".." + std::to_string(first_ + images_ - 1) : "";
    return "lane " + std::to_string(number_) + " (image " + std::to_string(first_) + last + "), cycle " +
           std::to_string(now) + ": ";
}

inline std::string Lane::progress() const {
    const uint64_t beats = facts_.answer_beats;
    return std::to_string(in_beats_) + " of " + std::to_string(in_limit_) + " input beats were taken and " +
           std::to_string(out_beats_) + " of " + std::to_string(out_limit_) + " answer beats came (" +
           std::to_string(out_beats_ / beats) + " of " + std::to_string(out_limit_ / beats) + " images)";
}

inline void Lane::take_input(uint64_t now) {
    if (in_beats_ == in_limit_) throw broken(now, "an input beat was taken that belongs to no started batch");
    if (!in_beats_++) stats.first_in = now;
    offered = false;
    moved(now, "images_in");
}

inline bool Lane::take_output(uint64_t now, bool valid, bool last, bool keeps_all, const unsigned char* beat) {
    const unsigned bytes = facts_.beat_bytes;
    if (waiting_) {  // AXI4-Stream (IHI 0051) 2.2.1: once TVALID is there, the beat stays until it is taken
        if (!valid) throw broken(now, "answers_out took back a beat that had not been taken");
        if (!std::equal(beat, beat + bytes, held_) || held_last_ != last) {
            throw broken(now, "a beat of answers_out changed while it waited");
        }
    }
    waiting_ = false;
    if (!valid) return false;
    if (out_beats_ == out_limit_) throw broken(now, "an answer beat came after the last one");
    if (!ready) {
        waiting_ = true;
        std::copy(beat, beat + bytes, held_);
        held_last_ = last;
        return false;
    }
    if (last != (out_beats_ + 1 == out_limit_)) {
        throw broken(now, last ? "TLAST came too early" : "the last answer beat has no TLAST");
    }
    if (!keeps_all) throw broken(now, "TKEEP of an answer beat is not all ones");
    if (!out_beats_++) stats.first_out = now;
    stats.last_out = now;
    if (out_beats_ % facts_.answer_beats == 0) stats.answer_cycles.push_back(now);
    moved(now, "answers_out");
    return true;
}

inline int64_t Lane::take_probe(uint64_t now, size_t probe) {
    const ProbeFacts& facts = facts_.probes[probe];
    const uint64_t number = probe_beats_[probe]++;
    moved(now, facts.name.c_str());
    return number < images_ * facts.beats ? int64_t(first_ * facts.beats + number) : -1;
}

inline void Lane::take_control(uint64_t now, const ControlIn& in) {
    control_changed = true;
    const bool answered = control.bready && in.bvalid, told = control.rready && in.rvalid;
    control.arvalid &= !in.arready;
    control.awvalid &= !in.awready;
    control.wvalid &= !in.wready;
    if ((answered || told) && in.response) {
        throw broken(now, told ? "a register could not be read" : "a register could not be written");
    }
    if (answered) {
        control.awvalid = control.wvalid = control.bready = false;
        written(now);
    }
    if (told) {
        control.rready = false;
        read_done(now, in.rdata);
    }
}

inline void Lane::written(uint64_t) {
    if (step_ == WRITE_IMAGES) read(IMAGES, EXPECT_IMAGES);
    else read(CTRL, EXPECT_BUSY);
}

// The driver: the kernel must be idle; images, start, stream, and wait until it is done.
inline void Lane::read_done(uint64_t now, uint32_t value) {
    const uint64_t images = std::min(options_.batch, images_ - started_);
    switch (step_) {
        case EXPECT_IDLE:
            if (!(value & IDLE)) throw broken(now, "the design is busy before its start");
            write(IMAGES, uint32_t(images), WRITE_IMAGES);
            break;
        case EXPECT_IMAGES:
            if (value != images) throw broken(now, "the register `images` does not hold what was written");
            started_ += images;
            in_limit_ += images * facts_.input_beats;
            out_limit_ += images * facts_.answer_beats;
            last_moved_ = now + 1;
            write(CTRL, START, WRITE_START);
            break;
        case EXPECT_BUSY:
            if (out_beats_ < out_limit_ && value & (IDLE | DONE)) {
                throw broken(now, "the design is idle or done within a batch");
            }
            [[fallthrough]];
        case EXPECT_DONE: await_answers(now, value); break;
        default:
            if ((value & (DONE | IDLE)) != IDLE) {
                throw broken(now, "after a batch the design is not idle, or done was not cleared by reading");
            }
            if (started_ < images_) read(CTRL, EXPECT_IDLE);
            else step_ = DRAIN;
    }
}

inline void Lane::await_answers(uint64_t now, uint32_t control_register) {
    if (out_beats_ < out_limit_) {
        step_ = ANSWERS;
        return;
    }
    if (!(control_register & DONE)) {
        read(CTRL, EXPECT_DONE);
        return;
    }
    stats.cycles = now + 1;
    if (in_beats_ != in_limit_) throw broken(now, "the design is done before it took all input");
    read(CTRL, EXPECT_IDLE_AGAIN);
}

// What no answer waited for, such as pixels that no window of a pool covers, may still be on its way.
inline bool Lane::drains(uint64_t now) const {
    if (now + 1 - last_moved_ >= options_.watchdog) return true;
    for (size_t index = 0; index < probe_beats_.size(); ++index) {
        if (probe_beats_[index] < images_ * facts_.probes[index].beats) return false;
    }
    return true;
}

inline void Lane::check_probes(uint64_t now) const {
    for (size_t index = 0; index < probe_beats_.size(); ++index) {
        const uint64_t wanted = images_ * facts_.probes[index].beats;
        if (probe_beats_[index] != wanted) {
            throw broken(now, "stream " + facts_.probes[index].name + " carried " + std::to_string(probe_beats_[index]) +
                                  " beats; " + std::to_string(wanted) + " are wanted");
        }
    }
}

inline void Lane::end_cycle(uint64_t now) {
    if (step_ == ANSWERS && out_beats_ == out_limit_) read(CTRL, EXPECT_DONE);
    else if (step_ == DRAIN && drains(now) && drained_++ == DRAIN_CYCLES) {
        check_probes(now);
        step_ = FINISHED;
    }
    if (step_ >= DRAIN || now + 1 - last_moved_ < options_.watchdog) return;
    throw Failure(NOTHING_MOVES, where(now + 1) + "nothing has moved for " + std::to_string(options_.watchdog) +
                                     " cycles while waiting for " + waits_for() + "; " + progress() +
                                     "; the last stream that moved is " + last_stream_ + ", in cycle " +
                                     std::to_string(last_moved_));
}

}  // namespace lutforge

#endif
