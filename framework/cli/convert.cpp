// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "cli/convert_deployed.hpp"
#include "cli/weights_path.hpp"
#include "report/json_file.hpp"
#include "train/weights.hpp"
#include "weights/identify.hpp"
#include "weights/python_config.hpp"
#include "weights/tensors.hpp"

namespace dime::cli {
namespace {

namespace fs = std::filesystem;

struct ConvertCommand {
  std::string in;
  std::string out;
  std::string to;
  std::string text;
  AskedHeads heads;
  bool deploy = false;
  bool overwrite = false;
};

/// A file of weights under dime's names, on its own bytes.
struct Converted {
  explicit Converted(const fs::path& path) : file(path), identified(identify(file)), facts(read_model_facts(file)) {
    for (const auto& tensor : identified.map.tensors) {
      auto whole = assembled(tensor);
      tensors.emplace_back(tensor.name, whole.reshape(own_shape(tensor.name, whole)));
    }
    std::cout << path.string() << ": " << file.format() << ", " << identified.scheme->title << "\n";
  }
  Converted(const Converted&) = delete;
  Converted& operator=(const Converted&) = delete;

  std::string_view family() const { return identified.scheme->family; }

  io::WeightsFile file;
  IdentifiedWeights identified;
  ModelFacts facts;
  NamedTensors tensors;

 private:
  /// Schemes differ in dimensions of one.
  static std::vector<std::int64_t> own_shape(const std::string& name, const torch::Tensor& t) {
    if (name == "logit_scale" || name == "logit_bias") return {};
    if (name == "visual.trunk.pos_embed") return {1, -1, t.size(-1)};
    return t.sizes().vec();
  }
};

ShapesByName shapes_of(const NamedTensors& tensors) {
  ShapesByName shapes;
  for (const auto& [name, tensor] : tensors) shapes[name] = tensor.sizes().vec();
  return shapes;
}

/// The text tower's place in a family's names.
std::string text_place(std::string_view family) { return family == "siglip" ? "text." : ""; }

bool is_text(const std::string& name) {
  return name == "logit_scale" || name == "logit_bias" || !name.starts_with("visual.");
}

/// The teacher's text tower beside the image tower of `student`.
void add_text_tower(Converted& student, const Converted& teacher, const std::string& in, const std::string& from) {
  const auto has_text = [](const Converted& c) { return sizes_of(shapes_of(c.tensors), "").text.has_value(); };
  if (has_text(student)) throw WeightsError(in + " has a text tower of its own: leave --with-text out");
  if (!has_text(teacher)) throw WeightsError(from + " has no text tower to take");
  if ((student.family() == "siglip") != (teacher.family() == "siglip")) {
    throw WeightsError("the image tower in " + in + " is " + std::string(student.family()) + "'s, the text tower in " +
                       from + " is " + std::string(teacher.family()) + "'s: there is no model of both");
  }
  const std::int64_t image = sizes_of(shapes_of(student.tensors), in).image_dim;
  const std::int64_t text = sizes_of(shapes_of(teacher.tensors), from).text_dim;
  if (image != text) {
    throw WeightsError("the image tower in " + in + " gives vectors of " + std::to_string(image) +
                       " numbers, the text tower in " + from + " of " + std::to_string(text) +
                       ": they are of different teachers");
  }
  std::erase_if(student.tensors, [](const auto& t) { return is_text(t.first); });
  const std::string theirs = text_place(teacher.family()), ours = text_place(student.family());
  for (const auto& [name, tensor] : teacher.tensors) {
    if (!is_text(name)) continue;
    const bool scale = name == "logit_scale" || name == "logit_bias";
    student.tensors.emplace_back(scale ? name : ours + name.substr(theirs.size()), tensor);
  }
}

/// The facts of a text tower that came from elsewhere.
ModelFacts joined_facts(const Converted& student, const Converted* teacher) {
  ModelFacts facts = student.facts;
  if (teacher == nullptr) return facts;
  for (const char* key : {"text.heads", "text.eps"}) {
    if (const auto value = teacher->facts.number(key)) facts.add(key, *value, teacher->facts.source(key));
  }
  for (const char* key : {"text.activation", "text.causal"}) {
    if (const auto value = teacher->facts.text(key)) facts.add(key, *value, teacher->facts.source(key));
  }
  return facts;
}

/// The scheme that is asked for, or the one in which open_clip reads the family.
const NameScheme& wanted_scheme(const ConvertCommand& command, std::string_view family) {
  std::string name = command.to;
  if (family == "clip" && (name.empty() || name == "open_clip")) name = "openai";  // they are the same
  if (name.empty()) name = "open_clip";
  const NameScheme* scheme = find_scheme(family, name);
  if (scheme != nullptr) return *scheme;
  if (name == "huggingface") {
    throw WeightsError(command.in +
                       ": transformers has no class for a CLIP with this image tower: take --to open_clip");
  }
  throw WeightsError(command.in + ": OpenAI's names are those of CLIP alone: take --to open_clip");
}

/// Tensors under the scheme's names, ready to be written.
NamedTensors renamed(const NamedTensors& tensors, const NameScheme& scheme, const std::string& in) {
  NamedTensors kept;
  std::vector<io::TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const auto& t = kept.emplace_back(name, tensor.contiguous()).second;
    views.push_back(
        {name, dtype_of(t), t.sizes().vec(), static_cast<const std::uint8_t*>(t.const_data_ptr()), t.nbytes()});
  }
  std::vector<const io::TensorView*> pointers;
  for (const auto& view : views) pointers.push_back(&view);
  const NameMap map = map_names(pointers, &scheme, Direction::to_theirs);
  if (!map.unfit.empty()) {
    throw WeightsError(in + ": " + std::string(scheme.title) + " have no place for " + map.unfit.front()->name);
  }
  const bool one_each = scheme.name == "huggingface" && scheme.family == "siglip";
  NamedTensors out;
  for (const auto& tensor : map.tensors) {
    auto whole = assembled(tensor);
    if (tensor.name.starts_with("logit_")) whole = whole.reshape(one_each ? at::IntArrayRef{1} : at::IntArrayRef{});
    if (tensor.name.ends_with("position_embedding.weight")) whole = whole.reshape({-1, whole.size(-1)});
    out.emplace_back(tensor.name, whole.clone());  // off the views, which end here
  }
  return out;
}

std::string torch_name(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.dim() == 0) continue;
    if (tensor.scalar_type() == at::kHalf) return "float16";
    if (tensor.scalar_type() == at::kBFloat16) return "bfloat16";
    if (tensor.scalar_type() == at::kDouble) return "float64";
    break;
  }
  return "float32";
}

/// What is written, by name; weights last, so that a folder with weights is whole.
class Output {
 public:
  explicit Output(const ConvertCommand& command) : command_(command), to_file_(command.out.ends_with(".safetensors")) {}

  bool to_file() const { return to_file_; }
  void add(const std::string& name, nlohmann::ordered_json json) { configs_.emplace_back(name, std::move(json)); }

  void write(const std::string& weights_name, const NamedTensors& tensors, const std::string& metadata) const {
    const fs::path folder = to_file_ ? fs::path(command_.out).parent_path() : fs::path(command_.out);
    const fs::path weights = to_file_ ? fs::path(command_.out) : folder / weights_name;
    refuse_existing(weights);
    for (const auto& [name, json] : configs_) refuse_existing(folder / name);
    if (!folder.empty()) fs::create_directories(folder);
    for (const auto& [name, json] : configs_) write_json(folder / name, json);
    save_tensors(weights, tensors, {{"format", "pt"}, {"dime.model", metadata}});
  }

  std::vector<std::string> names(const std::string& weights_name) const {
    std::vector<std::string> all;
    if (to_file_) return all;
    for (const auto& [name, json] : configs_) all.push_back(name);
    all.push_back(weights_name);
    return all;
  }

 private:
  void refuse_existing(const fs::path& path) const {
    if (command_.overwrite || !fs::exists(path)) return;
    throw IoError(path.string() + " exists already: take --overwrite to replace it");
  }

  const ConvertCommand& command_;
  bool to_file_;
  std::vector<std::pair<std::string, nlohmann::ordered_json>> configs_;
};

int run_deploy(const ConvertCommand& command, const Program& program) {
  const Output output(command);
  if (!output.to_file())
    throw WeightsError(command.out + ": --deploy writes a file, so its name must end in .safetensors");
  const DeployedWeights deployed = deployed_weights(weights_path(command.in), program);
  output.write("", deployed.tensors, deployed.metadata);
  std::cout << command.out << ": the form to deploy, " << deployed.tensors.size() << " tensors\n";
  return 0;
}

int run_convert(const ConvertCommand& command, const Program& program) {
  const torch::NoGradGuard guard;
  if (command.deploy) return run_deploy(command, program);
  Converted student(weights_path(command.in));
  std::unique_ptr<const Converted> teacher;
  if (!command.text.empty()) {
    teacher = std::make_unique<const Converted>(weights_path(command.text));
    add_text_tower(student, *teacher, command.in, command.text);
  }
  const NameScheme& scheme = wanted_scheme(command, student.family());
  const bool huggingface = scheme.name == "huggingface";
  std::vector<std::string> assumed;
  const std::string family(student.family());
  ModelDescription model = describe_model(family, sizes_of(shapes_of(student.tensors), command.in),
                                          joined_facts(student, teacher.get()), command.heads, command.in, assumed);
  model.dtype = torch_name(student.tensors);
  Output output(command);
  if (!output.to_file() && huggingface) {
    output.add("config.json", huggingface_config(model, command.in));
    if (model.sizes.image) output.add("preprocessor_config.json", huggingface_preprocessor(model));
  } else if (!output.to_file()) {
    output.add("open_clip_config.json", open_clip_config(model, command.in));
  }
  const NamedTensors tensors = renamed(student.tensors, scheme, command.in);
  const std::string weights = huggingface ? "model.safetensors" : "open_clip_model.safetensors";
  output.write(weights, tensors, model.metadata());
  if (!assumed.empty()) {
    std::cout << "not known from " << command.in << ", taken by rule: " << join(assumed) << "\n";
  }
  std::cout << command.out << ": " << scheme.title << ", " << tensors.size() << " tensors";
  if (!output.to_file()) std::cout << " (" << join(output.names(weights)) << ")";
  std::cout << "\n";
  return 0;
}

}  // namespace

void add_convert(CLI::App& app, const Program& program, Action& chosen) {
  auto command = std::make_shared<ConvertCommand>();
  CLI::App* sub = app.add_subcommand("convert", "Writes weights under the names of another scheme");
  sub->add_option("in", command->in, "A file of weights, a folder with one, a checkpoint or a run folder")
      ->required()
      ->check(not_empty());
  sub->add_option("out", command->out, "A .safetensors file, or a folder for weights and configs")
      ->required()
      ->check(not_empty());
  auto* to = sub->add_option("--to", command->to, "Whose names (default: open_clip's; of CLIP they are OpenAI's)");
  to->check(CLI::IsMember({"openai", "open_clip", "huggingface"}));
  auto* text = sub->add_option("--with-text", command->text, "Take the text tower and the scale of these weights");
  text->check(not_empty());
  sub->add_flag("--deploy", command->deploy, "Merge branches into the form to deploy (fastvit), in a file")
      ->excludes(to)
      ->excludes(text);
  sub->add_option("--heads", command->heads.image, "Attention heads of the image tower, where IN does not say")
      ->check(whole_number());
  sub->add_option("--text-heads", command->heads.text, "Of the text tower, likewise")->check(whole_number());
  sub->add_flag("--overwrite", command->overwrite, "Replace files that are there");
  sub->footer("Example: dime convert runs/student student-hf --to huggingface --with-text ViT-L-14.pt");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_convert(*command, program); }; });
}

}  // namespace dime::cli
