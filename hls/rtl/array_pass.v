// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// A tile passes over all positions of a layer: addresses, padding, the shape of activations, and the sums they go to.

module lutforge_array_pass #(
    parameter SIMD = 8,
    parameter PE = 8,
    parameter DOTS = 6  // cycles from an address to its product sums
) (
    input wire clk,
    input wire rst,
    input wire argument,
    input wire [1:0] place,
    input wire [63:0] head,
    input wire [63:0] data,
    input wire begins,
    input wire step,
    output wire ends,
    output reg [15:0] address,
    input wire [SIMD*8-1:0] word,
    output wire [SIMD*8-1:0] codes,
    input wire [PE*32-1:0] dots,
    output wire [15:0] read,
    input wire [PE*32-1:0] sums,
    output reg valid,
    output reg [15:0] write,
    output reg [PE*32-1:0] totals
);
    // the layer, which stays until the next one
    reg [15:0] images, rows, columns, image_step, row_step, column_step, height, width, row_stride, column_stride;
    reg [15:0] base, top;
    reg [2:0] shift;
    reg rounds;
    always @(posedge clk) begin
        if (argument & place == 2'd0) begin
            {columns, rows, images} <= data[47:0];
            {base, top} <= head[47:16];
            shift <= head[10:8];
            rounds <= head[12];
        end
        if (argument & place == 2'd1) {column_step, row_step, image_step} <= data[47:0];
        if (argument & place == 2'd2) {column_stride, row_stride, width, height} <= data;
    end

    reg [15:0] x, y, image, row_start, image_start, row, column, sum;
    wire last_column = x == columns - 16'd1, last_row = y == rows - 16'd1, last_image = image == images - 16'd1;
    assign ends = last_column & last_row & last_image;
    wire [15:0] next_row = row_start + row_step, next_image = image_start + image_step;
    wire [15:0] first = head[31:16], first_row = head[47:32], first_column = head[63:48];
    always @(posedge clk) begin
        if (begins) begin
            {x, y, image} <= 48'd0;
            {address, row_start, image_start} <= {3{first}};
            row <= first_row;
            column <= first_column;
            sum <= base;
        end else if (step) begin
            sum <= sum + 16'd1;
            x <= last_column ? 16'd0 : x + 16'd1;
            column <= last_column ? first_column : column + column_stride;
            address <= address + column_step;
            if (last_column) begin
                y <= last_row ? 16'd0 : y + 16'd1;
                row <= last_row ? first_row : row + row_stride;
                address <= last_row ? next_image : next_row;
                row_start <= last_row ? next_image : next_row;
                if (last_row) begin
                    image <= image + 16'd1;
                    image_start <= next_image;
                end
            end
        end
    end

    reg in_image, is_signed;
    always @(posedge clk) begin
        in_image <= row < height & column < width;  // below 0 is beyond every size
        is_signed <= head[10];
    end
    genvar i;
    generate
        for (i = 0; i < SIMD; i = i + 1) begin : lane
            lutforge_array_shape shape (
                .clk(clk), .in_image(in_image), .is_signed(is_signed), .shift(shift), .rounds(rounds), .top(top[8:0]),
                .d(word[i*8 +: 8]), .q(codes[i*8 +: 8])
            );
        end
        for (i = 0; i < PE; i = i + 1) begin : total
            always @(posedge clk) begin
                totals[i*32 +: 32] <= (head[8] ? 32'd0 : sums[i*32 +: 32]) + dots[i*32 +: 32];
            end
        end
    endgenerate
    // the sum is read a cycle before it is wanted, and written a cycle later
    wire [15:0] late, later;
    lutforge_pipe #(.WIDTH(16), .STAGES(DOTS - 1)) places (.clk(clk), .load({DOTS - 1{1'b1}}), .d(sum), .q(late));
    assign read = late;
    reg [DOTS-1:0] flags;
    always @(posedge clk) begin
        if (rst) flags <= {DOTS{1'b0}};
        else flags <= {flags[DOTS-2:0], step};
        valid <= flags[DOTS-1] & ~rst;
        write <= later;
    end
    lutforge_register #(.WIDTH(16)) once (.clk(clk), .load(1'b1), .d(late), .q(later));
    wire unused = &{1'b0, head, top};
endmodule

// An activation without its low `shift` bits, rounded half up if `rounds` and then at most `top`; 0 outside the image.
module lutforge_array_shape (
    input wire clk,
    input wire in_image,
    input wire is_signed,
    input wire [2:0] shift,
    input wire rounds,
    input wire [8:0] top,
    input wire [7:0] d,
    output reg [7:0] q
);
    wire signed [8:0] value = {is_signed & d[7], d};
    wire signed [8:0] kept = value >>> shift;
    wire [9:0] doubled = {value, 1'b0} >> shift;
    wire [8:0] rounded = kept + {8'd0, doubled[0] & rounds};
    wire beyond = ~rounded[8] & rounded > top;
    wire [8:0] chosen = rounds & beyond ? top : rounded;
    wire [8:0] whole = chosen << shift;
    always @(posedge clk) q <= in_image ? whole[7:0] : 8'd0;
    wire unused = &{1'b0, doubled, whole};
endmodule
