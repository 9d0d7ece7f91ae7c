// The packing of one file in one coding, as a work for a thread of the pool: it keeps the entry alive, touches
// of it only what does not change, and brings the result to the cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/api/body.h"
#include "common/api/work.h"
#include "common/coding.h"
#include "worker/handlers/file_entry.h"
#include "worker/http/packer.h"

namespace holdfast::handlers {

/// Who is told of the end of a packing.
class PackingOwner {
 public:
  /// `packed`: smaller than the content, or empty when that was not to be had.
  virtual void on_packed(FileEntry& entry, Coding coding, std::string packed) = 0;

 protected:
  ~PackingOwner() = default;
};

class FilePacking final : public api::Work {
 public:
  struct Order {
    Coding coding;
    std::uint32_t gzip_level;
  };
  /// `owner` outlives the loop's turns, `packer` every thread.
  FilePacking(PackingOwner& owner, FileEntry& entry, Order order, http::Packer& packer)
      : owner_(owner), entry_(entry), hold_(entry.hold()), order_(order), packer_(packer) {}

  void run() noexcept override;
  void done() override;

 private:
  std::optional<std::string> pack() const;

  PackingOwner& owner_;
  FileEntry& entry_;
  const api::BodyHold hold_;
  const Order order_;
  http::Packer& packer_;
  std::optional<std::string> packed_;
};

}  // namespace holdfast::handlers
