// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The C interface: a program is handed over as numbers and arrays (native.py), and run on images.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "matmul.hpp"
#include "stages.hpp"

namespace engine {

enum StageKind { LOAD, SLICE, NETLIST, POINTWISE, MATMUL, GATHER, POOL, EXPAND, ARG_MAX, EXPORT, IMPORT, COUNT, COMBINE };

struct Array {
    const void* data;
    int64_t count;
};

// Reads numbers in the order that native.py writes them, never beyond the end.
class Reader {
  public:
    Reader(const int64_t* numbers, int64_t count, const Array* arrays, int64_t array_count)
        : numbers_(numbers), count_(count), arrays_(arrays), array_count_(array_count) {}

    bool done() const { return place_ == count_; }
    int64_t number() {
        if (place_ >= count_) throw std::runtime_error("a program ends early");
        return numbers_[place_++];
    }
    Buffer buffer() {
        Buffer result;
        result.format = int(number());
        result.rows = number();
        result.low = number();
        result.bits = number();
        result.offset = number();
        result.number = number();
        return result;
    }
    template <typename Value>
    std::vector<Value> array() {
        const int64_t index = number();
        if (index < 0 || index >= array_count_) throw std::runtime_error("a program names an array that it has not");
        const Value* data = static_cast<const Value*>(arrays_[index].data);
        return std::vector<Value>(data, data + arrays_[index].count);
    }

  private:
    const int64_t* numbers_;
    int64_t count_;
    const Array* arrays_;
    int64_t array_count_, place_ = 0;
};

struct Program {
    std::vector<std::unique_ptr<Stage>> stages;
    size_t units, unit_bytes, raw_bytes;
    bool packed;         // images enter as lanes
    int code = 0;        // netlists in machine code
    int netlists = 0;
    size_t last_bytes = 0;
    Decomposer decomposer;

    size_t scratch_bytes() const {
        size_t most = 64;
        for (const auto& stage : stages) most = std::max(most, stage->scratch_bytes(units));
        return (most + 63) / 64 * 64;
    }
    size_t arena_bytes() const { return (unit_bytes * units + 63) / 64 * 64; }
};

std::unique_ptr<Pointwise> read_pointwise(Reader& reader) {
    std::unique_ptr<Pointwise> made(new Pointwise);
    made->source = reader.buffer();
    made->dest = reader.buffer();
    made->channels = reader.number();
    made->kind = int(reader.number());
    made->first_rows = reader.number();
    made->steps = reader.number();
    made->second_rows = reader.number();
    made->first = reader.array<int64_t>();
    made->second = reader.array<int64_t>();
    made->low = reader.number();
    made->high = reader.number();
    made->wide = reader.number() != 0;
    return made;
}

std::unique_ptr<Stage> read_netlist(Reader& reader, Program& program, bool with_code) {
    std::unique_ptr<Netlist> made(new Netlist);
    made->source = reader.buffer();
    made->dest = reader.buffer();
    const int64_t inputs = reader.number();
    const std::vector<int32_t> sources = reader.array<int32_t>();
    const std::vector<uint64_t> tables = reader.array<uint64_t>();
    const std::vector<int32_t> outputs = reader.array<int32_t>();
    made->rows = reader.number();
    made->columns = reader.number();
    made->row_stride = reader.number();
    made->column_stride = reader.number();
    made->outputs = int64_t(outputs.size());
    made->circuit = make_circuit(int(inputs), tables.size(), sources.data(), tables.data(), outputs);
    ++program.netlists;
    program.code += made->prepare(program.decomposer, program.units, with_code);
    return std::unique_ptr<Stage>(made.release());
}

std::unique_ptr<Stage> read_matmul(Reader& reader) {
    std::unique_ptr<Matmul> made(new Matmul);
    const int64_t passes = reader.number();
    for (int64_t i = 0; i < passes; ++i) {
        Pass pass;
        pass.source = reader.buffer();
        pass.weights = reader.array<int8_t>();
        pass.shift = int(reader.number());
        pass.pad = uint8_t(reader.number());
        made->passes.push_back(pass);
    }
    made->positions = reader.number();
    made->fan_in = reader.number();
    made->outputs = reader.number();
    made->index = reader.array<int32_t>();
    made->bias = reader.array<int64_t>();
    made->dest = reader.buffer();
    if (reader.number()) made->then = read_pointwise(reader);
    made->prepare();
    return std::unique_ptr<Stage>(made.release());
}

template <typename Kind>
std::unique_ptr<Kind> between(Reader& reader) {
    std::unique_ptr<Kind> made(new Kind);
    made->source = reader.buffer();
    made->dest = reader.buffer();
    return made;
}

std::unique_ptr<Stage> read_stage(Reader& reader, Program& program, bool with_code) {
    switch (reader.number()) {
        case LOAD: return between<Load>(reader);
        case SLICE: {
            auto made = between<Slice>(reader);
            made->steps = reader.number();
            made->prepare(reader.array<int64_t>());
            return std::unique_ptr<Stage>(made.release());
        }
        case NETLIST: return read_netlist(reader, program, with_code);
        case POINTWISE: return read_pointwise(reader);
        case MATMUL: return read_matmul(reader);
        case GATHER: {
            auto made = between<Gather>(reader);
            made->index = reader.array<int32_t>();
            made->fill = reader.number();
            return std::unique_ptr<Stage>(made.release());
        }
        case POOL: {
            auto made = between<Pool>(reader);
            made->taps = reader.number();
            made->index = reader.array<int32_t>();
            return std::unique_ptr<Stage>(made.release());
        }
        case EXPAND: {
            auto made = between<Expand>(reader);
            made->values = reader.array<int64_t>();
            return std::unique_ptr<Stage>(made.release());
        }
        case ARG_MAX: {
            auto made = between<ArgMax>(reader);
            made->classes = reader.number();
            return std::unique_ptr<Stage>(made.release());
        }
        case EXPORT: {
            std::unique_ptr<Export> made(new Export);
            made->source = reader.buffer();
            made->number = reader.number();
            return std::unique_ptr<Stage>(made.release());
        }
        case IMPORT: {
            std::unique_ptr<Import> made(new Import);
            made->dest = reader.buffer();
            return std::unique_ptr<Stage>(made.release());
        }
        case COUNT: {
            std::unique_ptr<Count> made(new Count);
            made->source = reader.buffer();
            made->number = reader.number();
            made->bits = reader.number();
            made->last_offset = program.last_bytes;
            program.last_bytes += made->last_bytes();
            return std::unique_ptr<Stage>(made.release());
        }
        case COMBINE: {
            std::unique_ptr<Combine> made(new Combine);
            const int64_t sources = reader.number();
            for (int64_t i = 0; i < sources; ++i) made->sources.push_back(reader.buffer());
            made->dest = reader.buffer();
            made->index = reader.array<int32_t>();
            return std::unique_ptr<Stage>(made.release());
        }
        default: throw std::runtime_error("a program holds a stage that is unknown here");
    }
}

void run(const Program& program, const uint8_t* images, int64_t count, int64_t* const* outputs, const int64_t* rows, int64_t output_count) {
    const size_t arena = program.arena_bytes(), scratch = program.scratch_bytes(), block_images = program.units * UNIT;
    std::unique_ptr<uint8_t, void (*)(void*)> memory(static_cast<uint8_t*>(std::aligned_alloc(64, arena + scratch)), std::free);
    if (!memory) throw std::runtime_error("no memory for a block of images");
    std::vector<uint8_t> filled, last_bits(program.last_bytes + 1);  // the last block, filled up with zeros
    std::vector<int64_t*> places(static_cast<size_t>(output_count)), lanes(places);
    for (int64_t start = 0; start < count; start += int64_t(block_images)) {
        Block block;
        block.arena = memory.get();
        block.scratch = memory.get() + arena;
        block.images = size_t(std::min<int64_t>(count - start, int64_t(block_images)));
        // machine code is made for whole blocks
        block.units = program.code ? program.units : (block.images + UNIT - 1) / UNIT;
        block.last = last_bits.data();
        block.first = start == 0;
        block.raw_bytes = program.raw_bytes;
        block.raw = images + (program.packed ? size_t(start) / 8 : size_t(start) * program.raw_bytes);
        if (program.packed) {
            block.raw_bytes = size_t(count + UNIT - 1) / UNIT * 8;  // from lane to lane
        } else if (block.images < block.units * UNIT) {
            filled.assign(block.units * UNIT * program.raw_bytes, 0);
            std::memcpy(filled.data(), block.raw, block.images * program.raw_bytes);
            block.raw = filled.data();
        }
        for (size_t i = 0; i < places.size(); ++i) {
            places[i] = outputs[i] + start * rows[i];
            lanes[i] = outputs[i] + start / UNIT;
        }
        block.outputs = places.data();
        block.lanes_out = lanes.data();
        block.all_words = size_t(count + UNIT - 1) / UNIT;
        for (const auto& stage : program.stages) stage->run(block);
    }
}

// Lanes in and lanes out, [block][lane][units] both, where they lie.
void run_blocks(const Program& program, uint8_t* in, uint8_t* out, int64_t blocks) {
    const Import* import = dynamic_cast<const Import*>(program.stages.front().get());
    const Export* export_ = dynamic_cast<const Export*>(program.stages.back().get());
    if (!import || !export_ || export_->source.format != PLANES || export_->source.number == import->dest.number)
        throw std::runtime_error("a program must read lanes and answer lanes to work on them in place");
    const size_t arena = program.arena_bytes();
    std::unique_ptr<uint8_t, void (*)(void*)> memory(
        static_cast<uint8_t*>(std::aligned_alloc(64, arena + program.scratch_bytes())), std::free);
    if (!memory) throw std::runtime_error("no memory for a block of images");
    Block block = Block();
    block.arena = memory.get();
    block.scratch = memory.get() + arena;
    block.units = program.units;
    block.images = program.units * UNIT;
    block.in_number = import->dest.number;
    block.out_number = export_->source.number;
    const size_t lane = program.units * 8;
    for (int64_t number = 0; number < blocks; ++number) {
        block.in_lanes = in + size_t(number) * lane * size_t(import->dest.rows * import->dest.bits);
        block.out_lanes = out + size_t(number) * lane * size_t(export_->source.rows * export_->source.bits);
        for (size_t stage = 1; stage + 1 < program.stages.size(); ++stage) program.stages[stage]->run(block);
    }
}

}  // namespace engine

static int failed(char* message, size_t size, const std::exception& error) {
    std::snprintf(message, size, "%s", error.what());
    return 1;
}

extern "C" {

// numbers: units, bytes per 64 images, bytes of an image, packed, with_code, then the stages.
void* lutforge_engine_make(const int64_t* numbers, int64_t count, const engine::Array* arrays, int64_t array_count, char* message, size_t size) {
    try {
        engine::Reader reader(numbers, count, arrays, array_count);
        std::unique_ptr<engine::Program> program(new engine::Program);
        program->units = size_t(reader.number());
        program->unit_bytes = size_t(reader.number());
        program->raw_bytes = size_t(reader.number());
        program->packed = reader.number() != 0;
        const bool with_code = reader.number() != 0;
        while (!reader.done()) program->stages.push_back(engine::read_stage(reader, *program, with_code));
        return program.release();
    } catch (const std::exception& error) {
        failed(message, size, error);
        return nullptr;
    }
}

void lutforge_engine_free(void* program) { delete static_cast<engine::Program*>(program); }

// Bytes that one call of lutforge_engine_run takes.
int64_t lutforge_engine_memory(const void* program) {
    const engine::Program& made = *static_cast<const engine::Program*>(program);
    return int64_t(made.arena_bytes() + made.scratch_bytes() + made.units * 64 * made.raw_bytes);
}

// Netlists that run as machine code.
int64_t lutforge_engine_code(const void* program) { return static_cast<const engine::Program*>(program)->code; }

// images: [count][bytes of an image], or lanes [lane][count / 64] of a packed program. outputs[i]: [count][rows[i]].
int lutforge_engine_run(const void* program, const void* images, int64_t count, int64_t* const* outputs, const int64_t* rows, int64_t output_count, char* message, size_t size) {
    try {
        engine::run(*static_cast<const engine::Program*>(program), static_cast<const uint8_t*>(images), count, outputs, rows, output_count);
        return 0;
    } catch (const std::exception& error) {
        return failed(message, size, error);
    }
}

// in: lanes [block][lane][units] of a packed program; out: the same of its answers.
int lutforge_engine_run_blocks(const void* program, void* in, void* out, int64_t blocks, char* message, size_t size) {
    try {
        engine::run_blocks(*static_cast<const engine::Program*>(program), static_cast<uint8_t*>(in), static_cast<uint8_t*>(out), blocks);
        return 0;
    } catch (const std::exception& error) {
        return failed(message, size, error);
    }
}

const char* lutforge_engine_features() {
#if defined(LUTFORGE_ENGINE_VNNI)
    return "avx512 vnni";
#elif defined(LUTFORGE_ENGINE_AVX512)
    return "avx512";
#elif defined(__AVX2__)
    return "avx2";
#else
    return "portable";
#endif
}

// Whether machine code can be made for this processor.
int lutforge_engine_has_code() {
#ifdef LUTFORGE_ENGINE_CODE
    return 1;
#else
    return 0;
#endif
}

}
