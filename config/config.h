// The configuration as an immutable tree of plain structs: no behaviour, no defaults (those stand in the rows
// of schema/). The loader makes it; every part of the server gets the section it needs by const reference, and
// it lives as long as the process that loaded it or was forked from the loader.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/clock.h"
#include "common/coding.h"
#include "common/endpoint.h"
#include "common/log.h"
#include "config/yaml_tree.h"

namespace holdfast::config {

/// Where a value was written; line and column count from 1; line 0: it is a default.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Sandbox : std::uint8_t { Auto, Off, Strict };

struct Respawn {
  Milliseconds initial_delay{};
  Milliseconds max_delay{};
};

enum class Balance : std::uint8_t { Kernel, LeastConnections };

enum class ReloadMode : std::uint8_t { Direct, Trial };

/// A request that a worker on trial must answer as is said here.
struct Probe {
  std::string path;      // request target
  std::string host;      // empty: localhost
  std::string listener;  // by name; empty: the first
  std::uint16_t status{};
  Milliseconds timeout{};
  Place place{};
};

struct Process {
  std::uint32_t workers{};  // resolved: `auto` is already the number of usable CPUs
  bool workers_auto{};
  std::string user;      // empty: keep the master's
  std::string group;     // empty: the user's primary group
  std::string pid_file;  // empty: none
  Milliseconds shutdown_timeout{};
  Milliseconds start_timeout{};
  Milliseconds hang_timeout{};
  Respawn respawn;
  std::uint32_t generations{};
  Balance balance{};
  ReloadMode reload{};
  std::vector<Probe> probes;
  Sandbox sandbox{};
};

struct ErrorLog {
  std::string to;  // "stderr", "stdout", "syslog", "syslog:/PATH" or an absolute path
  LogLevel level{};
  LogFormat format{};
};

struct AccessLog {
  bool enabled{};
  std::string to;      // "stdout", "stderr" or an absolute path
  std::string format;  // "combined", "common", "json", "terse" (for people at a terminal) or a template
};

struct Log {
  ErrorLog error;
  AccessLog access;
};

struct Admin {
  bool enabled{};
  Endpoint bind;
  std::vector<std::string> allow;  // addresses, as Endpoint::host_text writes them
};

struct Limits {
  std::uint64_t connections{};
  std::uint64_t connections_per_ip{};  // 0: no limit
  std::uint64_t request_line{};        // bytes
  std::uint64_t request_headers{};     // bytes
  std::uint64_t header_count{};
  std::uint64_t request_body{};       // bytes
  std::uint64_t request_body_rate{};  // bytes a second; 0: no least rate
  std::uint64_t response_rate{};      // likewise, of what the client receives
};

struct Timeouts {
  Milliseconds tls_handshake{};
  Milliseconds request_header{};
  Milliseconds request_body{};
  Milliseconds response_write{};
  Milliseconds keep_alive{};
  Milliseconds handler{};  // 0: as long as it takes
};

enum class RequestIdMode : std::uint8_t { Off, Generate, Accept };

struct RequestId {
  RequestIdMode mode{};
  std::string header;
};

struct Metrics {
  std::vector<std::uint64_t> buckets;  // upper bounds, microseconds, ascending
};

struct ProxyProtocol {
  bool enabled{};
  std::vector<std::string> from;  // as AddressSet::normalised() writes them; empty: everybody
};

/// A file that is read at load by the master: workers need no access to it.
struct LoadedFile {
  std::string path;
  std::string text;
};

/// Where the OCSP response comes from that is sent along with a certificate.
enum class Stapling : std::uint8_t { Off, Fetch, File };

struct Certificate {
  LoadedFile certificate;  // with its chain, itself first
  LoadedFile key;
  Place place;
  Stapling stapling{};
  LoadedFile staple{};  // Stapling::Fetch: without a path, and filled in while the server runs
};

/// Certificates that clients show.
struct ClientCertificates {
  bool enabled{};
  LoadedFile authorities;  // and lists of what they have revoked
  bool required{};         // without one there is no connection
  Place place;
};

enum class TlsVersion : std::uint8_t { Tls12, Tls13 };

struct Tls {
  bool enabled{};
  std::vector<Certificate> certificates;  // the first is the default
  TlsVersion min_version{};
  bool strict_sni{};  // names that no certificate has are refused
  ClientCertificates client_certificates;
  bool early_data{};  // requests may come with the first packet of a resumed session
};

enum class WireProtocol : std::uint8_t { Http2, Http11 };

struct Listener {
  std::string name;
  Endpoint bind;
  std::vector<WireProtocol> protocols;
  Tls tls;
  std::uint16_t https_redirect{};  // port that requests are sent on to; 0: they are served
  ProxyProtocol proxy_protocol;
  Place place;
};

enum class FollowSymlinks : std::uint8_t { Never, Inside, Anywhere };

struct FilesAction {
  std::string root;
  std::vector<std::string> index;
  bool listing{};
  std::vector<Coding> precompressed;   // kinds of ready-made siblings, in order of preference
  std::vector<std::string> fallbacks;  // `try`: paths below the root, "{path}" stands for the request's
  FollowSymlinks follow_symlinks{};
};
struct RedirectAction {
  std::string
      to;  // `{path}` and `{query}` are not expanded; the query of the request is appended when `to` has none
  std::uint16_t status{};
};
struct RespondAction {
  std::uint16_t status{};
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body_file{};  // where the body was read from; empty: it stands in the configuration itself
};
struct ModuleAction {
  std::string file;  // the shared object
  Place place;       // of `file`
  Node settings;     // as written; read when the module is there to say what it takes (module_settings.h)
};
/// A Redis server that joins the chats of several hosts.
struct ChatBroker {
  std::string host{};  // empty: none, the workers of this host are joined anyway
  std::uint16_t port{};
  std::string channel{};
  bool operator==(const ChatBroker&) const = default;
};
struct ChatAction {
  std::uint32_t history{};   // messages of a room that a newcomer is shown
  std::uint64_t max_text{};  // bytes of one message's text
  std::uint32_t rate{};      // messages a second of one client; 0: as many as it likes
  std::uint32_t burst{};
  bool notices{};  // members are told who comes and goes
  bool page{};     // a plain GET shows a page to try it with
  ChatBroker broker;
  LoadedFile broker_password;  // empty path: none
};
struct EchoAction {};
struct WebSocketEchoAction {};
struct HelloAction {};
struct StatusAction {};
struct MetricsAction {};
struct HealthAction {};
struct ReadyAction {};  // only on the admin listener: /readyz

using Action =
    std::variant<FilesAction, RedirectAction, RespondAction, EchoAction, HelloAction, StatusAction,
                 MetricsAction, HealthAction, ReadyAction, ModuleAction, WebSocketEchoAction, ChatAction>;

struct WebSocket {
  std::uint64_t max_message{};   // bytes
  std::uint64_t max_queue{};     // bytes that wait for a client
  Milliseconds ping_interval{};  // 0: no pings
  Milliseconds pong_timeout{};
  Milliseconds close_timeout{};
  bool compression{};
  std::vector<std::string> origins;       // lower case, as browsers write them; empty: any
  std::vector<std::string> subprotocols;  // the dearest first
};

/// Of TLS, for all listeners.
struct SessionTickets {
  bool enabled{};
  Milliseconds rotate{};
  LoadedFile keys;  // of several machines; empty path: made here
};

struct Compression {
  bool enabled{};
  std::vector<Coding> encodings;   // the server's order of preference
  std::uint32_t level{};           // of gzip; the others have their own default
  std::uint64_t min_size{};        // bytes
  std::vector<std::string> types;  // lower case: "text/html", "text/*"
};

/// Changes of response fields: `remove` first, then `set`, which replaces what has the same name.
struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> remove;
};

struct BasicAuth {
  bool enabled{};
  std::string file;  // where `users` were read from
  std::string realm;
  std::vector<std::pair<std::string, std::string>> users;  // names and password hashes; never printed
};

struct Cors {
  bool enabled{};
  std::vector<std::string> origins;  // "*", "https://example.org", "https://*.example.org"
  std::vector<std::string> methods;
  std::vector<std::string> headers;  // of requests; "*": whichever is asked for
  std::vector<std::string> expose;   // of responses
  bool credentials{};
  Milliseconds max_age{};
};

/// Who shares one allowance.
enum class RateKey : std::uint8_t { Address, Header, All };

/// At most so many requests in each period on the long run, `burst` of them at once.
struct RateLimit {
  std::uint64_t requests{};  // 0: off
  Milliseconds period{};     // a second, a minute or an hour
  std::uint64_t burst{};
  RateKey key{};
  std::string header{};  // RateKey::Header: the field's name
};

struct ErrorPage {
  std::uint16_t status{};  // 404; or 4 and 5 for the whole class
  std::string file;
  std::string body;  // as read at load; never printed
};

/// Who may ask and how a refusal looks: a route's own, or those of its site.
struct Policies {
  std::vector<std::string> allow;  // as AddressSet::normalised() writes them; empty: everybody
  std::vector<std::string> deny;
  BasicAuth basic_auth;
  Cors cors;
  RateLimit rate_limit;
  std::vector<ErrorPage> error_pages;  // exact statuses before classes
};

/// What a route needs beyond the sandbox of all workers. A worker is one process: it has what any of its routes
/// asks for.
struct SandboxWishes {
  std::vector<std::string> system_calls;  // by name
  std::vector<std::string> read;          // paths
  std::vector<std::string> write;
};

struct Route {
  std::string path;                                                // as written: "/x", "/greet/{name}", "/*"
  std::string name;                                                // default: the path
  std::vector<std::string> methods;                                // empty: any the action supports
  std::vector<std::pair<std::string, std::string>> match_headers;  // all must be there with this value
  std::vector<std::pair<std::string, std::string>> match_query;
  Action action;
  HeaderEdits headers;
  SandboxWishes sandbox;
  Compression compression;       // effective here, as limits and timeouts
  Limits limits;                 // effective here: the wider ones with this route's own on top
  Timeouts timeouts;             // likewise
  WebSocket websocket;           // likewise
  Policies policies;             // likewise, with the site's in between
  std::uint32_t own_policies{};  // a bit for each of their rows that is written in the route itself
  Place place;
};

struct Site {
  std::string name;                      // label in metrics and logs
  std::vector<std::string> hosts;        // lower case; "*.example.org" is a suffix; empty: any host
  std::vector<std::uint32_t> listeners;  // indices into Config::listeners; never empty after loading
  HeaderEdits headers;                   // of all responses; routes have more of their own
  Policies policies;                     // of routes that have none of their own
  std::vector<Route> routes;
  Place place;
};

struct Config {
  std::string file;  // as named on the command line; empty for `holdfast serve`
  Process process;
  Log log;
  Admin admin;
  Limits limits;
  Timeouts timeouts;
  Compression compression;
  SessionTickets session_tickets;
  RequestId request_id;
  Metrics metrics;
  WebSocket websocket;
  std::vector<Listener> listeners;
  std::vector<Site> sites;
  /// Where the values stand that only the file system can judge, by setting: "process.user",
  /// "sites[0].routes[1].files.root".
  std::map<std::string, Place> places{};
};

}  // namespace holdfast::config
