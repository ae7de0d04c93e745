// SPDX-License-Identifier: Apache-2.0
// Typed errors. Every message is one line that names the thing, where it is, and what to do. Torch-free.
#pragma once

#include <stdexcept>
#include <string>

#include <dime/api.hpp>

namespace dime {

/// The root of every error that dime throws on purpose. The command line prints `what()` and leaves with status 1.
class DIME_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The experiment file or an override is wrong. `what()` may hold several lines, one per mistake.
class DIME_API ConfigError : public Error {
 public:
  using Error::Error;
};

/// A plugin is missing, doubled, built for something else, or threw while it was made.
class DIME_API PluginError : public Error {
 public:
  using Error::Error;
};

/// A source as a whole cannot be used (no such file, empty shard, an index that disagrees with its shard).
class DIME_API DataError : public Error {
 public:
  using Error::Error;
};

/// One row is broken. Streams count it, log its key, and fill its slot with another row.
class DIME_API RowError : public DataError {
 public:
  using DataError::DataError;
};

/// Weights that do not fit the model: lists the names.
class DIME_API WeightsError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused a read or a write; the message holds the path and the reason.
class DIME_API IoError : public Error {
 public:
  using Error::Error;
};

/// Training cannot go on (a loss that is not finite, too many broken rows).
class DIME_API TrainError : public Error {
 public:
  using Error::Error;
};

/// An argument of a function of the SDK is wrong (shapes, widths, types).
class DIME_API ArgumentError : public Error {
 public:
  using Error::Error;
};

}  // namespace dime
