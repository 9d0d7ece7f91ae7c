#include "worker/filters/compress.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "common/ascii.h"
#include "worker/filters/encoding_source.h"
#include "worker/http/content_coding.h"
#include "worker/http/exchange.h"

namespace holdfast::filters {
namespace {

using api::Field;

/// Up to here a body is compressed within the call: less than a millisecond.
constexpr std::size_t kAtOnce = 32 * 1024;

/// Bigger files would keep the loop from everybody else.
constexpr std::uint64_t kLargestFile = 1024 * 1024;

const Field* find(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields)
    if (ascii_iequals(field.name, name)) return &field;
  return nullptr;
}

bool lists(const Field* field, std::string_view word) {
  bool found = false;
  if (field != nullptr)
    for_each_list_element(field->value,
                          [&](std::string_view element) { found |= ascii_iequals(element, word); });
  return found;
}

/// Collects the fields of a response anew in the exchange's memory.
class FieldList {
 public:
  FieldList(http::Exchange& exchange, std::span<const Field> fields)
      : exchange_(exchange),
        first_(
            reinterpret_cast<Field*>(exchange.allocate((fields.size() + kMostAdded) * sizeof(Field)).data())) {
    for (const Field& field : fields) new (first_ + count_++) Field(field);
  }
  void add(std::string_view name, std::string_view value) { new (first_ + count_++) Field{name, value}; }
  // What is sent is not, byte for byte, what the handler's validator names: it becomes a weak one (RFC 9110
  // section 8.8.1), and ranges of it are not to be had.
  void weaken() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (ascii_iequals(first_[i].name, "Accept-Ranges")) continue;
      first_[kept++] = first_[i];
      if (ascii_iequals(first_[i].name, "ETag") && first_[i].value.starts_with('"'))
        first_[kept - 1].value = exchange_.arena().copy("W/" + std::string(first_[i].value));
    }
    count_ = kept;
  }
  std::span<const Field> all() const { return {first_, count_}; }

 private:
  static constexpr std::size_t kMostAdded = 2;
  http::Exchange& exchange_;
  Field* first_;
  std::size_t count_ = 0;
};

/// The client holds a packed form: it knows the validator as the weak one that went with that.
bool holds_weakened(const api::Request& request, std::string_view etag) {
  for (const Field& field : request.fields) {
    if (!ascii_iequals(field.name, "If-None-Match")) continue;
    const std::size_t at = field.value.find(etag);
    if (at != std::string_view::npos && field.value.substr(0, at).ends_with("W/")) return true;
  }
  return false;
}

/// Bytes of its own behind a body.
class OwnedText final : public api::BodyOwner {
 public:
  explicit OwnedText(std::string text) : text_(std::move(text)) {}
  static api::Body body(std::string text) {
    auto* owner = new OwnedText(std::move(text));
    return api::Body::held(owner->text_, api::BodyHold(owner));
  }
  void release() noexcept override { delete this; }

 private:
  ~OwnedText() = default;
  const std::string text_;
};

/// The whole of a short body; empty when it does not get smaller.
std::string pack(Encoder& encoder, std::string_view content) {
  std::string packed(content.size(), '\0');
  const Encoder::Step step = encoder.encode(std::as_bytes(std::span(content)),
                                            std::as_writable_bytes(std::span(packed)), Encoder::End::Finish);
  packed.resize(step.done ? step.produced : 0);
  return packed;
}

/// A body that is too long for one call, compressed piece by piece.
std::unique_ptr<EncodingSource> source_of(LentEncoder encoder, http::Exchange& exchange, api::Body& body) {
  if (auto* const bytes = std::get_if<api::Body::Bytes>(&body.content))
    return std::make_unique<EncodingSource>(std::move(encoder), *bytes);
  if (auto* const stream = std::get_if<api::Body::Stream>(&body.content))
    return std::make_unique<EncodingSource>(std::move(encoder), *stream->source);
  auto file = std::make_unique<FileSource>(std::get<api::Body::File>(body.content));
  auto source = std::make_unique<EncodingSource>(std::move(encoder), *file);
  exchange.attach(std::move(file));
  return source;
}

}  // namespace

Compress::Compress(const config::Compression& settings, const Means& means)
    : settings_(settings), means_(means) {
  std::copy_if(settings.encodings.begin(), settings.encodings.end(), std::back_inserter(offer_), is_available);
}

bool Compress::is_candidate(const http::Response& response) const {
  // Whatever was packed may vary by what the client takes, and the answer that it is still right says so, too
  // (RFC 9110 section 15.4.5).
  if (response.status == 304) return find(response.fields, "ETag") != nullptr;
  // A part of something is counted in bytes of the whole.
  if (response.as_is || response.status == 206) return false;
  if (std::holds_alternative<api::Body::None>(response.body.content)) return false;
  if (response.body.length().value_or(settings_.min_size) < settings_.min_size) return false;
  const auto* const file = std::get_if<api::Body::File>(&response.body.content);
  if (file != nullptr && file->length > kLargestFile) return false;
  const Field* const type = find(response.fields, "Content-Type");
  if (type == nullptr || !http::is_type_listed(type->value, settings_.types)) return false;
  return find(response.fields, "Content-Encoding") == nullptr &&
         !lists(find(response.fields, "Cache-Control"), "no-transform");
}

void Compress::apply(http::Exchange& exchange, http::Response& response) const {
  if (!is_candidate(response)) return;
  const Field* const vary = find(response.fields, "Vary");
  if (!lists(vary, "Accept-Encoding") && !lists(vary, "*")) {
    FieldList fields(exchange, response.fields);
    fields.add("Vary", "Accept-Encoding");
    response.fields = fields.all();
  }
  if (response.status == 304) return confirm(exchange, response);
  if (const std::optional<Coding> coding = http::choose_coding(exchange.request().fields, offer_))
    encode(exchange, response, *coding);
}

// The answer names the validator of what it confirms, or a cache does not find it (RFC 9111 section 4.3.4).
void Compress::confirm(http::Exchange& exchange, http::Response& response) {
  if (!holds_weakened(exchange.request(), find(response.fields, "ETag")->value)) return;
  FieldList fields(exchange, response.fields);
  fields.weaken();
  response.fields = fields.all();
}

void Compress::encode(http::Exchange& exchange, http::Response& response, Coding coding) const {
  LentEncoder encoder(means_, coding, settings_.level);
  if (!encoder) return;
  auto* const bytes = std::get_if<api::Body::Bytes>(&response.body.content);
  if (bytes != nullptr && bytes->bytes.size() <= kAtOnce) {
    std::string packed = pack(*encoder, bytes->bytes);
    if (packed.empty()) return;
    encoder.count(bytes->bytes.size(), packed.size());
    response.body = OwnedText::body(std::move(packed));
  } else {
    auto source = source_of(std::move(encoder), exchange, response.body);
    response.body = api::Body::stream(*source);
    exchange.attach(std::move(source));
  }
  FieldList fields(exchange, response.fields);
  fields.weaken();
  fields.add("Content-Encoding", row(coding).name);
  response.fields = fields.all();
}

}  // namespace holdfast::filters
