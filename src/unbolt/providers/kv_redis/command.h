// A command in the form in which it is sent.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"

namespace unbolt::providers::redis {

// Lua that the server runs as one step, with nobody else's between. `digest`: SHA-1 of `text`,
// hexadecimal; the server knows by it a script that it has run before.
struct Script {
  std::string text;
  std::string digest;

  static Script of(std::string text);
};

// The arguments are copied, in the server's protocol: a text for each, with its length in front.
// The first ones are apart, since a script is sent by its digest, and by its text where the server
// does not know it.
class Command {
 public:
  explicit Command(std::string_view name) { argument(head_, name); }
  // `keys`: how many of the arguments that follow are names of keys.
  explicit Command(const Script& script, int keys) : script_(&script) {
    argument(head_, "EVALSHA");
    argument(head_, script.digest);
    head_count_ = 2;
    add(std::to_string(keys));
  }

  Command& add(std::string_view text) {
    argument(tail_, text);
    ++tail_count_;
    return *this;
  }
  Command& add(ByteView bytes) { return add(as_text(bytes)); }

  // Bytes that the arguments will take: spares copies of large ones.
  void reserve(std::size_t bytes) { tail_.reserve(tail_.size() + bytes + 64); }

  // Ends the command; nothing is added from then on.
  void end() { head_.insert(0, count()); }
  bool is_script() const { return script_ != nullptr; }
  // The same script, by its text.
  void use_text() {
    head_.clear();
    argument(head_, "EVAL");
    argument(head_, script_->text);
    script_ = nullptr;
    end();
  }

  std::string_view head() const { return head_; }
  std::string_view tail() const { return tail_; }
  std::size_t size() const { return head_.size() + tail_.size(); }

 private:
  std::string count() const { return "*" + std::to_string(head_count_ + tail_count_) + "\r\n"; }
  static void argument(std::string& out, std::string_view text) {
    char number[24];
    auto end = std::to_chars(number, number + sizeof number, text.size()).ptr;
    out += '$';
    out.append(number, end);
    out += "\r\n";
    out += text;
    out += "\r\n";
  }

  const Script* script_ = nullptr;  // outlives the command
  std::size_t head_count_ = 1, tail_count_ = 0;
  std::string head_, tail_;
};

}  // namespace unbolt::providers::redis
