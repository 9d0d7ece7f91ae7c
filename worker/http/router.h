// The compiled route table: (listener, host, path, method) -> route. Exact beats {name}, {name} beats the
// longest prefix (segment by segment, the literal one first). Cost does not grow with the number of sites or
// routes. Built once for each worker, immutable after that; no allocation in find().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/api/request.h"
#include "config/config.h"

namespace holdfast::http {

inline constexpr std::size_t kMaxPathParameters = 8;

struct RouteMatch {
  enum class Outcome : std::uint8_t {
    Found,
    NoSite,    // no site of this listener takes the host: 421 for the caller to answer
    NoRoute,   // 404
    NoMethod,  // 405 with `allow`
  };
  Outcome outcome = Outcome::NoRoute;
  std::uint32_t site = 0;   // index into Config::sites; valid unless NoSite
  std::uint32_t route = 0;  // index into Site::routes; valid when Found
  std::string_view allow;   // NoMethod: "GET, HEAD, OPTIONS"; lives as long as the router
  std::array<api::Parameter, kMaxPathParameters>
      parameters;  // names live with the router, values point into the path
  std::size_t parameter_count = 0;
};

class Router {
 public:
  explicit Router(const config::Config& config);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// `host` in any case, without port; empty when the request had none. Exact host beats wildcard (longest
  /// suffix first) beats a site without hosts; among equals the first in the file. Routes of one path are tried
  /// in the order of the file; those whose `methods` or `match` do not fit are passed over. HEAD is served by a
  /// route that takes GET.
  RouteMatch find(std::uint32_t listener, std::string_view host, const api::Request& request) const {
    RouteMatch match;
    find(listener, host, request, match);
    return match;
  }
  /// The same into a match that is used again and again: of its parameters only as many are written as there
  /// are.
  void find(std::uint32_t listener, std::string_view host, const api::Request& request,
            RouteMatch& match) const;
  /// "GET, HEAD, ..." of the path for OPTIONS, empty when the path is unknown.
  std::string_view allow(std::uint32_t listener, std::string_view host, std::string_view path) const;
  /// A method of RFC 9110, or one that a route names.
  bool knows_method(const api::Request& request) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// The methods an action can serve when the route names none; empty: all.
std::span<const api::Method> supported_methods(const config::Action& action);

}  // namespace holdfast::http
