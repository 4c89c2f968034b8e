// Says what an order costs. The price of each item is configuration, in cents: `config: {apple: "40"}`.
#include <stdlib.h>

#include "pricing.h"

static bool refuse(pricing_string_t *err, const char *why) {
  pricing_string_dup(err, why);
  return false;
}

// The number that a text is; 0 where it is none, or has more than nine digits.
static uint64_t cents_of(const pricing_string_t *text) {
  uint64_t number = 0;
  if (text->len > 9) return 0;
  for (size_t i = 0; i < text->len; ++i) {
    if (text->ptr[i] < '0' || text->ptr[i] > '9') return 0;
    number = number * 10 + (text->ptr[i] - '0');
  }
  return number;
}

bool exports_shop_pricing_prices_quote(pricing_string_t *item, uint32_t count, uint64_t *ret,
                                       pricing_string_t *err) {
  pricing_option_string_t price;
  wasi_config_store_error_t error;
  if (!wasi_config_store_get(item, &price, &error)) return refuse(err, "the prices cannot be read");
  if (!price.is_some) return refuse(err, "that is not sold here");
  uint64_t cents = cents_of(&price.val) * count;
  // From a dozen on, a tenth less.
  if (count >= 12) cents -= cents / 10;
  *ret = cents;
  return cents > 0 || refuse(err, "its price is not known");
}
