// SPDX-License-Identifier: Apache-2.0
// Losses and models: a plugin's options beside keys that the core reads.
#include <algorithm>

#include "config/experiment.hpp"

namespace dime {

Schema<InitOptions> InitOptions::schema() {
  return Schema<InitOptions>("Weights to start from: a file, or a map.")
      .option("path", &InitOptions::path,
              "A safetensors file, a PyTorch checkpoint, a TorchScript archive, an index of shards, or a folder.",
              required)
      .option("skip", &InitOptions::skip,
              "Prefixes of names in the file that are ignored; `*` is any run of characters.")
      .option("allow_missing", &InitOptions::allow_missing,
              "Prefixes of the model's names that the file need not hold; `*` is any run of characters.")
      .option("interpolate_positions", &InitOptions::interpolate_positions,
              "Fit the position tables of another image size by bicubic interpolation.");
}

namespace {

/// The keys that the core reads beside a loss's own.
struct LossKeys {
  Weight weight;
  std::string on = "streams";

  static Schema<LossKeys> schema() {
    return Schema<LossKeys>("")
        .option("weight", &LossKeys::weight, "Multiplies the loss in the total.")
        .option("on", &LossKeys::on, "The rows it works on: images and texts, or pairs.", one_of({"streams", "pairs"}));
  }
};

const std::vector<std::string> loss_keys = {"weight", "on"};
const std::vector<std::string> model_keys = {"init", "tokenizer", "freeze"};

Value only(const Value& map, const std::vector<std::string>& keys) {
  Value out = Value::map({}, map.mark());
  for (const auto& entry : map.entries()) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) out.set(entry.key, entry.value, entry.mark);
  }
  return out;
}

std::vector<OptionInfo> with_type(const std::string& help, std::vector<OptionInfo> rest) {
  OptionInfo type{"type", "string", "", "", help, true, {}};
  rest.insert(rest.begin(), std::move(type));
  return rest;
}

void read_freeze(const Value& list, ModelEntry& out, const std::string& owner, Problems& problems) {
  const std::string what = "option \"freeze\" of " + owner;
  std::vector<std::string> patterns;
  detail::OptionType<std::vector<std::string>>::read(list, patterns, {}, what, problems);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    const Value& item = list.items()[i];
    if (patterns[i].empty() && item.is_scalar()) {
      problems.add(item.mark(), "item " + std::to_string(i + 1) + " of " + what +
                                    " takes the name of a parameter, or a pattern of names with *, got \"\"");
    }
    out.freeze.push_back({patterns[i], item.mark()});
  }
}

void read_text_key(Value& options, ModelEntry& out, const std::string& owner, Problems& problems) {
  const Value* text = options.find("text");
  if (text == nullptr || text->is_null()) {
    options.erase("text");
  } else if (text->is_map()) {
    out.text = "own";
  } else {
    const std::string what = "option \"text\" of " + owner;
    detail::FieldRules rules;
    rules.add(one_of({"teacher", "none"}));
    if (text->is_scalar()) {
      out.text = text->text();
      detail::check_choice(*text, out.text, rules, what, problems);
    } else {
      problems.add(text->mark(), what + " takes teacher, none or a map, got " + text->describe());
    }
    options.erase("text");
  }
}

}  // namespace

bool read_model_entry(const Value& value, ModelEntry& out, const std::string& what, Problems& problems) {
  const std::size_t before = problems.size();
  if (!detail::read_component(value, out.component, what, problems)) return false;
  const std::string owner = "model " + in_quotes(out.component.type);
  const Value* init = value.find("init");
  if (init != nullptr && !init->is_null()) {
    detail::OptionType<std::optional<InitOptions>>::read(*init, out.init, {}, "option \"init\" of " + owner, problems);
  }
  const Value* tokenizer = value.find("tokenizer");
  if (tokenizer != nullptr && !tokenizer->is_null()) {
    out.tokenizer_mark = tokenizer->mark();
    detail::OptionType<std::optional<Path>>::read(*tokenizer, out.tokenizer, {}, "option \"tokenizer\" of " + owner,
                                                  problems);
  }
  const Value* freeze = value.find("freeze");
  if (freeze != nullptr && !freeze->is_null()) read_freeze(*freeze, out, owner, problems);
  out.component.options = out.component.options.without(model_keys);
  read_text_key(out.component.options, out, owner, problems);
  return problems.size() == before;
}

namespace detail {

namespace {

/// An empty prefix is one of every name: nothing would be loaded, and nothing be missed.
void refuse_empty(const Value& init, const std::string& key, const std::string& what, Problems& problems) {
  const Value* prefixes = init.find(key);
  if (prefixes == nullptr) return;
  for (std::size_t i = 0; i < prefixes->items().size(); ++i) {
    const Value& prefix = prefixes->items()[i];
    if (!prefix.is_scalar() || prefix.text().find_first_not_of('*') != std::string::npos) continue;
    problems.add(prefix.mark(), "item " + std::to_string(i + 1) + " of option \"" + key + "\" of " + owner_name(what) +
                                    " takes a prefix of names, got " + in_quotes(prefix.text()) +
                                    "; every name has it");
  }
}

}  // namespace

std::string OptionType<InitOptions>::type() {
  return "path, or map {path, skip, allow_missing, interpolate_positions}";
}
std::string OptionType<InitOptions>::print(const InitOptions&) { return ""; }
std::vector<OptionInfo> OptionType<InitOptions>::nested() { return InitOptions::schema().options(); }
void OptionType<InitOptions>::read(const Value& v, InitOptions& out, const FieldRules&, const std::string& what,
                                   Problems& problems) {
  out.mark = v.mark();
  if (!v.is_map()) {
    read_scalar(v, out.path, what, problems);
    return;
  }
  InitOptions::schema().read(v, out, what, problems);
  for (const char* key : {"skip", "allow_missing"}) refuse_empty(v, key, what, problems);
}

std::string OptionType<LossEntry>::type() { return "loss"; }
std::string OptionType<LossEntry>::print(const LossEntry&) { return ""; }
std::vector<OptionInfo> OptionType<LossEntry>::nested() {
  return with_type("The loss's plugin; its own options stand beside.", LossKeys::schema().options());
}
void OptionType<LossEntry>::read(const Value& v, LossEntry& out, const FieldRules&, const std::string& what,
                                 Problems& problems) {
  if (!read_component(v, out.component, what, problems)) return;
  LossKeys keys;
  LossKeys::schema().read(only(v, loss_keys), keys, "loss " + in_quotes(out.component.type), problems);
  out.weight = keys.weight;
  out.on = keys.on;
  out.component.options = out.component.options.without(loss_keys);
}

std::string OptionType<ModelEntry>::type() { return "model"; }
std::string OptionType<ModelEntry>::print(const ModelEntry&) { return ""; }
std::vector<OptionInfo> OptionType<ModelEntry>::nested() {
  return with_type("The model's plugin; its own options stand beside.",
                   {{"init", OptionType<InitOptions>::type(), "", "", "Weights to start from.", false,
                     OptionType<InitOptions>::nested()},
                    {"tokenizer",
                     OptionType<std::optional<Path>>::type(),
                     "",
                     "",
                     "Of a model that reads SigLIP's tokens: its spiece.model; default: the one beside `init`.",
                     false,
                     {}},
                    {"freeze",
                     OptionType<std::vector<std::string>>::type(),
                     "[]",
                     "",
                     "Of a student: names of parameters that are not trained; * stands for any run of characters. A "
                     "normalisation whose parameters are all frozen keeps its statistics too.",
                     false,
                     {}},
                    {"text",
                     "string or map",
                     "teacher",
                     "teacher, none or a map",
                     "Of a student: the teacher's texts, no texts, or a text tower of its own.",
                     false,
                     {}}});
}
void OptionType<ModelEntry>::read(const Value& v, ModelEntry& out, const FieldRules&, const std::string& what,
                                  Problems& problems) {
  read_model_entry(v, out, what, problems);
}

}  // namespace detail
}  // namespace dime
