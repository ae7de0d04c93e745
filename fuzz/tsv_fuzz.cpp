// SPDX-License-Identifier: Apache-2.0
// A shard of any bytes, with an index of any bytes, gives rows or a DataError. The input is the shard, a NUL, the
// index.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>

#include <dime/error.hpp>
#include <dime/tsv.hpp>

namespace {

void write(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto folder = std::filesystem::temp_directory_path() / ("dime_fuzz_tsv_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  std::filesystem::remove(folder / "rows.lineidx");
  write(folder / "rows.tsv", input.substr(0, nul));
  if (nul != std::string_view::npos) write(folder / "rows.lineidx", input.substr(nul + 1));
  try {
    const dime::TsvShards shards(folder / "rows.tsv");
    for (std::int64_t i = 0; i < shards.size(); ++i) {
      try {
        shards.row(i);
      } catch (const dime::DataError&) {
      }
    }
  } catch (const dime::DataError&) {
  }
  return 0;
}
