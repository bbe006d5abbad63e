// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Folded multiply-accumulate: PE outputs times SIMD inputs per cycle, weights from memory.
// One item per (nf, sf), as `mac_folded` of mac.hpp: the vector arrives in SF beats and is replayed NF - 1 times.

// KIND 0: products from W and 3W by two-bit digits; 1: an array multiplier; 2: weights -1, 0, 1 on integers;
// 3: weights -1, 0, 1 on residual-binary codes. A word of weights holds, per PE and lane, lowest first:
// KIND 0 {3W, W}, KIND 1 W, KIND 2 and 3 {mask if MASKED, negative}. TERM: bits of one term, two's complement;
// in KIND 3 natural: the sum of VALUES of the code's bits, XNORed. What -1 weights and codes leave constant is in the
// bias, see `hls/rtl_mac.py`.
module lutforge_mac_folded #(
    parameter BITS = 8,
    parameter SIGNED = 0,
    parameter SIMD = 2,
    parameter PE = 2,
    parameter SF = 2,
    parameter NF = 2,
    parameter KIND = 0,
    parameter WEIGHT = 8,
    parameter WORD = 18,
    parameter MASKED = 0,
    parameter TERM = 16,
    parameter [BITS*TERM-1:0] VALUES = 0,
    parameter MULTIPLY = 2,  // registers of a product
    parameter TREE = 1,      // registers of the adder tree
    parameter SHIFT = 0,     // a term counts 2**SHIFT
    parameter LEVELS = 2,    // digits per register
    parameter OUT = 20,       // bits of an accumulator
    parameter BIAS = 8,       // bits of a bias, 0 where all are zero
    parameter WEIGHTS_FILE = "w.mem",
    parameter WEIGHTS_STYLE = "block",
    parameter BIAS_FILE = "b.mem",
    parameter VECTOR_STYLE = "distributed"
) (
    input wire clk,
    input wire rst,
    input wire [SIMD*BITS-1:0] in_data,
    input wire in_valid,
    output wire in_ready,
    output wire [PE*OUT-1:0] out_data,
    output wire out_valid,
    input wire out_ready
);
    localparam STAGES = MULTIPLY + TREE + 2, SUM = TERM + TREE;
    wire [STAGES-1:0] load;
    wire [SIMD*BITS-1:0] x;
    wire [PE*SIMD*WORD-1:0] words;
    wire starts;
    wire [31:0] nf;
    lutforge_folded_operands #(
        .IN(SIMD * BITS), .WORD(PE * SIMD * WORD), .SF(SF), .NF(NF), .STAGES(STAGES), .WORDS_FILE(WEIGHTS_FILE),
        .WORDS_STYLE(WEIGHTS_STYLE), .VECTOR_STYLE(VECTOR_STYLE)
    ) operands (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid), .in_ready(in_ready), .out_valid(out_valid),
        .out_ready(out_ready), .load(load), .x(x), .words(words), .starts(starts), .pass(nf)
    );

    // The bias of an item reaches the accumulator together with its sum.
    localparam FRESH = BIAS == 0 ? 1 : BIAS;
    wire [15:0] pass;
    wire [PE*FRESH-1:0] biases;
    generate
        if (NF == 1 || BIAS == 0) begin : constant
            assign pass = 16'd0;
        end else if (STAGES == 2) begin : at_once
            assign pass = nf[15:0];
        end else begin : delayed
            lutforge_pipe #(.WIDTH(16), .STAGES(STAGES - 2)) pass_pipe (
                .clk(clk), .load(load[STAGES-3:0]), .d(nf[15:0]), .q(pass)
            );
        end
        if (BIAS == 0) begin : no_bias
            assign biases = {PE{1'b0}};
            wire unused = &{1'b0, pass};
        end else begin : with_bias
            lutforge_rom #(.WIDTH(PE * BIAS), .DEPTH(NF), .FILE(BIAS_FILE), .STYLE("distributed")) bias (
                .clk(clk), .load(load[STAGES-2]), .address({16'd0, pass}), .q(biases)
            );
        end
    endgenerate

    wire [PE*(SUM+SHIFT)-1:0] dots;
    genvar pe;
    generate
        for (pe = 0; pe < PE; pe = pe + 1) begin : output_of
            wire [SIMD*TERM-1:0] terms;
            lutforge_terms #(
                .KIND(KIND), .N(SIMD), .BITS(BITS), .SIGNED(SIGNED), .WEIGHT(WEIGHT), .WORD(WORD), .MASKED(MASKED),
                .TERM(TERM), .VALUES(VALUES), .LEVELS(LEVELS), .STAGES(STAGES)
            ) products (
                .clk(clk), .load(load), .x(x), .words(words[pe*SIMD*WORD +: SIMD*WORD]), .terms(terms)
            );
            lutforge_adder_tree #(
                .N(SIMD), .WIDTH(TERM), .SIGNED(KIND != 3), .STAGES(STAGES), .BASE(MULTIPLY + 1), .DEPTH(TREE)
            ) tree (.clk(clk), .load(load), .terms(terms), .sum(dots[pe*(SUM+SHIFT)+SHIFT +: SUM]));
            if (SHIFT > 0) begin : counted
                assign dots[pe*(SUM+SHIFT) +: SHIFT] = {SHIFT{1'b0}};
            end
        end
    endgenerate
    lutforge_accumulators #(.COUNT(PE), .IN(SUM + SHIFT), .SIGNED(KIND != 3), .FRESH(FRESH), .WIDTH(OUT)) accumulate (
        .clk(clk), .load(load[STAGES-1]), .starts(starts), .sums(dots), .fresh(biases), .totals(out_data)
    );
    wire unused_pass = &{1'b0, nf};
endmodule

// The terms of one output: each of N inputs with its weight, MULTIPLY registers from load[1] on.
module lutforge_terms #(
    parameter KIND = 0,
    parameter N = 2,
    parameter BITS = 8,
    parameter SIGNED = 0,
    parameter WEIGHT = 8,
    parameter WORD = 18,
    parameter MASKED = 0,
    parameter TERM = 16,
    parameter [BITS*TERM-1:0] VALUES = 0,
    parameter LEVELS = 2,
    parameter STAGES = 4
) (
    input wire clk,
    input wire [STAGES-1:0] load,
    input wire [N*BITS-1:0] x,
    input wire [N*WORD-1:0] words,
    output wire [N*TERM-1:0] terms
);
    genvar n;
    generate
        for (n = 0; n < N; n = n + 1) begin : lane
            wire [BITS-1:0] value = x[n*BITS +: BITS];
            wire [WORD-1:0] word = words[n*WORD +: WORD];
            wire [TERM-1:0] term;
            assign terms[n*TERM +: TERM] = term;
            if (KIND == 0) begin : digits
                lutforge_digit_product #(
                    .ACT(BITS), .SIGNED(SIGNED), .WEIGHT(WEIGHT), .LEVELS(LEVELS), .STAGES(STAGES), .BASE(1)
                ) product (
                    .clk(clk), .load(load), .x(value), .w(word[WEIGHT-1:0]), .w3(word[WORD-1:WEIGHT]), .p(term)
                );
            end else if (KIND == 1) begin : digital
                wire signed [BITS:0] wide = {SIGNED ? value[BITS-1] : 1'b0, value};
                wire signed [TERM-1:0] product = wide * $signed(word);
                lutforge_register #(.WIDTH(TERM)) keep (.clk(clk), .load(load[1]), .d(product), .q(term));
            end else if (KIND == 2) begin : signs
                wire [TERM-1:0] wide = {SIGNED ? value[BITS-1] : 1'b0, value};
                wire [TERM-1:0] turned = wide ^ {TERM{word[0]}};
                assign term = MASKED ? turned & {TERM{word[WORD-1]}} : turned;
                wire unused = &{1'b0, clk, load};
            end else begin : codes
                lutforge_code_value #(.BITS(BITS), .TERM(TERM), .VALUES(VALUES)) coded (
                    .code((value ^ {BITS{word[0]}}) & {BITS{MASKED ? word[WORD-1] : 1'b1}}), .value(term)
                );
                wire unused = &{1'b0, clk, load};
            end
        end
    endgenerate
endmodule

// The sum of VALUES (TERM bits each, bit 0's lowest) of the bits that are 1.
module lutforge_code_value #(
    parameter BITS = 2,
    parameter TERM = 3,
    parameter [BITS*TERM-1:0] VALUES = 0
) (
    input wire [BITS-1:0] code,
    output wire [TERM-1:0] value
);
    wire [TERM-1:0] own = code[BITS-1] ? VALUES[(BITS - 1)*TERM +: TERM] : {TERM{1'b0}};
    generate
        if (BITS == 1) begin : one
            assign value = own;
        end else begin : more
            wire [TERM-1:0] rest;
            lutforge_code_value #(.BITS(BITS - 1), .TERM(TERM), .VALUES(VALUES[(BITS - 1)*TERM-1:0])) lower (
                .code(code[BITS-2:0]), .value(rest)
            );
            assign value = own + rest;
        end
    endgenerate
endmodule

// x * w from W and 3W: two bits of x per digit, LEVELS digits per register.
module lutforge_digit_product #(
    parameter ACT = 8,
    parameter SIGNED = 0,
    parameter WEIGHT = 8,
    parameter LEVELS = 2,
    parameter STAGES = 2,
    parameter BASE = 0
) (
    input wire clk,
    input wire [STAGES-1:0] load,
    input wire [ACT-1:0] x,
    input wire [WEIGHT-1:0] w,
    input wire [WEIGHT+1:0] w3,
    output wire [WEIGHT+2*((ACT+1)/2)-1:0] p
);
    localparam DIGITS = (ACT + 1) / 2;
    wire [2*DIGITS-1:0] digits;
    lutforge_extend #(.IN(ACT), .OUT(2 * DIGITS), .SIGNED(SIGNED)) even (.d(x), .q(digits));
    wire unused = &{1'b0, load};  // a product takes some of the layer's registers only
    lutforge_digit_rows #(
        .ROWS(DIGITS), .ROW(0), .P(WEIGHT + 2), .SIGNED(SIGNED), .LEVELS(LEVELS), .STAGES(STAGES), .BASE(BASE)
    ) rows (.clk(clk), .load(load), .digits(digits), .w({{2{w[WEIGHT-1]}}, w}), .w3(w3), .sum({WEIGHT + 2{1'b0}}), .p(p));
endmodule

// The rows ROW.. of a digit product. sum: rows before, its two lowest bits of each row done.
module lutforge_digit_rows #(
    parameter ROWS = 4,   // rows left
    parameter ROW = 0,
    parameter P = 10,
    parameter SIGNED = 0,
    parameter LEVELS = 2,
    parameter STAGES = 2,
    parameter BASE = 0
) (
    input wire clk,
    input wire [STAGES-1:0] load,
    input wire [2*ROWS-1:0] digits,
    input wire [P-1:0] w,
    input wire [P-1:0] w3,
    input wire [P+2*(ROW > 0 ? ROW - 1 : 0)-1:0] sum,
    output wire [P+2*(ROW+ROWS-1)-1:0] p
);
    localparam HELD = ROW % LEVELS == LEVELS - 1 || ROWS == 1, STAGE = BASE + ROW / LEVELS;
    wire [P-1:0] addend, row;
    wire [P+2*ROW-1:0] now, next;
    lutforge_digit_add #(.WIDTH(P), .SIGNED_TOP(SIGNED && ROWS == 1)) row_adder (
        .digit(digits[1:0]), .w(w), .w3(w3), .addend(addend), .sum(row)
    );
    lutforge_register #(.WIDTH(P + 2 * ROW), .PRESENT(HELD)) keep (.clk(clk), .load(load[STAGE]), .d(now), .q(next));
    generate
        if (ROW == 0) begin : first
            assign addend = sum;
            assign now = row;
        end else begin : later
            assign addend = {{2{sum[P + 2*ROW - 3]}}, sum[P + 2*ROW - 3 : 2*ROW]};
            assign now = {row, sum[2*ROW-1:0]};
        end
        if (ROWS == 1) begin : last
            assign p = next;
        end else begin : more
            wire [2*ROWS-3:0] rest;
            wire [P-1:0] w_next, w3_next;
            lutforge_register #(.WIDTH(2 * ROWS - 2 + 2 * P), .PRESENT(HELD)) keep_rest (
                .clk(clk), .load(load[STAGE]), .d({digits[2*ROWS-1:2], w3, w}), .q({rest, w3_next, w_next})
            );
            lutforge_digit_rows #(
                .ROWS(ROWS - 1), .ROW(ROW + 1), .P(P), .SIGNED(SIGNED), .LEVELS(LEVELS), .STAGES(STAGES), .BASE(BASE)
            ) others (.clk(clk), .load(load), .digits(rest), .w(w_next), .w3(w3_next), .sum(next), .p(p));
        end
    endgenerate
endmodule

// Sum of N terms in DEPTH levels of two-operand adders, a register behind each, the first loaded by load[BASE].
// A result has WIDTH + DEPTH bits. 2**DEPTH >= N.
module lutforge_adder_tree #(
    parameter N = 4,
    parameter WIDTH = 8,
    parameter SIGNED = 1,
    parameter STAGES = 4,
    parameter BASE = 0,
    parameter DEPTH = 2
) (
    input wire clk,
    input wire [STAGES-1:0] load,
    input wire [N*WIDTH-1:0] terms,
    output wire [WIDTH+DEPTH-1:0] sum
);
    localparam HALF = (N + 1) / 2;
    genvar i;
    generate
        if (DEPTH == 0) begin : done
            assign sum = terms;
            wire unused = &{1'b0, clk, load};
        end else begin : level
            wire [HALF*(WIDTH+1)-1:0] pairs, held;
            for (i = 0; i < HALF; i = i + 1) begin : pair
                wire [WIDTH-1:0] left = terms[2*i*WIDTH +: WIDTH];
                wire [WIDTH:0] left_wide = {SIGNED ? left[WIDTH-1] : 1'b0, left};
                if (2 * i + 1 < N) begin : two
                    wire [WIDTH-1:0] right = terms[(2*i + 1)*WIDTH +: WIDTH];
                    assign pairs[i*(WIDTH+1) +: WIDTH+1] = left_wide + {SIGNED ? right[WIDTH-1] : 1'b0, right};
                end else begin : one
                    assign pairs[i*(WIDTH+1) +: WIDTH+1] = left_wide;
                end
            end
            lutforge_register #(.WIDTH(HALF * (WIDTH + 1))) keep (.clk(clk), .load(load[BASE]), .d(pairs), .q(held));
            lutforge_adder_tree #(
                .N(HALF), .WIDTH(WIDTH + 1), .SIGNED(SIGNED), .STAGES(STAGES), .BASE(BASE + 1), .DEPTH(DEPTH - 1)
            ) rest (.clk(clk), .load(load), .terms(held), .sum(sum));
        end
    endgenerate
endmodule
