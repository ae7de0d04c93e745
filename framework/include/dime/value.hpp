// SPDX-License-Identifier: Apache-2.0
// What an experiment file says, as a tree that remembers where each part was written. Torch-free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dime/api.hpp>

namespace dime {

/// The file (or the command line) that a value was written in.
struct Origin {
  std::string name;                 ///< as the user wrote it; "command line" for overrides
  std::filesystem::path directory;  ///< relative paths in values of this origin resolve against it
};

/// A place in an experiment file. Line and column count from 1; 0 means the whole file.
struct DIME_API Mark {
  std::shared_ptr<const Origin> origin;
  int line = 0;
  int column = 0;

  /// "file:line:col", "file" when there is no line, "(default)" when nothing was written.
  std::string text() const;
};

/// A node: null, a scalar (kept as text until a schema gives it a type), a list, or a map in the order of the file.
class DIME_API Value {
 public:
  enum class Kind { null, scalar, list, map };
  struct Entry;

  Value() = default;
  static Value scalar(std::string text, Mark mark = {}, bool quoted = false);
  static Value list(std::vector<Value> items, Mark mark = {});
  static Value map(std::vector<Entry> entries, Mark mark = {});

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_scalar() const { return kind_ == Kind::scalar; }
  bool is_list() const { return kind_ == Kind::list; }
  bool is_map() const { return kind_ == Kind::map; }
  bool quoted() const { return quoted_; }

  /// The text of a scalar; empty for every other kind.
  const std::string& text() const { return text_; }
  const std::vector<Value>& items() const { return items_; }
  std::vector<Value>& items() { return items_; }
  const std::vector<Entry>& entries() const;
  std::vector<Entry>& entries();
  const Mark& mark() const { return mark_; }
  void set_mark(Mark mark) { mark_ = std::move(mark); }
  /// The number that compose gave this value, which its copies keep; 0 where it gave none. Places do not tell values
  /// apart: what `${…}` or an alias puts in keeps the place where it was written.
  std::uint64_t serial() const { return serial_; }
  void set_serial(std::uint64_t serial) { serial_ = serial; }

  /// The value under `key`, or nullptr when this is no map or has no such key.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// Sets or adds `key`; turns a null into a map.
  void set(std::string key, Value value, Mark key_mark = {});
  /// Removes `key` if it is there.
  void erase(std::string_view key);
  /// A copy of this map without the named keys.
  Value without(const std::vector<std::string>& keys) const;

  /// "a map", "a list", "nothing", or the scalar as in_quotes has it: for messages.
  std::string describe() const;

 private:
  Kind kind_ = Kind::null;
  bool quoted_ = false;
  std::string text_;
  std::vector<Value> items_;
  std::vector<Entry> entries_;
  Mark mark_;
  std::uint64_t serial_ = 0;
};

/// One `key: value` of a map, with the key's own place.
struct Value::Entry {
  std::string key;
  Value value;
  Mark mark;
};

/// `text` in quotes, printable, and cut where it is long: for keys, names and values in messages.
DIME_API std::string in_quotes(std::string_view text);

}  // namespace dime
