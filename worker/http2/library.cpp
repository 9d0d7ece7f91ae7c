#include "worker/http2/library.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

namespace holdfast::http2 {
namespace {

// The library ends the connection when one stream more than announced is opened, which an unlucky client may do
// (RFC 9113 section 5.1.2 asks for the stream's refusal). So it believes in twice the number, and who opens
// more than that does not listen.
constexpr std::uint32_t kLeeway = 2;
constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kSetting = 6;

FrameEvents& events_of(void* user) {
  return *static_cast<FrameEvents*>(user);
}

FrameInfo info_of(const nghttp2_frame_hd& head) {
  FrameInfo info;
  info.type = static_cast<FrameType>(head.type);
  info.stream = head.stream_id;
  info.length = head.length;
  const bool may_end = head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS;
  const bool may_acknowledge = head.type == NGHTTP2_SETTINGS || head.type == NGHTTP2_PING;
  info.ends = may_end && (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  info.acknowledges = may_acknowledge && (head.flags & NGHTTP2_FLAG_ACK) != 0;
  return info;
}

void* stream_of(nghttp2_session* session, std::int32_t id) {
  return id == 0 ? nullptr : nghttp2_session_get_stream_user_data(session, id);
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

bool is_request(const nghttp2_frame* frame) {
  return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

// ---- callbacks: C to members, nothing else

int begin_frame(nghttp2_session* /*session*/, const nghttp2_frame_hd* head, void* user) {
  return events_of(user).on_frame_begin(info_of(*head)) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  if (!is_request(frame)) return 0;
  const std::int32_t id = frame->hd.stream_id;
  const Opened opened = events_of(user).on_request_begin(id);
  if (opened.refused) return nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_REFUSED_STREAM);
  return nghttp2_session_set_stream_user_data(session, id, opened.stream);
}

int take_field(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
               std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
               void* user) {
  constexpr std::size_t kOverhead = 32;  // RFC 9113 section 6.5.2
  if (!events_of(user).on_field_bytes(name_size + value_size + kOverhead)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  void* const stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return 0;
  if (is_request(frame)) {
    events_of(user).on_field(stream, text(name, name_size), text(value, value_size));
  } else {
    events_of(user).on_trailer(stream, text(name, name_size), text(value, value_size));
  }
  return 0;
}

// RFC 9113 section 8.2.1: a malformed field makes the message malformed; the stream is reset.
int take_invalid_field(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/,
                       const std::uint8_t* /*name*/, std::size_t /*size*/, const std::uint8_t* /*value*/,
                       std::size_t /*size*/, std::uint8_t /*flags*/, void* /*user*/) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int take_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  FrameEvents& events = events_of(user);
  const FrameInfo info = info_of(frame->hd);
  if (info.type == FrameType::Ping && info.acknowledges) events.on_pong();
  void* const stream = stream_of(session, info.stream);
  if (stream == nullptr) return 0;
  if (info.type == FrameType::Reset) events.on_reset(stream);
  if (is_request(frame)) {
    events.on_request_head(stream, info.ends);
  } else if (info.ends) {
    events.on_request_end(stream);
  }
  return 0;
}

int take_data(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id, const std::uint8_t* data,
              std::size_t size, void* user) {
  void* const stream = stream_of(session, id);
  if (stream == nullptr) return nghttp2_session_consume(session, id, size);
  events_of(user).on_data(stream, {reinterpret_cast<const std::byte*>(data), size});
  return 0;
}

int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  const FrameInfo info = info_of(frame->hd);
  const std::uint32_t error = info.type == FrameType::Reset ? frame->rst_stream.error_code : 0U;
  if (error != NGHTTP2_NO_ERROR && error != NGHTTP2_INTERNAL_ERROR)
    events_of(user).on_our_reset(static_cast<ErrorCode>(error));
  void* const stream = stream_of(session, info.stream);
  if (stream != nullptr) events_of(user).on_sent(stream, info);
  return 0;
}

int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t /*error*/, void* user) {
  void* const stream = stream_of(session, id);
  if (stream != nullptr) events_of(user).on_stream_end(stream);
  return 0;
}

nghttp2_nv pair_of(std::string_view name, std::string_view value) {
  // The library takes both for changeable, and changes neither.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> pairs_of(std::span<const api::Field> fields) {
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size());
  for (const api::Field& field : fields) pairs.push_back(pair_of(field.name, field.value));
  return pairs;
}

ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* /*room*/, std::size_t most,
                  std::uint32_t* flags, nghttp2_data_source* /*source*/, void* user) {
  void* const stream = stream_of(session, id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const Pulled pulled = events_of(user).pull(stream, most);
  switch (pulled.kind) {
    case Pulled::Kind::Later:
      return NGHTTP2_ERR_DEFERRED;
    case Pulled::Kind::Full:
      return NGHTTP2_ERR_PAUSE;
    case Pulled::Kind::Broken:
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    case Pulled::Kind::Data:
      break;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (pulled.ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (pulled.ends && !pulled.trailers.empty()) {
    const std::vector<nghttp2_nv> pairs = pairs_of(pulled.trailers);
    if (nghttp2_submit_trailer(session, id, pairs.data(), pairs.size()) != 0)
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
  return static_cast<ssize_t>(pulled.bytes);
}

int write_body(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
               nghttp2_data_source* /*source*/, void* user) {
  void* const stream = stream_of(session, frame->hd.stream_id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  bool pause = false;
  const std::span<const std::byte> frame_head{reinterpret_cast<const std::byte*>(head), kFrameHead};
  if (!events_of(user).write_data(stream, frame_head, size, pause))
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return pause ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace

Library::Library() {
  if (nghttp2_session_callbacks_new(&callbacks_) != 0 || nghttp2_option_new(&options_) != 0)
    throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks_, begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks_, begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks_, take_field);
  nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks_, take_invalid_field);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks_, take_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks_, take_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks_, frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks_, stream_closed);
  nghttp2_session_callbacks_set_send_data_callback(callbacks_, write_body);
  // A window is refilled by what a handler takes, not by what arrives.
  nghttp2_option_set_no_auto_window_update(options_, 1);
  // RFC 9218 in place of the trees of RFC 7540.
  nghttp2_option_set_builtin_recv_extension_type(options_, NGHTTP2_PRIORITY_UPDATE);
  // More than an AbuseMeter lets through, which tells the peer why.
  constexpr std::size_t kMostAnswersWaiting = 1000;
  nghttp2_option_set_max_outbound_ack(options_, kMostAnswersWaiting);
}

Library::~Library() {
  nghttp2_option_del(options_);
  nghttp2_session_callbacks_del(callbacks_);
}

Frames::Frames(const Library& library, FrameEvents& events, const Announced& announced)
    : streams_(announced.streams) {
  if (nghttp2_session_server_new2(&session_, library.callbacks_, &events, library.options_) != 0) return;
  const std::array<nghttp2_settings_entry, 4> settings{
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, announced.streams * kLeeway},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, announced.fields},
       {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
       {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(announced.window));
}

Frames::~Frames() {
  nghttp2_session_del(session_);
}

// How much of the input does not end within the head of a frame. Some versions of the library count each piece
// of the head of a CONTINUATION as one more of them, and end the connection of who sends slowly.
std::size_t Frames::whole_heads(std::span<const std::byte> input) {
  std::uint64_t at = until_head_;
  while (at + kFrameHead <= input.size()) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(input[at + i]); };
    at += kFrameHead + (byte(0) << 16 | byte(1) << 8 | byte(2));
  }
  const std::size_t whole = std::min<std::uint64_t>(at, input.size());
  until_head_ = at - whole;
  return whole;
}

std::optional<std::size_t> Frames::receive(std::span<const std::byte> input) {
  const std::size_t whole = whole_heads(input);
  if (whole == 0) return whole;
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(input.data());
  if (nghttp2_session_mem_recv(session_, bytes, whole) < 0) return std::nullopt;
  return whole;
}

// The first frame of a server is its SETTINGS: there the peer reads the true number of streams.
bool Frames::next_output(std::string_view& bytes) {
  const std::uint8_t* data = nullptr;
  const ssize_t size = nghttp2_session_mem_send(session_, &data);
  if (size < 0) return false;
  if (settings_are_next_ && size > 0) {
    settings_are_next_ = false;
    auto* const setting = const_cast<std::uint8_t*>(data) + kFrameHead;
    for (std::uint8_t* at = setting; at + kSetting <= data + size; at += kSetting) {
      if (at[0] != 0 || at[1] != NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) continue;
      for (std::size_t i = 0; i < 4; ++i) at[2 + i] = static_cast<std::uint8_t>(streams_ >> (24 - 8 * i));
      break;
    }
  }
  bytes = text(data, static_cast<std::size_t>(size));
  return true;
}

bool Frames::wants_input() const {
  return nghttp2_session_want_read(session_) != 0;
}
bool Frames::wants_output() const {
  return nghttp2_session_want_write(session_) != 0;
}

bool Frames::respond(std::int32_t id, std::span<const api::Field> fields, bool body) {
  const std::vector<nghttp2_nv> pairs = pairs_of(fields);
  nghttp2_data_provider provider{};
  provider.read_callback = read_body;
  return nghttp2_submit_response(session_, id, pairs.data(), pairs.size(), body ? &provider : nullptr) == 0;
}

void Frames::go_on(std::int32_t id) {
  const nghttp2_nv status = pair_of(":status", "100");
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, &status, 1, nullptr);
}

void Frames::resume_body(std::int32_t id) {
  nghttp2_session_resume_data(session_, id);
}

void Frames::reset(std::int32_t id, ErrorCode why) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(why));
}

void Frames::consume(std::int32_t id, std::size_t bytes) {
  nghttp2_session_consume(session_, id, bytes);
}

void Frames::discard(std::size_t bytes) {
  nghttp2_session_consume_connection(session_, bytes);
}

void* Frames::stream(std::int32_t id) const {
  return stream_of(session_, id);
}

std::int32_t Frames::window(std::int32_t id) const {
  return nghttp2_session_get_stream_remote_window_size(session_, id);
}

void Frames::announce_end() {
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void Frames::goodbye() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Frames::terminate(ErrorCode why) {
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(why));
}

}  // namespace holdfast::http2
