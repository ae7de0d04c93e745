// SPDX-License-Identifier: Apache-2.0
// How the experiment's own types of options are read. Included by experiment.hpp.
#pragma once

#include "config/experiment.hpp"

namespace dime::detail {

/// What every type below gives to a schema.
#define DIME_OPTION_TYPE(T)                                                                                     \
  template <>                                                                                                   \
  struct OptionType<T> {                                                                                        \
    static std::string type();                                                                                  \
    static std::string print(const T& x);                                                                       \
    static void read(const Value& v, T& out, const FieldRules& r, const std::string& what, Problems& problems); \
  }

/// The same for a type with options of its own.
#define DIME_NESTED_OPTION_TYPE(T)                                                                              \
  template <>                                                                                                   \
  struct OptionType<T> {                                                                                        \
    static std::string type();                                                                                  \
    static std::string print(const T& x);                                                                       \
    static std::vector<OptionInfo> nested();                                                                    \
    static void read(const Value& v, T& out, const FieldRules& r, const std::string& what, Problems& problems); \
  }

DIME_OPTION_TYPE(Duration);
DIME_OPTION_TYPE(WallTime);
DIME_OPTION_TYPE(ThreadCount);
DIME_NESTED_OPTION_TYPE(Weight);
DIME_NESTED_OPTION_TYPE(LossEntry);
DIME_NESTED_OPTION_TYPE(InitOptions);
DIME_NESTED_OPTION_TYPE(ModelEntry);
DIME_NESTED_OPTION_TYPE(RowsOptions);
DIME_NESTED_OPTION_TYPE(LocalityOptions);
DIME_NESTED_OPTION_TYPE(SourceEntry);
DIME_NESTED_OPTION_TYPE(StreamOptions);
DIME_NESTED_OPTION_TYPE(EvaluateEntry);

#undef DIME_OPTION_TYPE
#undef DIME_NESTED_OPTION_TYPE

}  // namespace dime::detail
