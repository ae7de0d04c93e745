// SPDX-License-Identifier: Apache-2.0
// A small spiece.model, made when it is asked for. Needs dime_sentencepiece_train.
#pragma once

#include <sentencepiece_trainer.h>

#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dime::test {

/// Sentences of few words, in lower case and without punctuation, as SigLIP's model was made from.
class SpieceSentences final : public sentencepiece::SentenceIterator {
 public:
  SpieceSentences() {
    for (const char* what : {"cat", "dog", "red house", "small boat", "café", "train station", "bird in the tree"}) {
      for (const char* how : {"a photo of a ", "the painting of my ", "one picture with two "}) {
        all_.push_back(how + std::string(what));
      }
    }
  }
  bool done() const override { return at_ >= all_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return all_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::vector<std::string> all_;
  std::size_t at_ = 0;
};

/// The bytes of a model with SigLIP's numbers for <pad>, </s> and <unk>: 0, 1 and 2. `changes` go over the options of
/// sentencepiece's trainer ({"model_type", "bpe"}).
inline std::string spiece_model(const std::unordered_map<std::string, std::string>& changes = {}) {
  std::unordered_map<std::string, std::string> options = changes;
  options.insert({{"model_type", "unigram"},
                  {"vocab_size", "80"},
                  {"hard_vocab_limit", "false"},
                  {"pad_id", "0"},
                  {"eos_id", "1"},
                  {"unk_id", "2"},
                  {"bos_id", "-1"},
                  {"minloglevel", "3"}});
  SpieceSentences sentences;
  std::string bytes;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &sentences, &bytes);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return bytes;
}

}  // namespace dime::test
