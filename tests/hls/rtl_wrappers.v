// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Library parts that have no stream of their own, each behind one or two elastic registers.

// STAGES registers with nothing between them.
module bench_pipe #(parameter WIDTH = 8, parameter STAGES = 1) (
    input wire clk, input wire rst,
    input wire [WIDTH-1:0] in_data, input wire in_valid, output wire in_ready,
    output wire [WIDTH-1:0] out_data, output wire out_valid, input wire out_ready
);
    wire [STAGES-1:0] load;
    lutforge_elastic #(.STAGES(STAGES)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    lutforge_pipe #(.WIDTH(WIDTH), .STAGES(STAGES)) pipe (.clk(clk), .load(load), .d(in_data), .q(out_data));
endmodule

// What the delay line shows when a beat is loaded.
module bench_delay #(parameter WIDTH = 8, parameter DEPTH = 2) (
    input wire clk, input wire rst,
    input wire [WIDTH-1:0] in_data, input wire in_valid, output wire in_ready,
    output reg [WIDTH-1:0] out_data, output wire out_valid, input wire out_ready
);
    wire load;
    wire [WIDTH-1:0] shown;
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    lutforge_delay #(.WIDTH(WIDTH), .DEPTH(DEPTH)) line (.clk(clk), .rst(rst), .load(load), .d(in_data), .q(shown));
    always @(posedge clk) if (load) out_data <= shown;
endmodule

// Addresses in, words out.
module bench_rom #(parameter WIDTH = 8, parameter DEPTH = 4, parameter FILE = "rom.mem") (
    input wire clk, input wire rst,
    input wire [31:0] in_data, input wire in_valid, output wire in_ready,
    output wire [WIDTH-1:0] out_data, output wire out_valid, input wire out_ready
);
    wire load;
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    lutforge_rom #(.WIDTH(WIDTH), .DEPTH(DEPTH), .FILE(FILE)) rom (
        .clk(clk), .load(load), .address(in_data), .q(out_data)
    );
endmodule

// A beat is {replay, address (8 bits), d}.
module bench_vector #(parameter WIDTH = 8, parameter DEPTH = 4) (
    input wire clk, input wire rst,
    input wire [WIDTH+8:0] in_data, input wire in_valid, output wire in_ready,
    output wire [WIDTH-1:0] out_data, output wire out_valid, input wire out_ready
);
    wire load;
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    lutforge_vector #(.WIDTH(WIDTH), .DEPTH(DEPTH)) kept (
        .clk(clk), .load(load), .replay(in_data[WIDTH+8]), .address({24'd0, in_data[WIDTH +: 8]}),
        .d(in_data[WIDTH-1:0]), .q(out_data)
    );
endmodule

// Each beat is one step of the counter; out is {value, last, first} before the step.
module bench_counter #(parameter COUNT = 2) (
    input wire clk, input wire rst,
    input wire in_data, input wire in_valid, output wire in_ready,
    output reg [33:0] out_data, output wire out_valid, input wire out_ready
);
    wire load, first, last;
    wire [31:0] value;
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    lutforge_counter #(.COUNT(COUNT)) counter (
        .clk(clk), .rst(rst), .step(load & in_data), .first(first), .last(last), .value(value)
    );
    always @(posedge clk) if (load) out_data <= {value, last, first};
endmodule

// Plays register accesses, one after the other, and the end of a batch. op: {wait, write, address (6), strobe (4),
// data (32)}. read: the register, after a write 0. With `wait` it reads until ap_done is seen.
module bench_control #(parameter BEATS = 3) (
    input wire clk, input wire rst,
    input wire [43:0] op_data, input wire op_valid, output wire op_ready,
    output wire [33:0] read_data, output wire read_valid, input wire read_ready,
    input wire [7:0] in_data, input wire in_valid, output wire in_ready,
    output wire [7:0] gated_data, output wire gated_valid, input wire gated_ready
);
    wire waits = op_data[43], writes = op_data[42];
    wire awready, wready, bvalid, arready, rvalid, interrupt;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, images;
    reg aw_done, w_done, ar_done;
    wire again = waits & ~rdata[1];
    assign read_valid = writes ? bvalid : rvalid & ~again;
    // the interrupt is a level that may change while a response waits: shown as it was when the response came
    reg waiting, held;
    assign read_data = {waiting ? held : interrupt, |(writes ? bresp : rresp), writes ? 32'd0 : rdata};
    wire ends = read_valid & read_ready;
    assign op_ready = ends;
    reg [31:0] taken;
    reg answer_end;
    assign gated_data = in_data;
    wire beat = gated_valid & gated_ready;
    always @(posedge clk) begin
        if (rst) begin
            {aw_done, w_done, ar_done, answer_end, waiting} <= 5'd0;
            taken <= 32'd0;
        end else begin
            waiting <= read_valid & ~read_ready;
            if (~waiting) held <= interrupt;
            aw_done <= ~ends & (aw_done | (op_valid & writes & awready));
            w_done <= ~ends & (w_done | (op_valid & writes & wready));
            ar_done <= ~(rvalid & (again | ends)) & (ar_done | (op_valid & ~writes & arready));
            // the layers behind the gate answer some cycles after the last beat of the batch
            answer_end <= beat & (taken == images * BEATS - 1);
            if (beat) taken <= taken == images * BEATS - 1 ? 32'd0 : taken + 32'd1;
        end
    end
    lutforge_control #(.BEATS(BEATS)) control (
        .clk(clk), .rst(rst),
        .awaddr(op_data[41:36]), .awvalid(op_valid & writes & ~aw_done), .awready(awready),
        .wdata(op_data[31:0]), .wstrb(op_data[35:32]), .wvalid(op_valid & writes & ~w_done), .wready(wready),
        .bresp(bresp), .bvalid(bvalid), .bready(ends),
        .araddr(op_data[41:36]), .arvalid(op_valid & ~writes & ~ar_done), .arready(arready),
        .rdata(rdata), .rresp(rresp), .rvalid(rvalid), .rready(ends | again),
        .interrupt(interrupt), .images(images), .in_valid(in_valid), .in_ready(in_ready),
        .gated_valid(gated_valid), .gated_ready(gated_ready), .answer_end(answer_end)
    );
endmodule

// {out_last, out_data} as one beat.
module bench_answers #(
    parameter CLASSES = 10, parameter LANES = 1, parameter BITS = 20, parameter SIGNED = 1, parameter LOGITS = 1,
    parameter CLASS = 0, parameter BEAT = 64, parameter BEATS = 5, parameter LEVELS = 0, parameter IMAGES = 3
) (
    input wire clk, input wire rst,
    input wire [LANES*BITS-1:0] in_data, input wire in_valid, output wire in_ready,
    output wire [BEAT:0] out_data, output wire out_valid, input wire out_ready
);
    lutforge_answers #(
        .CLASSES(CLASSES), .LANES(LANES), .BITS(BITS), .SIGNED(SIGNED), .LOGITS(LOGITS), .CLASS(CLASS), .BEAT(BEAT),
        .BEATS(BEATS), .LEVELS(LEVELS)
    ) answers (
        .clk(clk), .rst(rst), .images(IMAGES), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .out_data(out_data[BEAT-1:0]), .out_last(out_data[BEAT]), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule

// A fork before FIFOs, as designs have it.
module bench_fork #(parameter WIDTH = 8, parameter LEFT = 2, parameter RIGHT = 1) (
    input wire clk, input wire rst,
    input wire [WIDTH-1:0] in_data, input wire in_valid, output wire in_ready,
    output wire [WIDTH-1:0] left_data, output wire left_valid, input wire left_ready,
    output wire [WIDTH-1:0] right_data, output wire right_valid, input wire right_ready
);
    wire [1:0] valid, ready;
    lutforge_fork #(.READERS(2)) fork_both (
        .in_valid(in_valid), .in_ready(in_ready), .out_valid(valid), .out_ready(ready)
    );
    lutforge_fifo #(.WIDTH(WIDTH), .DEPTH(LEFT)) left_fifo (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(valid[0]), .in_ready(ready[0]),
        .out_data(left_data), .out_valid(left_valid), .out_ready(left_ready)
    );
    lutforge_fifo #(.WIDTH(WIDTH), .DEPTH(RIGHT)) right_fifo (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(valid[1]), .in_ready(ready[1]),
        .out_data(right_data), .out_valid(right_valid), .out_ready(right_ready)
    );
endmodule

// A concatenation of three streams of their own.
module bench_concat #(parameter BITS = 8, parameter TOTAL = 3, parameter [47:0] ENDS = 48'h000200010000) (
    input wire clk, input wire rst,
    input wire [BITS-1:0] a_data, input wire a_valid, output wire a_ready,
    input wire [BITS-1:0] b_data, input wire b_valid, output wire b_ready,
    input wire [BITS-1:0] c_data, input wire c_valid, output wire c_ready,
    output wire [BITS-1:0] out_data, output wire out_valid, input wire out_ready
);
    lutforge_concat #(.INPUTS(3), .BITS(BITS), .TOTAL(TOTAL), .ENDS(ENDS)) turns (
        .clk(clk), .rst(rst), .in_data({c_data, b_data, a_data}), .in_valid({c_valid, b_valid, a_valid}),
        .in_ready({c_ready, b_ready, a_ready}), .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule
