module luts_lut_array (
    input ap_clk, input ap_rst, input ap_ce,
    input ap_start, output ap_ready, output ap_done, output ap_idle, input ap_continue,
    input [7:0] in_dout, input in_empty_n, output in_read,
    output [3:0] out_din, input out_full_n, output out_write);
    assign in_read = in_empty_n & out_full_n & ap_start;
    assign out_write = in_read;
    assign out_din = {4{^in_dout}};
    assign ap_ready = in_read;
    assign ap_done = in_read & ap_continue & ap_ce;
    assign ap_idle = ~ap_start;
endmodule
