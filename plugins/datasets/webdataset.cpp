// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <memory>
#include <thread>

#include <dime/dataset.hpp>
#include <dime/dataset_errors.hpp>
#include <dime/npy.hpp>
#include <dime/text_row.hpp>

#include "small_letters.hpp"
#include "webdataset/shard.hpp"
#include "webdataset/shard_names.hpp"

namespace {

namespace wds = dime::webdataset;

constexpr const char* kName = "dataset/webdataset";

/// Calls work(i) for 0 <= i < count from several threads, for what waits on files. Throws what the first i threw.
template <class Work>
void for_each_in_parallel(std::size_t count, Work work) {
  constexpr std::size_t most = 16;
  std::vector<std::exception_ptr> errors(count);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  const auto run = [&] {
    for (std::size_t i = next++; i < count && !failed; i = next++) {
      try {
        work(i);
      } catch (...) {
        errors[i] = std::current_exception();
        failed = true;
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(count, most); ++i) threads.emplace_back(run);
  run();
  threads.clear();
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

template <class F>
decltype(auto) at_place(const std::string& place, F&& work) {
  try {
    return work();
  } catch (const dime::Error& e) {
    throw dime::DataError(place.empty() ? e.what() : place + ": " + e.what());
  }
}

// As members are named: without a dot in front, in small letters. An empty one stands for none.
std::vector<std::string> extensions_of(const std::vector<std::string>& given) {
  std::vector<std::string> extensions;
  for (const auto& text : given) {
    std::string extension = dime::small_letters(text.substr(text.starts_with('.') ? 1 : 0));
    if (!extension.empty()) extensions.push_back(std::move(extension));
  }
  return extensions;
}

std::string_view text_of(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class WebDataset final : public dime::Dataset {
 public:
  struct Options {
    dime::Path shards;
    dime::Path root;
    std::vector<std::string> image{"jpg", "jpeg", "png", "webp", "bmp", "gif"};
    std::vector<std::string> text{"txt", "caption"};
    std::string caption_key = "caption";
    std::string label = "cls";
    std::string vector;
  };

  static dime::Schema<Options> schema() {
    return dime::Schema<Options>(
               "Samples in WebDataset shards, tar archives that are not compressed, read by position.\n"
               "A sample is what stands together in a shard with one key: the path up to the first dot of the base "
               "name; the rest of the name, in small letters, says what a member is. Members without such a name, "
               "folders and links are passed over. Where the samples lie is found once and kept in SHARD.dimeidx.\n"
               "The first sample decides which parts a row has: an image, a text, a label, a vector. A sample that "
               "lacks one, or has a member twice, is a broken row. So is the last one of an archive that is cut short; "
               "what came after the cut is not there. A shard that is damaged, or in which the members of a sample are "
               "apart, is refused. "
               "Row i belongs to row i of features that are listed in the same order.")
        .option("shards", &Options::shards,
                "A folder of .tar files, read by name; a .list file, one shard a line, read in that order; or a "
                "single .tar. A name may hold ranges: {0000..0127}.",
                dime::required)
        .option("root", &Options::root,
                "The folder that the paths in a .list join; the list's own folder when it is not given.")
        .option("image", &Options::image, "What members are images; a sample's is the first of these that it has.")
        .option("text", &Options::text,
                "What members are texts, each one text; a sample's is the first of these that it has.")
        .option("caption_key", &Options::caption_key,
                "The key in a .json member whose string, or list of strings, are the texts of a sample without a text "
                "member; empty to read no .json.")
        .option("label", &Options::label, "What member is the label, a whole number from 0; empty for none.")
        .option("vector", &Options::vector,
                "What member is the vector: .npy of float32 or float16, of the shape (d,) or (1, d). None when it is "
                "not given.");
  }

  explicit WebDataset(const Options& o)
      : image_(extensions_of(o.image)),
        text_(extensions_of(o.text)),
        label_(extensions_of({o.label})),
        vector_(extensions_of({o.vector})),
        caption_key_(o.caption_key) {
    dime::with_name(kName, [&] {
      open(o);
      // Nothing else tells what the rows have.
      try {
        info_ = info_of(sample(0, false));
      } catch (const dime::RowError& e) {
        throw dime::DataError(e.what());
      }
    });
  }

  std::int64_t size() const override { return first_rows_.back(); }
  dime::DatasetInfo info() const override { return info_; }

  std::string where(std::int64_t i) const override {
    const std::size_t s = shard_of(i);
    return shards_[s]->where(files_, i - first_rows_[s]);
  }

  dime::Row get(std::int64_t i) const override {
    return dime::with_name(kName, [&] {
      dime::check_row(kName, i, size());
      const wds::Sample from = sample(i, info_.image);
      dime::Row row;
      row.key = from.key();
      if (info_.image) row.image = image_of(from);
      if (info_.text) row.texts = texts_of(from);
      if (info_.label) row.label = label_of(from);
      if (info_.vector_width != 0) row.vector = checked_vector_of(from);
      return row;
    });
  }

 private:
  void open(const Options& o) {
    const auto listed = wds::find_shards(o.shards, o.root);
    for (const auto& shard : listed) at_place(shard.place, [&] { files_.add(shard.path); });
    shards_.resize(listed.size());
    for_each_in_parallel(listed.size(), [&](std::size_t i) {
      at_place(listed[i].place, [&] { shards_[i] = std::make_unique<wds::Shard>(files_, i, listed[i].name); });
    });
    for (const auto& shard : shards_) first_rows_.push_back(first_rows_.back() + shard->size());
  }

  std::size_t shard_of(std::int64_t i) const {
    const auto after = std::upper_bound(first_rows_.begin(), first_rows_.end(), i);
    return static_cast<std::size_t>(after - first_rows_.begin()) - 1;
  }

  wds::Sample sample(std::int64_t i, bool in_one_piece) const {
    const std::size_t s = shard_of(i);
    return shards_[s]->read(files_, i - first_rows_[s], in_one_piece);
  }

  dime::DatasetInfo info_of(const wds::Sample& first) const {
    dime::DatasetInfo info;
    info.image = first.find(image_) != nullptr;
    info.text = first.find(text_) != nullptr || !captions_of(first).empty();
    info.label = first.find(label_) != nullptr;
    if (!vector_.empty()) info.vector_width = static_cast<std::int64_t>(vector_of(first).size());
    if (info.image || info.text || info.label || info.vector_width != 0) return info;
    std::vector<std::string> extensions;
    for (const auto& member : first.members()) extensions.push_back(dime::printable(member.extension));
    first.refuse("the first sample has no image, text or label: its members are " + dime::join(extensions) +
                 "; name what they are by the options image, text, label and vector");
  }

  [[noreturn]] static void refuse_missing(const wds::Sample& from, const std::vector<std::string>& wanted,
                                          const std::string& part) {
    from.refuse("it has no " + part + ": there is no member " + dime::join(wanted, " or "));
  }

  static std::vector<std::uint8_t> member_of(const wds::Sample& from, const std::vector<std::string>& extensions,
                                             const std::string& part) {
    const auto* member = from.find(extensions);
    if (member == nullptr) refuse_missing(from, extensions, part);
    return from.content(*member);
  }

  std::vector<std::uint8_t> image_of(const wds::Sample& from) const {
    auto image = member_of(from, image_, "image");
    if (image.empty()) from.refuse("the image is empty");
    return image;
  }

  // Of the .json member; none where that, or its caption, is not there.
  std::vector<std::string> captions_of(const wds::Sample& from) const {
    const auto* member = caption_key_.empty() ? nullptr : from.find({"json"});
    if (member == nullptr) return {};
    const auto bytes = from.content(*member);
    try {
      return dime::json_texts(text_of(bytes), caption_key_);
    } catch (const dime::RowError& e) {
      from.refuse("the member json: " + std::string(e.what()));
    }
  }

  std::vector<std::string> texts_of(const wds::Sample& from) const {
    if (from.find(text_) == nullptr) {
      auto captions = captions_of(from);
      if (!captions.empty()) return captions;
      auto wanted = text_;
      if (!caption_key_.empty()) wanted.push_back("json with \"" + dime::printable(caption_key_) + "\"");
      refuse_missing(from, wanted, "text");
    }
    const auto bytes = member_of(from, text_, "text");
    const std::string_view text = dime::strip(text_of(bytes));
    if (text.empty()) from.refuse("the text is empty");
    if (const auto at = dime::find_invalid_utf8(text); at != std::string_view::npos) {
      from.refuse("the text is not UTF-8 at byte " + std::to_string(at));
    }
    return {std::string(text)};
  }

  std::int64_t label_of(const wds::Sample& from) const {
    const auto bytes = member_of(from, label_, "label");
    const std::string_view text = dime::strip(text_of(bytes));
    std::int64_t label = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
    if (error != std::errc{} || end != text.data() + text.size() || label < 0) {
      from.refuse("the label \"" + dime::printable(text, dime::longest_shown) + "\" is no whole number from 0");
    }
    return label;
  }

  std::vector<float> vector_of(const wds::Sample& from) const {
    const auto bytes = member_of(from, vector_, "vector");
    try {
      auto vector = dime::read_npy_vector(bytes);
      if (vector.empty()) throw dime::RowError("the vector is empty");
      return vector;
    } catch (const dime::RowError& e) {
      from.refuse(e.what());
    }
  }

  std::vector<float> checked_vector_of(const wds::Sample& from) const {
    auto vector = vector_of(from);
    if (static_cast<std::int64_t>(vector.size()) != info_.vector_width) {
      from.refuse("the vector has " + std::to_string(vector.size()) + " numbers, but the first sample's has " +
                  std::to_string(info_.vector_width));
    }
    const std::string problem = dime::vector_problem(vector);
    if (!problem.empty()) from.refuse(problem);
    return vector;
  }

  std::vector<std::string> image_, text_, label_, vector_;  // extensions
  std::string caption_key_;
  dime::FilePool files_;
  std::vector<std::unique_ptr<const wds::Shard>> shards_;
  std::vector<std::int64_t> first_rows_{0};  // of each shard; the last is the number of rows
  dime::DatasetInfo info_;
};

}  // namespace

DIME_DATASET("webdataset", WebDataset)
