// SPDX-License-Identifier: Apache-2.0
// How a shared library becomes a plugin: one plain-data descriptor and one stamp. Torch-free.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <dime/api.hpp>
#include <dime/build.hpp>
#include <dime/schema.hpp>
#include <dime/value.hpp>

namespace dime {

class Dataset;
class Loss;
class Model;
struct Needs;

/// Makes other components by reference, for a plugin that wraps one (a subset of another source).
class DIME_API Builder {
 public:
  virtual ~Builder() = default;
  /// The data source that `reference` names. Throws ConfigError or PluginError.
  virtual std::shared_ptr<Dataset> dataset(const Component& reference) const = 0;
};

/// What the host reads from a loaded library. The pointers live as long as the library, and a library is never
/// unloaded.
struct PluginDescriptor {
  const char* stamp;  ///< equal to the section `.dime_stamp` of the file
  const char* kind;   ///< "loss", "model" or "dataset"
  const char* name;   ///< equal to the file's name without `.so`
  std::shared_ptr<const SchemaBase> (*schema)();
  /// A std::shared_ptr to the kind's base class, behind shared_ptr<void>.
  std::shared_ptr<void> (*create)(const Value& options, const Builder& builder);
  /// What a loss must be given (see loss.hpp); null for the other kinds and for losses that say nothing.
  void (*needs)(const Value& options, Needs& out);
};

namespace detail {

template <class T>
using OptionsOf = typename decltype(T::schema())::Options;

template <class T>
std::shared_ptr<const SchemaBase> plugin_schema() {
  return std::make_shared<decltype(T::schema())>(T::schema());
}

template <class Base, class T>
std::shared_ptr<void> plugin_create(const Value& value, const Builder& builder) {
  auto options = T::schema().parse(value);
  std::shared_ptr<Base> made;
  if constexpr (std::is_constructible_v<T, OptionsOf<T>, const Builder&>) {
    made = std::make_shared<T>(std::move(options), builder);
  } else {
    made = std::make_shared<T>(std::move(options));
  }
  return made;
}

template <class T, class N>
concept DeclaresNeeds = requires(const OptionsOf<T>& o, N& out) {
  out = T::needs(o);
};

/// A member named `needs` that is not of the form that is called.
template <class T, class N>
concept MisdeclaresNeeds =
    !DeclaresNeeds<T, N> && (
                                requires { &T::needs; } || requires(T & t, const OptionsOf<T>& o) { t.needs(o); });

template <class T, class N>
void plugin_needs(const Value& value, N& out) {
  // For the other kinds the name means nothing.
  static_assert(!std::is_base_of_v<Loss, T> || !MisdeclaresNeeds<T, N>,
                "a loss says what it needs by: public: static dime::Needs needs(const Options& options)");
  if constexpr (DeclaresNeeds<T, N>) out = T::needs(T::schema().parse(value));
}

/// Ties the descriptor's kind to the base class; specialised below.
struct dataset_kind {
  using Base = Dataset;
};
struct loss_kind {
  using Base = Loss;
};
struct model_kind {
  using Base = Model;
};

}  // namespace detail
}  // namespace dime

/// Writes the stamp's section and the descriptor. Used by DIME_LOSS, DIME_MODEL and DIME_DATASET.
#define DIME_EXPORT_PLUGIN(KIND, NAME, T)                                                                           \
  extern "C" {                                                                                                      \
  __attribute__((visibility("default"), used, section(".dime_stamp"))) extern const char dime_stamp[] = DIME_STAMP; \
  __attribute__((visibility("default"), used)) extern const ::dime::PluginDescriptor dime_plugin = {                \
      dime_stamp,                                                                                                   \
      #KIND,                                                                                                        \
      NAME,                                                                                                         \
      &::dime::detail::plugin_schema<T>,                                                                            \
      &::dime::detail::plugin_create<::dime::detail::KIND##_kind::Base, T>,                                         \
      &::dime::detail::plugin_needs<T, ::dime::Needs>};                                                             \
  }
