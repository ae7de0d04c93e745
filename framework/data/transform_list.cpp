// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <dime/model.hpp>
#include <dime/printable.hpp>

#include "data/transforms.hpp"

namespace dime {
namespace {

/// How one type of transform is checked and made.
struct Kind {
  std::string name;
  std::shared_ptr<const SchemaBase> schema;
  std::function<std::shared_ptr<const Transform>(const Value&, const std::string& what)> make;
};

template <class T>
Kind kind(const std::string& name) {
  return {name, std::make_shared<decltype(T::schema())>(T::schema()), [](const Value& v, const std::string& what) {
            return std::make_shared<const T>(T::schema().parse(v, what));
          }};
}

std::vector<Kind> kinds() {
  return {kind<Resize>("resize"),
          kind<CenterCrop>("center_crop"),
          kind<Pad>("pad"),
          kind<RandomCrop>("random_crop"),
          kind<RandomResizedCrop>("random_resized_crop"),
          kind<HorizontalFlip>("horizontal_flip")};
}

std::string label(const Component& c) { return "transform \"" + c.type + "\""; }

Kind find_kind(const std::string& type) {
  for (auto& k : kinds()) {
    if (k.name == type) return k;
  }
  return {};
}

void check_unknown(const Component& c, Problems& problems) {
  std::vector<std::string> names{"normalize"};
  for (const auto& k : kinds()) names.push_back(k.name);
  std::sort(names.begin(), names.end());
  const std::string near = nearest_name(c.type, names);
  problems.add(c.mark, "unknown transform \"" + c.type + "\"" +
                           (near.empty() ? "" : " (did you mean \"" + near + "\"?)") + "; there are: " + join(names));
}

}  // namespace

void TransformList::check(const std::vector<Component>& list, Problems& problems) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Component& c = list[i];
    try {
      if (c.type == "normalize") {
        if (i + 1 != list.size()) problems.add(c.mark, "transform \"normalize\" must be the last of the list");
        NormalizeOptions options;
        NormalizeOptions::schema().read(c.options, options, label(c), problems, {"type"});
        options.normalisation({});
      } else if (const Kind k = find_kind(c.type); k.schema != nullptr) {
        const std::size_t before = problems.lines().size();
        k.schema->check(c.options, label(c), problems, {"type"});
        if (problems.lines().size() == before) k.make(c.options, label(c));
      } else {
        check_unknown(c, problems);
      }
    } catch (const ConfigError& e) {
      problems.add(c.mark, e.what());
    }
  }
}

TransformList::TransformList(const std::vector<Component>& list, const Normalisation& normalisation,
                             Resampling resampling)
    : normalisation_(normalisation), resampling_(resampling) {
  Problems problems;
  check(list, problems);
  problems.raise();
  for (const Component& c : list) {
    if (c.type == "normalize") {
      normalisation_ = NormalizeOptions::schema().parse(c.options, label(c)).normalisation(normalisation);
    } else {
      steps_.push_back(find_kind(c.type).make(c.options, label(c)));
    }
  }
  for (std::size_t c = 0; c < 3; ++c) {
    scales_[c] =
        detail::channel_scale(static_cast<float>(normalisation_.mean[c]), static_cast<float>(normalisation_.std[c]));
  }
}

std::vector<Component> TransformList::evaluation_steps(const ImageSpec& spec) {
  const Value side = Value::scalar(std::to_string(spec.size));
  const auto resize = [&](const Value& size) {
    return Component{
        "resize", Value::map({{"size", size, {}}, {"interpolation", Value::scalar(spec.interpolation), {}}}), {}};
  };
  if (spec.resize_mode == "squash") return {resize(Value::list({side, side}))};
  if (spec.resize_mode == "shortest") return {resize(side), {"center_crop", Value::map({{"size", side, {}}}), {}}};
  throw ConfigError("the model says that images are resized \"" + printable(spec.resize_mode) +
                    "\", where dime knows \"shortest\" and \"squash\"");
}

ImagePlan TransformList::plan(const Size& size, CounterRandom& random) const {
  ImagePlan plan(size);
  for (const auto& step : steps_) step->add(plan, random);
  return plan;
}

std::vector<std::pair<std::string, std::shared_ptr<const SchemaBase>>> transform_schemas() {
  std::vector<std::pair<std::string, std::shared_ptr<const SchemaBase>>> all;
  for (auto& k : kinds()) all.emplace_back(k.name, k.schema);
  all.emplace_back("normalize", std::make_shared<Schema<NormalizeOptions>>(NormalizeOptions::schema()));
  return all;
}

}  // namespace dime
