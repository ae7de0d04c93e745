// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <dime/error.hpp>

#include "cli/commands.hpp"
#include "data/transform.hpp"
#include "plugin/describe.hpp"
#include "plugin/loader.hpp"
#include "report/json_file.hpp"

namespace dime::cli {
namespace {

std::string first_sentence(const std::string& help) {
  const std::string line = help.substr(0, help.find('\n'));
  const auto end = line.find(". ");
  return end == std::string::npos ? line : line.substr(0, end + 1);
}

/// Something that `dime describe` knows: a plugin, a transform, or the experiment file.
struct Topic {
  std::string title;
  std::optional<PluginFile> file;
  std::shared_ptr<const SchemaBase> schema;

  std::string text() const { return file ? describe_text(*file, *schema) : describe_text(title, *schema); }
  nlohmann::ordered_json json() const { return file ? describe_json(*file, *schema) : describe_json(title, *schema); }
};

/// Everything that there is to describe; in `broken`, why the plugins that are left out do not load.
std::vector<Topic> all_topics(const Plugins& plugins, std::vector<std::string>& broken) {
  std::vector<Topic> topics;
  topics.push_back({"experiment", std::nullopt, std::make_shared<Schema<Experiment>>(Experiment::schema())});
  for (const auto& file : plugins.list()) {
    try {
      topics.push_back({file.kind + "/" + file.name, file, plugins.load(file.kind, file.name).schema()});
    } catch (const PluginError& e) {
      broken.emplace_back(e.what());
    }
  }
  for (auto& [name, schema] : transform_schemas()) topics.push_back({"transform/" + name, std::nullopt, schema});
  return topics;
}

std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  return (near.empty() ? "" : " (did you mean \"" + near + "\"?)") + "; there are: " + join(known);
}

Topic find_transform(const std::string& name) {
  std::vector<std::string> names;
  for (auto& [known, schema] : transform_schemas()) {
    if (known == name) return {"transform/" + name, std::nullopt, schema};
    names.push_back(known);
  }
  throw PluginError("there is no transform " + in_quotes(name) + suggestion(name, names));
}

Topic find_topic(const Plugins& plugins, const std::string& name) {
  if (const auto slash = name.find('/'); slash != std::string::npos) {
    const std::string kind = name.substr(0, slash), rest = name.substr(slash + 1);
    if (kind == "transform") return find_transform(rest);
    if (kind != "loss" && kind != "model" && kind != "dataset") {
      throw PluginError(in_quotes(name) + ": " + in_quotes(kind) +
                        " is no kind; the kinds are loss, model, dataset, transform");
    }
    const PluginDescriptor& descriptor = plugins.load(kind, rest);
    return {name, plugins.file(kind, rest), descriptor.schema()};
  }
  std::vector<std::string> titles, broken;
  for (auto& topic : all_topics(plugins, broken)) {
    if (topic.title == name) return topic;
    titles.push_back(topic.title);
  }
  throw PluginError("nothing is called " + in_quotes(name) + suggestion(name, titles));
}

int run_describe(const std::string& name, bool json, const Program& program) {
  const Plugins plugins(search_path(program.installation.plugins));
  if (!name.empty()) {
    const Topic topic = find_topic(plugins, name);
    std::cout << (json ? json_text(topic.json()) + "\n" : topic.text());
    return 0;
  }
  auto list = nlohmann::ordered_json::array();
  std::vector<std::string> broken;
  for (const auto& topic : all_topics(plugins, broken)) {
    if (json)
      list.push_back(topic.json());
    else
      std::cout << topic.title << std::string(topic.title.size() < 31 ? 31 - topic.title.size() : 1, ' ')
                << first_sentence(topic.schema->help()) << "\n";
  }
  if (json) std::cout << json_text(list) << "\n";
  for (const auto& problem : broken) std::cerr << "dime: " << problem << "\n";
  return broken.empty() ? 0 : 1;
}

}  // namespace

void add_describe(CLI::App& app, const Program& program, Action& chosen) {
  auto name = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  CLI::App* sub = app.add_subcommand("describe", "Lists plugins, or prints the options of one");
  sub->add_option("name", *name, "loss/vl, model/clip, dataset/idx, transform/resize, experiment; none lists all");
  sub->add_flag("--json", *json, "Print JSON");
  sub->footer("Example: dime describe loss/vl");
  sub->callback([=, &program, &chosen] { chosen = [=, &program] { return run_describe(*name, *json, program); }; });
}

}  // namespace dime::cli
