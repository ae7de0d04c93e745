// SPDX-License-Identifier: Apache-2.0
#include "weights/name_map.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>

#include "weights/name_pattern.hpp"

namespace dime {
namespace {

NameRule turned(const NameRule& rule) { return {rule.ours, rule.theirs, rule.change, rule.to, rule.from}; }

/// The rules in the direction that is asked for, from `theirs` to `ours`.
std::vector<NameRule> rules_of(const NameScheme& scheme, Direction direction) {
  std::vector<NameRule> rules;
  for (const NameRule& rule : scheme.rules) {
    if (direction == Direction::to_ours) {
      rules.push_back(rule);
    } else if (rule.change != Change::dropped) {
      rules.push_back(turned(rule));
    }
  }
  return rules;
}

bool overlap(const RowSpan& a, const RowSpan& b) {
  return a.first * b.of < b.last * a.of && b.first * a.of < a.last * b.of;
}

class Mapper {
 public:
  explicit Mapper(NameMap& out) : out_(out) {}

  /// Whether the place was free.
  bool add(const std::string& name, const MappedPart& part, Change change) {
    const auto [at, fresh] = place_.emplace(name, out_.tensors.size());
    if (fresh) out_.tensors.push_back({name, {}, change});
    auto& parts = out_.tensors[at->second].parts;
    if (std::any_of(parts.begin(), parts.end(), [&](const auto& p) { return overlap(p.to, part.to); })) return false;
    const auto after = [](const MappedPart& a, const MappedPart& b) {
      return a.to.first * b.to.of < b.to.first * a.to.of;
    };
    parts.insert(std::upper_bound(parts.begin(), parts.end(), part, after), part);
    return true;
  }

 private:
  NameMap& out_;
  std::map<std::string, std::size_t, std::less<>> place_;
};

/// Puts a tensor where the first rule that has its name says; a cut tensor to all places that have a piece of it.
bool place(const io::TensorView& view, const std::vector<NameRule>& rules, Mapper& mapper, NameMap& out) {
  std::optional<std::vector<std::string>> values;
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const NameRule& r) {
    values = match_name(r.theirs, view.name);
    return values.has_value();
  });
  if (rule == rules.end()) return false;
  if (rule->change == Change::dropped) {
    out.unused.push_back(&view);
    return true;
  }
  for (auto other = rule; other != rules.end(); ++other) {
    if (other != rule && (rule->from.whole() || other->theirs != rule->theirs)) continue;
    const auto name = fill_name(other->ours, *values);
    if (!name || !mapper.add(*name, {&view, other->from, other->to}, other->change)) return false;
  }
  return true;
}

/// The rows that a span of `rows` has, or nothing when they cannot be cut so.
std::optional<std::int64_t> rows_in(const RowSpan& span, std::int64_t rows) {
  if (rows % span.of != 0) return std::nullopt;
  return rows / span.of * (span.last - span.first);
}

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// The shape of the whole, told from one part.
std::optional<std::vector<std::int64_t>> whole_shape(const MappedPart& part, Change change) {
  auto shape = part.view->shape;
  if (!part.from.whole()) {
    const auto rows = shape.empty() ? std::nullopt : rows_in(part.from, shape[0]);
    if (!rows) return std::nullopt;
    shape[0] = *rows;
  }
  if (change == Change::transposed) {
    if (shape.size() != 2) return std::nullopt;
    std::swap(shape[0], shape[1]);
  }
  if (!part.to.whole()) {
    const std::int64_t share = part.to.last - part.to.first;
    if (shape.empty() || shape[0] % share != 0) return std::nullopt;
    shape[0] = shape[0] / share * part.to.of;
  }
  return shape;
}

}  // namespace

NameMap map_names(const std::vector<const io::TensorView*>& views, const NameScheme* scheme, Direction direction) {
  NameMap out;
  Mapper mapper(out);
  const auto rules = scheme != nullptr ? rules_of(*scheme, direction) : std::vector<NameRule>{{"{*}", "{*}"}};
  for (const io::TensorView* view : views) {
    if (!place(*view, rules, mapper, out)) out.unfit.push_back(view);
  }
  return out;
}

bool is_complete(const MappedTensor& tensor) {
  // Parts do not overlap: together they are all rows when their shares make one.
  std::int64_t rows = 0, of = 1;
  for (const auto& part : tensor.parts) {
    rows = rows * part.to.of + (part.to.last - part.to.first) * of;
    of *= part.to.of;
    const auto common = std::gcd(rows, of);
    rows /= common;
    of /= common;
  }
  return rows == of;
}

std::optional<std::vector<std::int64_t>> mapped_shape(const MappedTensor& tensor,
                                                      const std::vector<std::int64_t>& wanted) {
  const auto shape = whole_shape(tensor.parts.front(), tensor.change);
  for (const auto& part : tensor.parts) {
    if (whole_shape(part, tensor.change) != shape) return std::nullopt;
  }
  if (shape && tensor.change == Change::reshaped && elements(*shape) == elements(wanted)) return wanted;
  return shape;
}

}  // namespace dime
