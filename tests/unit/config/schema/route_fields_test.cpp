#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> with_path(const std::string& path) {
  return problems_of_route("{path: \"" + path + "\", hello: {}}");
}

TEST(RoutePaths, may_be_exact_have_parameters_or_be_a_prefix) {
  for (const char* path : {"/", "/a", "/a/", "/a/b.c", "/*", "/a/*", "/{x}", "/{x}/b/{y_2}", "/{x}/*",
                           "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", "/caf\xC3\xA9", "/100%"})
    EXPECT_THAT(with_path(path), IsEmpty()) << path;
}

TEST(RoutePaths, that_could_never_match_are_refused) {
  for (const char* path : {"",        "a",       "*",      "/a*",      "/*/b",
                           "/a{x}",   "/{x",     "/{}",    "/{1x}",    "/{x-y}",
                           "/{x}{y}", "/a/../b", "/./a",   "/a?b",     "/a#b",
                           "/a b",    "/a\\\\b", "/a%20b", "/{x}/{x}", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"})
    EXPECT_THAT(with_path(path), ElementsAre(HasSubstr("x.yaml:3:14: `path` "))) << path;
}

TEST(RoutePaths, must_be_there) {
  EXPECT_THAT(problems_of_route("{hello: {}}"), ElementsAre("x.yaml:3:7: `path` is missing"));
}

TEST(Actions, are_exactly_one_a_route) {
  EXPECT_THAT(problems_of_route("{path: /x}"), ElementsAre(HasSubstr("x.yaml:3:7: the route has no action")));
  EXPECT_THAT(
      problems_of_route("{path: /x, hello: {}, proxy: {}}"),
      ElementsAre(HasSubstr("`proxy` is not available"), HasSubstr("the route has more than one action")));
  EXPECT_THAT(problems_of_route("{path: /x, ready: {}}"), ElementsAre(HasSubstr("unknown key `ready`")));
}

TEST(Actions, without_settings_may_be_left_empty) {
  EXPECT_THAT(problems_of("sites:\n  - routes:\n    - path: /x\n      hello:\n"), IsEmpty());
  EXPECT_THAT(problems_of_route("{path: /x, hello: {name: you}}"),
              ElementsAre(HasSubstr("there is nothing to set here")));
}

TEST(Methods, are_tokens_in_capitals) {
  const auto with_methods = [](const std::string& list) {
    return problems_of_route("{path: /x, methods: " + list + ", hello: {}}");
  };
  EXPECT_THAT(with_methods("[GET, PROPFIND]"), IsEmpty());
  EXPECT_THAT(with_methods("[get]"), ElementsAre(HasSubstr("must be in capitals (GET)")));
  EXPECT_THAT(with_methods("[\"A B\"]"), ElementsAre(HasSubstr("must hold method names")));
  EXPECT_THAT(with_methods("[CONNECT]"), ElementsAre(HasSubstr("no forward proxy")));
}

TEST(Redirects, have_a_target_and_a_redirecting_status) {
  const auto redirect = [](const std::string& settings) {
    return problems_of_route("{path: /x, redirect: {" + settings + "}}");
  };
  EXPECT_THAT(redirect("to: \"https://example.com/a?b=c\", status: 301"), IsEmpty());
  EXPECT_THAT(redirect(""), ElementsAre("x.yaml:3:28: `to` is missing"));
  EXPECT_THAT(redirect("to: \"\""), ElementsAre(HasSubstr("must begin with /")));
  EXPECT_THAT(redirect("to: \"/a\\r\\nX: y\""), ElementsAre(HasSubstr("must be a target in ASCII")));
  EXPECT_THAT(redirect("to: \"javascript:x\""), ElementsAre(HasSubstr("must begin with /")));
  EXPECT_THAT(redirect("to: /, status: 304"), ElementsAre(HasSubstr("must be 301, 302, 303, 307 or 308")));
}

TEST(FixedResponses, have_a_final_status_and_headers_that_are_not_the_servers) {
  const auto respond = [](const std::string& settings) {
    return problems_of_route("{path: /x, respond: {" + settings + "}}");
  };
  EXPECT_THAT(respond(""), IsEmpty());
  EXPECT_THAT(respond("status: 204"), IsEmpty());
  EXPECT_THAT(respond("headers: {Server: mine, X-Number: 5}"), IsEmpty());
  for (const char* status : {"100", "199", "600", "304", "206"})
    EXPECT_EQ(respond(std::string("status: ") + status).size(), 1u) << status;
  EXPECT_THAT(respond("status: 204, body: x"),
              ElementsAre(HasSubstr("a response with status 204 has no body")));
  for (const char* name : {"connection", "Content-Length", "Transfer-Encoding", "Date"})
    EXPECT_THAT(respond("headers: {" + std::string(name) + ": x}"),
                ElementsAre(HasSubstr("set by the server itself")));
  EXPECT_THAT(respond("headers: {\"A b\": x}"), ElementsAre(HasSubstr("x.yaml:3:38: `A b` is no header name")));
  EXPECT_THAT(respond("headers: {A: \"x\\ny\"}"), ElementsAre(HasSubstr("control characters")));
}

TEST(FixedResponses, read_their_body_from_a_file) {
  const TempFolder folder;
  folder.write("robots.txt", "User-agent: *\n");
  const std::string path =
      folder.write("c.yaml", "sites: [{routes: [{path: /, respond: {body: {file: robots.txt}}}]}]\n");
  const Loaded loaded = load_file(path);
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const auto& respond = std::get<RespondAction>(loaded.config->sites[0].routes[0].action);
  EXPECT_EQ(respond.body, "User-agent: *\n");
  EXPECT_EQ(respond.body_file, folder.file("robots.txt"));
  EXPECT_THAT(problems_of_route("{path: /x, respond: {body: {file: /no/such}}}"),
              ElementsAre("x.yaml:3:41: /no/such cannot be read: No such file or directory"));
  EXPECT_THAT(problems_of_route("{path: /x, respond: {body: {fil: /no/such}}}"),
              ElementsAre(HasSubstr("must be a string or {file: PATH}")));
}

TEST(IndexFiles, are_names_without_a_folder) {
  EXPECT_THAT(problems_of_route("{path: /x, files: {root: /, index: [../x]}}"),
              ElementsAre(HasSubstr("must hold file names without a folder")));
}

TEST(PrecompressedFiles, are_of_known_codings) {
  const auto files = [](const std::string& settings) {
    return problems_of_route("{path: /x, files: {root: /, " + settings + "}}");
  };
  EXPECT_THAT(files("precompressed: [br, gzip, zstd]"), IsEmpty());
  EXPECT_THAT(files("precompressed: [brotli]"), ElementsAre(HasSubstr("must be zstd, br or gzip")));
}

TEST(FallbackFiles, are_paths_below_the_root_with_one_path_of_the_request) {
  const auto with_try = [](const std::string& path) {
    return problems_of_route("{path: /x, files: {root: /, try: [\"" + path + "\"]}}");
  };
  for (const char* path : {"/index.html", "{path}.html", "/pages{path}.html", "{path}/start.html", "/a b/c"})
    EXPECT_THAT(with_try(path), IsEmpty()) << path;
  for (const char* path : {"", "index.html", "=404", "{path}", "{path}/", "/", "/a/", "/../x", "/a/./b", "//a",
                           "/.git/x", "{uri}", "{path}{path}", "/{path}", "/a{", "/a\\tb", "/a\\\\b"})
    EXPECT_THAT(with_try(path), ElementsAre(HasSubstr("x.yaml:3:41: `try` must hold"))) << path;
  EXPECT_THAT(with_try("=404"), ElementsAre(HasSubstr("404 anyway")));
  EXPECT_THAT(with_try("{path}"), ElementsAre(HasSubstr("always tried first")));
}

TEST(Overrides, take_only_what_matters_after_the_route_is_known) {
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, limits: {request_body: 1}, timeouts: {keep_alive: 1s}}"),
              IsEmpty());
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, limits: {request_line: 1KiB}}"),
              ElementsAre(HasSubstr("`request_line` cannot be set for a route")));
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, limits: {request_bdy: 1KiB}}"),
              ElementsAre(HasSubstr("did you mean `request_body`?")));
}

}  // namespace
}  // namespace holdfast::config
