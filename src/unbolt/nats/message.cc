#include "unbolt/nats/message.h"

#include <nats/nats.h>

#include <charconv>

namespace unbolt::nats {
namespace {

std::string_view view(const char* text) { return text ? std::string_view(text) : ""; }

}  // namespace

std::size_t Outgoing::size() const {
  std::size_t bytes = sizeof(*this) + subject.size() + body.size() + reply_to.size();
  for (const auto& [name, value] : headers) bytes += name.size() + value.size() + 64;
  return bytes;
}

std::string_view Incoming::subject() const { return view(natsMsg_GetSubject(message_.get())); }
std::string_view Incoming::reply_to() const { return view(natsMsg_GetReply(message_.get())); }

ByteView Incoming::body() const {
  return {reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(message_.get())),
          static_cast<std::size_t>(natsMsg_GetDataLength(message_.get()))};
}

std::optional<std::string_view> Incoming::header(const char* name) const {
  const char* value = nullptr;
  if (natsMsgHeader_Get(message_.get(), name, &value) != NATS_OK) return std::nullopt;
  return view(value);
}

int Incoming::status() const {
  if (natsMsg_GetDataLength(message_.get()) > 0) return 0;
  const auto text = header("Status");
  if (!text) return 0;
  int number = 0;
  std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

void Incoming::Destroy::operator()(__natsMsg* message) const { natsMsg_Destroy(message); }

}  // namespace unbolt::nats
