// Addresses and networks: what is taken has a normal form that says the same, and holds its own address.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/address_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using holdfast::AddressSet;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto normal = AddressSet::normalised(text);
  const auto set = AddressSet::of({text});
  if (static_cast<bool>(normal) != static_cast<bool>(set)) std::abort();
  if (!normal) return 0;
  const auto again = AddressSet::normalised(*normal);
  if (!again || *again != *normal) std::abort();
  if (set->empty() || !set->contains(std::string_view(*normal).substr(0, normal->find('/')))) std::abort();
  return 0;
}
