// SPDX-License-Identifier: Apache-2.0
// A table of any bytes gives rows, whatever the blocks it is read in; each is taken apart or gives a RowError. The
// first byte of the input chooses the form and the size of the blocks.
#include <cstdlib>
#include <string>

#include <dime/csv.hpp>
#include <dime/error.hpp>

namespace {

std::vector<std::uint64_t> numbers_of(std::span<const std::uint8_t> table, const dime::CsvForm& form,
                                      std::size_t block) {
  dime::CsvScan scan(form);
  for (; table.size() > block; table = table.subspan(block)) scan.add(table.first(block));
  scan.add(table);
  return scan.take_numbers();
}

/// The fields of the row that `bytes` begins with, or what is wrong with it.
std::string split(std::string_view bytes, const dime::CsvForm& form) {
  std::string fields;
  try {
    for (const auto& field : dime::split_csv_row(bytes, form)) fields += std::to_string(field.size()) + ":" + field;
  } catch (const dime::RowError& e) {
    return e.what();
  }
  return fields;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const dime::CsvForm form{(data[0] & 1) != 0 ? '\t' : ',', (data[0] & 2) != 0};
  const std::span<const std::uint8_t> table(data + 1, size - 1);
  const auto numbers = numbers_of(table, form, 1 + data[0] / 4);
  if (numbers != numbers_of(table, form, size)) std::abort();
  const std::string_view text(reinterpret_cast<const char*>(table.data()), table.size());
  const dime::CsvRows rows(numbers, text.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [begin, end] = rows.bytes(i);
    // The row ends where the scan says, whatever follows it.
    if (split(text.substr(begin, end - begin), form) != split(text.substr(begin), form)) std::abort();
  }
  return 0;
}
