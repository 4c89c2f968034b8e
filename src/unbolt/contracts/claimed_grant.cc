#include "unbolt/contracts/claimed_grant.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/guarded_calls.h"
#include "unbolt/contracts/network_grants.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

constexpr std::size_t kLongest = 1024;

enum class Form : std::uint8_t { Name, Host, Connect, Listen, Subject, Folder };
struct Kind {
  std::string_view package, name;
  Form form;
};
constexpr std::array kKinds{
    Kind{"wasi:keyvalue", "bucket", Form::Name},
    Kind{"wasi:blobstore", "container", Form::Name},
    Kind{"wasi:http", "host", Form::Host},
    Kind{"wasi:sockets", "connect", Form::Connect},
    Kind{"wasi:sockets", "listen", Form::Listen},
    Kind{"wasi:filesystem", "dir", Form::Folder},
    Kind{"wasi:cli", "env", Form::Name},
    Kind{"wasi:config", "key", Form::Name},
    Kind{"wasi:sql", "role", Form::Name},
    Kind{"wasmcloud:messaging", "topic", Form::Subject},
    Kind{"wasmcloud:postgres", "role", Form::Name},
    Kind{"wasmcloud:secrets", "key", Form::Name},
    Kind{"unbolt:pins", "pin", Form::Name},
};
// Kinds that bound what the operator grants or links to, and cannot be told apart by call.
constexpr std::array<std::string_view, 4> kOfWholeContracts{"connect", "listen", "dir", "role"};

std::string_view package_of(std::string_view contract) {
  return contract.substr(0, contract.find_first_of("/@"));
}

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(ErrorCode::InvalidArgument, "grant '{}': {}", printable(text, 200), why);
}

bool alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) && c > 0; }

// As a WIT name, or RESOURCE.NAME.
bool is_function(std::string_view name) {
  if (name.empty() || name.back() == '-' || name.back() == '.') return false;
  char before = '.';
  int dots = 0;
  for (const char c : name) {
    if ((c == '-' || c == '.') && (before == '-' || before == '.')) return false;
    if (c == '.' && ++dots > 1) return false;
    if (!alphanumeric(c) && c != '-' && c != '.') return false;
    before = c;
  }
  return true;
}

// Characters that stand for themselves in a pattern; all others are written %XX.
bool stands_for_itself(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("%*,{}=\"'\\").find(c) == std::string_view::npos;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// A name with %XX decoded and encoded again; false for a bad one, or one with control characters.
bool respell(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
        return false;
      c = static_cast<char>(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
      i += 2;
    } else if (c > 0 && !stands_for_itself(c)) {
      return false;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return false;
    if (stands_for_itself(c))
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
  }
  return true;
}

bool is_subject(std::string_view text) {
  for (std::size_t at = 0;;) {
    const auto end = std::min(text.find('.', at), text.size());
    const auto token = text.substr(at, end - at);
    if (token.empty()) return false;
    if (token == ">") return end == text.size();
    if (token != "*" &&
        (!std::all_of(token.begin(), token.end(), stands_for_itself) || token.contains('>')))
      return false;
    if (end == text.size()) return true;
    at = end + 1;
  }
}

Result<std::string> folder(std::string_view text, std::string_view all) {
  std::string out;
  if (!respell(text, out)) return wrong(all, "a folder is written with %XX for odd characters");
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  for (std::size_t at = out.starts_with('/') ? 1 : 0; at < out.size() && out != ".";) {
    const auto end = std::min(out.find('/', at), out.size());
    const std::string_view part = std::string_view(out).substr(at, end - at);
    if (part.empty() || part == "." || part == "..")
      return wrong(all, "a folder is named without '.', '..' and empty parts");
    at = end + 1;
  }
  if (out.empty()) return wrong(all, "a folder has a name");
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
  return out;
}

Result<std::string> pattern(Form form, std::string_view text, std::string_view all) {
  if (text.empty()) return wrong(all, "a pattern is empty");
  if (form == Form::Folder) return folder(text, all);
  if (form == Form::Subject) {
    if (!is_subject(text)) {
      return wrong(all,
                   "a topic is parts with dots between them; * stands for one, > for the rest");
    }
    return std::string(text);
  }
  if (form == Form::Name) {
    const bool open = text.ends_with('*');
    std::string out;
    if (!respell(open ? text.substr(0, text.size() - 1) : text, out)) {
      return wrong(all,
                   "* may stand at the end of a name only, and odd characters are written %XX");
    }
    return open ? out + "*" : out;
  }
  // Plain ASCII, so that it is read again as it was.
  if (!std::all_of(text.begin(), text.end(),
                   [](char c) { return stands_for_itself(c) || c == '*'; }))
    return wrong(all, "hosts and addresses are written in ASCII");
  std::string out = lower(text);
  const auto checked = [&]() -> Result<> {
    if (form == Form::Host) {
      UNBOLT_TRY(HostPattern::parse(out));
    } else if (form == Form::Connect) {
      UNBOLT_TRY(ConnectPattern::parse(out));
    } else {
      UNBOLT_TRY(ListenPattern::parse(out));
    }
    return {};
  }();
  if (!checked) return wrong(all, checked.error().message);
  return out;
}

void sort_once(std::vector<std::string>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

// The parts of `text` between commas, at least one.
template <class Take>
Result<> each(std::string_view text, Take take) {
  for (;;) {
    const auto comma = text.find(',');
    UNBOLT_TRY(take(text.substr(0, comma)));
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

// CONTRACT[{FUNCTION,…}], which has no space in it.
Result<> parse_contract(ClaimedGrant& grant, std::string_view text, std::string_view all) {
  const auto brace = text.find('{');
  grant.contract = text.substr(0, brace);
  if (grant.contract.contains('@'))
    return wrong(all, "a contract is named without its version, and covers them all");
  if (!is_contract(grant.contract))
    return wrong(all, "expected NAMESPACE:PACKAGE[/INTERFACE][{FUNCTION,...}] [KIND=PATTERN,...]");
  if (brace == std::string_view::npos) return {};
  if (!text.ends_with('}')) return wrong(all, "the list of functions does not end with }");
  const auto list = text.substr(brace + 1, text.size() - brace - 2);
  UNBOLT_TRY(each(list, [&](std::string_view name) -> Result<> {
    if (!is_function(name)) {
      return wrong(all,
                   "functions are named as get, or bucket.get for that of a resource, with "
                   "commas and no spaces between them");
    }
    grant.functions.emplace_back(name);
    return {};
  }));
  sort_once(grant.functions);
  return {};
}

std::string known_kinds(std::string_view package) {
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.package == package) known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return known;
}

Result<> parse_argument(ClaimedGrant& grant, std::string_view word, std::string_view all) {
  const auto equals = word.find('=');
  const auto name = word.substr(0, equals);
  if (equals == std::string_view::npos || name.empty())
    return wrong(all, "after the contract stand KIND=PATTERN, with one space between them");
  const auto value = word.substr(equals + 1);
  const std::string_view package = package_of(grant.contract);
  if (name == "access") {
    if (!tells_reading_from_writing(package))
      return wrong(all, "this contract does not tell reading from writing: name its functions");
    if (!grant.functions.empty()) return wrong(all, "give either functions or an access");
    if (grant.access != ClaimedGrant::Access::All || (value != "read" && value != "write"))
      return wrong(all, "the access is read or write, once");
    if (package == "wasi:filesystem" && value == "write")
      return wrong(all, "a folder is granted to read, or for both");
    if (package == "wasi:filesystem" && grant.contract != package)
      return wrong(all, "an access of folders is one of wasi:filesystem, all of it");
    grant.access = value == "read" ? ClaimedGrant::Access::Read : ClaimedGrant::Access::Write;
    return {};
  }
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& item) {
    return item.package == package && item.name == name;
  });
  if (kind == kKinds.end()) {
    const std::string known = known_kinds(package);
    return wrong(all, fmt::format("{} has no '{}'; {}", package, printable(name, 40),
                                  known.empty() ? "its calls cannot be told by what they are about"
                                                : "there is " + known));
  }
  const bool whole = std::ranges::find(kOfWholeContracts, name) != kOfWholeContracts.end();
  if (whole && (grant.contract != package || !grant.functions.empty()))
    return wrong(all, fmt::format("'{}' is said of {}, all of it", name, package));
  auto& patterns = grant.arguments[std::string(name)];
  if (!patterns.empty()) return wrong(all, fmt::format("'{}' stands there twice", name));
  UNBOLT_TRY(each(value, [&](std::string_view one) -> Result<> {
    UNBOLT_ASSIGN(std::string spelt, pattern(kind->form, one, all));
    patterns.push_back(std::move(spelt));
    return {};
  }));
  sort_once(patterns);
  return {};
}

std::string joined(const std::vector<std::string>& items, std::string_view between) {
  std::string out;
  for (const auto& item : items) {
    if (&item != &items.front()) out += between;
    out += item;
  }
  return out;
}

}  // namespace

Result<ClaimedGrant> ClaimedGrant::parse(std::string_view text) {
  if (text.size() > kLongest) return wrong(text, "it is longer than 1024 bytes");
  ClaimedGrant grant;
  auto space = text.find(' ');
  UNBOLT_TRY(parse_contract(grant, text.substr(0, space), text));
  while (space != std::string_view::npos) {
    const auto next = text.find(' ', space + 1);
    UNBOLT_TRY(parse_argument(grant, text.substr(space + 1, next - space - 1), text));
    space = next;
  }
  // A spelling with %XX may be longer than what was given.
  if (grant.text().size() > kLongest) return wrong(text, "it is longer than 1024 bytes");
  return grant;
}

std::string ClaimedGrant::text() const {
  std::string out = contract;
  if (!functions.empty()) out += "{" + joined(functions, ",") + "}";
  if (access != Access::All) out += access == Access::Read ? " access=read" : " access=write";
  for (const auto& [name, patterns] : arguments) out += " " + name + "=" + joined(patterns, ",");
  return out;
}

std::string ClaimedGrant::words() const {
  std::string out;
  if (access == Access::Read) out = "reading ";
  if (access == Access::Write) out = "writing ";
  if (!functions.empty()) out = joined(functions, ", ") + " of ";
  out += contract;
  for (const auto& [name, patterns] : arguments) out += "; " + name + " " + joined(patterns, ", ");
  if (arguments.empty() && functions.empty() && access == Access::All) out += ": all of it";
  return out;
}

std::vector<ClaimedGrant> grants_of_imports(const std::vector<std::string>& imports,
                                            const std::vector<ClaimedGrant>& narrower) {
  std::vector<ClaimedGrant> grants;
  for (const auto& import : imports) {
    const std::string contract = import.substr(0, import.find('@'));
    const std::string_view package = package_of(contract);
    const bool free = needs_no_grant(package);
    const bool given =
        std::any_of(narrower.begin(), narrower.end(), [&](const ClaimedGrant& grant) {
          return grant.contract == contract || grant.contract == package;
        });
    if (free || given || !is_contract(contract)) continue;
    ClaimedGrant grant{.contract = contract};
    if (std::find(grants.begin(), grants.end(), grant) == grants.end())
      grants.push_back(std::move(grant));
  }
  return grants;
}

}  // namespace unbolt::contracts
