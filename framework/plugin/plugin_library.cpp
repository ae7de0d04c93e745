// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugin_library.hpp"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cstring>

#include <dime/build.hpp>
#include <dime/error.hpp>

#include "plugin/stamp.hpp"

namespace dime {
namespace {

[[noreturn]] void fail(const PluginFile& file, const std::string& message) {
  throw PluginError("[" + file.kind + "/" + file.name + "] " + file.file.string() + ": " + message);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

const PluginDescriptor* open(const PluginFile& file) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  boost::dll::shared_library library;
  const char* symbol = "dime_plugin";
  try {
    library.load(std::filesystem::absolute(file.file), rtld_now | rtld_local);
  } catch (const std::exception& e) {
    fail(file, "cannot be opened: " + first_line(e.what()));
  }
  if (!library.has(symbol)) {
    fail(file,
         "no dime plugin (it exports no `dime_plugin`); end its source with DIME_LOSS, DIME_MODEL or DIME_DATASET");
  }
  const auto* descriptor = &library.get<const PluginDescriptor>(symbol);
  // RTLD_NODELETE pins the library, so that `library` may close its handle.
  if (::dlopen(library.location().c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == nullptr) {
    fail(file, "cannot be kept open");
  }
  return descriptor;
}

void check_descriptor(const PluginFile& file, const PluginDescriptor& d) {
  if (d.stamp == nullptr || d.kind == nullptr || d.name == nullptr || d.schema == nullptr || d.create == nullptr) {
    fail(file, "its descriptor has an empty field; use DIME_LOSS, DIME_MODEL or DIME_DATASET");
  }
  if (file.kind != d.kind) {
    fail(file, "says that it is a " + std::string(d.kind) + ", but lies among the plugins of kind " + file.kind +
                   "; move it to the right folder");
  }
  if (file.name != d.name) {
    fail(file, "says that its name is \"" + std::string(d.name) + "\"; rename the file or the plugin");
  }
  if (std::strcmp(d.stamp, DIME_STAMP) != 0) {
    fail(file, "its descriptor's stamp \"" + std::string(d.stamp) + "\" is not that of its section; build it again");
  }
}

}  // namespace

PluginLibrary::PluginLibrary(PluginFile file) : file_(std::move(file)) {
  try {
    check_stamp(file_.file, DIME_STAMP);
  } catch (const PluginError& e) {
    throw PluginError("[" + file_.kind + "/" + file_.name + "] " + e.what());
  }
  descriptor_ = open(file_);
  check_descriptor(file_, *descriptor_);
  try {
    schema_ = descriptor_->schema();
  } catch (const std::exception& e) {
    fail(file_, "its schema cannot be made: " + first_line(e.what()));
  } catch (...) {
    fail(file_, "its schema cannot be made: it threw something that is no std::exception");
  }
  if (!schema_) fail(file_, "its schema is empty");
}

}  // namespace dime
