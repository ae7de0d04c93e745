// SPDX-License-Identifier: Apache-2.0
// What holds of every line of every table.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "weights/identify.hpp"
#include "weights/name_pattern.hpp"
#include "weights/name_table.hpp"
#include "weights/views.hpp"

namespace dime {
namespace {

/// A number and a word for each place, in turn.
std::vector<std::string> values_for(std::string_view pattern) {
  std::vector<std::string> values;
  for (auto at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    values.push_back(values.empty() ? "2" : "5");
  }
  return values;
}

std::string place(const NameScheme& scheme, const NameRule& rule) {
  return std::string(scheme.title) + ": " + std::string(rule.theirs);
}

TEST(NameTables, EveryLineIsWhole) {
  for (const auto& scheme : name_schemes()) {
    for (const auto& rule : scheme.rules) {
      if (rule.change == Change::dropped) {
        EXPECT_EQ(rule.ours, "") << place(scheme, rule);
        continue;
      }
      const auto values = values_for(rule.theirs);
      const auto theirs = fill_name(rule.theirs, values), ours = fill_name(rule.ours, values);
      ASSERT_TRUE(theirs && ours) << place(scheme, rule);
      EXPECT_EQ(match_name(rule.theirs, *theirs), values) << place(scheme, rule);
      EXPECT_EQ(match_name(rule.ours, *ours), values) << place(scheme, rule);
      for (const RowSpan& span : {rule.from, rule.to}) {
        EXPECT_TRUE(0 <= span.first && span.first < span.last && span.last <= span.of) << place(scheme, rule);
      }
    }
  }
}

/// A line that an earlier one hides would never be used.
TEST(NameTables, NoLineHidesAnother) {
  for (const auto& scheme : name_schemes()) {
    for (std::size_t i = 0; i < scheme.rules.size(); ++i) {
      const NameRule& rule = scheme.rules[i];
      const auto name = fill_name(rule.theirs, values_for(rule.theirs));
      for (std::size_t j = 0; j < i; ++j) {
        const NameRule& before = scheme.rules[j];
        if (before.theirs == rule.theirs && !before.from.whole()) continue;
        EXPECT_FALSE(match_name(before.theirs, *name)) << place(scheme, rule) << " is hidden by " << before.theirs;
      }
    }
  }
}

/// All pieces of one tensor of dime's are there, and they agree on how the numbers differ.
TEST(NameTables, PiecesMakeAWhole) {
  for (const auto& scheme : name_schemes()) {
    std::map<std::string_view, double> shares;
    std::map<std::string_view, Change> changes;
    for (const auto& rule : scheme.rules) {
      if (rule.to.whole() || rule.change == Change::dropped) continue;
      shares[rule.ours] += static_cast<double>(rule.to.last - rule.to.first) / static_cast<double>(rule.to.of);
      EXPECT_EQ(changes.emplace(rule.ours, rule.change).first->second, rule.change) << place(scheme, rule);
    }
    for (const auto& [name, share] : shares) EXPECT_DOUBLE_EQ(share, 1) << scheme.title << ": " << name;
  }
}

std::set<std::string> names_of(const NameMap& map) {
  std::set<std::string> names;
  for (const auto& tensor : map.tensors) {
    EXPECT_TRUE(is_complete(tensor)) << tensor.name;
    names.insert(tensor.name);
  }
  return names;
}

test::Views views_of(const std::set<std::string>& names) {
  test::NamedShapes shapes;
  for (const auto& name : names) shapes.push_back({name, {6, 6}});
  return test::Views(shapes);
}

/// What a line takes to dime's names, it takes back; where two lines have one place, the first does.
TEST(NameTables, ThereAndBack) {
  for (const auto& scheme : name_schemes()) {
    std::set<std::string_view> taken;
    std::set<std::string> theirs;
    for (const auto& rule : scheme.rules) {
      if (rule.change == Change::dropped || (rule.to.whole() && !taken.insert(rule.ours).second)) continue;
      theirs.insert(*fill_name(rule.theirs, values_for(rule.theirs)));
    }
    const auto there = views_of(theirs);
    const NameMap ours = map_names(there.pointers(), &scheme);
    EXPECT_TRUE(ours.unfit.empty()) << scheme.title << ": " << ours.unfit[0]->name;
    const auto back = views_of(names_of(ours));
    EXPECT_EQ(names_of(map_names(back.pointers(), &scheme, Direction::to_theirs)), theirs) << scheme.title;
  }
}

/// A line with `{}` for the kind of a parameter keeps weight and bias apart.
TEST(NameTables, AttentionOfHuggingFaceBothWays) {
  const std::string theirs = "vision_model.encoder.layers.1.self_attn.", ours = "visual.transformer.resblocks.1.attn.";
  const NameScheme* scheme = find_scheme("clip", "huggingface");
  std::set<std::string> names;
  for (const char* projection : {"q_proj", "k_proj", "v_proj"}) {
    for (const char* kind : {".weight", ".bias"}) names.insert(theirs + projection + kind);
  }
  const auto there = views_of(names);
  const auto mapped = names_of(map_names(there.pointers(), scheme));
  EXPECT_EQ(mapped, (std::set<std::string>{ours + "in_proj_weight", ours + "in_proj_bias"}));
  const auto back = views_of(mapped);
  EXPECT_EQ(names_of(map_names(back.pointers(), scheme, Direction::to_theirs)), names);
}

TEST(NameTables, TitlesAndNamesAreThere) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const auto& scheme : name_schemes()) {
    EXPECT_TRUE(seen.emplace(scheme.family, scheme.name).second) << scheme.title;
    EXPECT_FALSE(scheme.title.empty());
    EXPECT_FALSE(scheme.rules.empty());
  }
}

}  // namespace
}  // namespace dime
