// SPDX-License-Identifier: Apache-2.0
// What every data source on TSV shards shares: its first options, and opening. Torch-free.
#pragma once

#include <string>
#include <utility>

#include <dime/dataset_errors.hpp>
#include <dime/schema.hpp>
#include <dime/tsv.hpp>

namespace dime {

/// The options that name the shards; a source with options of its own derives from them.
struct ShardOptions {
  Path list;
  Path root;
};

/// A schema that begins with `list` (required) and `root`. `O` is ShardOptions or derives from it; `help` is the
/// source's own manual text.
template <class O>
Schema<O> shard_schema(std::string help) {
  return Schema<O>(std::move(help))
      .option("list", static_cast<Path O::*>(&ShardOptions::list),
              "A .list file, one shard a line, read in that order; or a single .tsv.", required)
      .option("root", static_cast<Path O::*>(&ShardOptions::root),
              "The folder that the paths in the list join; the list's own folder when it is not given.");
}

/// The shards that `options` name. Throws as TsvShards, with "[name] " before the message (see with_name).
inline TsvShards open_shards(const char* name, const ShardOptions& options) {
  return with_name(name, [&] { return TsvShards(options.list, options.root); });
}

}  // namespace dime
