// SPDX-License-Identifier: Apache-2.0
#include "report/tensorboard.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace dime {
namespace {

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

static_assert(std::endian::native == std::endian::little, "the records are little-endian");

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// Protocol buffers: a field is its number and wire type (0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes).
std::string key(int field, int wire) {
  return varint(static_cast<std::uint64_t>(field) << 3 | static_cast<unsigned>(wire));
}
std::string integer(int field, std::int64_t value) { return key(field, 0) + varint(static_cast<std::uint64_t>(value)); }
std::string real64(int field, double value) { return key(field, 1) + raw(value); }
std::string real32(int field, float value) { return key(field, 5) + raw(value); }
std::string counted(int field, std::string_view bytes) {
  return key(field, 2) + varint(bytes.size()) + std::string(bytes);
}

// The numbers are those of tensorboard/compat/proto/event.proto and summary.proto.
namespace event {
constexpr int wall_time = 1;
constexpr int step = 2;
constexpr int file_version = 3;
constexpr int summary = 5;
constexpr int session_log = 7;
constexpr int summary_value = 1;
constexpr int value_tag = 1;
constexpr int value_simple = 2;
constexpr int session_status = 1;
constexpr int session_start = 1;
}  // namespace event

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

// A process may open several files within one second; the last number tells them apart.
std::filesystem::path create(const std::filesystem::path& folder, io::FileDescriptor& file) {
  const std::string stem = "events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + "." + host() +
                           "." + std::to_string(::getpid()) + ".";
  for (int n = 0;; ++n) {
    auto path = folder / (stem + std::to_string(n));
    file.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666));
    if (file.valid()) return path;
    if (errno != EEXIST) throw io::io_error("write", path, errno);
  }
}

}  // namespace

std::uint32_t masked_crc32c(std::string_view bytes) {
  Crc32c crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + 0xA282EAD8U;
}

EventWriter::EventWriter(const std::filesystem::path& folder, std::optional<std::int64_t> resumed_step) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw io::io_error("write", folder, error.value());
  path_ = create(folder, file_);
  append(real64(event::wall_time, now()) + counted(event::file_version, "brain.Event:2"));
  if (!resumed_step) return;
  append(real64(event::wall_time, now()) + integer(event::step, *resumed_step + 1) +
         counted(event::session_log, integer(event::session_status, event::session_start)));
}

void EventWriter::scalar(std::string_view tag, std::int64_t step, double value) {
  const auto point = counted(event::value_tag, tag) + real32(event::value_simple, static_cast<float>(value));
  append(real64(event::wall_time, now()) + integer(event::step, step) +
         counted(event::summary, counted(event::summary_value, point)));
}

void EventWriter::metrics(const MetricsLine& line) {
  const auto add = [&](const std::string& name, double value) { scalar("Train/" + name, line.step, value); };
  add("total_loss", line.loss);
  for (const auto& [name, value] : line.losses) add(name + "_loss", value);
  add("lr", line.lr);
  add("grad_norm", line.grad_norm);
  add("loss_scale", line.loss_scale);
  add("epoch", line.epoch);
  add("texts_epoch", line.texts_epoch);
  add("images_per_second", line.images_per_second);
  add("data_seconds", line.data_seconds);
  add("step_seconds", line.step_seconds);
  add("memory_mib", static_cast<double>(line.memory_mib));
}

// One write for a whole record, so that a kill leaves at most one cut record, which TensorBoard passes over.
void EventWriter::append(std::string_view record) {
  const std::string length = raw<std::uint64_t>(record.size());
  std::string framed = length + raw(masked_crc32c(length));
  framed += record;
  framed += raw(masked_crc32c(record));
  for (std::string_view rest = framed; !rest.empty();) {
    const auto n = ::write(file_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw io::io_error("write", path_, errno);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace dime
