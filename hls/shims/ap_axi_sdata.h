// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// One AXI-Stream transfer for the C simulation (UG1399, ap_axiu). Not for the vendor's tools.
#ifndef LUTFORGE_SHIM_AP_AXI_SDATA_H
#define LUTFORGE_SHIM_AP_AXI_SDATA_H

#include <ap_int.h>

template <int D, int U, int TI, int TD>
struct ap_axiu {
    ap_uint<D> data;
    ap_uint<(D + 7) / 8> keep;
    ap_uint<(D + 7) / 8> strb;
    ap_uint<1> last;
};

#endif
