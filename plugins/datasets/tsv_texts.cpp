// SPDX-License-Identifier: Apache-2.0
#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/share.hpp>
#include <dime/text_row.hpp>
#include <dime/tsv_source.hpp>

namespace {

constexpr const char* kName = "dataset/tsv_texts";

/// Without a file of one's own, those that set-up took from open_clip; rows that need them say so where they are
/// missing.
std::vector<std::string> read_templates(const dime::Path& given) {
  if (!given.empty()) return dime::read_templates(given);
  const auto common = dime::share_folder() / "assets" / "clip" / "text_templates.txt";
  std::error_code error;
  const auto type = std::filesystem::status(common, error).type();
  return type == std::filesystem::file_type::not_found ? std::vector<std::string>{} : dime::read_templates(common);
}

class TsvTexts final : public dime::Dataset {
 public:
  struct Options : dime::ShardOptions {
    dime::Path templates;
  };

  static dime::Schema<Options> schema() {
    return dime::shard_schema<Options>(
               "Texts in TSV shards, one a row: `key \\t text \\n`, UTF-8, not base64; indexes as for tsv_images.\n"
               "A text is JSON with `captions` or `caption` (a string, or a list of which one is drawn), with `tags`, "
               "or with "
               "`task: classification` and `class_name` (a tag or class name is put into a prompt template, both "
               "drawn; commas are "
               "dropped, `+` becomes a space); a JSON list (its first element); a JSON string; or the text itself. A "
               "text that begins "
               "with `{` or `[` must parse. `[unused0]` becomes \"person\".")
        .option(
            "templates", &Options::templates,
            "A file of prompt templates, one a line, with {} where the name goes, for rows of tags and class names; "
            "when it is not given, the name alone and CLIP's 80.");
  }

  explicit TsvTexts(const Options& o)
      : shards_(dime::open_shards(kName, o)),
        templates_(dime::with_name(kName, [&] { return read_templates(o.templates); })) {}

  std::int64_t size() const override { return shards_.size(); }
  dime::DatasetInfo info() const override { return {.text = true}; }
  std::string where(std::int64_t i) const override { return shards_.where(i); }
  void will_need(std::int64_t first, std::int64_t count) const override { shards_.will_need(first, count); }

  dime::Row get(std::int64_t i) const override {
    return dime::with_name(kName, [&] {
      dime::check_row(kName, i, size());
      const dime::TsvRow stored = shards_.row(i);
      dime::Row row;
      row.key = stored.key;
      try {
        row.texts = dime::text_candidates(stored.payload, templates_);
      } catch (const dime::RowError& e) {
        throw dime::RowError(dime::where(stored) + ": " + e.what());
      }
      return row;
    });
  }

 private:
  dime::TsvShards shards_;
  std::vector<std::string> templates_;
};

}  // namespace

DIME_DATASET("tsv_texts", TsvTexts)
