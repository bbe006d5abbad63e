// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// One digit of an activation times a weight, added to what the digits below gave.
//
// The product of the digit is formed in the LUT of the adder: its output O5 is the product's bit and feeds the
// carry chain, O6 is that bit XOR the addend's. One LUT6_2 per bit thus looks up and adds.
// The bits of INITS are ordered as `hls/multipliers_rtl.py` packs them: INITS[16*i +: 16] is the table of bit i.

// value = table(digit), two bits of it per LUT6_2.
module lutforge_table #(
    parameter WIDTH = 12,
    parameter DIGIT = 4,
    parameter [16*WIDTH-1:0] INITS = 0
) (
    input wire [DIGIT-1:0] digit,
    output wire [WIDTH-1:0] value
);
    wire [3:0] address;
    lutforge_table_address #(.DIGIT(DIGIT)) pad (.digit(digit), .address(address));
`ifdef LUTFORGE_XILINX
    genvar i;
    generate
        for (i = 0; i + 1 < WIDTH; i = i + 2) begin : pair
            LUT6_2 #(.INIT({{2{INITS[16*i+16 +: 16]}}, {2{INITS[16*i +: 16]}}})) lut (
                .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]), .I4(1'b0), .I5(1'b1),
                .O5(value[i]), .O6(value[i+1])
            );
        end
        if (WIDTH % 2 != 0) begin : odd
            LUT4 #(.INIT(INITS[16*(WIDTH-1) +: 16])) lut (
                .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]), .O(value[WIDTH-1])
            );
        end
    endgenerate
`else
    function [16*WIDTH-1:0] by_address(input [16*WIDTH-1:0] tables);
        integer bit_index, place;
        for (place = 0; place < 16; place = place + 1)
            for (bit_index = 0; bit_index < WIDTH; bit_index = bit_index + 1)
                by_address[WIDTH*place+bit_index] = tables[16*bit_index+place];
    endfunction
    localparam [16*WIDTH-1:0] VALUES = by_address(INITS);
    assign value = VALUES[WIDTH*address +: WIDTH];
`endif
endmodule

// sum = addend + table(digit).
module lutforge_table_add #(
    parameter WIDTH = 12,
    parameter DIGIT = 4,
    parameter [16*WIDTH-1:0] INITS = 0
) (
    input wire [DIGIT-1:0] digit,
    input wire [WIDTH-1:0] addend,
    output wire [WIDTH-1:0] sum
);
`ifdef LUTFORGE_XILINX
    wire [3:0] address;
    lutforge_table_address #(.DIGIT(DIGIT)) pad (.digit(digit), .address(address));
    wire [WIDTH-1:0] product, different;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : row
            LUT6_2 #(.INIT({~INITS[16*i +: 16], {3{INITS[16*i +: 16]}}})) lut (
                .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]), .I4(addend[i]), .I5(1'b1),
                .O5(product[i]), .O6(different[i])
            );
        end
    endgenerate
    lutforge_carry #(.WIDTH(WIDTH)) chain (.carry(1'b0), .s(different), .di(product), .o(sum), .top());
`else
    wire [WIDTH-1:0] product;
    lutforge_table #(.WIDTH(WIDTH), .DIGIT(DIGIT), .INITS(INITS)) table_of (.digit(digit), .value(product));
    assign sum = addend + product;
`endif
endmodule

// A digit as the address of a table of four inputs.
module lutforge_table_address #(
    parameter DIGIT = 4
) (
    input wire [DIGIT-1:0] digit,
    output wire [3:0] address
);
    generate
        if (DIGIT == 4) begin : whole
            assign address = digit;
        end else begin : part
            assign address = {{4 - DIGIT{1'b0}}, digit};
        end
    endgenerate
endmodule

// sum = addend + {0, W, 2W, 3W}[digit], or with SIGNED_TOP, the top digit of a signed activation,
// addend + {0, W, -2W, -W}[digit]. w and w3 are W and 3W as two's complement of WIDTH bits (those of W and two more).
// A negative row is the inverted one with a carry into bit 0, which needs no 3W and no further LUT.
module lutforge_digit_add #(
    parameter WIDTH = 10,
    parameter SIGNED_TOP = 0
) (
    input wire [1:0] digit,
    input wire [WIDTH-1:0] w,
    input wire [WIDTH-1:0] w3,
    input wire [WIDTH-1:0] addend,
    output wire [WIDTH-1:0] sum
);
    wire [WIDTH-1:0] w2 = {w[WIDTH-2:0], 1'b0};
    wire negative = SIGNED_TOP != 0 ? digit[1] : 1'b0;
`ifdef LUTFORGE_XILINX
    // bit {digit, w3, w2, w} of a row's table: a byte per digit, digit 3 first
    localparam [31:0] ROW = SIGNED_TOP != 0 ? 32'h5533AA00 : 32'hF0CCAA00;
    wire [WIDTH-1:0] product, different;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : row
            LUT6_2 #(.INIT({~ROW, ROW})) lut (
                .I0(w[i]), .I1(w2[i]), .I2(w3[i]), .I3(digit[0]), .I4(digit[1]), .I5(addend[i]),
                .O5(product[i]), .O6(different[i])
            );
        end
    endgenerate
    lutforge_carry #(.WIDTH(WIDTH)) chain (.carry(negative), .s(different), .di(product), .o(sum), .top());
`else
    wire [WIDTH-1:0] odd = SIGNED_TOP == 0 && digit[1] ? w3 : w & {WIDTH{digit[0]}};
    wire [WIDTH-1:0] product = digit == 2'd2 ? w2 : odd;
    assign sum = addend + (product ^ {WIDTH{negative}}) + {{WIDTH - 1{1'b0}}, negative};
    generate
        if (SIGNED_TOP != 0) begin : no_3w
            wire unused = &{1'b0, w3};
        end
    endgenerate
`endif
endmodule

// p = a * w: a row of WEIGHT + 2 LUTs per two bits of a. w3 is 3 * w; both are signed, a is if SIGNED_ACT.
module lutforge_digit_mul #(
    parameter ACT = 8,
    parameter WEIGHT = 8,
    parameter SIGNED_ACT = 0
) (
    input wire [ACT-1:0] a,
    input wire [WEIGHT-1:0] w,
    input wire [WEIGHT+1:0] w3,
    output wire [ACT+WEIGHT-1:0] p
);
    localparam ROWS = (ACT + 1) / 2, P = WEIGHT + 2;
    wire [2*ROWS-1:0] digits;
    wire [2*ROWS+WEIGHT-1:0] product;
    assign p = product[ACT+WEIGHT-1:0];
    genvar k;
    generate
        if (ACT % 2 == 0) begin : even
            assign digits = a;
        end else begin : odd
            assign digits = {SIGNED_ACT != 0 ? a[ACT-1] : 1'b0, a};
            wire unused = &{1'b0, product[ACT+WEIGHT]};
        end
        for (k = 0; k < ROWS; k = k + 1) begin : row
            wire [P-1:0] addend, sum;
            if (k == 0) begin : lowest
                assign addend = {P{1'b0}};
            end else begin : higher
                assign addend = {{2{row[k-1].sum[P-1]}}, row[k-1].sum[P-1:2]};
            end
            lutforge_digit_add #(.WIDTH(P), .SIGNED_TOP(SIGNED_ACT != 0 && k == ROWS - 1)) add (
                .digit(digits[2*k +: 2]), .w({{2{w[WEIGHT-1]}}, w}), .w3(w3), .addend(addend), .sum(sum)
            );
            if (k == ROWS - 1) begin : highest
                assign product[2*k +: P] = sum;
            end else begin : lower
                assign product[2*k +: 2] = sum[1:0];
            end
        end
    endgenerate
endmodule
