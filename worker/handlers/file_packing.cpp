#include "worker/handlers/file_packing.h"

#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace holdfast::handlers {

void FilePacking::run() noexcept {
  try {
    packed_ = pack();
  } catch (const std::exception&) {  // out of memory: the file goes as it is
    packed_.reset();
  }
}

// A file that is not as it was when its entry was made gets no form: the cache will soon see the change.
std::optional<std::string> FilePacking::pack() const {
  if (entry_.in_memory()) return packer_.pack(order_.coding, order_.gzip_level, entry_.content());
  const auto size = static_cast<std::size_t>(entry_.size());
  const auto content = std::make_unique_for_overwrite<char[]>(size);
  if (!read_as(entry_.fd(), entry_.identity(), content.get())) return std::nullopt;
  return packer_.pack(order_.coding, order_.gzip_level, {content.get(), size});
}

void FilePacking::done() {
  if (packed_) packer_.count(order_.coding, entry_.size(), packed_->size());
  const bool smaller = packed_ && packed_->size() < entry_.size();
  owner_.on_packed(entry_, order_.coding, smaller ? *std::move(packed_) : std::string());
}

}  // namespace holdfast::handlers
