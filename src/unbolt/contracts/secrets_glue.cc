// wasmcloud:secrets@0.1.0-draft onto Secrets: a handle is a value that was read, and reveals it.
#include "unbolt/component/bind.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// variant secrets-error { upstream(string), io(string), not-found }
using SecretsError = std::variant<std::string, std::string, std::monostate>;
// variant secret-value { string(string), bytes(list<u8>) }
using SecretValue = std::variant<std::string_view, ByteView>;

struct Handle {
  std::shared_ptr<const Secret> secret;
};
using Got = std::expected<Own<Handle>, SecretsError>;

Got to_handle(Result<std::shared_ptr<const Secret>> secret) {
  if (!secret) {
    return secret.error().code == ErrorCode::Io
               ? std::unexpected(SecretsError(std::in_place_index<1>, secret.error().message))
               : std::unexpected(SecretsError(std::in_place_index<0>, secret.error().message));
  }
  if (!*secret) return std::unexpected(SecretsError(std::in_place_index<2>));
  return std::make_unique<Handle>(Handle{std::move(*secret)});
}
Task<Got> to_handle_later(Task<Result<std::shared_ptr<const Secret>>> secret) {
  co_return to_handle(co_await std::move(secret));
}
Reply<Got> get(Call& call, std::string_view key) {
  const auto& secrets = call.host<Guest>().links->secrets;
  if (!secrets) return to_handle(nullptr);
  auto secret = secrets->get(key);
  if (secret.ready()) return to_handle(std::move(secret).take());
  return to_handle_later(std::move(secret).task());
}

// Straight into the guest's memory: no copy of it stays in the host's.
SecretValue reveal(Call&, Borrow<Handle> handle) {
  const ByteView value = handle->secret->value();
  if (component::valid_utf8(value)) return as_text(value);
  return value;
}

}  // namespace

void add_secrets(component::HostInterfaces& host) {
  host.add("wasmcloud:secrets/store@0.1.0-draft").resource<Handle>("secret").func<&get>("get");
  host.add("wasmcloud:secrets/reveal@0.1.0-draft").func<&reveal>("reveal");
}

}  // namespace unbolt::contracts
