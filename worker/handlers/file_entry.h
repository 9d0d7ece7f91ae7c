// One file as the cache knows it: identity, validators, fields ready to send, and its content (small) or
// descriptor (big). Counted by hand, one worker has one thread: the cache holds one reference, every body on
// its way out another, so that content and descriptor outlive eviction and replacement until the last byte has
// left.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/body.h"
#include "common/api/request.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/http_date.h"
#include "worker/handlers/directory_watch.h"
#include "worker/handlers/file_identity.h"
#include "worker/handlers/packed_form.h"

namespace holdfast::handlers {

class FileEntry final : public api::BodyOwner {
 public:
  /// `content_type` outlives the entry's place in the cache.
  FileEntry(std::string_view key, std::uint32_t tree, const FileIdentity& identity,
            std::string_view content_type);
  FileEntry(const FileEntry&) = delete;
  FileEntry& operator=(const FileEntry&) = delete;

  std::uint64_t size() const { return identity_.size; }
  const FileIdentity& identity() const { return identity_; }
  /// Strong, with its quotes.
  std::string_view etag() const { return etag_; }
  /// mtime in whole seconds; may lie in the future, then the sender must not say so.
  std::time_t modified() const { return modified_; }

  /// Valid while the entry is in the cache.
  std::string_view content_type() const { return fields_[kContentType].value; }

  /// Where in fields() the Content-Type is.
  static constexpr std::size_t kContentType = 2;
  /// ETag, Last-Modified, Content-Type, Accept-Ranges: what a 200 or 206 carries; behind them Vary, when the
  /// content may come in codings. The first two are what a 304 carries.
  std::span<const api::Field> fields(bool negotiated = false) const {
    return std::span(fields_).first(fields_.size() - (negotiated ? 0 : 1));
  }
  /// The same as they are sent.
  std::string_view text(bool negotiated = false) const {
    return std::string_view(text_).substr(0, negotiated ? text_.size() : plain_text_);
  }
  /// Whether the content's type is among `types`, a list that does not change: the answer is remembered.
  bool has_type_of(const std::vector<std::string>& types);

  bool in_memory() const { return content_ != nullptr; }
  /// Valid while in_memory().
  std::string_view content() const { return {content_.get(), static_cast<std::size_t>(size())}; }
  /// Valid while not in_memory().
  int fd() const { return fd_.get(); }
  /// Content that is not in_memory() may be there as a copy, too: FileCache::copy_of().
  bool has_copy() const { return copy_ != nullptr; }
  /// Valid while has_copy().
  std::string_view copy() const { return {copy_.get(), static_cast<std::size_t>(size())}; }

  /// Whether the file behind `fd`, that of the content or of a sibling, still holds what was opened: no other
  /// content has been written into it. One that has only grown is taken for a log: what was there is still
  /// there.
  bool is_intact(int fd) noexcept override;

  /// Whether ready-made siblings stand beside the file, so that what is sent depends on what the client takes.
  bool has_siblings() const { return has_siblings_; }
  /// The sibling in `coding`; null when there is none.
  const PackedForm* sibling(Coding coding) const {
    const PackedForm* const form = packed_[static_cast<std::size_t>(coding)].get();
    return form != nullptr && form->is_sibling() ? form : nullptr;
  }

  /// A reference for a body that is sent from this entry.
  api::BodyHold hold() {
    ++references_;
    return api::BodyHold(this);
  }
  void release() noexcept override {
    if (--references_ == 0) delete this;
  }

 private:
  friend class FileCache;  // same file pair of duties: the cache fills and links entries

  bool is_as_opened() const;
  void add_sibling(Coding coding, std::unique_ptr<PackedForm> form);

  // links and clock mark of the cache
  FileEntry* next_in_bucket_ = nullptr;
  FileEntry* newer_ = nullptr;
  FileEntry* older_ = nullptr;
  std::uint64_t hash_ = 0;
  TimePoint check_after_{};
  TimePoint looked_at_{};              // of the last is_as_opened()
  int watch_ = DirectoryWatch::kNone;  // of the directory that its name is in
  bool used_ = false;
  bool cached_ = false;  // in the cache, not only held by bodies and work
  bool told_ = false;    // of a change in its directory since the last look
  // Was read so soon after its last change that another may hide behind the same times.
  bool unsettled_ = false;
  bool has_siblings_ = false;
  bool copy_wanted_ = false;  // by somebody before

  std::uint32_t references_ = 1;
  const std::uint32_t tree_;
  const std::string key_;
  const FileIdentity identity_;
  const std::time_t modified_;
  const HttpDateText last_modified_;
  const std::string etag_;
  std::array<api::Field, 5> fields_;
  std::string text_;
  std::size_t plain_text_ = 0;                       // of it without Vary
  const std::vector<std::string>* asked_ = nullptr;  // of has_type_of()
  bool has_asked_type_ = false;
  std::unique_ptr<char[]> content_;
  std::unique_ptr<char[]> copy_;
  std::array<std::unique_ptr<PackedForm>, kCodings> packed_;  // siblings; others when asked for
  std::size_t further_bytes_ = 0;                             // of packed forms and of the copy
  std::size_t descriptors_ = 0;                               // of the content and of siblings
  Fd fd_;
};

}  // namespace holdfast::handlers
