// SPDX-License-Identifier: Apache-2.0
// Which forms of `needs` the build of a loss takes; the others are refused by a static_assert.
#include <dime/plugin.hpp>

namespace dime {
namespace {

struct Wanted {};
struct Options {};

struct Schemed {
  static Schema<Options> schema() { return Schema<Options>(""); }
};
struct Silent : Schemed {};
struct Right : Schemed {
  static Wanted needs(const Options&) { return {}; }
};
struct OfTheObject : Schemed {
  Wanted needs(const Options&) const { return {}; }
};
struct WithoutOptions : Schemed {
  static Wanted needs() { return {}; }
};
struct OtherResult : Schemed {
  static int needs(const Options&) { return 0; }
};

static_assert(!detail::MisdeclaresNeeds<Silent, Wanted> && !detail::DeclaresNeeds<Silent, Wanted>);
static_assert(!detail::MisdeclaresNeeds<Right, Wanted> && detail::DeclaresNeeds<Right, Wanted>);
static_assert(detail::MisdeclaresNeeds<OfTheObject, Wanted>);
static_assert(detail::MisdeclaresNeeds<WithoutOptions, Wanted>);
static_assert(detail::MisdeclaresNeeds<OtherResult, Wanted>);

}  // namespace
}  // namespace dime
