// SPDX-License-Identifier: Apache-2.0
// Pickles and PyTorch archives written opcode by opcode, so that a test can make each kind, and hostile ones.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/zip_files.hpp"

namespace dime::test::pickle {

inline std::string text(const std::string& value) { return "X" + little(value.size(), 4) + value; }
inline std::string integer(std::int64_t value) {
  return std::string("\x8a\x08") + little(static_cast<std::uint64_t>(value), 8);
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string body = "(";
  for (const std::string& item : items) body += item;
  return body + "t";
}
inline std::string list(const std::vector<std::string>& items) {
  std::string body = "](";
  for (const std::string& item : items) body += item;
  return body + "e";
}
inline std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}
inline std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
  return callee + tuple(arguments) + "R";
}

using Items = std::vector<std::pair<std::string, std::string>>;
/// What follows an empty dict to fill it.
inline std::string items(const Items& pairs) {
  std::string body = "(";
  for (const auto& [key, value] : pairs) body += text(key) + value;
  return body + "u";
}
inline std::string dict(const Items& pairs) { return "}" + items(pairs); }
inline std::string ordered_dict(const Items& pairs) {
  return call(global("collections", "OrderedDict"), {}) + items(pairs);
}

/// A storage, as the persistent id that torch writes.
inline std::string storage(const std::string& key, std::int64_t numel, const std::string& type = "FloatStorage") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(numel)}) + "Q";
}
inline std::string view(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                        const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage, integer(offset), integers(shape), integers(strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}
/// A tensor of one dimension that fills its storage.
inline std::string vector(const std::string& key, std::int64_t numel, const std::string& type = "FloatStorage") {
  return view(storage(key, numel, type), 0, {numel}, {1});
}
/// An object of a TorchScript class.
inline std::string module(const std::string& name, const Items& attributes) {
  return global("__torch__", name) + ")\x81" + dict(attributes) + "b";
}

/// A whole pickle of protocol 2.
inline std::string whole(const std::string& body) { return "\x80\x02" + body + "."; }

/// An archive of torch.save: this pickle (its body) and records "data/KEY".
inline std::string archive(const std::string& body, const std::vector<std::pair<std::string, std::string>>& records,
                           const std::string& byte_order = "little") {
  std::vector<ZipMember> members = {{"w/data.pkl", whole(body), true}, {"w/byteorder", byte_order, true}};
  for (const auto& [key, data] : records) members.push_back({"w/data/" + key, data, true});
  members.push_back({"w/version", "3\n", true});
  return zip_file(members);
}
/// An archive of torch.jit.save.
inline std::string script_archive(const std::string& body,
                                  const std::vector<std::pair<std::string, std::string>>& records) {
  std::vector<ZipMember> members;
  for (const auto& [key, data] : records) members.push_back({"w/data/" + key, data, true});
  members.push_back({"w/data.pkl", whole(body), true});
  members.push_back({.name = "w/code/__torch__.py", .data = "packed", .descriptor = true, .method = 8});
  members.push_back({"w/constants.pkl", whole(")"), true});
  return zip_file(members);
}

}  // namespace dime::test::pickle
