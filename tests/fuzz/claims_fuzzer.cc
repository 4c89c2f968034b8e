// Claims of strangers: a file, a token and a seal. Nothing crashes, nothing that was not signed is
// valid, a seal that is read is written alike, and a key has one spelling.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "unbolt/claims/base64url.h"
#include "unbolt/claims/claims.h"
#include "unbolt/claims/token.h"
#include "unbolt/claims/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unbolt;
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);
  const auto seen = claims::verify(bytes, 1'790'000'000);
  if (seen.state != claims::SealState::Valid && seen.problem.empty()) std::abort();
  if (const auto token = claims::open_token(text)) {
    (void)claims::component_claims(token->body);
    (void)claims::account_claims(token->body);
  }
  if (const auto body = nlohmann::json::parse(text, nullptr, false); body.is_object()) {
    (void)claims::component_claims(body);
    (void)claims::account_claims(body);
  }
  if (const auto seal = claims::parse_seal(text); seal && claims::seal_text(*seal) != text)
    std::abort();
  if (const auto decoded = claims::from_base64url(text);
      decoded && claims::base64url(*decoded) != text)
    std::abort();
  if (const auto key = identity::PublicKey::parse(text); key && key->text() != text) std::abort();
  (void)identity::KeyPair::from_seed(text);
  return 0;
}
