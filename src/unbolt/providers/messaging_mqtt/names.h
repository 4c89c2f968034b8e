// Names of clients at the broker.
#pragma once

#include <string>
#include <string_view>

namespace unbolt::providers::mqtt_messaging {

// 16 hexadecimal digits that nobody guesses.
std::string random_name();
// 16 hexadecimal digits that are always the same for the same text.
std::string digest(std::string_view text);

}  // namespace unbolt::providers::mqtt_messaging
