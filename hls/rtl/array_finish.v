// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Requantisation of the programmable array: sums in windows, with bias, shifts, clamp, an added sum, and a maximum.

// Every tap of every result is an item of its own; where a sum is added, its item goes in front and passes unchanged.
module lutforge_array_finish #(
    parameter PE = 8
) (
    input wire clk,
    input wire rst,
    input wire argument,
    input wire [7:0] place,
    input wire [63:0] head,
    input wire [63:0] data,
    input wire begins,
    input wire step,
    output wire ends,
    output wire [15:0] read,
    input wire [PE*32-1:0] sums,
    output wire valid,
    output wire in_sums,
    output wire [15:0] write,
    output reg [15:0] target,
    output wire [15:0] bank,
    output wire [PE*32-1:0] results
);
    localparam STAGES = 6;  // from an item's address to the cycle in which its value is clamped
    reg [15:0] images, rows, columns, image_step, start, image_target, row_target, column_target, low, high, row_step;
    reg [15:0] height, width;
    reg [3:0] kernel_rows, kernel_columns, row_stride, column_stride, top, left;
    assign bank = head[31:16];
    assign in_sums = head[8];
    wire clamps = head[9], adds = head[10];
    always @(posedge clk) begin
        if (argument) case (place)
            8'd0: {image_step, columns, rows, images} <= data;
            8'd1: {column_target, row_target, image_target, start} <= data;
            8'd2: {width, height, left, top, column_stride, row_stride, kernel_columns, kernel_rows} <= data[55:0];
            8'd3: {row_step, high, low} <= data[47:0];
            default: ;
        endcase
    end

    // where an item is: its image, row and column of results, its tap, and whether it is the sum that is added
    reg [15:0] image, y, x, row, column, first_row, first_column, window, row_start, image_start, line, sum, extra;
    reg [15:0] place_column, place_row, place_image;
    reg [3:0] i, j;
    reg addend;
    wire last_j = j == kernel_columns - 4'd1, last_i = i == kernel_rows - 4'd1;
    wire last_x = x == columns - 16'd1, last_y = y == rows - 16'd1, last_image = image == images - 16'd1;
    wire tap = step & ~addend, result = tap & last_j & last_i, result_row = result & last_x, whole = result_row & last_y;
    assign ends = whole & last_image;
    wire [15:0] above = {12'd0, top}, beside = {12'd0, left}, across = {12'd0, column_stride};
    wire [15:0] next_image = image_start + image_step;
    wire [15:0] next_row = row_start + row_step;
    wire [15:0] next_window = last_x ? (last_y ? next_image : next_row) : window + across;
    wire [15:0] next_first_row = last_x ? (last_y ? -above : first_row + {12'd0, row_stride}) : first_row;
    wire [15:0] next_first_column = last_x ? -beside : first_column + across;
    always @(posedge clk) begin
        if (begins) begin
            {image, y, x, i, j} <= 56'd0;
            {sum, line, window, row_start, image_start} <= {5{head[47:32]}};
            extra <= head[63:48];
            addend <= adds;
            {first_row, row} <= {2{-above}};
            {first_column, column} <= {2{-beside}};
            {place_column, place_row, place_image} <= {3{start}};
        end else if (step) begin
            addend <= adds & ~addend;
            if (addend) extra <= extra + 16'd1;
            if (tap) begin
                j <= last_j ? 4'd0 : j + 4'd1;
                column <= column + 16'd1;
                sum <= sum + 16'd1;
            end
            if (tap & last_j) begin
                i <= last_i ? 4'd0 : i + 4'd1;
                column <= first_column;
                row <= row + 16'd1;
                sum <= line + width;
                line <= line + width;
            end
            if (result) begin
                {sum, line, window} <= {3{next_window}};
                {row, first_row} <= {2{next_first_row}};
                {column, first_column} <= {2{next_first_column}};
                x <= last_x ? 16'd0 : x + 16'd1;
                place_column <= place_column + column_target;
            end
            if (result_row) begin
                y <= last_y ? 16'd0 : y + 16'd1;
                row_start <= last_y ? next_image : next_row;
                {place_column, place_row} <= {2{last_y ? place_image + image_target : place_row + row_target}};
            end
            if (whole) begin
                image <= image + 16'd1;
                image_start <= next_image;
                place_image <= place_image + image_target;
            end
        end
    end
    assign read = addend ? extra : sum;

    // what travels with an item: first and last of its window, outside the extent, unchanged
    wire [4:0] flags;
    wire outside = ~(row < height & column < width);
    wire first_tap = i == 4'd0 & j == 4'd0;
    lutforge_pipe #(.WIDTH(4), .STAGES(STAGES)) kinds (
        .clk(clk), .load({STAGES{1'b1}}), .d({addend, outside & ~addend, first_tap, last_i & last_j}), .q(flags[3:0])
    );
    reg [STAGES-1:0] there;
    always @(posedge clk) begin
        if (rst) there <= {STAGES{1'b0}};
        else there <= {there[STAGES-2:0], step};
    end
    assign flags[4] = there[STAGES-1];
    wire [15:0] sum_place, target_place;
    lutforge_pipe #(.WIDTH(32), .STAGES(STAGES)) places (
        .clk(clk), .load({STAGES{1'b1}}), .d({sum, place_column}), .q({sum_place, target_place})
    );
    reg raw;
    always @(posedge clk) raw <= addend;
    genvar lane;
    generate
        for (lane = 0; lane < PE; lane = lane + 1) begin : output_of
            localparam PLACE = lane + 4;
            lutforge_array_requantise requantise (
                .clk(clk), .argument(argument & place == PLACE), .data(data[47:0]), .raw(raw), .clamps(clamps),
                .low(low), .high(high), .d(sums[lane*32 +: 32]), .adds(adds), .arrives(flags[4]), .addend(flags[3]),
                .outside(flags[2]), .first(flags[1]), .q(results[lane*32 +: 32])
            );
        end
    endgenerate
    reg done;
    reg [15:0] done_at;
    always @(posedge clk) begin
        done <= flags[4] & ~flags[3] & flags[0] & ~rst;
        done_at <= sum_place;
        target <= target_place;
    end
    assign valid = done;
    assign write = done_at;
endmodule

// One lane: (d + bias) << left, or >> right rounded half up, clamped; then the largest of a window or, where a sum is
// added, the total of both. An item that is `raw` keeps its value.
module lutforge_array_requantise (
    input wire clk,
    input wire argument,
    input wire [47:0] data,
    input wire raw,
    input wire clamps,
    input wire [15:0] low,
    input wire [15:0] high,
    input wire [31:0] d,
    input wire adds,
    input wire arrives,
    input wire addend,
    input wire outside,
    input wire first,
    output reg [31:0] q
);
    reg [31:0] bias, half;
    reg [4:0] left, right;
    always @(posedge clk) begin
        if (argument) begin
            bias <= data[31:0];
            right <= data[36:32];
            left <= data[44:40];
            half <= data[36:32] == 5'd0 ? 32'd0 : 32'd1 << (data[36:32] - 5'd1);
        end
    end
    reg [31:0] biased, shifted, clamped;
    reg signed [32:0] rounded;
    reg [3:1] plain;
    wire signed [32:0] wide = {shifted[31], shifted} + {1'b0, plain[2] ? 32'd0 : half};
    wire signed [32:0] floor = rounded >>> (plain[3] ? 5'd0 : right);
    reg signed [31:0] value;
    reg value_plain;
    wire signed [31:0] least = {{16{low[15]}}, low}, most = {{16{high[15]}}, high};
    always @(posedge clk) begin
        biased <= d + (raw ? 32'd0 : bias);
        shifted <= biased << (plain[1] ? 5'd0 : left);
        rounded <= wide;
        value <= floor[31:0];
        plain <= {plain[2:1], raw};
        value_plain <= plain[3];
        clamped <= value_plain | ~clamps ? value : value < least ? least : value > most ? most : value;
    end
    wire signed [31:0] now = outside ? 32'h8000_0000 : clamped, held = q;
    always @(posedge clk) begin
        if (arrives) q <= addend | (first & ~adds) ? now : adds ? held + now : held > now ? held : now;
    end
    wire unused = &{1'b0, data, floor};
endmodule
