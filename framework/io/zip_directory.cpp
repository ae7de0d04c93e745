// SPDX-License-Identifier: Apache-2.0
#include "io/zip_directory.hpp"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include <dime/error.hpp>
#include <dime/printable.hpp>

namespace dime::io {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::size_t kLocalBytes = 30, kCentralBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr std::size_t kLongestComment = 0xffff;
constexpr std::uint64_t kIn64 = 0xffffffff;  // the value stands in the zip64 field
constexpr unsigned kEncrypted = 1, kDescriptor = 8;

std::string in_quotes(std::string_view name) { return "\"" + printable(name) + "\""; }

// The archive's bytes, never read past their end.
class Source {
 public:
  Source(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  std::size_t size() const { return bytes_.size(); }
  bool holds(std::uint64_t at, std::uint64_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  // Only where holds() is true.
  std::uint64_t number(std::uint64_t at, std::size_t count) const {
    std::uint64_t value = 0;
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at + i]);
    return value;
  }
  bool is(std::uint64_t at, std::uint32_t signature, std::size_t bytes) const {
    return holds(at, bytes) && number(at, 4) == signature;
  }
  std::string_view part(std::uint64_t at, std::uint64_t count) const { return bytes_.substr(at, count); }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw WeightsError(file_ + " is a damaged zip archive: " + problem);
  }
  [[noreturn]] void refuse(std::string_view entry, const std::string& problem) const {
    refuse("entry " + in_quotes(entry) + ": " + problem);
  }

 private:
  std::string_view bytes_;
  const std::string& file_;
};

struct Directory {
  std::uint64_t count = 0, at = 0, size = 0;
  std::uint64_t end = 0;  // where the records after it begin
};

// An entry as the directory tells it, and where its local header begins.
struct Record {
  ZipEntry entry;
  std::uint64_t local = 0, packed = 0, size = 0;
};

std::uint64_t find_end(const Source& source) {
  if (source.size() >= kEndBytes) {
    const std::uint64_t last = source.size() - kEndBytes;
    for (std::uint64_t comment = 0; comment <= std::min<std::uint64_t>(last, kLongestComment); ++comment) {
      const std::uint64_t at = last - comment;
      if (source.is(at, kEnd, kEndBytes) && source.number(at + 20, 2) == comment) return at;
    }
  }
  source.refuse("it has no end record (is the file cut short?)");
}

// The zip64 record's values; those of the old record that are not set aside for it must agree.
Directory in_64_bits(const Source& source, std::uint64_t end) {
  const std::uint64_t at = source.number(end - kLocatorBytes + 8, 8);
  if (!source.is(at, kEnd64, kEnd64Bytes) || at + kEnd64Bytes > end) {
    source.refuse("it has no zip64 record at byte " + std::to_string(at));
  }
  const Directory directory{source.number(at + 32, 8), source.number(at + 48, 8), source.number(at + 40, 8), at};
  const auto agrees = [](std::uint64_t old, std::uint64_t value, std::uint64_t aside) {
    return old == value || old == aside;
  };
  if (!agrees(source.number(end + 10, 2), directory.count, 0xffff) ||
      !agrees(source.number(end + 12, 4), directory.size, kIn64) ||
      !agrees(source.number(end + 16, 4), directory.at, kIn64)) {
    source.refuse("its two end records disagree");
  }
  return directory;
}

Directory find_directory(const Source& source) {
  const std::uint64_t end = find_end(source);
  const bool large = end >= kLocatorBytes && source.is(end - kLocatorBytes, kLocator64, kLocatorBytes);
  const Directory directory =
      large ? in_64_bits(source, end)
            : Directory{source.number(end + 10, 2), source.number(end + 16, 4), source.number(end + 12, 4), end};
  if (directory.at > directory.end || directory.size != directory.end - directory.at) {
    source.refuse("its directory would have " + std::to_string(directory.size) + " bytes from byte " +
                  std::to_string(directory.at) + ", but its end record is at byte " + std::to_string(directory.end));
  }
  return directory;
}

// The zip64 field of an entry's extra data, from which values that do not fit in 32 bits are taken in turn.
class Extra64 {
 public:
  Extra64(const Source& source, std::uint64_t at, std::uint64_t bytes) : source_(source) {
    for (const std::uint64_t end = at + bytes; at + 4 <= end;) {
      const std::uint64_t size = source.number(at + 2, 2);
      if (size > end - at - 4) return;
      if (source.number(at, 2) == 1) {
        at_ = at + 4;
        left_ = size;
        return;
      }
      at += 4 + size;
    }
  }
  // `value`, or the next of the field where it was set aside; nothing when the field has no more.
  std::optional<std::uint64_t> resolve(std::uint64_t value) {
    if (value != kIn64) return value;
    if (left_ < 8) return std::nullopt;
    left_ -= 8;
    at_ += 8;
    return source_.number(at_ - 8, 8);
  }

 private:
  const Source& source_;
  std::uint64_t at_ = 0, left_ = 0;
};

// Reads the directory's record at `at` and moves `at` past it.
Record read_record(const Source& source, std::uint64_t& at, std::uint64_t end) {
  if (end - at < kCentralBytes || !source.is(at, kCentral, kCentralBytes)) {
    source.refuse("its directory holds no record at byte " + std::to_string(at));
  }
  const std::uint64_t name = source.number(at + 28, 2), extra = source.number(at + 30, 2),
                      comment = source.number(at + 32, 2);
  if (name + extra + comment > end - at - kCentralBytes) {
    source.refuse("its directory's record at byte " + std::to_string(at) + " is longer than the directory");
  }
  Record record;
  record.entry.name = source.part(at + kCentralBytes, name);
  record.entry.crc = static_cast<std::uint32_t>(source.number(at + 16, 4));
  record.entry.method = static_cast<unsigned>(source.number(at + 10, 2));
  record.entry.encrypted = (source.number(at + 8, 2) & kEncrypted) != 0;
  Extra64 large(source, at + kCentralBytes + name, extra);
  const auto size = large.resolve(source.number(at + 24, 4));
  const auto packed = large.resolve(source.number(at + 20, 4));
  const auto local = large.resolve(source.number(at + 42, 4));
  if (!size || !packed || !local) source.refuse(record.entry.name, "its zip64 field is cut short");
  record.size = *size;
  record.packed = *packed;
  record.local = *local;
  at += kCentralBytes + name + extra + comment;
  return record;
}

// A writer that did not know size and CRC beforehand leaves them 0 in the local header and puts them after the data.
void check_agreement(const Source& source, const Record& record, const char* what, std::optional<std::uint64_t> local,
                     std::uint64_t central) {
  const bool later = (source.number(record.local + 6, 2) & kDescriptor) != 0;
  if (local == central || (later && local == 0)) return;
  source.refuse(record.entry.name, std::string("its local header says ") + what + " " +
                                       (local ? std::to_string(*local) : "(none)") + ", the directory " +
                                       std::to_string(central));
}

// Holds the local header against the directory, and finds the data behind it.
void locate(const Source& source, Record& record) {
  const std::string_view name = record.entry.name;
  if (!source.is(record.local, kLocal, kLocalBytes)) {
    source.refuse(name, "it has no local header at byte " + std::to_string(record.local));
  }
  const std::uint64_t at = record.local, names = source.number(at + 26, 2), extra = source.number(at + 28, 2);
  const std::uint64_t data = at + kLocalBytes + names + extra;
  if (!source.holds(data, record.packed)) {
    source.refuse(name, "its " + std::to_string(record.packed) + " bytes from byte " + std::to_string(data) +
                            " do not lie in the file (is it cut short?)");
  }
  const std::string_view local_name = source.part(at + kLocalBytes, names);
  if (local_name != name) source.refuse(name, "its local header names " + in_quotes(local_name));
  check_agreement(source, record, "method", source.number(at + 8, 2), record.entry.method);
  if (record.entry.method == 0 && !record.entry.encrypted && record.packed != record.size) {
    source.refuse(
        name, "it is stored in " + std::to_string(record.packed) + " bytes, but has " + std::to_string(record.size));
  }
  Extra64 large(source, at + kLocalBytes + names, extra);
  check_agreement(source, record, "size", large.resolve(source.number(at + 22, 4)), record.size);
  check_agreement(source, record, "stored size", large.resolve(source.number(at + 18, 4)), record.packed);
  check_agreement(source, record, "CRC-32", source.number(at + 14, 4), record.entry.crc);
  record.entry.data = source.part(data, record.packed);
}

void check_overlaps(const Source& source, std::vector<Record>& records, std::uint64_t directory) {
  std::sort(records.begin(), records.end(), [](const Record& a, const Record& b) { return a.local < b.local; });
  for (std::size_t i = 0; i < records.size(); ++i) {
    const ZipEntry& entry = records[i].entry;
    const auto end = static_cast<std::uint64_t>(entry.data.data() - source.part(0, 0).data()) + entry.data.size();
    const std::uint64_t next = i + 1 < records.size() ? records[i + 1].local : directory;
    if (end > next) {
      source.refuse(entry.name, "its data end at byte " + std::to_string(end) + ", but " +
                                    (i + 1 < records.size() ? "entry " + in_quotes(records[i + 1].entry.name)
                                                            : std::string("the directory")) +
                                    " begins at byte " + std::to_string(next));
    }
  }
}

}  // namespace

ZipDirectory::ZipDirectory(std::string_view bytes, const std::string& file) : file_(file) {
  const Source source(bytes, file_);
  const Directory directory = find_directory(source);
  std::vector<Record> records;
  for (std::uint64_t at = directory.at; at < directory.end;) {
    records.push_back(read_record(source, at, directory.end));
    locate(source, records.back());
  }
  if (records.size() != directory.count) {
    source.refuse("its directory holds " + std::to_string(records.size()) + " entries, its end record says " +
                  std::to_string(directory.count));
  }
  check_overlaps(source, records, directory.at);
  for (const Record& record : records) entries_.push_back(record.entry);
  std::sort(entries_.begin(), entries_.end(), [](const ZipEntry& a, const ZipEntry& b) { return a.name < b.name; });
  const auto twice = std::adjacent_find(entries_.begin(), entries_.end(),
                                        [](const ZipEntry& a, const ZipEntry& b) { return a.name == b.name; });
  if (twice != entries_.end()) source.refuse(twice->name, "it is there twice");
}

const ZipEntry* ZipDirectory::find(std::string_view name) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                                   [](const ZipEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

std::string_view ZipDirectory::read(const ZipEntry& entry) const {
  if (entry.encrypted || entry.method != 0) {
    throw WeightsError(file_ + ": entry " + in_quotes(entry.name) + " is " +
                       (entry.encrypted ? "encrypted" : "compressed (method " + std::to_string(entry.method) + ")") +
                       ", and only stored entries are read; save the file again with torch.save");
  }
  const auto* data = reinterpret_cast<const Bytef*>(entry.data.data());
  if (entry.crc != 0 && crc32_z(crc32_z(0, nullptr, 0), data, entry.data.size()) != entry.crc) {
    throw WeightsError(file_ + " is damaged: the bytes of its entry " + in_quotes(entry.name) +
                       " do not have the CRC-32 that was stored with them");
  }
  return entry.data;
}

bool is_zip(std::string_view bytes) { return bytes.starts_with("PK\x03\x04") || bytes.starts_with("PK\x05\x06"); }

}  // namespace dime::io
