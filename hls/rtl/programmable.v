// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Products of an activation and a weight that is exchanged at run time, by writing its table: two digits of four
// bits each, or one conventional table. A generator makes the tables by adding up W and serves every multiplier
// that it is wired to, one after the other.

// The table of a weight, one entry per cycle from the highest digit to 0, PASSES times over.
// start takes `weight`; write is 1 in the 2**DIGIT * PASSES cycles after it, each with digit * W as `low`, and as
// `high` the product of the two's complement digit if SIGNED_ACT, else the same. pass counts down to 0.
module lutforge_table_generator #(
    parameter WEIGHT = 8,
    parameter DIGIT = 4,
    parameter SIGNED_ACT = 0,
    parameter PASSES = 1  // 1 or 2
) (
    input wire clk,
    input wire rst,
    input wire start,
    input wire [WEIGHT-1:0] weight,
    output reg write,
    output wire [DIGIT-1:0] digit,
    output wire pass,
    output wire [WEIGHT+DIGIT-1:0] low,
    output wire [WEIGHT+DIGIT-1:0] high
);
    localparam P = WEIGHT + DIGIT, COUNT = DIGIT + PASSES - 1;
    reg [COUNT-1:0] left;
    reg [WEIGHT-1:0] w;
    reg [P-1:0] above;  // the entry of the next higher digit
    assign digit = left[DIGIT-1:0];
    assign low = above - {{DIGIT{w[WEIGHT-1]}}, w};
    always @(posedge clk) begin
        if (rst) write <= 1'b0;
        else if (start) write <= 1'b1;
        else if (left == {COUNT{1'b0}}) write <= 1'b0;
        if (start) begin
            left <= {COUNT{1'b1}};
            w <= weight;
            above <= {weight, {DIGIT{1'b0}}};
        end else begin
            left <= left - {{COUNT - 1{1'b0}}, 1'b1};
            above <= digit == {DIGIT{1'b0}} ? {w, {DIGIT{1'b0}}} : low;
        end
    end
    generate
        if (PASSES > 1) begin : twice
            assign pass = left[COUNT-1];
        end else begin : once
            assign pass = 1'b0;
        end
        if (SIGNED_ACT != 0) begin : other_top
            wire [WEIGHT-1:0] offset = w & {WEIGHT{digit[DIGIT-1]}};
            assign high = {low[P-1:DIGIT] - offset, low[DIGIT-1:0]};
        end else begin : same_top
            assign high = low;
        end
    endgenerate
endmodule

// p = a * W from tables in LUTRAM, two banks: while `bank` is read, the other one can be written, an entry per cycle.
module lutforge_lutram_mul #(
    parameter ACT = 8,  // 5 to 8
    parameter WEIGHT = 8,
    parameter SIGNED_ACT = 0
) (
    input wire clk,
    input wire write,
    input wire write_bank,
    input wire [3:0] write_digit,
    input wire [WEIGHT+3:0] low,
    input wire [WEIGHT+3:0] high,
    input wire bank,
    input wire [ACT-1:0] a,
    output wire [ACT+WEIGHT-1:0] p
);
    wire [7:0] digits;
    lutforge_two_digits #(.ACT(ACT), .SIGNED_ACT(SIGNED_ACT)) extend (.a(a), .digits(digits));
    wire [WEIGHT+3:0] low_product, high_product;
    lutforge_lutram #(.WIDTH(WEIGHT + 4), .ADDRESS(5)) low_table (
        .clk(clk), .write(write), .write_address({write_bank, write_digit}), .d(low),
        .address({bank, digits[3:0]}), .q(low_product)
    );
    lutforge_lutram #(.WIDTH(WEIGHT + 4), .ADDRESS(5)) high_table (
        .clk(clk), .write(write), .write_address({write_bank, write_digit}), .d(high),
        .address({bank, digits[7:4]}), .q(high_product)
    );
    wire [WEIGHT+3:0] sum = high_product + {{4{low_product[WEIGHT+3]}}, low_product[WEIGHT+3:4]};
    wire [WEIGHT+7:0] product = {sum, low_product[3:0]};
    assign p = product[ACT+WEIGHT-1:0];
    wire unused = &{1'b0, product};
endmodule

// An activation as two digits of four bits.
module lutforge_two_digits #(
    parameter ACT = 8,
    parameter SIGNED_ACT = 0
) (
    input wire [ACT-1:0] a,
    output wire [7:0] digits
);
    generate
        if (ACT == 8) begin : whole
            assign digits = a;
        end else begin : part
            assign digits = {{8 - ACT{SIGNED_ACT != 0 ? a[ACT-1] : 1'b0}}, a};
        end
    endgenerate
endmodule

// A memory in LUTs, written at the clock edge and read at once.
module lutforge_lutram #(
    parameter WIDTH = 12,
    parameter ADDRESS = 5
) (
    input wire clk,
    input wire write,
    input wire [ADDRESS-1:0] write_address,
    input wire [WIDTH-1:0] d,
    input wire [ADDRESS-1:0] address,
    output wire [WIDTH-1:0] q
);
    (* ram_style = "distributed" *) reg [WIDTH-1:0] words [0:(1<<ADDRESS)-1];
    always @(posedge clk) if (write) words[write_address] <= d;
    assign q = words[address];
endmodule

// p = a * W from one table of 2**ACT products in LUTRAM with one port: while write is 1, a is the entry's address.
module lutforge_conventional_lutram_mul #(
    parameter ACT = 8,
    parameter WEIGHT = 8
) (
    input wire clk,
    input wire write,
    input wire [ACT+WEIGHT-1:0] value,
    input wire [ACT-1:0] a,
    output wire [ACT+WEIGHT-1:0] p
);
    lutforge_lutram #(.WIDTH(ACT + WEIGHT), .ADDRESS(ACT)) products (
        .clk(clk), .write(write), .write_address(a), .d(value), .address(a), .q(p)
    );
endmodule

// What a `lutforge_cfglut_mul` shifts in: entries of a generator of two passes. The upper half of each table comes
// first: odd bits of the low product, and the high product inverted for an addend of 1.
module lutforge_cfglut_bits #(
    parameter WEIGHT = 8
) (
    input wire pass,
    input wire [WEIGHT+3:0] low,
    input wire [WEIGHT+3:0] high,
    output wire [(WEIGHT+5)/2-1:0] low_bits,
    output wire [WEIGHT+3:0] high_bits
);
    localparam PAIRS = (WEIGHT + 5) / 2;
    wire [2*PAIRS-1:0] pairs;
    assign pairs[WEIGHT+3:0] = low;
    assign high_bits = high ^ {WEIGHT + 4{pass}};
    genvar i;
    generate
        if (2 * PAIRS > WEIGHT + 4) begin : open
            assign pairs[2*PAIRS-1] = 1'b0;
        end
        for (i = 0; i < PAIRS; i = i + 1) begin : pair
            assign low_bits[i] = pass ? pairs[2*i+1] : pairs[2*i];
        end
    endgenerate
endmodule

// p = a * W from tables in CFGLUT5s, the second one inside the adder. load shifts one bit into each table; after 32
// cycles of it the weight is exchanged, before that p is no product.
module lutforge_cfglut_mul #(
    parameter ACT = 8,  // 5 to 8
    parameter WEIGHT = 8,
    parameter SIGNED_ACT = 0
) (
    input wire clk,
    input wire load,
    input wire [(WEIGHT+5)/2-1:0] low_bits,
    input wire [WEIGHT+3:0] high_bits,
    input wire [ACT-1:0] a,
    output wire [ACT+WEIGHT-1:0] p
);
    localparam P = WEIGHT + 4, PAIRS = (P + 1) / 2;
    wire [7:0] digits;
    lutforge_two_digits #(.ACT(ACT), .SIGNED_ACT(SIGNED_ACT)) extend (.a(a), .digits(digits));
    wire [2*PAIRS-1:0] low;
    wire [P-1:0] addend = {{4{low[P-1]}}, low[P-1:4]};
    wire [P-1:0] product, different, sum;
    genvar i;
    generate
        for (i = 0; i < PAIRS; i = i + 1) begin : pair
            lutforge_cfglut lut (
                .clk(clk), .load(load), .d(low_bits[i]), .address({1'b1, digits[3:0]}), .o5(low[2*i]), .o6(low[2*i+1])
            );
        end
        for (i = 0; i < P; i = i + 1) begin : row
            lutforge_cfglut lut (
                .clk(clk), .load(load), .d(high_bits[i]), .address({addend[i], digits[7:4]}),
                .o5(product[i]), .o6(different[i])
            );
        end
    endgenerate
    lutforge_carry #(.WIDTH(P)) chain (.carry(1'b0), .s(different), .di(product), .o(sum), .top());
    wire [P+3:0] whole = {sum, low[3:0]};
    assign p = whole[ACT+WEIGHT-1:0];
    wire unused = &{1'b0, whole, low};
endmodule

// A table of five inputs that is also a shift register; o5 reads its lower half.
module lutforge_cfglut (
    input wire clk,
    input wire load,
    input wire d,
    input wire [4:0] address,
    output wire o5,
    output wire o6
);
`ifdef LUTFORGE_XILINX
    wire last;
    CFGLUT5 lut (
        .CLK(clk), .CE(load), .CDI(d), .CDO(last), .I0(address[0]), .I1(address[1]), .I2(address[2]), .I3(address[3]),
        .I4(address[4]), .O5(o5), .O6(o6)
    );
    wire unused = &{1'b0, last};
`else
    reg [31:0] bits;
    always @(posedge clk) if (load) bits <= {bits[30:0], d};
    assign o5 = bits[{1'b0, address[3:0]}];
    assign o6 = bits[address];
`endif
endmodule
