// Where a Redis server listens. Names are resolved by a thread of the worker's pool, since getaddrinfo(3)
// blocks for as long as the name servers take.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/api/work.h"
#include "common/result.h"

namespace holdfast::broker {

struct RedisAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// The address that `host` spells out; empty when it is a name.
std::optional<RedisAddress> literal_address(const std::string& host, std::uint16_t port);

/// One question at a time.
class AddressLookup {
 public:
  class Asker {
   public:
    /// In the loop's thread. At least one address, in the order in which they are to be tried, or why not.
    virtual void on_addresses(const Result<std::vector<RedisAddress>>& addresses) = 0;

   protected:
    ~Asker() = default;
  };
  /// `pool` and `asker` outlive it.
  AddressLookup(api::WorkPool& pool, Asker& asker) : pool_(pool), asker_(asker) {}
  /// A question that is open is answered to nobody.
  ~AddressLookup();
  AddressLookup(const AddressLookup&) = delete;
  AddressLookup& operator=(const AddressLookup&) = delete;

  /// False: the pool has too much to do; there will be no answer.
  [[nodiscard]] bool start(const std::string& host, std::uint16_t port);

 private:
  class Question;
  api::WorkPool& pool_;
  Asker& asker_;
  Question* open_ = nullptr;  // the pool's
};

}  // namespace holdfast::broker
