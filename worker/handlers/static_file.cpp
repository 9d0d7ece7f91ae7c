#include "worker/handlers/static_file.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "common/ascii.h"
#include "worker/handlers/directory_index.h"
#include "worker/handlers/multipart_ranges.h"
#include "worker/http/accept.h"
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
    now_text_ = format_http_date(now);
    std::copy(fields_.begin(), fields_.end(), changed_.begin());
    changed_[1].value = {now_text_.data(), now_text_.size()};
    fields_ = std::span(changed_).first(fields_.size());
  }
  EntryFields(const EntryFields&) = delete;
  EntryFields& operator=(const EntryFields&) = delete;

  std::span<const Field> all() const { return fields_; }
  /// Empty when the fields are not those that were written out before.
  std::string_view text() const { return text_; }
  std::span<const Field> validators() const { return fields_.first(2); }
  std::time_t modified() const { return modified_; }

 private:
  std::time_t modified_;
  std::span<const Field> fields_;
  std::string_view text_;
  HttpDateText now_text_;
  std::array<Field, 5> changed_;
};

api::Body body_of(FileEntry& entry, std::uint64_t offset, std::uint64_t length) {
  if (!entry.in_memory()) return api::Body::file(entry.fd(), offset, length, entry.hold());
  const std::string_view part =
      entry.content().substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  if (part.size() <= kCopyLimit) return api::Body::copy(part);
  return api::Body::held(part, entry.hold());
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
  exchange.respond({206, {fields.data(), last + 1}}, body_of(entry, range.offset, range.length));
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

void send_content(api::Exchange& exchange, FileEntry& entry, const EntryFields& known,
                  const http::Validators& validators, bool negotiated) {
  const Field* const range = range_field(exchange.request());
  if (range && http::if_range_holds(exchange.request(), validators, exchange.wall_seconds())) {
    const http::RangeSelection selection = http::select_ranges(range->value, entry.size());
    if (selection.outcome == http::RangeOutcome::Unsatisfiable) return refuse_range(exchange, entry);
    if (selection.count == 1) return send_part(exchange, entry, known, selection.ranges[0]);
    if (selection.count > 1 && send_parts(exchange, entry, known, selection.selected())) return;
  }
  exchange.respond({200, known.all(), negotiated, known.text()}, body_of(entry, 0, entry.size()));
}

/// `negotiated`: the client could have had a coding of it, and has chosen the plain content.
void send_entry(api::Exchange& exchange, FileEntry& entry, bool negotiated) {
  const std::time_t now = exchange.wall_seconds();
  const EntryFields known(entry.fields(negotiated), entry.text(negotiated), entry.modified(), now);
  const http::Validators validators{entry.etag(), known.modified(), true};
  switch (http::evaluate_preconditions(exchange.request(), validators, now)) {
    case http::Precondition::Proceed:
      return send_content(exchange, entry, known, validators, negotiated);
    case http::Precondition::NotModified:
      return exchange.respond({304, known.validators()}, api::Body::none());
    case http::Precondition::Failed:
      return exchange.fail(412);
  }
}

void send_packed(api::Exchange& exchange, FileEntry& entry, const PackedForm& form) {
  const std::time_t now = exchange.wall_seconds();
  const EntryFields known(form.fields(), form.text(), entry.modified(), now);
  switch (http::evaluate_preconditions(exchange.request(), {form.etag(), known.modified(), true}, now)) {
    case http::Precondition::Proceed:
      return exchange.respond({200, known.all(), true, known.text()},
                              api::Body::held(form.content(), entry.hold()));
    case http::Precondition::NotModified:
      return exchange.respond({304, known.validators()}, api::Body::none());
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

}  // namespace

StaticFile::StaticFile(FileCache& files, std::uint32_t tree, bool listing,
                       const config::Compression& compression, http::Packer* packer)
    : files_(files), tree_(tree), listing_(listing), compression_(compression), packer_(packer) {
  if (packer == nullptr || !compression.enabled) return;
  std::copy_if(compression.encodings.begin(), compression.encodings.end(), std::back_inserter(offer_),
               [packer](Coding coding) { return packer->knows(coding); });
}

bool StaticFile::comes_packed(FileEntry& entry) const {
  return !offer_.empty() && entry.size() >= compression_.min_size && entry.has_type_of(compression_.types);
}

// Parts are of the plain content: whoever asks for a range gets that.
const PackedForm* StaticFile::packed_form(const api::Request& request, FileEntry& entry) const {
  if (range_field(request)) return nullptr;
  const std::optional<Coding> coding = http::choose_coding(request.fields, offer_);
  return coding ? files_.packed(entry, *coding, *packer_, compression_.level) : nullptr;
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
      return listing_ ? send_listing(exchange, std::move(found.directory)) : exchange.fail(403);
    case FileLookup::Outcome::Missing:
      return exchange.fail(404);
    case FileLookup::Outcome::Forbidden:
      return exchange.fail(403);
    case FileLookup::Outcome::Unavailable:
      return ask_to_retry(exchange);
  }
}

void StaticFile::send_file(api::Exchange& exchange, FileEntry& entry) const {
  if (!comes_packed(entry)) return send_entry(exchange, entry, false);
  if (const PackedForm* form = packed_form(exchange.request(), entry))
    return send_packed(exchange, entry, *form);
  // Bigger ones may still be compressed on their way.
  send_entry(exchange, entry, entry.in_memory());
}

void StaticFile::send_listing(api::Exchange& exchange, Fd directory) {
  const api::Request& request = exchange.request();
  const bool json = http::prefers_json(request.field("Accept").value_or(std::string_view()));
  const auto listing = list_directory(std::move(directory), files_.root(tree_), request.path);
  if (!listing)
    return listing.error().kind == ErrorKind::Permission ? exchange.fail(403) : ask_to_retry(exchange);
  const std::string text = json ? listing_json(*listing, request.path) : listing_html(*listing, request.path);
  const std::array<Field, 2> fields{
      {{"Content-Type", json ? "application/json" : "text/html; charset=utf-8"}, {"Vary", "Accept"}}};
  exchange.respond({200, fields}, api::Body::copy(text));
}

}  // namespace holdfast::handlers
