// SPDX-License-Identifier: Apache-2.0
#include "plugin/stamp.hpp"

#include <sstream>
#include <utility>
#include <vector>

#include <dime/error.hpp>
#include <dime/schema.hpp>

#include "plugin/elf_section.hpp"

namespace dime {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(const std::string& stamp) {
  Fields fields;
  std::istringstream words(stamp);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    fields.emplace_back(word.substr(0, equals), equals == std::string::npos ? "" : word.substr(equals + 1));
  }
  return fields;
}

const std::string* find(const Fields& fields, const std::string& key) {
  for (const auto& [name, value] : fields) {
    if (name == key) return &value;
  }
  return nullptr;
}

/// "libtorch is 2.10.0, not 2.11.0", one part for each field that differs.
std::string differences(const std::string& theirs, const std::string& ours) {
  std::vector<std::string> parts;
  const Fields their_fields = fields_of(theirs), our_fields = fields_of(ours);
  for (const auto& [key, value] : our_fields) {
    const std::string* other = find(their_fields, key);
    if (other == nullptr) {
      parts.push_back(key + " is not stated");
    } else if (*other != value) {
      parts.push_back(key + " is " + *other + ", not " + value);
    }
  }
  for (const auto& [key, value] : their_fields) {
    if (find(our_fields, key) == nullptr) parts.push_back(key + " is not known here");
  }
  return parts.empty() ? "the order differs" : join(parts);
}

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

std::string read_stamp(const std::filesystem::path& file) {
  const auto section = elf_section(file, ".dime_stamp");
  if (!section) {
    throw PluginError(file.string() +
                      ": no dime plugin (it has no section .dime_stamp); end its source with DIME_LOSS, DIME_MODEL or "
                      "DIME_DATASET");
  }
  return printable(section->substr(0, section->find('\0')));
}

void check_stamp(const std::filesystem::path& file, const std::string& host) {
  const std::string stamp = read_stamp(file);
  if (stamp == host) return;
  throw PluginError(file.string() + ": built for another dime: " + differences(stamp, host) +
                    "; build the plugin again with this dime. Its stamp: \"" + stamp + "\"; this dime's: \"" + host +
                    "\"");
}

}  // namespace dime
