// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <cerrno>
#include <memory>
#include <string>

#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "io/file_descriptor.hpp"

namespace dime {
namespace {

struct CloseGzip {
  void operator()(gzFile file) const { gzclose(file); }
};

constexpr std::size_t kChunk = std::size_t{1} << 20;

}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::size_t size = 0;
  const io::FileDescriptor file = io::open_regular(path, &size);
  // Read, not mapped: a file that shrinks meanwhile is shorter then, and no signal.
  std::vector<std::uint8_t> bytes(size);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io::io_error("read", path, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::vector<std::uint8_t> read_unpacked_file(const std::filesystem::path& path, std::size_t largest) {
  io::FileDescriptor packed = io::open_regular(path);
  const std::unique_ptr<gzFile_s, CloseGzip> file(gzdopen(packed.get(), "rb"));
  if (!file) throw io::io_error("open", path, ENOMEM);
  packed.release();  // gzclose closes it
  gzbuffer(file.get(), kChunk);
  std::vector<std::uint8_t> bytes;
  for (int got = 1; got > 0;) {
    const std::size_t have = bytes.size();
    bytes.resize(have + kChunk);
    got = gzread(file.get(), bytes.data() + have, kChunk);
    bytes.resize(have + static_cast<std::size_t>(got > 0 ? got : 0));
    if (bytes.size() > largest) {
      throw DataError(io::shown(path) + " is too large: it holds more than " + std::to_string(largest) + " bytes");
    }
  }
  int error = Z_OK;
  gzerror(file.get(), &error);
  if (error == Z_ERRNO) throw io::io_error("read", path, errno);
  if (error == Z_BUF_ERROR) throw DataError(io::shown(path) + " is cut short: the gzip stream has no end");
  if (error != Z_OK) throw DataError(io::shown(path) + " is damaged: the gzip stream does not unpack");
  return bytes;
}

}  // namespace dime
