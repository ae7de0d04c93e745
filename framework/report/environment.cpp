// SPDX-License-Identifier: Apache-2.0
#include "report/environment.hpp"

#include <sys/utsname.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <thread>

#include <dime/build.hpp>
#include <dime/error.hpp>
#include <dime/read_file.hpp>

#include "report/json_file.hpp"

namespace dime {
namespace {

using Json = nlohmann::ordered_json;

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const bool names_it = line.starts_with("model name") || line.starts_with("Model");
    const auto colon = line.find(": ");
    if (names_it && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string kernel() {
  utsname names{};
  if (::uname(&names) != 0) return "unknown";
  return std::string(names.sysname) + " " + names.release + " " + names.machine;
}

std::int64_t memory_mib() {
  return static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE) / (1 << 20);
}

Json plugin_list(const std::vector<PluginRecord>& plugins) {
  Json list = Json::array();
  for (const auto& p : plugins) {
    list.push_back({{"kind", p.kind}, {"name", p.name}, {"path", p.path}, {"stamp", p.stamp}, {"xxhash", p.xxhash}});
  }
  return list;
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string text_xxhash(std::string_view bytes) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())));
  return text.data();
}

std::string file_xxhash(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  return text_xxhash({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Json describe_environment(const RunFacts& facts) {
  return {{"time", utc_now()},
          {"dime", DIME_VERSION},
          {"commit", DIME_COMMIT},
          {"compiler", DIME_STAMP_COMPILER " " __VERSION__},
          {"stamp", DIME_STAMP},
          {"libtorch", facts.libtorch},
          {"device", facts.device},
          {"processes", facts.processes},
          {"threads", {{"compute", facts.compute_threads}, {"decode", facts.decode_threads}}},
          {"cpu", cpu_model()},
          {"cores", std::max(1U, std::thread::hardware_concurrency())},
          {"memory_mib", memory_mib()},
          {"kernel", kernel()},
          {"command", facts.command},
          {"plugins", plugin_list(facts.plugins)}};
}

void write_environment(const std::filesystem::path& path, const RunFacts& facts) {
  Json now = describe_environment(facts);
  Json before = read_json_object(path);
  if (!before.empty()) {
    Json earlier = before.value("earlier", Json::array());
    if (!earlier.is_array()) {
      throw DataError("file " + path.string() + ": \"earlier\" is no list; move the file away to go on without it");
    }
    before.erase("earlier");
    earlier.push_back(std::move(before));
    now["earlier"] = std::move(earlier);
  }
  write_json(path, now);
}

}  // namespace dime
