// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Where streams fork and meet again.

// One stream to READERS: a beat goes to all of them, in a cycle in which all have room. Their valid waits for that, so
// only FIFOs may stand behind, whose ready waits for nothing.
module lutforge_fork #(
    parameter READERS = 2
) (
    input wire in_valid,
    output wire in_ready,
    output wire [READERS-1:0] out_valid,
    input wire [READERS-1:0] out_ready
);
    assign in_ready = &out_ready;
    assign out_valid = {READERS{in_valid & in_ready}};
endmodule

// Two streams to one: a beat of each, side by side.
module lutforge_join #(
    parameter LEFT = 8,
    parameter RIGHT = 8
) (
    input wire [LEFT-1:0] left_data,
    input wire left_valid,
    output wire left_ready,
    input wire [RIGHT-1:0] right_data,
    input wire right_valid,
    output wire right_ready,
    output wire [LEFT+RIGHT-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    assign out_data = {right_data, left_data};
    assign out_valid = left_valid & right_valid;
    assign left_ready = out_ready & right_valid;
    assign right_ready = out_ready & left_valid;
endmodule

// The sum of two streams, element by element: LANES elements of LEFT and of RIGHT bits, sums of OUT bits, which hold
// every sum that occurs. As `add` of pointwise.hpp.
module lutforge_add #(
    parameter LANES = 1,
    parameter LEFT = 8,
    parameter LEFT_SIGNED = 0,
    parameter RIGHT = 8,
    parameter RIGHT_SIGNED = 0,
    parameter OUT = 9
) (
    input wire clk,
    input wire rst,
    input wire [LANES*LEFT-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    input wire [LANES*RIGHT-1:0] in1_data,
    input wire in1_valid,
    output wire in1_ready,
    output wire [LANES*OUT-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    wire [LANES*(LEFT+RIGHT)-1:0] pair;
    wire both, room, load;
    lutforge_join #(.LEFT(LANES * LEFT), .RIGHT(LANES * RIGHT)) pairs (
        .left_data(in_data), .left_valid(in_valid), .left_ready(in_ready),
        .right_data(in1_data), .right_valid(in1_valid), .right_ready(in1_ready),
        .out_data(pair), .out_valid(both), .out_ready(room)
    );
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(both), .in_ready(room), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    reg [LANES*OUT-1:0] held;
    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : each
            wire [OUT-1:0] left, right;
            lutforge_extend #(.IN(LEFT), .OUT(OUT), .SIGNED(LEFT_SIGNED)) wide (
                .d(pair[lane*LEFT +: LEFT]), .q(left)
            );
            lutforge_extend #(.IN(RIGHT), .OUT(OUT), .SIGNED(RIGHT_SIGNED)) other (
                .d(pair[LANES*LEFT + lane*RIGHT +: RIGHT]), .q(right)
            );
            always @(posedge clk) if (load) held[lane*OUT +: OUT] <= left + right;
        end
    endgenerate
    assign out_data = held;
endmodule

// INPUTS streams of BITS bits in turn, TOTAL beats per position: input i up to and with beat ENDS[i]. As `concat` of
// stream.hpp.
module lutforge_concat #(
    parameter INPUTS = 2,
    parameter BITS = 8,
    parameter TOTAL = 2,
    parameter [INPUTS*16-1:0] ENDS = 32'h00010000
) (
    input wire clk,
    input wire rst,
    input wire [INPUTS*BITS-1:0] in_data,
    input wire [INPUTS-1:0] in_valid,
    output wire [INPUTS-1:0] in_ready,
    output wire [BITS-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    function integer bits_of;  // bits that hold 0..top
        input integer top;
        begin
            bits_of = 1;
            while (top >> bits_of > 0) bits_of = bits_of + 1;
        end
    endfunction
    localparam TURN = bits_of(INPUTS - 1);
    localparam [TURN-1:0] NEXT = 1;
    reg [TURN-1:0] turn;
    wire [31:0] beat;
    wire last, room, load;
    lutforge_counter #(.COUNT(TOTAL)) beats (
        .clk(clk), .rst(rst), .step(load), .first(), .last(last), .value(beat)
    );
    lutforge_elastic #(.STAGES(1)) control (
        .clk(clk), .rst(rst), .in_valid(in_valid[turn]), .in_ready(room), .out_valid(out_valid), .out_ready(out_ready),
        .load(load)
    );
    genvar i;
    generate
        for (i = 0; i < INPUTS; i = i + 1) begin : each
            assign in_ready[i] = room & turn == i;
        end
    endgenerate
    reg [BITS-1:0] held;
    always @(posedge clk) begin
        if (rst) turn <= {TURN{1'b0}};
        else if (load & beat == {16'd0, ENDS[turn*16 +: 16]}) turn <= last ? {TURN{1'b0}} : turn + NEXT;
        if (load) held <= in_data[turn*BITS +: BITS];
    end
    assign out_data = held;
endmodule
