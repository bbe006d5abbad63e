// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Counters of ones that use carry chains, and the adder of three rows behind them: `core/carry_compressor.py` plans them.
//
// A place of a carry chain adds a digit 0..2 to the carry from below: S is the digit's lowest bit, and DI, which matters
// where S is 0, its upper one. Both outputs of the LUT in front, O6 and O5, thus make a digit of five inputs.

// count = ones among seven bits, of which the first five may be inverted, modulo 2**OUTPUTS; two LUTs for OUTPUTS 2 or 3.
// The first LUT adds bit 5 to the parity of bits 0 to 4: O5 is the parity, which is bit 5 where their sum is even. The
// second has the rest of that count as its digit. Bit 6 is the carry in.
module lutforge_count7 #(
    parameter [4:0] INVERT = 0,
    parameter OUTPUTS = 3
) (
    input wire [6:0] bits,
    output wire [OUTPUTS-1:0] count
);
`ifdef LUTFORGE_XILINX
    function [31:0] bit_of_count(input [1:0] place);
        integer address;
        reg [4:0] seen;
        reg [2:0] ones;
        for (address = 0; address < 32; address = address + 1) begin
            seen = address[4:0] ^ INVERT;
            ones = {2'b0, seen[0]} + {2'b0, seen[1]} + {2'b0, seen[2]} + {2'b0, seen[3]} + {2'b0, seen[4]};
            bit_of_count[address] = ones[place];
        end
    endfunction
    localparam [31:0] UNITS = bit_of_count(0), TWOS = bit_of_count(1), FOURS = bit_of_count(2);
    wire [3:0] s, di, o, co;
    LUT6_2 #(.INIT({~UNITS, UNITS})) lowest (
        .I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(bits[5]), .O5(di[0]), .O6(s[0])
    );
    CARRY4 chain (.CI(1'b0), .CYINIT(bits[6]), .S(s), .DI(di), .O(o), .CO(co));
    assign {s[3:2], di[3:2]} = 4'd0;
    generate
        if (OUTPUTS > 1) begin : more
            LUT6_2 #(.INIT({TWOS, FOURS})) upper (
                .I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(bits[3]), .I4(bits[4]), .I5(1'b1), .O5(di[1]), .O6(s[1])
            );
        end else begin : alone
            assign {s[1], di[1]} = 2'd0;
        end
        if (OUTPUTS == 3) begin : whole
            assign count = {co[1], o[1:0]};
        end else begin : part
            assign count = o[OUTPUTS-1:0];
        end
    endgenerate
    wire unused = &{1'b0, o, co};
`else
    wire [6:0] seen = bits ^ {2'b00, INVERT};
    wire [2:0] ones = {2'b0, seen[0]} + {2'b0, seen[1]} + {2'b0, seen[2]} + {2'b0, seen[3]} + {2'b0, seen[4]}
        + {2'b0, seen[5]} + {2'b0, seen[6]};
    assign count = ones[OUTPUTS-1:0];
    wire unused = &{1'b0, ones};
`endif
endmodule

// count = ones among three bits, each inverted or not, modulo 2**OUTPUTS: one LUT.
module lutforge_count3 #(
    parameter [2:0] INVERT = 0,
    parameter OUTPUTS = 2
) (
    input wire [2:0] bits,
    output wire [OUTPUTS-1:0] count
);
    wire [1:0] ones;
    assign count = ones[OUTPUTS-1:0];
    wire unused = &{1'b0, ones};
`ifdef LUTFORGE_XILINX
    function [31:0] bit_of_count(input place);
        integer address;
        reg [2:0] seen;
        reg [1:0] sum;
        for (address = 0; address < 32; address = address + 1) begin
            seen = address[2:0] ^ INVERT;
            sum = {1'b0, seen[0]} + {1'b0, seen[1]} + {1'b0, seen[2]};
            bit_of_count[address] = sum[place];
        end
    endfunction
    LUT6_2 #(.INIT({bit_of_count(1'b0), bit_of_count(1'b1)})) lut (
        .I0(bits[0]), .I1(bits[1]), .I2(bits[2]), .I3(1'b0), .I4(1'b0), .I5(1'b1), .O5(ones[1]), .O6(ones[0])
    );
`else
    wire [2:0] seen = bits ^ INVERT;
    assign ones = {1'b0, seen[0]} + {1'b0, seen[1]} + {1'b0, seen[2]};
`endif
endmodule

// sum = a + b + c + ONES + fourth, rows of WIDTH bits, modulo 2**WIDTH; a, b, c are inverted where INVERT, {c, b, a}, is 1.
// A place has a LUT where TABLES is 1, else no row has a bit there. Where SAVES is 1, three or four bits come together: the
// LUT adds those of the rows, and their carry goes to the LUT above, which has it as a fourth bit; the lowest has `fourth`.
module lutforge_add_rows #(
    parameter WIDTH = 4,
    parameter [WIDTH-1:0] ONES = 0,
    parameter [WIDTH-1:0] TABLES = {WIDTH{1'b1}},
    parameter [WIDTH-1:0] SAVES = {WIDTH{1'b1}},
    parameter [3*WIDTH-1:0] INVERT = 0
) (
    input wire fourth,
    input wire [WIDTH-1:0] a,
    input wire [WIDTH-1:0] b,
    input wire [WIDTH-1:0] c,
    output wire [WIDTH-1:0] sum
);
`ifdef LUTFORGE_XILINX
    function [63:0] table_of(input [2:0] invert, input one, input saves);
        integer address;
        reg [2:0] seen, rows, all;
        for (address = 0; address < 32; address = address + 1) begin
            seen = address[2:0] ^ invert;
            rows = {2'b0, seen[0]} + {2'b0, seen[1]} + {2'b0, seen[2]} + {2'b0, one};
            all = rows + {2'b0, address[3]};
            table_of[address] = saves ? rows[1] : all[1];
            table_of[address+32] = all[0];
        end
    endfunction
    wire [WIDTH:0] saved;  // carries among the rows of the place below
    wire [WIDTH-1:0] s, di;
    assign saved[0] = fourth;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : place
            if (TABLES[i]) begin : used
                wire upper;
                LUT6_2 #(
                    .INIT(table_of({INVERT[2*WIDTH+i], INVERT[WIDTH+i], INVERT[i]}, ONES[i], SAVES[i]))
                ) lut (
                    .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(saved[i]), .I4(1'b0), .I5(1'b1), .O5(upper), .O6(s[i])
                );
                assign di[i] = SAVES[i] ? saved[i] : upper;
                assign saved[i+1] = SAVES[i] ? upper : 1'b0;
            end else begin : empty
                assign {s[i], di[i], saved[i+1]} = {ONES[i], 2'b00};
                wire unused = &{1'b0, a[i], b[i], c[i], saved[i]};
            end
        end
    endgenerate
    lutforge_carry #(.WIDTH(WIDTH)) chain (.carry(1'b0), .s(s), .di(di), .o(sum), .top());
    wire unused_saved = &{1'b0, saved[WIDTH]};
`else
    localparam [WIDTH-1:0] ONE = 1;
    assign sum = (a ^ INVERT[WIDTH-1:0]) + (b ^ INVERT[2*WIDTH-1:WIDTH]) + (c ^ INVERT[3*WIDTH-1:2*WIDTH]) + ONES
        + (fourth ? ONE : {WIDTH{1'b0}});
`endif
endmodule
