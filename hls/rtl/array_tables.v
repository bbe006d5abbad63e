// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// The tables of the programmable array: grown from weights, GENERATORS rows of a tile at a time, and looked up.

// Beats of weights in, entries of tables out: in 16 cycles after the weights of a group of rows are there, `digit` runs
// from 15 down to 0 and `rows` says which rows are written. full: the bank holds a whole tile; take empties it. The
// weights of the next group are gathered meanwhile, but no table is begun while the bank is full.
module lutforge_array_loader #(
    parameter PE = 8,
    parameter SIMD = 8,
    parameter WEIGHT = 8,
    parameter LANE = 8,
    parameter GENERATORS = 4
) (
    input wire clk,
    input wire rst,
    input wire [63:0] in_data,
    input wire in_valid,
    output wire in_ready,
    input wire is_signed,
    input wire [3:0] truncate,
    input wire take,
    output reg full,
    output wire [PE-1:0] rows,
    output wire [3:0] digit,
    output wire [GENERATORS*SIMD*(WEIGHT+4)-1:0] low,
    output wire [GENERATORS*SIMD*(WEIGHT+4)-1:0] high
);
    localparam WIDTH = GENERATORS * SIMD * LANE, BEATS = WIDTH / 64, GROUPS = PE / GENERATORS, TABLE = WEIGHT + 4;
    reg [WIDTH-1:0] pending;
    reg gathered, pending_signed;
    reg [3:0] pending_truncate;
    wire last_beat;
    wire writes, first_entry_left = writes & digit == 4'd0;
    wire last_group;
    wire ends = first_entry_left & last_group;
    wire start = gathered & (~writes | first_entry_left) & ~full & ~ends;
    assign in_ready = ~gathered | start;
    wire moves = in_valid & in_ready;
    lutforge_counter #(.COUNT(BEATS)) beats (
        .clk(clk), .rst(rst), .step(moves), .first(), .last(last_beat), .value()
    );
    wire [31:0] group;
    lutforge_counter #(.COUNT(GROUPS)) groups (
        .clk(clk), .rst(rst), .step(first_entry_left), .first(), .last(last_group), .value(group)
    );
    always @(posedge clk) begin
        if (rst) begin
            full <= 1'b0;
            gathered <= 1'b0;
        end else begin
            full <= ends | (full & ~take);
            gathered <= (moves & last_beat) | (gathered & ~start);
        end
        if (moves) {pending_signed, pending_truncate} <= {is_signed, truncate};
    end
    generate
        if (BEATS == 1) begin : whole
            always @(posedge clk) if (moves) pending <= in_data;
        end else begin : parts
            always @(posedge clk) if (moves) pending <= {in_data, pending[WIDTH-1:64]};
        end
    endgenerate
    reg now_signed;
    reg [TABLE-1:0] mask;
    always @(posedge clk) begin
        if (start) begin
            now_signed <= pending_signed;
            mask <= {TABLE{1'b1}} << pending_truncate;
        end
    end
    wire [GENERATORS*SIMD-1:0] writing;
    wire [4*GENERATORS*SIMD-1:0] digits;
    assign writes = writing[0];
    assign digit = digits[3:0];
    wire unused = &{1'b0, writing, digits};
    genvar i;
    generate
        for (i = 0; i < GENERATORS * SIMD; i = i + 1) begin : weight
            wire [TABLE-1:0] plain, complement;
            lutforge_table_generator #(.WEIGHT(WEIGHT), .DIGIT(4), .SIGNED_ACT(1)) generator (
                .clk(clk), .rst(rst), .start(start), .weight(pending[i*LANE +: WEIGHT]), .write(writing[i]),
                .digit(digits[4*i +: 4]), .pass(), .low(plain), .high(complement)
            );
            assign low[i*TABLE +: TABLE] = plain & mask;
            assign high[i*TABLE +: TABLE] = now_signed ? complement : plain;
        end
        for (i = 0; i < PE; i = i + 1) begin : row
            assign rows[i] = writes & group == i / GENERATORS;
        end
    endgenerate
endmodule

// dots: for each of PE rows, the sum of SIMD products, as of the codes 1 + log2(SIMD) cycles ago. bank is read, the
// other one written.
module lutforge_array_products #(
    parameter PE = 8,
    parameter SIMD = 8,
    parameter WEIGHT = 8,
    parameter GENERATORS = 4
) (
    input wire clk,
    input wire bank,
    input wire [PE-1:0] rows,
    input wire [3:0] digit,
    input wire [GENERATORS*SIMD*(WEIGHT+4)-1:0] low,
    input wire [GENERATORS*SIMD*(WEIGHT+4)-1:0] high,
    input wire [SIMD*8-1:0] codes,
    output wire [PE*32-1:0] dots
);
    function integer levels_of;
        input integer terms;
        begin
            levels_of = 0;
            while (1 << levels_of < terms) levels_of = levels_of + 1;
        end
    endfunction
    localparam LEVELS = levels_of(SIMD), PRODUCT = WEIGHT + 8, SUM = PRODUCT + LEVELS, TABLE = WEIGHT + 4;
    genvar i, j;
    generate
        for (i = 0; i < PE; i = i + 1) begin : row
            wire [SIMD*PRODUCT-1:0] terms;
            reg [SIMD*PRODUCT-1:0] held;
            wire [SUM-1:0] sum;
            for (j = 0; j < SIMD; j = j + 1) begin : lane
                localparam PLACE = (i % GENERATORS * SIMD + j) * TABLE;
                lutforge_lutram_mul #(.ACT(8), .WEIGHT(WEIGHT)) multiplier (
                    .clk(clk), .write(rows[i]), .write_bank(~bank), .write_digit(digit), .low(low[PLACE +: TABLE]),
                    .high(high[PLACE +: TABLE]), .bank(bank), .a(codes[j*8 +: 8]), .p(terms[j*PRODUCT +: PRODUCT])
                );
            end
            always @(posedge clk) held <= terms;
            lutforge_adder_tree #(
                .N(SIMD), .WIDTH(PRODUCT), .SIGNED(1), .STAGES(LEVELS), .BASE(0), .DEPTH(LEVELS)
            ) tree (.clk(clk), .load({LEVELS{1'b1}}), .terms(held), .sum(sum));
            lutforge_extend #(.IN(SUM), .OUT(32), .SIGNED(1)) widened (.d(sum), .q(dots[i*32 +: 32]));
        end
    endgenerate
endmodule
