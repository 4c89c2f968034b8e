#include "unbolt/cli/providers.h"

#include <algorithm>

#include "unbolt/providers/blob_files/blob_files.h"
#include "unbolt/providers/blob_memory/blob_memory.h"
#include "unbolt/providers/config_file/config_file.h"
#include "unbolt/providers/config_values/config_env.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/kv_nats/kv_nats.h"
#include "unbolt/providers/kv_postgres/kv_postgres.h"
#include "unbolt/providers/kv_redis/kv_redis.h"
#include "unbolt/providers/kv_sqlite/kv_sqlite.h"
#include "unbolt/providers/messaging_memory/messaging_memory.h"
#include "unbolt/providers/messaging_mqtt/messaging_mqtt.h"
#include "unbolt/providers/messaging_nats/messaging_nats.h"
#include "unbolt/providers/pins_gpio/pins_gpio.h"
#include "unbolt/providers/pins_memory/pins_memory.h"
#include "unbolt/providers/pins_simulator/pins_simulator.h"
#include "unbolt/providers/sql_postgres/native.h"
#include "unbolt/providers/sql_postgres/sql_postgres.h"
#include "unbolt/providers/sql_sqlite/sql_sqlite.h"

namespace unbolt::cli {

contracts::ProviderTables provider_tables() {
  return {
      .key_value = contracts::ProviderTable<contracts::KeyValue>({
          {"memory", providers::open_kv_memory},
          {"postgres", providers::open_kv_postgres},
          {"postgresql", providers::open_kv_postgres},
          {"redis", providers::open_kv_redis},
          {"rediss", providers::open_kv_redis},
          {"sqlite", providers::open_kv_sqlite},
          {"nats", providers::open_kv_nats},
      }),
      .blob_store = contracts::ProviderTable<contracts::BlobStore>({
          {"memory", providers::open_blob_memory},
          {"file", providers::open_blob_files},
      }),
      .messaging = contracts::ProviderTable<contracts::Messaging>({
          {"memory", providers::open_messaging_memory},
          {"mqtt", providers::open_messaging_mqtt},
          {"mqtts", providers::open_messaging_mqtt},
          {"nats", providers::open_messaging_nats},
      }),
      .config = contracts::ProviderTable<contracts::Config>({
          {"file", providers::open_config_file},
          {"env", providers::open_config_env},
      }),
      .sql = contracts::ProviderTable<contracts::Sql>({
          {"sqlite", providers::open_sql_sqlite},
          {"postgres", providers::open_sql_postgres},
          {"postgresql", providers::open_sql_postgres},
      }),
      .pins = contracts::ProviderTable<contracts::Pins>({
          {"memory", providers::open_pins_memory},
          {"simulator", providers::open_pins_simulator},
          {"gpio", providers::open_pins_gpio},
      }),
      .postgres = contracts::ProviderTable<contracts::Postgres>({
          {"postgres", providers::open_postgres},
          {"postgresql", providers::open_postgres},
      }),
  };
}

plugin::ProbeCommand plugin_probe() { return {"/proc/self/exe", kProbeCommand}; }

std::string with_whole_url(std::string link) {
  const auto equals = link.find('=');
  if (equals == std::string::npos) return link;
  const auto schemes = provider_tables().schemes();
  const auto found = schemes.find(link.substr(0, std::min(equals, link.find_first_of("/@"))));
  if (found != schemes.end() &&
      std::ranges::find(found->second, std::string_view(link).substr(equals + 1)) !=
          found->second.end()) {
    link += ':';
  }
  return link;
}

}  // namespace unbolt::cli
