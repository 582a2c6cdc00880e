/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* table_text.c - tables that tests read. */
#include "table_text.h"

const char st_first_table[] =
    "[\n"
    "  {\"rows\": 1024, \"cols_min\": 4096,  \"cols_max\": 8191,   \"k_max\": 128,  \"sg\": true,  \"mk\": 2, \"tile\": 512,\n"
    "   \"tile_cols\": 1024, \"radix\": 2, \"segments\": 1, \"use_2ce\": false},\n"
    "  {\"rows\": 1024, \"cols_min\": 8192,  \"cols_max\": 65535,  \"k_max\": 2048, \"sg\": true,  \"mk\": 1, \"tile\": 1024,\n"
    "   \"tile_cols\": 2048, \"radix\": 4, \"segments\": 2},\n"
    "  {\"rows\": 1024, \"cols_min\": 65536, \"cols_max\": 262143, \"k_max\": 4096, \"sg\": true,  \"mk\": 1, \"tile\": 2048,\n"
    "   \"tile_cols\": 4096, \"radix\": 4, \"segments\": 4, \"use_2ce\": true},\n"
    "  {\"rows\": 1024, \"cols_min\": 4096,  \"cols_max\": 65535,  \"k_max\": 2048, \"sg\": false, \"mk\": 1, \"tile\": 1024,\n"
    "   \"tile_cols\": 1024, \"radix\": 2, \"segments\": 1},\n"
    "  {\"rows\": 1024, \"cols_min\": 65536, \"cols_max\": 262143, \"k_max\": 4096, \"sg\": false, \"mk\": 0, \"tile\": 2048,\n"
    "   \"tile_cols\": 2048, \"radix\": 4, \"segments\": 2, \"use_2ce\": true}\n"
    "]\n";
