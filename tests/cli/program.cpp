// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>

namespace dime::test {
namespace fs = std::filesystem;
namespace {

constexpr auto kLimit = std::chrono::seconds(60);
const char* const kProgram = DIME_TEST_BINARY_DIR "/bin/dime";

const char* const kToy = R"(schema: 1
name: toy
device: cpu
threads: {compute: 1, decode: 1}
data:
  images:
    source: {type: tsv_images, list: DATA/image.list}
    features: {type: tsv_features, list: DATA/image-feat.list}
    transform: [{type: random_resized_crop, size: 32}, {type: horizontal_flip}, {type: normalize, preset: clip}]
    batch_size: 32
  texts:
    source: {type: tsv_texts, list: DATA/text.list}
    features: {type: tsv_features, list: DATA/text-feat.list}
    batch_size: 32
models:
  student:
    type: clip
    embed_dim: 48
    image: {image_size: 32, patch_size: 16, width: 32, layers: 1, heads: 1, activation: quick_gelu}
losses:
  vl: {type: vl, weight: 0.7}
  pvl: {type: pvl, weight: 0.3, temperature: 3}
train:
  steps: 8
  log_every: 1
  optimizer: {type: adamw, lr: 1.0e-3}
  checkpoint: {every: 2, keep: 2}
)";

[[noreturn]] void become_program(const Words& words, const Conditions& conditions, const ScratchFolder& output) {
  if (chdir(conditions.folder.c_str()) != 0) _exit(126);
  for (const auto& [name, value] : conditions.env) setenv(name.c_str(), value.c_str(), 1);
  if (conditions.file_bytes > 0) {
    const rlimit limit{conditions.file_bytes, conditions.file_bytes};
    std::signal(SIGXFSZ, SIG_DFL);
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  const fs::path out = conditions.out.empty() ? output / "out" : conditions.out;
  dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
  dup2(open((output / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
  for (int fd = 0; conditions.closed && fd < 3; ++fd) close(fd);
  std::vector<char*> argv{const_cast<char*>("dime")};
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execv(kProgram, argv.data());
  _exit(127);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

Running::Running(const Words& words, const Conditions& conditions) {
  pid_ = fork();
  if (pid_ == 0) become_program(words, conditions, output_);
}

Running::~Running() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
}

void Running::signal(int number) const { kill(pid_, number); }

bool Running::running() {
  if (!ended_) ended_ = waitpid(pid_, &status_, WNOHANG) != 0;
  return !ended_;
}

std::string Running::slurp(const std::string& name) const { return output_.read(name); }

Outcome Running::wait() {
  const auto end = std::chrono::steady_clock::now() + kLimit;
  while (running()) {
    if (std::chrono::steady_clock::now() > end) kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  Outcome outcome;
  outcome.status = WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  outcome.signal = WIFSIGNALED(status_) ? WTERMSIG(status_) : 0;
  outcome.out = slurp("out");
  outcome.err = slurp("err");
  return outcome;
}

fs::path golden_folder() { return fs::path(DIME_TEST_SOURCE_DIR) / "tests/golden/trajectory_vit"; }

CliTest::CliTest() {
  conditions_.folder = folder_.path();
  folder_.write("toy.yaml", replaced(kToy, "DATA", golden_folder().string()));
}

Outcome CliTest::dime(const Words& words) const { return Running(words, conditions_).wait(); }

Words CliTest::train_words(const std::string& name, const Words& more) const {
  Words words{"train", "toy.yaml", "--run-dir", name};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

void CliTest::train(const std::string& name, const Words& more) const {
  const Outcome outcome = dime(train_words(name, more));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
}

void CliTest::expect_error(const Outcome& outcome, const std::string& message, int status) const {
  EXPECT_EQ(outcome.status, status);
  const auto lines = lines_of(shown(outcome.err));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back(), "dime: " + message);
  const auto errors = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("dime: ") || line.starts_with("error: ");
  });
  EXPECT_EQ(errors, 1) << outcome.err;
}

void CliTest::expect_train_error(const Words& more, const std::string& message) const {
  const Outcome outcome = dime(train_words("failed", more));
  expect_error(outcome, message);
  EXPECT_EQ(lines_of(outcome.err).size(), 1U) << outcome.err;
  EXPECT_FALSE(exists("failed")) << "what cannot run must leave no folder";
}

void CliTest::copy_data() const {
  fs::create_directory(folder_ / "data");
  for (const auto& entry : fs::directory_iterator(golden_folder())) {
    const auto kind = entry.path().extension();
    if (kind == ".tsv" || kind == ".list") fs::copy(entry.path(), folder_ / "data" / entry.path().filename().string());
  }
}

void CliTest::set_payload(const std::string& name, std::size_t i, const std::string& payload) const {
  auto lines = lines_of(folder_.read("data/" + name));
  lines[i] = lines[i].substr(0, lines[i].find('\t') + 1) + payload;
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  folder_.write("data/" + name, text);
}

std::vector<nlohmann::json> CliTest::metrics(const std::string& run) const {
  std::vector<nlohmann::json> all;
  for (const auto& line : lines_of(folder_.read(run + "/metrics.jsonl"))) all.push_back(nlohmann::json::parse(line));
  return all;
}

std::string CliTest::shown(std::string text) const {
  return replaced(replaced(std::move(text), folder_.path().string() + "/", ""), golden_folder().string(), "GOLDEN");
}

void CliTest::expect_same_end(const std::string& a, const std::string& b, const std::string& checkpoint) const {
  for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
    const std::string place = "/checkpoints/" + checkpoint + "/" + file;
    ASSERT_TRUE(exists(a + place) && exists(b + place)) << place;
    EXPECT_TRUE(folder_.read(a + place) == folder_.read(b + place)) << place << " differs";
  }
  const auto left = metrics(a), right = metrics(b);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_EQ(without_times(left[i]), without_times(right[i]));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

nlohmann::json without_times(nlohmann::json line) {
  for (const char* key : {"images_per_second", "data_seconds", "step_seconds", "memory_mib"}) line.erase(key);
  return line;
}

}  // namespace dime::test
