// SPDX-License-Identifier: Apache-2.0
#include "plugin/plugin_library.hpp"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cstring>

#include <dime/build.hpp>
#include <dime/error.hpp>

#include "plugin/declared.hpp"
#include "plugin/stamp.hpp"

namespace dime {
namespace {

[[noreturn]] void fail(const PluginFile& file, const std::string& message) {
  throw PluginError(plugin_label(file.kind, file.name) + " " + file.file.string() + ": " + message);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The loader's reason, without the file's name; the name stands before it.
std::string reason(const std::filesystem::path& file, const std::error_code& error) {
  const char* said = ::dlerror();
  if (said == nullptr) return error.message();
  const std::string text = first_line(said), name = file.string() + ": ";
  return text.starts_with(name) ? text.substr(name.size()) : text;
}

std::string advice(const std::string& reason) {
  return reason.starts_with("undefined symbol") ? "; link the plugin with the library that defines it" : "";
}

void load(boost::dll::shared_library& library, const PluginFile& file) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  const auto path = std::filesystem::absolute(file.file);
  std::error_code error;
  try {
    library.load(path, error, rtld_now | rtld_local);
  } catch (const std::exception& e) {
    fail(file, "cannot be opened: " + first_line(e.what()));
  }
  if (!error) return;
  const std::string why = reason(path, error);
  fail(file, "cannot be opened: " + why + advice(why));
}

const PluginDescriptor* open(const PluginFile& file) {
  boost::dll::shared_library library;
  const char* symbol = "dime_plugin";
  load(library, file);
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
    fail(file, "says that it is a " + printable(d.kind, longest_shown) + ", but lies among the plugins of kind " +
                   file.kind + "; move it to the right folder");
  }
  if (file.name != d.name) {
    fail(file, "says that its name is \"" + printable(d.name, longest_shown) + "\"; rename the file or the plugin");
  }
  if (std::strcmp(d.stamp, DIME_STAMP) != 0) {
    fail(file, "its descriptor's stamp \"" + printable(d.stamp) + "\" is not that of its section; build it again");
  }
}

}  // namespace

PluginLibrary::PluginLibrary(PluginFile file) : file_(std::move(file)) {
  try {
    check_stamp(file_.file, DIME_STAMP);
  } catch (const PluginError& e) {
    throw PluginError(plugin_label(file_.kind, file_.name) + " " + e.what());
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
  const std::string mistake = declaration_mistake(file_.kind, schema_->options());
  if (!mistake.empty()) fail(file_, mistake);
}

}  // namespace dime
