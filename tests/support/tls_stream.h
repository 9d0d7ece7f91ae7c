// The client's side of TLS on a non-blocking socket, with the results of send() and recv().
#pragma once

#include <sys/types.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"

struct ssl_st;
struct ssl_ctx_st;

namespace holdfast::support {

struct TlsOptions {
  std::string trust = {};                             // PEM of the certificate that is believed; empty: any
  std::string name = {};                              // asked for (SNI) and verified when `trust` is set
  std::vector<std::string> protocols = {"http/1.1"};  // ALPN
  int least = 0, most = 0;                            // TLS1_2_VERSION, ...; 0: what the library has
  std::string signatures = {};                        // as SSL_CTX_set1_sigalgs_list takes them; empty: all
  std::string session = {};                           // to resume, as session() gave it
  std::string early = {};                             // sent with the first packet, if the session allows it
  std::string certificate = {}, key = {};             // PEM, shown when the server asks; empty: none
};

class TlsStream {
 public:
  /// Shakes hands on `socket`, which stays the caller's; null when that failed, `problem` says why.
  static std::unique_ptr<TlsStream> connect(int socket, const TlsOptions& options, Milliseconds in,
                                            std::string& problem);
  ~TlsStream();

  /// As send() and recv(): -1 with EAGAIN when the socket must be waited for. 0 of read(): close_notify.
  ssize_t write(std::string_view bytes);
  ssize_t read(std::span<char> room);
  /// Sends close_notify.
  void end();
  /// Makes the next write begin with a record that changes the key and asks the peer for the same (TLS 1.3).
  void change_key();

  /// What resumes this session; of TLS 1.3 once something was read. Empty: there is no ticket.
  std::string session() const;
  bool resumed() const;
  /// The server has taken what was sent with the first packet; else it is to be sent again.
  bool early_taken() const;
  std::string protocol() const;  // of ALPN
  std::string version() const;   // "TLSv1.3"
  /// The OCSP response that came with its certificate (DER); empty: none.
  std::string staple() const;
  /// PEM of the certificate that the server showed.
  std::string certificate() const;

 private:
  TlsStream() = default;
  ssize_t failed(int result);

  ssl_ctx_st* context_ = nullptr;
  ssl_st* session_ = nullptr;
};

}  // namespace holdfast::support
