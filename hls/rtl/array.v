// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The programmable array: commands, weights and images come in as beats of 64 bits (`core/array_words.py`), sums go out.
// Weights go to the loader, which grows their tables in the bank that is not used; everything else waits in a FIFO for
// the engine, so that the tables of the next tile are there when the present one ends.

module lutforge_array #(
    parameter PE = 8,
    parameter SIMD = 8,
    parameter WEIGHT = 8,
    parameter GENERATORS = 4,
    parameter ACTIVATION_WORDS = 1024,
    parameter SUM_WORDS = 256
) (
    input wire clk,
    input wire rst,
    input wire [63:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [63:0] out_data,
    output wire out_last,
    output wire out_valid,
    input wire out_ready
);
    localparam LANE = WEIGHT > 8 ? 16 : 8, TABLE = WEIGHT + 4;
    wire [63:0] command;
    wire command_valid, command_ready, weights_valid, weights_ready, is_signed;
    wire [3:0] truncate;
    lutforge_array_router #(.PE(PE), .WORD_BEATS(SIMD / 8), .TILE_BEATS(PE * SIMD * LANE / 64), .DEPTH(32)) router (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready),
        .weights_valid(weights_valid), .weights_ready(weights_ready), .is_signed(is_signed), .truncate(truncate),
        .command(command), .command_valid(command_valid), .command_ready(command_ready)
    );
    wire [PE-1:0] rows;
    wire [3:0] digit;
    wire [GENERATORS*SIMD*TABLE-1:0] low, high;
    wire full, take;
    lutforge_array_loader #(.PE(PE), .SIMD(SIMD), .WEIGHT(WEIGHT), .LANE(LANE), .GENERATORS(GENERATORS)) loader (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(weights_valid), .in_ready(weights_ready),
        .is_signed(is_signed), .truncate(truncate), .take(take), .full(full), .rows(rows), .digit(digit), .low(low),
        .high(high)
    );
    reg bank;
    always @(posedge clk) begin
        if (rst) bank <= 1'b0;
        else if (take) bank <= ~bank;
    end
    wire [SIMD*8-1:0] codes;
    wire [PE*32-1:0] dots;
    lutforge_array_products #(.PE(PE), .SIMD(SIMD), .WEIGHT(WEIGHT), .GENERATORS(GENERATORS)) products (
        .clk(clk), .bank(bank), .rows(rows), .digit(digit), .low(low), .high(high), .codes(codes), .dots(dots)
    );
    lutforge_array_engine #(
        .PE(PE), .SIMD(SIMD), .ACTIVATION_WORDS(ACTIVATION_WORDS), .SUM_WORDS(SUM_WORDS)
    ) engine (
        .clk(clk), .rst(rst), .command(command), .command_valid(command_valid), .command_ready(command_ready),
        .full(full), .take(take), .codes(codes), .dots(dots),
        .out_data(out_data), .out_last(out_last), .out_valid(out_valid), .out_ready(out_ready)
    );
endmodule

// Beats that follow a TILE which does not keep the weights of the one before go to the loader, all others into a FIFO.
// is_signed, truncate: of the tile whose weights pass.
module lutforge_array_router #(
    parameter PE = 8,
    parameter WORD_BEATS = 1,
    parameter TILE_BEATS = 8,
    parameter DEPTH = 32
) (
    input wire clk,
    input wire rst,
    input wire [63:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire weights_valid,
    input wire weights_ready,
    output reg is_signed,
    output reg [3:0] truncate,
    output wire [63:0] command,
    output wire command_valid,
    input wire command_ready
);
    localparam [7:0] WRITE = 8'd1, LAYER = 8'd2, TILE = 8'd3, FINISH = 8'd4;
    localparam LEFT = 20, FINISH_WORDS = PE + 4;
    localparam [LEFT-1:0] NONE = 0, ONE = 1, THREE = 3, EACH = WORD_BEATS[LEFT-1:0];
    localparam [LEFT-1:0] TILE_LEFT = TILE_BEATS[LEFT-1:0], FINISH_LEFT = FINISH_WORDS[LEFT-1:0];
    reg [LEFT-1:0] left;  // beats of the command that are still to come
    reg weights;
    wire room;
    wire head = left == NONE;
    wire [7:0] number = in_data[7:0];
    wire [LEFT-1:0] count = {4'd0, in_data[31:16]};
    assign weights_valid = in_valid & weights;
    assign in_ready = weights ? weights_ready : room;
    wire moves = in_valid & in_ready;
    wire loads = number == TILE & ~in_data[9];
    always @(posedge clk) begin
        if (rst) begin
            left <= NONE;
            weights <= 1'b0;
        end else if (moves & head) begin
            weights <= loads;
            if (loads) left <= TILE_LEFT;
            else if (number == WRITE) left <= count * EACH;
            else if (number == LAYER) left <= THREE;
            else if (number == FINISH) left <= FINISH_LEFT;
        end else if (moves) begin
            left <= left - ONE;
            if (left == ONE) weights <= 1'b0;
        end
        if (moves & head & loads) begin
            is_signed <= in_data[10];
            truncate <= in_data[15:12];
        end
    end
    lutforge_fifo #(.WIDTH(64), .DEPTH(DEPTH)) waiting (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid & ~weights), .in_ready(room),
        .out_data(command), .out_valid(command_valid), .out_ready(command_ready)
    );
endmodule
