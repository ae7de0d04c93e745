// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/tsv.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "config/compose.hpp"
#include "config/yaml.hpp"
#include "io/png_write.hpp"
#include "plugin/loader.hpp"
#include "report/progress.hpp"
#include "report/table.hpp"

namespace dime::cli {
namespace {

struct PackCommand {
  std::string source;
  std::string stem;
  std::int64_t rows_per_shard = 100000;
  bool overwrite = false;
};

Component read_source(const std::string& text) {
  const auto origin = std::make_shared<const Origin>(Origin{"command line", std::filesystem::current_path()});
  Problems problems;
  Component source;
  Value value = parse_yaml(text, origin);
  interpolate(value);
  detail::read_component(value, source, "--source", problems);
  problems.raise();
  return source;
}

bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

/// The shards of one pack: images as STEM, texts as STEM-text; whichever the source has.
class Packer {
 public:
  Packer(const PackCommand& command, const DatasetInfo& info) {
    const TsvWriterOptions options{command.rows_per_shard, command.overwrite};
    if (info.image) images_ = std::make_unique<TsvWriter>(command.stem, options);
    if (info.text) texts_ = std::make_unique<TsvWriter>(info.image ? command.stem + "-text" : command.stem, options);
    if (!info.image && !info.text) throw DataError("pack: the source has neither images nor texts");
  }

  void add(const Row& row, std::int64_t i) {
    const std::string key = row.key.empty() ? std::to_string(i) : row.key;
    const std::string name = "row " + std::to_string(i) + (row.key.empty() ? "" : " " + printable(row.key));
    if (!is_utf8(key)) throw RowError(name + ": its key is not UTF-8");
    if (texts_ != nullptr && row.texts.empty()) throw RowError(name + ": it has no text");
    for (const auto& text : row.texts) {
      if (!is_utf8(text)) throw RowError(name + ": its text is not UTF-8");
    }
    if (images_ != nullptr) images_->add_base64(key, row.pixels ? encode_png(row.image, *row.pixels) : row.image);
    if (texts_ != nullptr) texts_->add(key, nlohmann::json{{"captions", row.texts}}.dump());
  }

  void close() {
    if (images_ != nullptr) images_->close();
    if (texts_ != nullptr) texts_->close();
  }

 private:
  std::unique_ptr<TsvWriter> images_;
  std::unique_ptr<TsvWriter> texts_;
};

int run_pack(const PackCommand& command, const Program& program) {
  const Plugins plugins(search_path(program.installation.plugins));
  const Component component = read_source(command.source);
  Problems problems;
  plugins.check("dataset", component, problems);
  problems.raise();
  const auto source = plugins.make_dataset(component);
  Packer packer(command, source->info());
  Progress::Options options;
  options.what = "row";
  options.total = source->size();
  options.terminal = stderr_is_terminal();
  Progress progress(std::cerr, options);
  for (std::int64_t i = 0; i < source->size(); ++i) {
    packer.add(source->get(i), i);
    progress.update(i + 1);
  }
  packer.close();
  progress.finish();
  std::cout << count_text(source->size()) << " rows -> " << command.stem << ".list\n";
  return 0;
}

}  // namespace

void add_pack(CLI::App& app, const Program& program, Action& chosen) {
  auto command = std::make_shared<PackCommand>();
  CLI::App* sub = app.add_subcommand("pack", "Writes any source's images and texts as TSV shards");
  sub->add_option("--source", command->source, "The source, as it would stand in an experiment")->required();
  sub->add_option("--stem", command->stem, "STEM-0.tsv, …, STEM.list; texts beside images go to STEM-text")
      ->required()
      ->check(not_empty());
  sub->add_option("--rows-per-shard", command->rows_per_shard, "Rows in one shard")->check(whole_number());
  sub->add_flag("--overwrite", command->overwrite, "Replace shards of the same stem");
  sub->footer("Example: dime pack --source '{type: image_folder, root: photos}' --stem shards/image");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_pack(*command, program); }; });
}

}  // namespace dime::cli
