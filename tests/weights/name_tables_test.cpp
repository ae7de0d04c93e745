// SPDX-License-Identifier: Apache-2.0
// What holds of every line of every table.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "weights/name_pattern.hpp"
#include "weights/name_table.hpp"

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
