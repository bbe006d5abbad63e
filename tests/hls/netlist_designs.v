// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// Designs from which yosys infers each kind of storage; test_netlist_rtl.py compares them with their netlists.

// Block RAMs: every write mode, byte enables, reset and initial values, all widths, unequal widths.
module block_memories (
    input wire clk, input wire rst, input wire en, input wire en2,
    input wire [1:0] we, input wire [1:0] we2, input wire [9:0] a, input wire [9:0] b, input wire [3:0] high,
    input wire [71:0] d,
    output reg [11:0] rom_q, output reg [17:0] bytes_q,
    output reg [15:0] first_a, output reg [15:0] first_b, output reg [8:0] through_q,
    output reg [17:0] keep_q, output reg [71:0] wide_q, output reg [35:0] half_q,
    output reg deep_q, output reg [1:0] two_q, output reg [3:0] four_q, output reg [31:0] unequal_q, output reg [7:0] narrow_q
);
    (* rom_style = "block" *) reg [11:0] rom[0:1023];
    (* ram_style = "block" *) reg [17:0] bytes[0:1023];
    (* ram_style = "block" *) reg [15:0] first[0:1023];
    (* ram_style = "block" *) reg [8:0] through[0:1023];
    (* ram_style = "block" *) reg [17:0] keep[0:1023];
    (* ram_style = "block" *) reg [71:0] wide[0:511];
    (* ram_style = "block" *) reg [35:0] half[0:511];
    (* ram_style = "block" *) reg deep[0:16383];
    (* ram_style = "block" *) reg [1:0] two[0:8191];
    (* rom_style = "block" *) reg [3:0] four[0:4095];
    (* ram_style = "block" *) reg [7:0] unequal[0:4095];
    (* ram_style = "block" *) reg [7:0] narrow[0:4095];
    initial begin
        rom_q = 12'h5a3;
        $readmemh("rom.mem", rom);
        $readmemh("bytes.mem", bytes);
        $readmemh("first.mem", first);
        $readmemh("through.mem", through);
        $readmemh("keep.mem", keep);
        $readmemh("wide.mem", wide);
        $readmemh("half.mem", half);
        $readmemh("deep.mem", deep);
        $readmemh("two.mem", two);
        $readmemh("four.mem", four);
        $readmemh("unequal.mem", unequal);
        $readmemh("narrow.mem", narrow);
    end
    always @(posedge clk) begin
        if (en) begin
            if (rst) rom_q <= 12'h123;
            else rom_q <= rom[a];
        end
        if (we[0]) bytes[a][8:0] <= d[8:0];
        if (we[1]) bytes[a][17:9] <= d[17:9];
        if (en2) bytes_q <= bytes[b];
        if (en) begin
            if (we[0]) first[a] <= d[15:0];
            first_a <= first[a];
            if (we[0]) through[a] <= d[8:0];
            through_q <= we[0] ? d[8:0] : through[a];
            if (we[0]) keep[a] <= d[17:0];
            else keep_q <= keep[a];
        end
        if (we[1]) wide[b[8:0]] <= d;
        if (en) begin
            if (rst) wide_q <= 72'h0123456789abcdef55;
            else wide_q <= wide[a[8:0]];
        end
        if (we2[0]) half[a[8:0]] <= d[35:0];
        if (en2) half_q <= half[b[8:0]];
        if (we2[1]) deep[{high, a}] <= d[0];
        deep_q <= deep[{high, b}];
        if (we2[0]) two[{high[2:0], a}] <= d[2:1];
        two_q <= two[{high[2:0], b}];
        four_q <= four[{high[1:0], b}];
        if (we[0]) unequal[{high[1:0], a}] <= d[7:0];
        if (en) unequal_q <= {unequal[{b, 2'd3}], unequal[{b, 2'd2}], unequal[{b, 2'd1}], unequal[{b, 2'd0}]};
        if (we2[1]) begin
            narrow[{a, 2'd0}] <= d[7:0];
            narrow[{a, 2'd1}] <= d[15:8];
            narrow[{a, 2'd2}] <= d[23:16];
            narrow[{a, 2'd3}] <= d[31:24];
        end
        narrow_q <= narrow[{high[1:0], b}];
    end
    // a second port that writes too, but never where the first does
    wire apart = a != b;
    always @(posedge clk) begin
        if (en2) begin
            if (we2[0] & apart) first[b] <= d[31:16];
            first_b <= first[b];
        end
    end
endmodule

// Distributed RAMs and shift registers.
module small_memories (
    input wire clk, input wire rst, input wire en, input wire we, input wire [7:0] a, input wire [7:0] b, input wire [13:0] d,
    output wire [5:0] sdp32, output wire [3:0] sdp64, output wire [2:0] dual_a, output wire [2:0] dual_b, output wire single,
    output wire [1:0] deep_a, output wire [1:0] deep_b,
    output wire [1:0] quad_0, output wire [1:0] quad_1, output wire [1:0] quad_2, output reg [13:0] many,
    output wire delayed, output wire delayed_long, output wire chosen, output wire free_running, output reg [3:0] reset_late
);
    (* ram_style = "distributed" *) reg [5:0] m32[0:31];
    (* ram_style = "distributed" *) reg [3:0] m64[0:63];
    (* ram_style = "distributed" *) reg [2:0] m2[0:63];
    (* ram_style = "distributed" *) reg m1[0:255];
    (* ram_style = "distributed" *) reg [1:0] m128[0:127];
    (* ram_style = "distributed" *) reg [1:0] m4[0:31];
    (* ram_style = "distributed" *) reg [13:0] m14[0:31];
    initial begin
        $readmemh("m32.mem", m32);
        $readmemh("m64.mem", m64);
        $readmemh("m2.mem", m2);
        $readmemh("m1.mem", m1);
        $readmemh("m128.mem", m128);
        $readmemh("m4.mem", m4);
        $readmemh("m14.mem", m14);
    end
    always @(posedge clk) begin
        if (we) begin
            m32[a[4:0]] <= d[5:0];
            m64[a[5:0]] <= d[9:6];
            m2[a[5:0]] <= d[12:10];
            m128[a[6:0]] <= d[3:2];
            m4[a[4:0]] <= d[1:0];
            m14[a[4:0]] <= d;
        end
        if (we & en) m1[a] <= d[13];
        many <= m14[b[4:0]];
    end
    assign sdp32 = m32[b[4:0]];
    assign sdp64 = m64[b[5:0]];
    assign dual_a = m2[a[5:0]];
    assign dual_b = m2[b[5:0]];
    assign single = m1[a];
    assign deep_a = m128[a[6:0]];
    assign deep_b = m128[b[6:0]];
    assign quad_0 = m4[a[4:0]];
    assign quad_1 = m4[b[4:0]];
    assign quad_2 = m4[d[4:0]];
    reg [12:0] delay;
    reg [69:0] long_delay;
    reg [31:0] tapped;
    reg [6:0] running;
    initial begin
        delay = 13'h0a5;
        long_delay = 70'h1234567890abcdef;
        tapped = 32'hdeadbeef;
        running = 0;
        reset_late = 4'd9;
    end
    always @(posedge clk) begin
        if (en) delay <= {delay[11:0], d[0]};
        if (we) long_delay <= {long_delay[68:0], d[1]};
        if (en) tapped <= {tapped[30:0], d[2]};
        running <= {running[5:0], d[3]};
        if (rst) reset_late <= 4'd6;
        else if (en) reset_late <= reset_late + a[3:0];
    end
    assign delayed = delay[12];
    assign delayed_long = long_delay[69];
    assign chosen = tapped[b[4:0]];
    assign free_running = running[6];
endmodule

// Logic: carries, wide multiplexers, a popcount, an asynchronous reset.
module logic_and_counters (
    input wire clk, input wire rst, input wire en, input wire [15:0] x, input wire [15:0] y, input wire [63:0] bits,
    output wire [16:0] sum, output wire less, output reg [31:0] product, output reg [6:0] ones, output reg [11:0] count,
    output reg [7:0] gray, output wire picked, output reg [9:0] asynchronous
);
    assign sum = x + y;
    assign less = $signed(x) < $signed(y);
    assign picked = bits[x[5:0]];
    integer i;
    reg [6:0] total;
    always @* begin
        total = 0;
        for (i = 0; i < 64; i = i + 1) total = total + {6'd0, bits[i]};
    end
    initial begin
        count = 12'd77;
        gray = 0;
        asynchronous = 10'd500;
    end
    always @(posedge clk) begin
        product <= x * y;
        ones <= total;
        if (rst) count <= 12'd4095;
        else if (en) count <= count - {11'd0, x[0]} - 12'd1;
        gray <= (count[7:0] >> 1) ^ count[7:0];
    end
    always @(posedge clk or posedge rst) begin
        if (rst) asynchronous <= 10'd3;
        else if (en) asynchronous <= asynchronous + x[9:0];
    end
endmodule
