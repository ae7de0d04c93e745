// SPDX-License-Identifier: Apache-2.0
// The opcodes of pickles that torch writes, and those that are refused by their name. Others are damage.
#pragma once

#include <cstdint>

namespace dime::io {

/// Of protocols 2 to 5; a number in a name is the size of what follows, or of its length.
enum PickleOpcode : std::uint8_t {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_pop_mark = '1',
  op_none = 'N',
  op_true = 0x88,
  op_false = 0x89,
  op_int4 = 'J',
  op_int1 = 'K',
  op_int2 = 'M',
  op_long1 = 0x8a,
  op_long4 = 0x8b,
  op_float = 'G',
  op_text4 = 'X',
  op_text1 = 0x8c,
  op_text8 = 0x8d,
  op_string4 = 'T',
  op_string1 = 'U',
  op_bytes4 = 'B',
  op_bytes1 = 'C',
  op_bytes8 = 0x8e,
  op_bytearray = 0x96,
  op_list = ']',
  op_dict = '}',
  op_set = 0x8f,
  op_tuple0 = ')',
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_tuple = 't',
  op_append = 'a',
  op_appends = 'e',
  op_set_item = 's',
  op_set_items = 'u',
  op_add_items = 0x90,
  op_frozenset = 0x91,
  op_put1 = 'q',
  op_put4 = 'r',
  op_memoize = 0x94,
  op_get1 = 'h',
  op_get4 = 'j',
  op_global = 'c',
  op_stack_global = 0x93,
  op_reduce = 'R',
  op_build = 'b',
  op_new = 0x81,
  op_new_named = 0x92,
  op_persistent = 'Q',
  op_frame = 0x95,
  op_protocol = 0x80,
  op_inst = 'i',
  op_obj = 'o',
  op_ext1 = 0x82,
  op_ext2 = 0x83,
  op_ext4 = 0x84
};

}  // namespace dime::io
