// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include <dime/error.hpp>

#include "io/safetensors.hpp"
#include "io/safetensors_types.hpp"

namespace dime::io {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of Python's reader
constexpr const char* kMetadata = "__metadata__";

// Throws for one file.
class Refusal {
 public:
  explicit Refusal(const std::string& file) : file_(file) {}
  [[noreturn]] void file(const std::string& problem) const {
    throw WeightsError(file_ + " is no safetensors file, or a damaged one: " + problem);
  }
  [[noreturn]] void tensor(const std::string& name, const std::string& problem) const {
    throw WeightsError(file_ + ": tensor \"" + name + "\": " + problem);
  }

 private:
  const std::string& file_;
};

std::string_view header_text(std::string_view bytes, const Refusal& refuse) {
  if (bytes.size() < kLengthBytes) {
    refuse.file("it has " + std::to_string(bytes.size()) + " bytes, fewer than the 8 of the header's length");
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
  if (length > kLongestHeader)
    refuse.file("its header would have " + std::to_string(length) + " bytes, more than 100000000");
  if (length > bytes.size() - kLengthBytes) {
    refuse.file("its header would have " + std::to_string(length) + " bytes, but only " +
                std::to_string(bytes.size() - kLengthBytes) + " follow");
  }
  return bytes.substr(kLengthBytes, length);
}

// Refuses, while the text is read, what a tree of JSON values no longer shows (a name twice) and what would cost memory
// (depth).
class HeaderGuard {
 public:
  explicit HeaderGuard(const Refusal& refuse) : refuse_(refuse) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kDeepest) refuse_.file("its header is nested too deep");
    if (event == json::parse_event_t::object_start && depth == 1) inner_.clear();
    if (event != json::parse_event_t::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!(depth == 1 ? outer_ : inner_).insert(key).second) refuse_.file("its header names \"" + key + "\" twice");
    return true;
  }

 private:
  static constexpr int kDeepest = 3;
  const Refusal& refuse_;
  std::set<std::string> outer_;
  std::set<std::string> inner_;
};

json parse_header(std::string_view text, const Refusal& refuse) {
  if (!text.starts_with('{')) refuse.file("its header does not begin with \"{\"");
  try {
    HeaderGuard guard(refuse);
    return json::parse(text, std::ref(guard));
  } catch (const json::exception&) {
    refuse.file("its header is no JSON");
  }
}

struct Entry {
  TensorView tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::vector<std::int64_t> read_shape(const std::string& name, const json& value, const Refusal& refuse) {
  std::vector<std::int64_t> shape;
  for (const auto& n : value) {
    if (!n.is_number_unsigned() || n.get<std::uint64_t>() > INT64_MAX)
      refuse.tensor(name, "its shape holds " + n.dump());
    shape.push_back(n.get<std::int64_t>());
  }
  return shape;
}

void check_keys(const std::string& name, const json& value, const Refusal& refuse) {
  const bool known = value.is_object() && value.size() == 3 && value.contains("dtype") && value["dtype"].is_string() &&
                     value.contains("shape") && value["shape"].is_array() && value.contains("data_offsets") &&
                     value["data_offsets"].is_array() && value["data_offsets"].size() == 2 &&
                     value["data_offsets"][0].is_number_unsigned() && value["data_offsets"][1].is_number_unsigned();
  if (!known) refuse.tensor(name, "its entry must be a map of dtype, shape and data_offsets");
}

Entry read_entry(const std::string& name, const json& value, std::string_view data, const Refusal& refuse) {
  check_keys(name, value, refuse);
  const auto& type = value["dtype"].get_ref<const std::string&>();
  const auto dtype = find_dtype(type);
  if (!dtype) refuse.tensor(name, "the type " + type + " is not known; known are " + dtype_names());
  Entry entry{{name, *dtype, read_shape(name, value["shape"], refuse), nullptr, 0},
              value["data_offsets"][0].get<std::uint64_t>(),
              value["data_offsets"][1].get<std::uint64_t>()};
  const std::string range = "its bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end);
  if (entry.begin > entry.end || entry.end > data.size()) {
    refuse.tensor(
        name, range + " do not lie in the " + std::to_string(data.size()) + " bytes of data (is the file cut short?)");
  }
  const auto size = byte_size(entry.tensor.shape, *dtype);
  if (!size) refuse.tensor(name, "its shape " + value["shape"].dump() + " is too large");
  if (*size != entry.end - entry.begin) {
    refuse.tensor(name, range + " are not the " + std::to_string(*size) + " of shape " + value["shape"].dump() +
                            " and type " + type);
  }
  entry.tensor.bytes = *size;
  entry.tensor.data = reinterpret_cast<const std::uint8_t*>(data.data()) + entry.begin;
  return entry;
}

Metadata read_metadata(const json& value, const Refusal& refuse) {
  if (!value.is_object()) refuse.file("its __metadata__ is no map of strings");
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) refuse.file("its __metadata__ holds \"" + key + "\", which is no string");
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

void check_tiling(std::vector<Entry>& entries, std::uint64_t data, const Refusal& refuse) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
  });
  std::uint64_t end = 0;
  for (const auto& entry : entries) {
    const std::string begin =
        "it begins at byte " + std::to_string(entry.begin) + ", but the tensor before it ends at ";
    if (entry.begin < end) refuse.tensor(entry.tensor.name, begin + std::to_string(end) + ": they overlap");
    if (entry.begin > end)
      refuse.tensor(entry.tensor.name, begin + std::to_string(end) + ": bytes between belong to none");
    end = entry.end;
  }
  if (end != data)
    refuse.file("its tensors end at byte " + std::to_string(end) + " of " + std::to_string(data) + " bytes of data");
}

}  // namespace

SafetensorsContent parse_safetensors(std::string_view bytes, const std::string& name) {
  const Refusal refuse(name);
  const std::string_view text = header_text(bytes, refuse);
  const std::string_view data = bytes.substr(kLengthBytes + text.size());
  const json header = parse_header(text, refuse);
  SafetensorsContent content;
  std::vector<Entry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == kMetadata) {
      content.metadata = read_metadata(value, refuse);
    } else {
      entries.push_back(read_entry(key, value, data, refuse));
    }
  }
  check_tiling(entries, data.size(), refuse);
  for (auto& entry : entries) content.tensors.push_back(std::move(entry.tensor));
  return content;
}

}  // namespace dime::io
