#include "worker/handlers/static_file.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/ascii.h"
#include "worker/handlers/multipart_ranges.h"
#include "worker/http/byte_ranges.h"
#include "worker/http/conditional.h"
#include "worker/http/content_coding.h"
#include "worker/http/error_page.h"
#include "worker/http/percent_encoding.h"

namespace holdfast::handlers {
namespace {

using api::Field;

/// Up to here a copy next to the head is cheaper than a piece of its own.
constexpr std::size_t kCopyLimit = 4096;

/// The fields of an entry or of a packed form of it; where its mtime lies in the future, with a Last-Modified
/// of now instead (RFC 9110 section 8.8.2.1: never later than Date).
class EntryFields {
 public:
  EntryFields(std::span<const Field> fields, std::string_view text, std::time_t modified, std::time_t now)
      : modified_(modified), fields_(fields), text_(text) {
    if (modified_ <= now) return;
    modified_ = now;
    text_ = {};
    Changed& changed = changed_.emplace();
    changed.date = format_http_date(now);
    std::copy(fields_.begin(), fields_.end(), changed.fields.begin());
    changed.fields[1].value = {changed.date.data(), changed.date.size()};
    fields_ = std::span(changed.fields).first(fields_.size());
  }
  EntryFields(const EntryFields&) = delete;
  EntryFields& operator=(const EntryFields&) = delete;

  std::span<const Field> all() const { return fields_; }
  /// Empty when the fields are not those that were written out before.
  std::string_view text() const { return text_; }
  std::time_t modified() const { return modified_; }

 private:
  std::time_t modified_;
  std::span<const Field> fields_;
  std::string_view text_;
  struct Changed {
    HttpDateText date;
    std::array<Field, 5> fields;
  };
  std::optional<Changed> changed_;
};

/// Whether bytes in memory are cheaper to send than a part of a file: it cannot go by the kernel alone when it
/// is encrypted or framed.
bool wants_memory(const api::Request& request) {
  return request.tls != nullptr || request.version == api::Version::Http2;
}

api::Body part_of(std::string_view content, const api::Request& request, FileEntry& entry, std::uint64_t offset,
                  std::uint64_t length) {
  const std::string_view part =
      content.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  // HTTP/2 copies into a frame when the turn of the stream has come.
  if (part.size() <= kCopyLimit && request.version != api::Version::Http2) return api::Body::copy(part);
  return api::Body::held(part, entry.hold());
}

api::Body body_of(const api::Request& request, FileEntry& entry, std::uint64_t offset, std::uint64_t length) {
  if (entry.in_memory()) return part_of(entry.content(), request, entry, offset, length);
  if (entry.has_copy() && wants_memory(request)) return part_of(entry.copy(), request, entry, offset, length);
  return api::Body::file(entry.fd(), offset, length, entry.hold());
}

/// The one Range field of a GET; null for other methods, without one, or with several (which is not a list:
/// ignored).
const Field* range_field(const api::Request& request) {
  if (request.method != api::Method::Get) return nullptr;
  const Field* found = nullptr;
  for (const Field& field : request.fields) {
    if (field.name.size() != 5 || !ascii_iequals(field.name, "Range")) continue;
    if (found) return nullptr;
    found = &field;
  }
  return found;
}

void send_part(api::Exchange& exchange, FileEntry& entry, const EntryFields& known, http::ByteRange range) {
  std::array<char, http::kContentRangeRoom> room;
  std::array<Field, 6> fields;
  Field* const last = std::copy(known.all().begin(), known.all().end(), fields.data());
  *last = {"Content-Range", http::content_range(room, range, entry.size())};
  exchange.respond({206, {fields.data(), last + 1}},
                   body_of(exchange.request(), entry, range.offset, range.length));
}

/// False, with nothing answered, when the parts with their heads would not be shorter than the whole.
bool send_parts(api::Exchange& exchange, FileEntry& entry, const EntryFields& known,
                std::span<const http::ByteRange> ranges) {
  auto owned = std::make_unique<MultipartRanges>(entry, ranges);
  MultipartRanges& parts = *owned;
  if (parts.length() >= entry.size()) return false;
  // Each part has its own Content-Range; the outer head must have none (RFC 9110 section 15.3.7.2).
  std::array<Field, 5> fields;
  Field* const end = std::copy(known.all().begin(), known.all().end(), fields.data());
  fields[FileEntry::kContentType].value = parts.content_type();
  exchange.attach(std::move(owned));
  exchange.respond({206, {fields.data(), end}}, api::Body::stream(parts, parts.length()));
  return true;
}

void refuse_range(api::Exchange& exchange, const FileEntry& entry) {
  std::array<char, http::kContentRangeRoom> room;
  const Field field{"Content-Range", http::unsatisfied_range(room, entry.size())};
  exchange.fail(416, {&field, 1});
}

/// With Vary, where the 200 would have it (RFC 9110 section 15.4.5).
void say_not_modified(api::Exchange& exchange, const EntryFields& known, const http::Validators& validators,
                      bool negotiated) {
  const std::array<Field, 3> fields{{{"ETag", http::confirmed_etag(exchange.request(), validators)},
                                     known.all()[1],
                                     {"Vary", "Accept-Encoding"}}};
  exchange.respond({304, std::span(fields).first(negotiated ? 3 : 2)}, api::Body::none());
}

void send_content(api::Exchange& exchange, FileCache& files, FileEntry& entry, const EntryFields& known,
                  const http::Validators& validators, bool negotiated) {
  const Field* const range = range_field(exchange.request());
  if (range && http::if_range_holds(exchange.request(), validators, exchange.wall_seconds())) {
    const http::RangeSelection selection = http::select_ranges(range->value, entry.size());
    if (selection.outcome == http::RangeOutcome::Unsatisfiable) return refuse_range(exchange, entry);
    if (selection.count == 1) return send_part(exchange, entry, known, selection.ranges[0]);
    if (selection.count > 1 && send_parts(exchange, entry, known, selection.selected())) return;
  }
  if (exchange.request().method == api::Method::Get && wants_memory(exchange.request())) files.copy_of(entry);
  exchange.respond({200, known.all(), negotiated, known.text()},
                   body_of(exchange.request(), entry, 0, entry.size()));
}

/// `negotiated`: the client could have had a coding of it, and has chosen the plain content. `twin`: of the
/// form that is still being packed here.
void send_entry(api::Exchange& exchange, FileCache& files, FileEntry& entry, bool negotiated,
                std::string_view twin = {}) {
  const std::time_t now = exchange.wall_seconds();
  const EntryFields known(entry.fields(negotiated), entry.text(negotiated), entry.modified(), now);
  const http::Validators validators{entry.etag(), known.modified(), true, twin};
  switch (http::evaluate_preconditions(exchange.request(), validators, now)) {
    case http::Precondition::Proceed:
      return send_content(exchange, files, entry, known, validators, negotiated);
    case http::Precondition::NotModified:
      return say_not_modified(exchange, known, validators, negotiated);
    case http::Precondition::Failed:
      return exchange.fail(412);
  }
}

void send_packed(api::Exchange& exchange, FileEntry& entry, const PackedForm& form) {
  const std::time_t now = exchange.wall_seconds();
  const EntryFields known(form.fields(), form.text(), entry.modified(), now);
  const http::Validators validators{form.etag(), known.modified(), true, form.twin()};
  switch (http::evaluate_preconditions(exchange.request(), validators, now)) {
    case http::Precondition::Proceed:
      return exchange.respond({200, known.all(), true, known.text()}, form.body(entry.hold()));
    case http::Precondition::NotModified:
      return say_not_modified(exchange, known, validators, true);
    case http::Precondition::Failed:
      return exchange.fail(412);
  }
}

/// To the path with its slash, the query kept. Only a path: never to another host.
void redirect_to_slash(api::Exchange& exchange) {
  const api::Request& request = exchange.request();
  std::string location;
  http::append_encoded_path(location, request.path);
  location += '/';
  if (!request.query.empty()) location.append("?").append(request.query);
  const http::ErrorPage page = http::error_page(301, request.field("Accept").value_or(std::string_view()));
  const std::array<Field, 3> fields{
      {{"Location", location}, {"Content-Type", page.content_type}, {"Vary", "Accept"}}};
  exchange.respond({301, fields}, api::Body::copy(page.body));
}

void refuse_method(api::Exchange& exchange) {
  constexpr Field kAllow[] = {{"Allow", "GET, HEAD, OPTIONS"}};
  exchange.fail(405, kAllow);
}

void ask_to_retry(api::Exchange& exchange) {
  constexpr Field kRetry[] = {{"Retry-After", "1"}};
  exchange.fail(503, kRetry);
}

void add_once(std::vector<Coding>& codings, Coding coding) {
  if (std::find(codings.begin(), codings.end(), coding) == codings.end()) codings.push_back(coding);
}

}  // namespace

StaticFile::StaticFile(FileCache& files, std::uint32_t tree, const config::FilesAction& action,
                       const config::Compression& compression, http::Packer* packer)
    : files_(files),
      tree_(tree),
      listing_(action.listing),
      compression_(compression),
      packer_(packer),
      fallbacks_(action.fallbacks) {
  for (const Coding coding : action.precompressed) add_once(ready_made_, coding);
  if (packer == nullptr || !compression.enabled) return;
  for (const Coding coding : compression.encodings)
    if (packer->knows(coding)) add_once(offer_, coding);
}

bool StaticFile::comes_packed(FileEntry& entry) const {
  return !offer_.empty() && entry.size() >= compression_.min_size && entry.has_type_of(compression_.types);
}

// Parts are of the plain content: whoever asks for a range gets that.
PackedLookup StaticFile::packed_form(const api::Request& request, FileEntry& entry) const {
  if (range_field(request)) return {};
  if (entry.has_siblings()) return best_form(request, entry);
  const std::optional<Coding> coding = http::choose_coding(request.fields, offer_);
  return coding ? files_.packed(entry, *coding, *packer_, compression_.level) : PackedLookup{};
}

/// What the client likes best; among equals siblings come first. They stand in for a form that is not there.
PackedLookup StaticFile::best_form(const api::Request& request, FileEntry& entry) const {
  std::array<Coding, 2 * kCodings> room;
  const auto siblings_end = std::copy_if(ready_made_.begin(), ready_made_.end(), room.begin(),
                                         [&](Coding coding) { return entry.sibling(coding) != nullptr; });
  const bool packable = comes_packed(entry) && entry.size() <= files_.packed_of_one();
  const auto end = packable ? std::copy(offer_.begin(), offer_.end(), siblings_end) : siblings_end;
  std::optional<Coding> coding = http::choose_coding(request.fields, {room.begin(), end});
  if (!coding) return {};
  if (const PackedForm* const sibling = entry.sibling(*coding)) return {sibling, false, *coding};
  PackedLookup packed = files_.packed(entry, *coding, *packer_, compression_.level);
  if (packed.form) return packed;
  coding = http::choose_coding(request.fields, {room.begin(), siblings_end});
  if (coding) packed.form = entry.sibling(*coding);
  return packed;
}

void StaticFile::handle(api::Exchange& exchange) {
  const api::Request& request = exchange.request();
  if (request.method != api::Method::Get && request.method != api::Method::Head) return refuse_method(exchange);
  // An escaped slash or backslash would be part of a name, which no file here can have.
  if (request.encoded_slash) return exchange.fail(400);
  FileLookup found = files_.find(tree_, request.path, exchange.now());
  switch (found.outcome) {
    case FileLookup::Outcome::File:
      return send_file(exchange, *found.entry);
    case FileLookup::Outcome::NeedsSlash:
      return redirect_to_slash(exchange);
    case FileLookup::Outcome::Directory:
      if (!listing_) return fall_back(exchange, 403);
      return files_.listings().send(exchange, tree_, files_.root(tree_), std::move(found.directory));
    case FileLookup::Outcome::Missing:
      return fall_back(exchange, 404);
    case FileLookup::Outcome::Forbidden:
      return exchange.fail(403);
    case FileLookup::Outcome::Unavailable:
      return ask_to_retry(exchange);
  }
}

void StaticFile::send_file(api::Exchange& exchange, FileEntry& entry) const {
  if (!entry.has_siblings() && !comes_packed(entry)) return send_entry(exchange, files_, entry, false);
  const PackedLookup packed = packed_form(exchange.request(), entry);
  if (packed.form) return send_packed(exchange, entry, *packed.form);
  if (!packed.pending) return send_entry(exchange, files_, entry, true);
  // What is not packed yet may be compressed on its way. Another worker may be further.
  send_entry(exchange, files_, entry, false, packed_etag(entry.etag(), packed.coding));
}

/// Nothing is at the path itself: the first of the fallbacks that is there, or else the error `status`.
void StaticFile::fall_back(api::Exchange& exchange, std::uint16_t status) const {
  constexpr std::string_view kPath = "{path}";
  for (const std::string& pattern : fallbacks_) {
    std::string path = pattern;
    if (const std::size_t at = path.find(kPath); at != std::string::npos)
      path.replace(at, kPath.size(), exchange.request().path);
    const FileLookup found = files_.find(tree_, path, exchange.now());
    switch (found.outcome) {
      case FileLookup::Outcome::File:
        return send_file(exchange, *found.entry);
      case FileLookup::Outcome::Forbidden:
        return exchange.fail(403);
      case FileLookup::Outcome::Unavailable:
        return ask_to_retry(exchange);
      case FileLookup::Outcome::NeedsSlash:
      case FileLookup::Outcome::Directory:
      case FileLookup::Outcome::Missing:
        break;
    }
  }
  exchange.fail(fallbacks_.empty() ? status : 404);
}

}  // namespace holdfast::handlers
