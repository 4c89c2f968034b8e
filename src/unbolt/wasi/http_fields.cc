#include "unbolt/wasi/http_interfaces.h"

#include <algorithm>

#include "unbolt/component/bind.h"
#include "unbolt/http/text.h"
#include "unbolt/wasi/http_types.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

constexpr std::size_t kMaxFields = 1'000;
constexpr std::size_t kMaxFieldsBytes = 128 * 1024;

enum class HeaderErrorCase : std::size_t { InvalidSyntax, Forbidden, Immutable };
// variant header-error { invalid-syntax, forbidden, immutable }
using HeaderError = std::variant<None, None, None>;
template <HeaderErrorCase Case>
std::unexpected<HeaderError> header_error() {
  return std::unexpected(HeaderError(std::in_place_index<static_cast<std::size_t>(Case)>));
}
using Changed = std::expected<void, HeaderError>;

// Fields of the connection, which are the host's.
bool is_forbidden(std::string_view name) {
  constexpr std::string_view kForbidden[] = {"connection",        "keep-alive", "proxy-connection",
                                             "transfer-encoding", "upgrade",    "host",
                                             "http2-settings"};
  return std::any_of(std::begin(kForbidden), std::end(kForbidden),
                     [&](auto f) { return http::equals_ignoring_case(f, name); });
}

std::size_t bytes_of(const http::Fields& fields) {
  std::size_t size = 0;
  for (const auto& field : fields) size += field.name.size() + field.value.size() + 4;
  return size;
}

Result<> room_for(const http::Fields& fields, std::size_t count, std::size_t bytes) {
  if (fields.size() + count > kMaxFields || bytes_of(fields) + bytes > kMaxFieldsBytes) {
    return fail(ErrorCode::LimitExceeded, "fields: more than {} fields or {} bytes", kMaxFields,
                kMaxFieldsBytes);
  }
  return {};
}

Changed check(const Fields& fields, std::string_view name) {
  if (fields.immutable) return header_error<HeaderErrorCase::Immutable>();
  if (!http::is_token(name)) return header_error<HeaderErrorCase::InvalidSyntax>();
  if (is_forbidden(name)) return header_error<HeaderErrorCase::Forbidden>();
  return {};
}

void remove(http::Fields& fields, std::string_view name) {
  std::erase_if(fields,
                [&](const http::Field& f) { return http::equals_ignoring_case(f.name, name); });
}

Own<Fields> fields_new(Call&) { return std::make_unique<Fields>(); }

using Entry = std::tuple<std::string_view, ByteView>;
using Made = std::expected<Own<Fields>, HeaderError>;
Result<Made> fields_from_list(Call&, std::vector<Entry> entries) {
  auto fields = std::make_unique<Fields>();
  std::size_t bytes = 0;
  for (const auto& [name, value] : entries) bytes += name.size() + value.size() + 4;
  UNBOLT_TRY(room_for(*fields->list, entries.size(), bytes));
  fields->list->reserve(entries.size());
  for (const auto& [name, value] : entries) {
    if (auto ok = check(*fields, name); !ok) return Made(std::unexpected(ok.error()));
    if (!http::is_field_value(as_text(value)))
      return Made(header_error<HeaderErrorCase::InvalidSyntax>());
    fields->list->push_back({std::string(name), std::string(as_text(value))});
  }
  return Made(std::move(fields));
}

std::vector<ByteView> fields_get(Call&, Borrow<Fields> fields, std::string_view name) {
  std::vector<ByteView> values;
  for (const auto& field : *fields->list) {
    if (http::equals_ignoring_case(field.name, name)) values.push_back(as_bytes(field.value));
  }
  return values;
}
bool fields_has(Call&, Borrow<Fields> fields, std::string_view name) {
  return std::any_of(fields->list->begin(), fields->list->end(),
                     [&](const auto& f) { return http::equals_ignoring_case(f.name, name); });
}
Result<Changed> fields_set(Call&, Borrow<Fields> fields, std::string_view name,
                           std::vector<ByteView> values) {
  if (auto ok = check(*fields, name); !ok) return ok;
  std::size_t bytes = 0;
  for (const ByteView value : values) {
    if (!http::is_field_value(as_text(value)))
      return Changed(header_error<HeaderErrorCase::InvalidSyntax>());
    bytes += name.size() + value.size() + 4;
  }
  UNBOLT_TRY(room_for(*fields->list, values.size(), bytes));
  remove(*fields->list, name);
  for (const ByteView value : values)
    fields->list->push_back({std::string(name), std::string(as_text(value))});
  return Changed{};
}
Changed fields_delete(Call&, Borrow<Fields> fields, std::string_view name) {
  if (auto ok = check(*fields, name); !ok) return ok;
  remove(*fields->list, name);
  return {};
}
Result<Changed> fields_append(Call&, Borrow<Fields> fields, std::string_view name, ByteView value) {
  if (auto ok = check(*fields, name); !ok) return ok;
  if (!http::is_field_value(as_text(value)))
    return Changed(header_error<HeaderErrorCase::InvalidSyntax>());
  UNBOLT_TRY(room_for(*fields->list, 1, name.size() + value.size() + 4));
  fields->list->push_back({std::string(name), std::string(as_text(value))});
  return Changed{};
}
std::vector<std::tuple<std::string, ByteView>> fields_entries(Call&, Borrow<Fields> fields) {
  std::vector<std::tuple<std::string, ByteView>> entries;
  entries.reserve(fields->list->size());
  for (const auto& field : *fields->list) entries.emplace_back(field.name, as_bytes(field.value));
  return entries;
}
Own<Fields> fields_clone(Call&, Borrow<Fields> fields) {
  return std::make_unique<Fields>(Fields{std::make_shared<http::Fields>(*fields->list), false});
}

}  // namespace

void add_fields(component::HostInterface& types) {
  types.resource<Fields>("fields")
      .func<&fields_new>("[constructor]fields")
      .func<&fields_from_list>("[static]fields.from-list")
      .func<&fields_get>("[method]fields.get")
      .func<&fields_has>("[method]fields.has")
      .func<&fields_set>("[method]fields.set")
      .func<&fields_delete>("[method]fields.delete")
      .func<&fields_append>("[method]fields.append")
      .func<&fields_entries>("[method]fields.entries")
      .func<&fields_clone>("[method]fields.clone");
}

}  // namespace unbolt::wasi
