// What a broker sends. What becomes of it must not depend on the pieces it comes in; what is read
// is within its bounds, and a topic is a subject and back.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "unbolt/mqtt/packets.h"
#include "unbolt/providers/messaging_mqtt/topics.h"

namespace {

using namespace unbolt;
using mqtt::Publish;

constexpr std::uint32_t kLargest = 4096;

void check(bool good) {
  if (!good) std::abort();
}

// The packets' kinds, and whether the broker was left.
std::string read(ByteView bytes, std::size_t piece) {
  mqtt::Decoder decoder(kLargest);
  std::string seen;
  while (!bytes.empty()) {
    const auto next = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(next.size());
    decoder.feed(next);
    while (true) {
      const auto packet = decoder.next();
      if (!packet) return seen + "!";
      if (!*packet) break;
      seen += static_cast<char>('a' + (*packet)->index());
      const auto* publish = std::get_if<Publish>(&**packet);
      if (!publish) continue;
      check(!publish->topic.empty() && publish->payload.size() < kLargest && publish->qos < 2);
      check(mqtt::encode(*publish).size() <= mqtt::size_of(*publish));
      namespace topics = providers::mqtt_messaging;
      const auto topic = topics::topic_of(topics::subject_of(publish->topic));
      check(topic ? *topic == publish->topic : publish->topic.front() == '$');
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const auto whole = read(bytes, size);
  check(read(bytes, 1) == whole);
  check(read(bytes, 7) == whole);
  return 0;
}
