// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Products of an activation `a` and a weight that stays: by tables of digits, by one table, or by an array multiplier.
// `hls/multipliers_rtl.py` computes the tables. Signed activations differ in the table of the highest digit only.

// p = a * W for a constant W: the table of the lowest digit, two bits of it per LUT6_2, then one adder per digit
// with the digit's table in its LUTs. NEGATIVE: p may be below 0 (W is, or a is signed), else W has no sign bit.
module lutforge_constant_mul #(
    parameter ACT = 8,
    parameter WEIGHT = 8,
    parameter DIGIT = 4,
    parameter NEGATIVE = 1,
    parameter [16*(WEIGHT+DIGIT)-1:0] INITS = 0,                      // of every digit but the highest
    parameter [16*(WEIGHT+(ACT-1)%DIGIT+1)-1:0] TOP_INITS = 0         // of the highest, which may have fewer bits
) (
    input wire [ACT-1:0] a,
    output wire [ACT+WEIGHT-1:0] p
);
    localparam DIGITS = (ACT + DIGIT - 1) / DIGIT;
    genvar k;
    generate
        for (k = 0; k < DIGITS; k = k + 1) begin : row
            localparam BITS = k == DIGITS - 1 ? (ACT - 1) % DIGIT + 1 : DIGIT, P = WEIGHT + BITS;
            localparam [16*P-1:0] OWN = k == DIGITS - 1 ? TOP_INITS[16*P-1:0] : INITS[16*P-1:0];
            wire [P-1:0] sum;
            if (k == 0) begin : lowest
                lutforge_odd_table #(.WIDTH(P), .DIGIT(BITS), .INITS(OWN)) products (
                    .digit(a[BITS-1:0]), .value(sum)
                );
            end else begin : higher
                wire sign = NEGATIVE != 0 ? row[k-1].sum[WEIGHT+DIGIT-1] : 1'b0;
                lutforge_table_add #(.WIDTH(P), .DIGIT(BITS), .INITS(OWN)) add (
                    .digit(a[DIGIT*k +: BITS]), .addend({{BITS{sign}}, row[k-1].sum[WEIGHT+DIGIT-1:DIGIT]}), .sum(sum)
                );
            end
            if (k == DIGITS - 1) begin : highest
                assign p[DIGIT*k +: P] = sum;
            end else begin : lower
                assign p[DIGIT*k +: DIGIT] = sum[DIGIT-1:0];
            end
        end
    endgenerate
endmodule

// lutforge_table, whose lowest bit is a wire if it always is that of the digit: an odd weight.
module lutforge_odd_table #(
    parameter WIDTH = 12,
    parameter DIGIT = 4,
    parameter [16*WIDTH-1:0] INITS = 0
) (
    input wire [DIGIT-1:0] digit,
    output wire [WIDTH-1:0] value
);
    generate
        if (INITS[15:0] == 16'hAAAA) begin : odd
            assign value[0] = digit[0];
            lutforge_table #(.WIDTH(WIDTH - 1), .DIGIT(DIGIT), .INITS(INITS[16*WIDTH-1:16])) rest (
                .digit(digit), .value(value[WIDTH-1:1])
            );
        end else begin : even
            lutforge_table #(.WIDTH(WIDTH), .DIGIT(DIGIT), .INITS(INITS)) whole (.digit(digit), .value(value));
        end
    endgenerate
endmodule

// p = a * W for a constant W by one table: INITS[2**ACT * i +: 2**ACT] holds bit i of every product.
module lutforge_lutrom_mul #(
    parameter ACT = 8,
    parameter WEIGHT = 8,
    parameter [((ACT+WEIGHT)<<ACT)-1:0] INITS = 0
) (
    input wire [ACT-1:0] a,
    output wire [ACT+WEIGHT-1:0] p
);
    genvar i;
    generate
        for (i = 0; i < ACT + WEIGHT; i = i + 1) begin : column
            lutforge_rom_bit #(.INPUTS(ACT), .INIT(INITS[(1<<ACT)*i +: 1<<ACT])) rom (.address(a), .value(p[i]));
        end
    endgenerate
endmodule

// One table of 1 to 8 inputs: a LUT6, or 2 of them behind a MUXF7, or 4 behind a MUXF8.
module lutforge_rom_bit #(
    parameter INPUTS = 8,
    parameter [(1<<INPUTS)-1:0] INIT = 0
) (
    input wire [INPUTS-1:0] address,
    output wire value
);
`ifdef LUTFORGE_XILINX
    localparam HALF = 1 << (INPUTS - 1);
    generate
        if (INPUTS > 6) begin : halves
            wire low, high;
            lutforge_rom_bit #(.INPUTS(INPUTS - 1), .INIT(INIT[HALF-1:0])) lower (
                .address(address[INPUTS-2:0]), .value(low)
            );
            lutforge_rom_bit #(.INPUTS(INPUTS - 1), .INIT(INIT[2*HALF-1:HALF])) upper (
                .address(address[INPUTS-2:0]), .value(high)
            );
            if (INPUTS == 7) begin : seven
                MUXF7 mux (.I0(low), .I1(high), .S(address[6]), .O(value));
            end else begin : eight
                MUXF8 mux (.I0(low), .I1(high), .S(address[7]), .O(value));
            end
        end else begin : one
            wire [5:0] pins;
            assign pins[INPUTS-1:0] = address;
            if (INPUTS < 6) begin : open
                assign pins[5:INPUTS] = {6 - INPUTS{1'b0}};
            end
            LUT6 #(.INIT({64 >> INPUTS{INIT}})) lut (
                .I0(pins[0]), .I1(pins[1]), .I2(pins[2]), .I3(pins[3]), .I4(pins[4]), .I5(pins[5]), .O(value)
            );
        end
    endgenerate
`else
    assign value = INIT[address];
`endif
endmodule

// p = a * w, both inputs: what a synthesis tool makes of a multiplication, the yardstick of the others.
module lutforge_digital_mul #(
    parameter ACT = 8,
    parameter WEIGHT = 8,
    parameter SIGNED_ACT = 0
) (
    input wire [ACT-1:0] a,
    input wire [WEIGHT-1:0] w,
    output wire [ACT+WEIGHT-1:0] p
);
    generate
        if (SIGNED_ACT != 0) begin : both
            wire signed [ACT-1:0] value = a;
            wire signed [WEIGHT-1:0] weight = w;
            wire signed [ACT+WEIGHT-1:0] product = value * weight;
            assign p = product;
        end else begin : weight_only
            wire signed [ACT:0] value = {1'b0, a};
            wire signed [WEIGHT-1:0] weight = w;
            wire signed [ACT+WEIGHT:0] product = value * weight;
            assign p = product[ACT+WEIGHT-1:0];
            wire unused = &{1'b0, product[ACT+WEIGHT]};
        end
    endgenerate
endmodule
