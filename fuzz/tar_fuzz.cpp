// SPDX-License-Identifier: Apache-2.0
// Any bytes are an archive whose files lie in it one after the other, or a DataError; a file is found again at its
// begin.
#include <algorithm>
#include <cstdlib>

#include <dime/tar.hpp>

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = [&](std::uint64_t at, std::span<std::uint8_t> out) {
    expect(at <= size && out.size() <= size - at);
    std::copy_n(data + at, out.size(), out.begin());
  };
  try {
    dime::TarReader tar(size, read);
    std::uint64_t end = 0;
    while (const auto member = tar.next()) {
      expect(member->begin >= end && member->data > member->begin && member->data <= size);
      expect(member->size <= size - member->data);
      end = tar.next_header();
      expect(end >= member->data + member->size && end <= size);
      const auto again = dime::TarReader(size, read, member->begin).next();
      expect(again && again->name == member->name && again->data == member->data && again->size == member->size);
    }
  } catch (const dime::DataError&) {
  }
  return 0;
}
