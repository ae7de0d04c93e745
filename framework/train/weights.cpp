// SPDX-License-Identifier: Apache-2.0
#include "train/weights.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "io/safetensors.hpp"

namespace dime {
namespace {

constexpr std::size_t kListed = 12;

at::ScalarType scalar_type(io::DType dtype) {
  switch (dtype) {
    case io::DType::f64:
      return at::kDouble;
    case io::DType::f32:
      return at::kFloat;
    case io::DType::f16:
      return at::kHalf;
    case io::DType::bf16:
      return at::kBFloat16;
    case io::DType::i64:
      return at::kLong;
    case io::DType::i32:
      return at::kInt;
    case io::DType::i16:
      return at::kShort;
    case io::DType::i8:
      return at::kChar;
    case io::DType::u8:
      return at::kByte;
    case io::DType::boolean:
      return at::kBool;
  }
  throw WeightsError("unknown element type");
}

io::DType dtype_of(const torch::Tensor& t) {
  switch (t.scalar_type()) {
    case at::kDouble:
      return io::DType::f64;
    case at::kFloat:
      return io::DType::f32;
    case at::kHalf:
      return io::DType::f16;
    case at::kBFloat16:
      return io::DType::bf16;
    case at::kLong:
      return io::DType::i64;
    case at::kInt:
      return io::DType::i32;
    case at::kShort:
      return io::DType::i16;
    case at::kChar:
      return io::DType::i8;
    case at::kByte:
      return io::DType::u8;
    case at::kBool:
      return io::DType::boolean;
    default:
      throw WeightsError("tensors of type " + std::string(c10::toString(t.scalar_type())) + " cannot be saved");
  }
}

bool begins_with_any(const std::string& name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) { return name.starts_with(p); });
}

std::string shape_text(at::IntArrayRef shape) {
  std::vector<std::string> parts;
  for (const std::int64_t n : shape) parts.push_back(std::to_string(n));
  return std::string("[").append(join(parts)).append("]");
}

std::string type_text(io::DType dtype) { return std::string(io::dtype_name(dtype)); }

/// A prefix that fits no name is a slip.
void require_used(const std::vector<std::string>& prefixes, const char* option, const char* where,
                  const std::vector<std::string>& names, const std::string& what) {
  for (const auto& prefix : prefixes) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& n) { return n.starts_with(prefix); })) continue;
    throw WeightsError(what + ": `" + option + "` has \"" + printable(prefix) + "\", with which no name in the " +
                       where + " begins");
  }
}

/// "missing: a, b, … (3 more)", or nothing.
void add_list(std::string& message, const char* title, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kListed)));
  message += std::string("; ") + title + ": " + join(shown);
  if (names.size() > kListed) message += " and " + std::to_string(names.size() - kListed) + " more";
}

struct Differences {
  std::vector<std::string> missing, unexpected, misshaped, mistyped;
};

Differences compare(const io::SafetensorsFile& file, const NamedTensors& into, const InitOptions& from) {
  Differences d;
  std::set<std::string> wanted;
  for (const auto& [name, tensor] : into) {
    wanted.insert(name);
    const io::TensorView* view = begins_with_any(name, from.skip) ? nullptr : file.find(name);
    if (view == nullptr) {
      if (!begins_with_any(name, from.allow_missing)) d.missing.push_back(name);
      continue;
    }
    const auto differs = [&, key = name](const std::string& stored, const std::string& wants) {
      return key + " (" + stored + " in the file, " + wants + " in the model)";
    };
    if (tensor.sizes() != at::IntArrayRef(view->shape)) {
      d.misshaped.push_back(differs(shape_text(view->shape), shape_text(tensor.sizes())));
    }
    if (tensor.is_floating_point() != at::isFloatingType(scalar_type(view->dtype))) {
      d.mistyped.push_back(differs(type_text(view->dtype), type_text(dtype_of(tensor))));
    }
  }
  std::vector<std::string> absent = d.missing;
  for (const auto& view : file.tensors()) {
    if (wanted.count(view.name) != 0 || begins_with_any(view.name, from.skip)) continue;
    const std::string near = nearest_name(view.name, absent);
    d.unexpected.push_back(near.empty() ? view.name : view.name + " (the model has " + near + ")");
  }
  return d;
}

void require_fit(const io::SafetensorsFile& file, const InitOptions& from, const NamedTensors& into,
                 const std::string& what) {
  std::vector<std::string> stored, wanted;
  for (const auto& view : file.tensors()) stored.push_back(view.name);
  for (const auto& [name, tensor] : into) wanted.push_back(name);
  require_used(from.skip, "skip", "file", stored, what);
  require_used(from.allow_missing, "allow_missing", "model", wanted, what);
  const Differences d = compare(file, into, from);
  std::string lists;
  add_list(lists, "missing", d.missing);
  add_list(lists, "unexpected", d.unexpected);
  add_list(lists, "of another shape", d.misshaped);
  add_list(lists, "of another type", d.mistyped);
  if (lists.empty()) return;
  throw WeightsError(what + ": the weights in " + from.path.string() + " do not fit" + lists +
                     (from.mark.origin ? "; `init: {path, skip, allow_missing}` names what may differ" : ""));
}

void copy_into(const io::TensorView& view, torch::Tensor to) {
  const auto type = scalar_type(view.dtype);
  auto staged = torch::empty(view.shape, torch::TensorOptions().dtype(type));
  std::memcpy(staged.data_ptr(), view.data, view.bytes);
  to.copy_(staged);
}

}  // namespace

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors all;
  for (const auto& p : module.named_parameters()) all.emplace_back(p.key(), p.value());
  for (const auto& b : module.named_buffers()) all.emplace_back(b.key(), b.value());
  return all;
}

std::int64_t count_parameters(const torch::nn::Module& module, const std::string& prefix) {
  std::int64_t count = 0;
  for (const auto& p : module.named_parameters()) {
    if (p.key().starts_with(prefix)) count += p.value().numel();
  }
  return count;
}

void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata) {
  const torch::NoGradGuard guard;
  std::vector<torch::Tensor> kept;
  std::vector<io::TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    const auto& t = kept.emplace_back(tensor.detach().cpu().contiguous());
    views.push_back(
        {name, dtype_of(t), t.sizes().vec(), static_cast<const std::uint8_t*>(t.const_data_ptr()), t.nbytes()});
  }
  io::write_safetensors(path, std::move(views), metadata);
}

void check_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what) {
  require_fit(io::SafetensorsFile(from.path), from, into, what);
}

void load_tensors(const InitOptions& from, const NamedTensors& into, const std::string& what) {
  const io::SafetensorsFile file(from.path);
  require_fit(file, from, into, what);
  const torch::NoGradGuard guard;
  for (const auto& [name, tensor] : into) {
    const io::TensorView* view = begins_with_any(name, from.skip) ? nullptr : file.find(name);
    if (view != nullptr) copy_into(*view, tensor);
  }
}

}  // namespace dime
