// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include <dime/error.hpp>
#include <dime/npy.hpp>

#include "support/errors.hpp"

namespace dime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<float> read(const std::string& bytes) {
  return read_npy_vector({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string problem(const std::string& bytes) {
  return test::error_text<RowError>([&] { read(bytes); });
}

// A file of version 1.0; NumPy fills the header with spaces up to 64 bytes.
std::string file(const std::string& header, const std::string& data) {
  const std::string padded = header + std::string((64 - (11 + header.size()) % 64) % 64, ' ') + "\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(padded.size() & 0xff) +
         static_cast<char>(padded.size() >> 8) + padded + data;
}

std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}

const std::string kTwo("\0\0\x80\x3f\0\0\0\xc0", 8);  // 1, -2

TEST(Npy, ReadsFloat32) {
  EXPECT_THAT(read(file(header("<f4", "(2,)"), kTwo)), ElementsAre(1, -2));
  EXPECT_THAT(read(file(header("<f4", "(1, 2)"), kTwo)), ElementsAre(1, -2));
  EXPECT_THAT(read(file("{'shape':(2,),'fortran_order':True,'descr':'<f4'}", kTwo)), ElementsAre(1, -2));
  EXPECT_THAT(read(file(header("<f4", "(0,)"), "")), IsEmpty());
}

TEST(Npy, ReadsLongHeaders) {
  const std::string text = header("<f4", "(2,)") + std::string(70000, ' ') + "\n";
  std::string length;
  for (int i = 0; i < 4; ++i) length.push_back(static_cast<char>(text.size() >> 8 * i & 0xff));
  for (const char version : {'\2', '\3'}) {
    EXPECT_THAT(read(std::string("\x93NUMPY") + version + '\0' + length + text + kTwo), ElementsAre(1, -2));
  }
}

TEST(Npy, ReadsEveryFloat16) {
  std::string data;
  for (int half = 0; half < 65536; ++half) data += {static_cast<char>(half & 0xff), static_cast<char>(half >> 8)};
  const auto values = read(file(header("<f2", "(65536,)"), data));
  ASSERT_EQ(values.size(), 65536U);
  for (int half = 0; half < 65536; ++half) {
    const float value = values[static_cast<std::size_t>(half)];
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    ASSERT_EQ(std::signbit(value), half >= 32768) << half;
    if (exponent == 31 && mantissa != 0) {
      ASSERT_TRUE(std::isnan(value)) << half;
    } else if (exponent == 31) {
      ASSERT_TRUE(std::isinf(value)) << half;
    } else {
      const double size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      ASSERT_EQ(std::fabs(static_cast<double>(value)), size) << half;
    }
  }
}

TEST(Npy, RefusesOtherTypesAndShapes) {
  const std::string types = "\", not float32 (<f4) or float16 (<f2)";
  EXPECT_EQ(problem(file(header(">f4", "(2,)"), kTwo)), "the .npy file holds \">f4" + types);
  EXPECT_EQ(problem(file(header("<f8", "(1,)"), kTwo)), "the .npy file holds \"<f8" + types);
  EXPECT_EQ(problem(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", kTwo)),
            "the .npy file holds structures, not float32 (<f4) or float16 (<f2)");
  EXPECT_EQ(problem(file(header("<f4", "()"), kTwo)), "the .npy file's shape is (), not (d,) or (1, d)");
  EXPECT_EQ(problem(file(header("<f4", "(2, 1)"), kTwo)), "the .npy file's shape is (2, 1), not (d,) or (1, d)");
  EXPECT_EQ(problem(file(header("<f4", "(1, 1, 2)"), kTwo)), "the .npy file's shape is (1, 1, 2), not (d,) or (1, d)");
}

TEST(Npy, RefusesDataThatDoNotFit) {
  EXPECT_EQ(problem(file(header("<f4", "(3,)"), kTwo)), "the .npy file holds 8 bytes for 3 numbers of 4 bytes");
  EXPECT_EQ(problem(file(header("<f4", "(1,)"), kTwo)), "the .npy file holds 8 bytes for 1 numbers of 4 bytes");
  EXPECT_EQ(problem(file(header("<f2", "(4,)"), kTwo + "x")), "the .npy file holds 9 bytes for 4 numbers of 2 bytes");
  // Times 4 this is 8 again, in 64 bits.
  EXPECT_EQ(problem(file(header("<f4", "(4611686018427387906,)"), kTwo)),
            "the .npy file holds 8 bytes for 4611686018427387906 numbers of 4 bytes");
}

TEST(Npy, RefusesWhatIsDamaged) {
  const std::string whole = file(header("<f4", "(2,)"), kTwo);
  EXPECT_EQ(problem(""), "the file is no .npy file");
  EXPECT_EQ(problem("PK\3\4 a .npz"), "the file is no .npy file");
  EXPECT_EQ(problem(std::string("\x93NUMPY\4\0", 8)), "the .npy file is of version 4.0, not 1.0, 2.0 or 3.0");
  EXPECT_EQ(problem(whole.substr(0, 9)), "truncated .npy file: the file ends too early");
  EXPECT_EQ(problem(whole.substr(0, 100)), "truncated .npy file: the file ends too early");
  for (const std::string& text : std::vector<std::string>{
           "", "{", "{}", "{'descr': '<f4'}", "x", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2 }",
           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': '1'}",
           "{'descr': '<f4' 'fortran_order': False, 'shape': (2,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x"}) {
    EXPECT_EQ(problem(file(text, kTwo)), "the .npy file's header is none that NumPy writes") << text;
  }
}

TEST(Npy, SurvivesAnyCutAndAnyChangedByte) {
  const std::string whole = file(header("<f4", "(2,)"), kTwo);
  const auto try_out = [](const std::string& bytes) {
    try {
      read(bytes);
    } catch (const RowError&) {
    }
  };
  for (std::size_t size = 0; size <= whole.size(); ++size) try_out(whole.substr(0, size));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int flip : {1, 0x20, 0x80}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      try_out(changed);
    }
  }
}

}  // namespace
}  // namespace dime
