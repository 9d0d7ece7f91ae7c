// limits.connections_per_ip: how many connections the address of a client has open, over all workers. The
// counts stand in shared memory (common/limits/address_counts.h); this is where the net folder sees them. Owned
// by the connection table.
#pragma once

#include <cstdint>

#include "common/limits/address_counts.h"
#include "common/limits/address_key.h"
#include "common/limits/shared_limits.h"
#include "worker/net/connection.h"

namespace holdfast::net {

class AddressCounter {
 public:
  /// `limits` (null: nobody is counted) and `segment` outlive this; `seat`: of this process; `most`:
  /// connections of one address, 0: no limit.
  AddressCounter(const limits::SharedLimits* limits, const stats::Segment& segment, std::uint32_t seat,
                 std::uint64_t most)
      : secret_(limits == nullptr ? HashSecret{} : secret_for(limits->secret(), "connections")),
        counts_(limits == nullptr ? std::span<limits::SeatCounts>() : limits->seats(), segment, seat),
        most_(limits == nullptr ? 0 : most) {}

  /// Counts a connection of this client. False, and nothing is counted, when it has all that it may have.
  bool take(const PeerAddress& peer) { return !is_counted(peer) || counts_.take(hash_of(peer), most_); }
  /// A connection that was taken has ended.
  void give_back(const PeerAddress& peer) {
    if (is_counted(peer)) counts_.give_back(hash_of(peer));
  }

 private:
  bool is_counted(const PeerAddress& peer) const { return most_ != 0 && peer.family != 0; }
  std::uint64_t hash_of(const PeerAddress& peer) const {
    return keyed_hash(secret_, limits::AddressKey(peer.family, peer.bytes).bytes());
  }

  HashSecret secret_;
  limits::AddressCounts counts_;
  std::uint64_t most_;
};

}  // namespace holdfast::net
