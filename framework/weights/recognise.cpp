// SPDX-License-Identifier: Apache-2.0
#include "weights/recognise.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <dime/error.hpp>
#include <dime/printable.hpp>

#include "weights/wildcard.hpp"

namespace dime {
namespace {

constexpr std::size_t kListed = 12;

bool begins_with_any(const std::string& name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& p) { return begins_with_pattern(p, name); });
}

bool is_floating(io::DType dtype) {
  return dtype == io::DType::f64 || dtype == io::DType::f32 || dtype == io::DType::f16 || dtype == io::DType::bf16;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> parts;
  for (const std::int64_t n : shape) parts.push_back(std::to_string(n));
  return std::string("[").append(join(parts)).append("]");
}

/// A prefix that fits no name is a slip.
template <class Named>
void require_used(const std::vector<std::string>& prefixes, const char* option, const char* where,
                  const std::vector<Named>& all, const std::string& what) {
  for (const auto& prefix : prefixes) {
    if (std::any_of(all.begin(), all.end(), [&](const Named& n) { return begins_with_pattern(prefix, n.name); })) {
      continue;
    }
    throw WeightsError(what + ": `" + option + "` has \"" + printable(prefix) + "\", with which no name in the " +
                       where + " begins");
  }
}

/// The file's names of a tensor's parts, or "" where there is one of the same name.
std::string file_names(const MappedTensor& tensor) {
  std::vector<std::string> names;
  for (const auto& part : tensor.parts) {
    if (names.empty() || names.back() != part.view->name) names.push_back(part.view->name);
  }
  return names.size() == 1 && names.front() == tensor.name ? "" : join(names, " + ");
}

void compare_tensor(const MappedTensor& tensor, const WantedTensor& wanted, Differences& d) {
  const auto differs = [&](const std::string& stored, const std::string& wants) {
    return Difference{tensor.name, file_names(tensor), stored + " in the file, " + wants + " in the model"};
  };
  if (mapped_shape(tensor, wanted.shape) != wanted.shape) {
    std::vector<std::string> shapes;
    for (const auto& part : tensor.parts) shapes.push_back(shape_text(part.view->shape));
    d.misshaped.push_back(differs(join(shapes, " + "), shape_text(wanted.shape)));
  }
  for (const auto& part : tensor.parts) {
    if (is_floating(part.view->dtype) == is_floating(wanted.dtype)) continue;
    d.mistyped.push_back(
        differs(std::string(io::dtype_name(part.view->dtype)), std::string(io::dtype_name(wanted.dtype))));
    break;
  }
}

class Comparison {
 public:
  Comparison(const std::vector<WantedTensor>& wanted, const InitOptions& from) : wanted_(wanted), from_(from) {
    for (const auto& w : wanted) names_.insert(w.name);
  }

  RecognisedWeights of(const std::vector<const io::TensorView*>& views, const NameScheme* scheme) const {
    RecognisedWeights out{scheme, map_names(views, scheme), {}};
    std::map<std::string, const MappedTensor*, std::less<>> held;
    for (const auto& tensor : out.map.tensors) {
      held[tensor.name] = &tensor;
      if (names_.count(tensor.name) == 0) out.differences.unexpected.push_back({tensor.name, file_names(tensor), ""});
    }
    for (const auto* view : out.map.unfit) out.differences.unexpected.push_back({view->name, "", ""});
    for (const auto& want : wanted_) {
      const auto at = held.find(want.name);
      if (at == held.end()) {
        if (!begins_with_any(want.name, from_.allow_missing)) out.differences.missing.push_back({want.name, "", ""});
      } else if (!is_complete(*at->second)) {
        out.differences.missing.push_back({want.name, "", "of it the file has only " + file_names(*at->second)});
      } else {
        compare_tensor(*at->second, want, out.differences);
      }
    }
    return out;
  }

 private:
  const std::vector<WantedTensor>& wanted_;
  const InitOptions& from_;
  std::set<std::string> names_;
};

bool same_parts(const MappedPart& a, const MappedPart& b) {
  return a.view == b.view && a.from == b.from && a.to == b.to;
}

/// Whether every tensor comes from the same rows of the file.
bool same_map(const NameMap& a, const NameMap& b) {
  std::map<std::string, const MappedTensor*> in_b;
  for (const auto& tensor : b.tensors) in_b[tensor.name] = &tensor;
  return a.tensors.size() == b.tensors.size() &&
         std::all_of(a.tensors.begin(), a.tensors.end(), [&](const MappedTensor& t) {
           const auto at = in_b.find(t.name);
           return at != in_b.end() && at->second->change == t.change &&
                  std::equal(t.parts.begin(), t.parts.end(), at->second->parts.begin(), at->second->parts.end(),
                             same_parts);
         });
}

/// Fewer names first, then fewer shapes and types.
std::pair<std::size_t, std::size_t> rank(const RecognisedWeights& w) {
  return {w.differences.names(), w.differences.all()};
}

std::string shown(const Difference& d, const std::string& near, const char* near_owner) {
  std::vector<std::string> notes;
  if (!d.file.empty()) notes.push_back(d.note.empty() ? d.file + " in the file" : d.file + " " + d.note);
  if (d.file.empty() && !d.note.empty()) notes.push_back(d.note);
  if (!near.empty()) notes.push_back(std::string("the ") + near_owner + " has " + near);
  return notes.empty() ? printable(d.name) : printable(d.name) + " (" + printable(join(notes, "; "), 400) + ")";
}

/// What the file calls the one of `others` that `name` is perhaps a slip of, or what the model calls it.
std::string near_of(const std::string& name, const std::vector<Difference>& others, bool in_file) {
  std::vector<std::string> names;
  for (const auto& other : others) names.push_back(other.name);
  const std::string near = nearest_name(name, names);
  const auto at = std::find_if(others.begin(), others.end(), [&](const Difference& d) { return d.name == near; });
  return at != others.end() && in_file && !at->file.empty() ? at->file : near;
}

/// "; missing: a, b, … and 3 more", or nothing. `others` are the names that a slip may stand for.
void add_list(std::string& message, const char* title, const std::vector<Difference>& all,
              const std::vector<Difference>& others = {}, const char* near_owner = "") {
  if (all.empty()) return;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(all.size(), kListed); ++i) {
    const bool partial = !all[i].note.empty();
    const bool in_file = std::string_view(near_owner) == "file";
    lines.push_back(shown(all[i], partial ? "" : near_of(all[i].name, others, in_file), near_owner));
  }
  message += std::string("; ") + title + ": " + join(lines);
  if (all.size() > kListed) message += " and " + std::to_string(all.size() - kListed) + " more";
}

}  // namespace

std::string RecognisedWeights::text(const io::WeightsFile& file) const {
  return scheme == nullptr ? file.format() : file.format() + ", " + std::string(scheme->title);
}

const MappedTensor* RecognisedWeights::find(const std::string& name) const {
  const auto at =
      std::find_if(map.tensors.begin(), map.tensors.end(), [&](const MappedTensor& t) { return t.name == name; });
  return at == map.tensors.end() ? nullptr : &*at;
}

RecognisedWeights recognise(const io::WeightsFile& file, const std::vector<WantedTensor>& wanted,
                            const InitOptions& from, const std::string& what, std::span<const NameScheme> schemes) {
  require_used(from.skip, "skip", "file", file.tensors(), what);
  require_used(from.allow_missing, "allow_missing", "model", wanted, what);
  std::vector<const io::TensorView*> views;
  for (const auto& view : file.tensors()) {
    if (!begins_with_any(view.name, from.skip)) views.push_back(&view);
  }
  const Comparison comparison(wanted, from);
  RecognisedWeights best = comparison.of(views, nullptr);
  if (best.differences.names() == 0) return best;
  const NameScheme* rival = nullptr;
  for (const auto& scheme : schemes) {
    RecognisedWeights now = comparison.of(views, &scheme);
    if (rank(now) < rank(best)) {
      best = std::move(now);
      rival = nullptr;
    } else if (rank(now) == rank(best) && best.scheme != nullptr && !same_map(now.map, best.map)) {
      rival = &scheme;
    }
  }
  if (rival != nullptr && best.differences.names() == 0) {
    throw WeightsError(what + ": the weights in " + from.path.string() + " fit " + std::string(best.scheme->title) +
                       " as well as " + std::string(rival->title) +
                       ", which place them differently: rename them to the model's own names");
  }
  return best;
}

void require_fit(const io::WeightsFile& file, const RecognisedWeights& weights, const InitOptions& from,
                 const std::string& what) {
  const Differences& d = weights.differences;
  if (d.all() == 0) return;
  std::string lists;
  add_list(lists, "missing", d.missing, d.unexpected, "file");
  add_list(lists, "unexpected", d.unexpected, d.missing, "model");
  add_list(lists, "of another shape", d.misshaped);
  add_list(lists, "of another type", d.mistyped);
  const std::string names = weights.scheme == nullptr ? "" : " (" + weights.text(file) + ")";
  throw WeightsError(what + ": the weights in " + from.path.string() + names + " do not fit" + lists +
                     (from.mark.origin ? "; `init: {path, skip, allow_missing}` names what may differ" : ""));
}

}  // namespace dime
