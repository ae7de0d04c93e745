// SPDX-License-Identifier: Apache-2.0
// The configs that the Python side keeps beside weights, as facts.
#include <array>

#include <dime/error.hpp>
#include <dime/printable.hpp>
#include <dime/read_file.hpp>
#include <nlohmann/json.hpp>

#include "weights/model_facts.hpp"

namespace dime {
namespace {

using nlohmann::json;

/// One object of a file, which knows where it stands.
class Section {
 public:
  Section(std::filesystem::path file, std::string place, json value)
      : file_(std::move(file)), place_(std::move(place)), value_(std::move(value)) {}

  bool has(const char* key) const { return value_.contains(key) && !value_[key].is_null(); }
  bool has_list(const char* key) const { return has(key) && value_[key].is_array(); }
  std::string source() const { return file_.filename().string(); }

  /// The object under `key`, empty when there is none.
  Section section(const char* key) const {
    if (!has(key)) return {file_, place_ + key + ".", json::object()};
    if (!value_[key].is_object()) refuse(key, "an object");
    return {file_, place_ + key + ".", value_[key]};
  }
  std::optional<double> number(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (!value_[key].is_number()) refuse(key, "a number");
    return value_[key].get<double>();
  }
  std::optional<bool> flag(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (!value_[key].is_boolean()) refuse(key, "true or false");
    return value_[key].get<bool>();
  }
  std::optional<std::string> text(const char* key) const {
    if (!has(key)) return std::nullopt;
    if (!value_[key].is_string()) refuse(key, "a text");
    return value_[key].get<std::string>();
  }
  std::optional<ModelFacts::Triple> triple(const char* key) const {
    if (!has(key)) return std::nullopt;
    const json& list = value_[key];
    bool good = list.is_array() && list.size() == 3;
    for (std::size_t i = 0; good && i < 3; ++i) good = list[i].is_number();
    if (!good) refuse(key, "three numbers");
    return ModelFacts::Triple{list[0].get<double>(), list[1].get<double>(), list[2].get<double>()};
  }
  /// A side of a square, written as a number, a list of two or an object of sides. Nothing when they differ.
  std::optional<double> side(const char* key) const {
    if (!has(key)) return std::nullopt;
    const json& value = value_[key];
    if (value.is_number()) return value.get<double>();
    if (!value.is_structured()) refuse(key, "a size");
    std::optional<double> found;
    for (const auto& item : value) {
      if (!item.is_number()) refuse(key, "a size");
      if (found && *found != item.get<double>()) return std::nullopt;
      found = item.get<double>();
    }
    return found;
  }
  /// With the entries of `over` instead of those here.
  Section overlaid(const Section& over) const {
    json merged = value_;
    merged.update(over.value_);
    return {file_, place_, std::move(merged)};
  }

 private:
  [[noreturn]] void refuse(const char* key, const std::string& wanted) const {
    throw WeightsError(file_.string() + ": " + place_ + key + " takes " + wanted + ", got " +
                       printable(value_[key].dump(-1, ' ', false, json::error_handler_t::replace), longest_shown));
  }

  std::filesystem::path file_;
  std::string place_;
  json value_;
};

std::optional<Section> read_section(const std::filesystem::path& folder, const char* name) {
  const auto file = folder / name;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  const auto bytes = read_file(file);
  json value = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!value.is_object()) throw WeightsError(file.string() + " holds no JSON object; move it away from the weights");
  return Section(file, "", std::move(value));
}

/// Adds what is there.
class Adder {
 public:
  Adder(ModelFacts& facts, std::string source) : facts_(facts), source_(std::move(source)) {}
  template <class T>
  void operator()(const std::string& key, const std::optional<T>& value) const {
    if (value) facts_.add(key, *value, source_);
  }

 private:
  ModelFacts& facts_;
  std::string source_;
};

/// An activation as dime calls it.
std::string activation(const std::string& theirs) {
  if (theirs == "gelu_pytorch_tanh" || theirs == "gelu_new" || theirs == "gelu_fast") return "gelu_tanh";
  return theirs;
}

/// What Hugging Face's config classes take where a file says nothing.
struct Defaults {
  const char* tokenizer;
  const char* activation;
  const char* causal;
  double patch, text_heads, eps, context, vocabulary;
};
constexpr Defaults kClip{"clip", "quick_gelu", "true", 32, 8, 1e-5, 77, 49408};
constexpr Defaults kSiglip{"siglip", "gelu_pytorch_tanh", "false", 16, 12, 1e-6, 64, 32000};

void add_vision(ModelFacts& facts, const Section& c, const Defaults& d) {
  const Adder add(facts, c.source());
  add("image.size", c.has("image_size") ? c.side("image_size") : 224);
  add("image.patch", c.has("patch_size") ? c.side("patch_size") : d.patch);
  add("image.activation", std::optional(activation(c.text("hidden_act").value_or(d.activation))));
  add("image.heads", std::optional(c.number("num_attention_heads").value_or(12)));
  add("image.eps", std::optional(c.number("layer_norm_eps").value_or(d.eps)));
}

void add_text(ModelFacts& facts, const Section& c, const Defaults& d) {
  const Adder add(facts, c.source());
  add("text.context", std::optional(c.number("max_position_embeddings").value_or(d.context)));
  add("text.vocabulary", std::optional(c.number("vocab_size").value_or(d.vocabulary)));
  add("text.tokenizer", std::optional<std::string>(d.tokenizer));
  add("text.activation", std::optional(activation(c.text("hidden_act").value_or(d.activation))));
  add("text.heads", std::optional(c.number("num_attention_heads").value_or(d.text_heads)));
  add("text.causal", std::optional<std::string>(d.causal));
  add("text.eps", std::optional(c.number("layer_norm_eps").value_or(d.eps)));
}

void add_hugging_face(ModelFacts& facts, const Section& c) {
  const std::string type = c.text("model_type").value_or("");
  const bool siglip = type.starts_with("siglip");
  if (!siglip && !type.starts_with("clip")) return;
  const Defaults& defaults = siglip ? kSiglip : kClip;
  const Adder add(facts, c.source());
  if (type.ends_with("_vision_model")) {
    add_vision(facts, c, defaults);
    if (!siglip) add("embed_dim", std::optional(c.number("projection_dim").value_or(512)));
  } else if (type.ends_with("_text_model")) {
    add_text(facts, c, defaults);
    if (!siglip) add("embed_dim", std::optional(c.number("projection_dim").value_or(512)));
  } else {
    // Old files state what differs a second time, which counts.
    add_vision(facts, c.section("vision_config").overlaid(c.section("vision_config_dict")), defaults);
    add_text(facts, c.section("text_config").overlaid(c.section("text_config_dict")), defaults);
    if (!siglip) add("embed_dim", std::optional(c.number("projection_dim").value_or(512)));
  }
}

void add_open_clip(ModelFacts& facts, const Section& c) {
  const Section model = c.section("model_cfg"), image = model.section("vision_cfg"), text = model.section("text_cfg");
  const Section pre = c.section("preprocess_cfg");
  const Adder add(facts, c.source());
  add("embed_dim", model.number("embed_dim"));
  const auto act = [&](const Section& tower) -> std::string {
    if (model.flag("quick_gelu").value_or(false)) return "quick_gelu";
    return tower.section("act_kwargs").text("approximate").value_or("") == "tanh" ? "gelu_tanh" : "gelu";
  };
  add("image.size", image.side("image_size"));
  if (const auto width = image.number("width"); width && !image.has("timm_model_name")) {
    // A list of layers is a ResNet's, whose attention pools 32 widths.
    const bool resnet = image.has_list("layers");
    add("image.heads", std::optional(*width * (resnet ? 32 : 1) / image.number("head_width").value_or(64)));
    if (!resnet) {
      add("image.patch", image.side("patch_size"));
      add("image.activation", std::optional(act(image)));
      add("image.eps", std::optional(image.section("norm_kwargs").number("eps").value_or(1e-5)));
    }
  }
  if (!text.has("hf_model_name") && text.has("width")) {
    add("text.context", std::optional(text.number("context_length").value_or(77)));
    add("text.vocabulary", std::optional(text.number("vocab_size").value_or(49408)));
    add("text.activation", std::optional(act(text)));
    add("text.heads", std::optional(text.number("heads").value_or(8)));
    add("text.eps", std::optional(text.section("norm_kwargs").number("eps").value_or(1e-5)));
    add("text.causal", std::optional<std::string>(text.flag("no_causal_mask").value_or(false) ? "false" : "true"));
    const bool siglip = text.text("hf_tokenizer_name").value_or("").find("SigLIP") != std::string::npos;
    if (siglip || !text.has("hf_tokenizer_name")) {
      add("text.tokenizer", std::optional<std::string>(siglip ? "siglip" : "clip"));
    }
  }
  add("image.mean", pre.triple("mean"));
  add("image.std", pre.triple("std"));
  // "random" is training's.
  if (pre.text("interpolation").value_or("") != "random") add("image.interpolation", pre.text("interpolation"));
  add("image.resize_mode", pre.text("resize_mode"));
  add("image.size", pre.side("size"));
}

/// What a preprocessor_config.json says of it; one number is the shorter side for some processors, both for others.
std::optional<std::string> resize_mode(const Section& c) {
  const Section size = c.section("size");
  if (size.has("shortest_edge")) return "shortest";
  if (size.has("height") && size.has("width")) return "squash";
  return std::nullopt;
}

void add_preprocessor(ModelFacts& facts, const Section& c) {
  constexpr std::array kPillow = {"nearest", "lanczos", "bilinear", "bicubic"};
  const Adder add(facts, c.source());
  add("image.mean", c.triple("image_mean"));
  add("image.std", c.triple("image_std"));
  const auto filter = c.number("resample");
  if (filter && *filter >= 0 && *filter < 4) {
    add("image.interpolation", std::optional<std::string>(kPillow[static_cast<std::size_t>(*filter)]));
  }
  add("image.resize_mode", resize_mode(c));
  add("image.size", c.has("crop_size") ? c.side("crop_size") : c.side("size"));
}

void add_own(ModelFacts& facts, const Section& c) {
  const Adder add(facts, "its own metadata");
  add("type", c.text("type"));
  add("options", c.text("options"));
  add("embed_dim", c.number("embed_dim"));
  for (const char* tower : {"image", "text"}) {
    const Section s = c.section(tower);
    const auto key = [&](const char* name) { return std::string(tower) + "." + name; };
    for (const char* name : {"size", "heads", "context", "vocabulary", "patch"}) {
      if (s.number(name).value_or(0) > 0) add(key(name), s.number(name));
    }
    if (s.number("layer_norm_eps").value_or(0) > 0) add(key("eps"), s.number("layer_norm_eps"));
    for (const char* name : {"mean", "std"}) add(key(name), s.triple(name));
    for (const char* name : {"interpolation", "resize_mode", "activation", "tokenizer"}) {
      if (!s.text(name).value_or("").empty()) add(key(name), s.text(name));
    }
    if (const auto causal = s.flag("causal"))
      add(key("causal"), std::optional<std::string>(*causal ? "true" : "false"));
  }
}

}  // namespace

ModelFacts read_model_facts(const io::WeightsFile& file) {
  ModelFacts facts;
  if (const auto own = file.metadata().find("dime.model"); own != file.metadata().end()) {
    const json about = json::parse(own->second, nullptr, false);
    if (!about.is_object()) {
      throw WeightsError(file.path().string() + ": its metadata dime.model holds no JSON object");
    }
    add_own(facts, Section(file.path(), "dime.model.", about));
  }
  const auto folder = std::filesystem::is_directory(file.path()) ? file.path() : file.path().parent_path();
  const auto use = [&](const char* name, auto&& add) {
    if (const auto section = read_section(folder, name)) add(facts, *section);
  };
  use("open_clip_config.json", add_open_clip);
  use("config.json", add_hugging_face);
  use("preprocessor_config.json", add_preprocessor);
  use("processor_config.json",
      [](ModelFacts& all, const Section& c) { add_preprocessor(all, c.section("image_processor")); });
  return facts;
}

}  // namespace dime
