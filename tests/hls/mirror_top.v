// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Sixteen bytes in, y[i] = x[i] + x[15 - i] out: a fork into a short branch (a FIFO) and a long one, which gives
// nothing before it has an image, and a join. The long branch takes the last byte only if the short one has room, so
// sixteen places are enough and fifteen are not.
module lutforge_top (
    input wire ap_clk, input wire ap_rst_n,
    input wire [5:0] s_axi_control_AWADDR, input wire s_axi_control_AWVALID, output wire s_axi_control_AWREADY,
    input wire [31:0] s_axi_control_WDATA, input wire [3:0] s_axi_control_WSTRB,
    input wire s_axi_control_WVALID, output wire s_axi_control_WREADY,
    output wire [1:0] s_axi_control_BRESP, output wire s_axi_control_BVALID, input wire s_axi_control_BREADY,
    input wire [5:0] s_axi_control_ARADDR, input wire s_axi_control_ARVALID, output wire s_axi_control_ARREADY,
    output wire [31:0] s_axi_control_RDATA, output wire [1:0] s_axi_control_RRESP,
    output wire s_axi_control_RVALID, input wire s_axi_control_RREADY,
    input wire [63:0] images_in_TDATA, input wire [7:0] images_in_TKEEP, input wire [7:0] images_in_TSTRB,
    input wire images_in_TLAST, input wire images_in_TVALID, output wire images_in_TREADY,
    output wire [63:0] answers_out_TDATA, output wire [7:0] answers_out_TKEEP, output wire [7:0] answers_out_TSTRB,
    output wire answers_out_TLAST, output wire answers_out_TVALID, input wire answers_out_TREADY,
`ifdef LUTFORGE_PROBE
    output wire [7:0] probe_x_data, output wire probe_x_fire,
    output wire [8:0] probe_mirror_data, output wire probe_mirror_fire,
`endif
    output wire interrupt
);
    localparam DEPTH = 16;
    wire rst = ~ap_rst_n;
    wire [31:0] images;
    wire gate_ready, gated_valid, gated_ready, answer_last, answer_valid, answer_ready, batch_end;
    lutforge_control #(.BEATS(2)) control (
        .clk(ap_clk), .rst(rst),
        .awaddr(s_axi_control_AWADDR), .awvalid(s_axi_control_AWVALID), .awready(s_axi_control_AWREADY),
        .wdata(s_axi_control_WDATA), .wstrb(s_axi_control_WSTRB), .wvalid(s_axi_control_WVALID),
        .wready(s_axi_control_WREADY), .bresp(s_axi_control_BRESP), .bvalid(s_axi_control_BVALID),
        .bready(s_axi_control_BREADY), .araddr(s_axi_control_ARADDR), .arvalid(s_axi_control_ARVALID),
        .arready(s_axi_control_ARREADY), .rdata(s_axi_control_RDATA), .rresp(s_axi_control_RRESP),
        .rvalid(s_axi_control_RVALID), .rready(s_axi_control_RREADY), .interrupt(interrupt), .images(images),
        .in_valid(images_in_TVALID), .in_ready(gate_ready), .gated_valid(gated_valid),
        .gated_ready(gated_ready), .answer_end(batch_end)
    );
    wire [7:0] x, short_out, long_out;
    wire x_valid, x_ready, short_in_valid, short_in_ready, short_valid, short_ready;
    wire long_in_valid, long_in_ready, long_valid, long_ready, sum_valid, sum_ready;
    wire [15:0] both;
    lutforge_narrow #(.IN(64), .OUT(8), .PARTS(8), .TOTAL(16)) bytes (
        .clk(ap_clk), .rst(rst), .in_data(images_in_TDATA), .in_valid(gated_valid), .in_ready(gated_ready),
        .out_data(x), .out_valid(x_valid), .out_ready(x_ready)
    );
    lutforge_fork #(.READERS(2)) branches (
        .in_valid(x_valid), .in_ready(x_ready), .out_valid({long_in_valid, short_in_valid}),
        .out_ready({long_in_ready, short_in_ready})
    );
    lutforge_fifo #(.WIDTH(8), .DEPTH(DEPTH)) short_branch (
        .clk(ap_clk), .rst(rst), .in_data(x), .in_valid(short_in_valid), .in_ready(short_in_ready),
        .out_data(short_out), .out_valid(short_valid), .out_ready(short_ready)
    );
    backwards long_branch (
        .clk(ap_clk), .rst(rst), .in_data(x), .in_valid(long_in_valid), .in_ready(long_in_ready),
        .out_data(long_out), .out_valid(long_valid), .out_ready(long_ready)
    );
    lutforge_join #(.LEFT(8), .RIGHT(8)) pairs (
        .left_data(short_out), .left_valid(short_valid), .left_ready(short_ready),
        .right_data(long_out), .right_valid(long_valid), .right_ready(long_ready),
        .out_data(both), .out_valid(sum_valid), .out_ready(sum_ready)
    );
    wire [8:0] sum = {1'b0, both[7:0]} + {1'b0, both[15:8]};
    wire [63:0] words;
    lutforge_answers #(.CLASSES(16), .LANES(1), .BITS(9), .SIGNED(0), .LOGITS(1), .BEAT(64), .BEATS(8)) answers (
        .clk(ap_clk), .rst(rst), .images(images), .in_data(sum), .in_valid(sum_valid), .in_ready(sum_ready),
        .out_data(words), .out_last(answer_last), .out_valid(answer_valid), .out_ready(answer_ready)
    );
    // From 100 images on their number chooses what is broken, for tests of the simulation itself.
    reg [15:0] beats;
    reg blink, repeated;
    assign answers_out_TDATA = images == 109 & blink ? ~words : words;
    wire drop = images == 105 & beats == 16'd5 & answer_valid;
    wire repeat_it = images == 106 & beats == 16'd5 & ~repeated;
    wire hide = images == 103 & blink;
    assign answers_out_TVALID = answer_valid & ~drop & ~hide;
    assign answer_ready = answers_out_TREADY & ~repeat_it & ~hide | drop;
    assign answers_out_TLAST = images == 101 ? 1'b0 : answer_last | (images == 102 & beats == 16'd3);
    assign answers_out_TKEEP = images == 104 & beats == 16'd7 ? 8'h0f : 8'hff;
    assign answers_out_TSTRB = 8'hff;
    assign images_in_TREADY = gate_ready | images == 107;
    assign batch_end = answer_valid & answer_ready & answer_last & images != 108;
    always @(posedge ap_clk) begin
        blink <= ~blink & ~rst;
        if (rst) {beats, repeated} <= 17'd0;
        else if (answer_valid & answer_ready) beats <= beats + 16'd1;
        else if (repeat_it & answers_out_TVALID & answers_out_TREADY) repeated <= 1'b1;
    end
`ifdef LUTFORGE_PROBE
    assign probe_x_data = x;
    assign probe_x_fire = x_valid & x_ready;
    assign probe_mirror_data = sum;
    assign probe_mirror_fire = sum_valid & sum_ready;
`endif
endmodule

// Takes sixteen bytes, then gives them back, the last one first.
module backwards (
    input wire clk, input wire rst,
    input wire [7:0] in_data, input wire in_valid, output wire in_ready,
    output wire [7:0] out_data, output wire out_valid, input wire out_ready
);
    reg [127:0] held;
    reg [4:0] count;
    reg gives;
    assign in_ready = ~gives;
    assign out_valid = gives;
    assign out_data = held[7:0];
    wire move = gives ? out_ready : in_valid;
    always @(posedge clk) begin
        if (rst) {count, gives} <= 6'd0;
        else if (move) begin
            count <= count[3:0] == 4'd15 ? 5'd0 : count + 5'd1;
            if (count[3:0] == 4'd15) gives <= ~gives;
        end
        if (move) held <= gives ? held >> 8 : {held[119:0], in_data};
    end
endmodule
