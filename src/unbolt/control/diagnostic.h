// What is wrong with a manifest, and where.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::control {

// Lines and columns count from 1, columns in characters; 0: the file as a whole.
struct Position {
  std::size_t line = 0, column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Diagnostic {
  Position position;
  std::string where;    // "components.orders.links", or "" for the file
  std::string message;  // without passwords, fit for a terminal
  std::string hint;     // what was probably meant; may be empty
  std::string line;     // the line of the file, passwords masked; may be empty
};

// Those of one file, in the order of their positions; never empty where something failed.
struct Diagnostics {
  std::string file_name;
  std::vector<Diagnostic> all;

  // As compilers do it:
  //   unbolt.yaml:12:7: error: components.orders.links: there is no contract 'wasi:keyvalu'; did
  //   you mean wasi:keyvalue?
  //      12 |       wasi:keyvalu: memory:
  //         |       ^
  std::string to_text() const;
  // All of it as one error, of which the first line begins with the file's name.
  Error to_error() const;
};

// Collects the diagnostics of a text, which must outlive it.
class DiagnosticSink {
 public:
  explicit DiagnosticSink(std::string_view text);

  // Beyond a hundred they are counted only.
  void report(Position position, std::string_view where, std::string_view message,
              std::string_view hint = {});
  // Message and hint of the error.
  void report(Position position, std::string_view where, const Error& error);

  bool any() const { return !found_.empty(); }
  Diagnostics take(std::string_view file_name) &&;

  // The position of the byte `column` (from 0) of a line (from 0).
  Position position(std::size_t line, std::size_t column) const;

 private:
  std::vector<std::string_view> lines_;
  std::vector<Diagnostic> found_;  // by position
  std::size_t further_ = 0;
};

// A line of a manifest with whatever may be a password replaced by `***`: what stands before an
// '@' of a URL, options that sound like secrets, values below `secrets`. It looks at the text
// alone, so that it holds for a file that cannot be parsed, too. `number` counts from 0.
std::string without_secrets(const std::vector<std::string_view>& lines, std::size_t number);

}  // namespace unbolt::control
