#include "config/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/schema/sections.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A reader of RFC 8259 that answers only whether the text is JSON.
class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : rest_(text) {}
  bool whole() { return value() && (space(), rest_.empty()); }

 private:
  void space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n\t\r"), rest_.size())); }
  bool take(std::string_view token) {
    space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      if (static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      const bool escape = rest_.front() == '\\';
      if (escape &&
          (rest_.size() < 2 || std::string_view("\"\\/bfnrtu").find(rest_[1]) == std::string_view::npos))
        return false;
      rest_.remove_prefix(escape ? 2 : 1);
    }
    return take("\"");
  }
  bool members(std::string_view end, bool named) {
    if (take(end)) return true;
    do {
      if (named && (!string() || !take(":"))) return false;
      if (!value()) return false;
    } while (take(","));
    return take(end);
  }
  bool value() {
    if (take("{")) return members("}", true);
    if (take("[")) return members("]", false);
    if (take("true") || take("false") || take("null")) return true;
    if (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      rest_.remove_prefix(std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
      return true;
    }
    return string();
  }
  std::string_view rest_;
};

void each_row(const std::vector<RowInfo>& rows, const std::function<void(const RowInfo&)>& visit) {
  for (const RowInfo& row : rows) {
    visit(row);
    each_row(row.children, visit);
  }
}

constexpr const char* kEverything = R"(
process: {workers: 3, user: www-data, group: www, pid_file: off, respawn: {initial_delay: 1ms}}
log: {error: {to: /tmp/error.log, level: debug, format: json}, access: off}
admin: {bind: off, allow: []}
limits: {connections: 7}
timeouts: {keep_alive: 1500ms}
listeners: {public: {bind: "[::]:80"}, "off": {bind: "unix:/tmp/x.sock"}}
sites:
  - hosts: [Example.COM, "*.example.org"]
    listeners: ["off"]
    routes:
      - {path: "/a b", name: "x"}
)";

std::string everything() {
  std::string text = kEverything;
  const std::string route = "      - {path: \"/a b\", name: \"x\"}\n";
  return text.replace(
      text.find(route), route.size(),
      "      - {path: /a, name: \"na: me #1\", methods: [GET], match: {headers: {X-B: \"1\"}, query: {\"a b\": "
      "\"\"}}, "
      "echo: {}}\n"
      "      - {path: /b, redirect: {to: /c}, limits: {request_body: 5MiB}, timeouts: {request_body: 9s}}\n"
      "      - {path: /d, respond: {status: 404, body: \"x\\ny\\t\\u00e4 $${HOME} 'q' \\\"\", headers: {A: "
      "\"\"}}}\n"
      "      - {path: \"/e/{id}/*\", files: {root: /srv/www, index: []}}\n");
}

TEST(EffectiveConfiguration, loads_again_to_the_same_tree) {
  const Loaded first = load_text(everything(), "x.yaml");
  ASSERT_THAT(lines(first.problems), IsEmpty());
  const std::string printed = effective_yaml(*first.config);
  const Loaded again = load_text(printed, "x.yaml");
  ASSERT_THAT(lines(again.problems), IsEmpty()) << printed;
  EXPECT_EQ(effective_yaml(*again.config), printed);
  const auto& respond = std::get<RespondAction>(again.config->sites[0].routes[2].action);
  EXPECT_EQ(respond.body, "x\ny\t\xC3\xA4 ${HOME} 'q' \"");
  EXPECT_EQ(again.config->sites[0].routes[0].name, "na: me #1");
  EXPECT_EQ(again.config->sites[0].routes[0].match_query, first.config->sites[0].routes[0].match_query);
  EXPECT_EQ(again.config->sites[0].routes[1].limits.request_body, 5u << 20);
  EXPECT_EQ(again.config->listeners[1].name, "off");
  EXPECT_THAT(again.config->admin.allow, IsEmpty());
  EXPECT_THAT(std::get<FilesAction>(again.config->sites[0].routes[3].action).index, IsEmpty());
}

TEST(EffectiveConfiguration, names_the_defaults_and_leaves_out_what_is_not_available) {
  const std::string printed = effective_yaml(*load_with_site("").config);
  EXPECT_THAT(printed, HasSubstr("keep_alive: 75s"));
  EXPECT_THAT(printed, HasSubstr("user: holdfast"));
  EXPECT_THAT(printed, HasSubstr("encodings: [zstd, br, gzip]"));
  EXPECT_THAT(printed, HasSubstr("max_message: 1MiB"));
  EXPECT_THAT(printed, Not(HasSubstr("proxy:")));
}

TEST(EffectiveConfiguration, does_not_print_what_came_from_a_file) {
  const TempFolder folder;
  folder.write("secret", "s3cret");
  const Loaded loaded =
      load_file(folder.write("c.yaml", "sites: [{routes: [{path: /, respond: {body: {file: secret}}}]}]\n"));
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const std::string printed = effective_yaml(*loaded.config);
  EXPECT_THAT(printed, Not(HasSubstr("s3cret")));
  EXPECT_EQ(effective_yaml(*load_text(printed, loaded.config->file).config), printed);
}

TEST(JsonSchema, is_json_and_names_every_key) {
  const std::string schema = json_schema();
  EXPECT_TRUE(JsonCheck(schema).whole()) << schema;
  EXPECT_THAT(schema, HasSubstr("\"$schema\": \"http://json-schema.org/draft-07/schema#\""));
  each_row(infos_of(config_rows()),
           [&](const RowInfo& row) { EXPECT_THAT(schema, HasSubstr("\"" + std::string(row.key) + "\": {")); });
}

TEST(Reference, has_an_entry_for_every_key_of_the_specification) {
  const std::string text = reference();
  each_row(infos_of(config_rows()), [&](const RowInfo& row) {
    EXPECT_THAT(text, HasSubstr(std::string(row.key) + "`\n\n" + std::string(row.help))) << row.key;
    EXPECT_FALSE(row.help.empty()) << row.key;
  });
  for (const char* key : {"process.workers",
                          "process.respawn.max_delay",
                          "log.error.level",
                          "log.access.format",
                          "admin.allow",
                          "limits.connections_per_ip",
                          "timeouts.tls_handshake",
                          "compression.encodings",
                          "websocket.max_message",
                          "listeners.NAME.bind",
                          "listeners.NAME.tls.certificates[].key",
                          "listeners.NAME.proxy_protocol",
                          "listeners.NAME.proxy_protocol.from",
                          "sites[].hosts",
                          "sites[].routes[].path",
                          "sites[].routes[].files.root",
                          "sites[].routes[].match.query",
                          "sites[].routes[].redirect.status",
                          "sites[].routes[].respond.body",
                          "sites[].routes[].module.settings",
                          "sites[].routes[].headers.set",
                          "sites[].routes[].limits.request_body",
                          "sites[].routes[].limits.response_rate",
                          "include"})
    EXPECT_THAT(text, HasSubstr("## `" + std::string(key) + "`\n"));
}

TEST(Reference, tells_defaults_and_what_a_change_takes) {
  EXPECT_THAT(reference(), HasSubstr("- Default: `/run/holdfast/holdfast.pid`"));
  EXPECT_THAT(reference(), HasSubstr("needs a restart"));
  EXPECT_THAT(reference(), HasSubstr("- Not available in this version"));
}

TEST(Rows, count_the_members_of_a_struct) {
  EXPECT_EQ(member_count<EchoAction>(), 0u);
  EXPECT_EQ(member_count<Respawn>(), 2u);
  EXPECT_EQ(member_count<Limits>(), 8u);
  EXPECT_EQ(member_count<Process>(), 14u);
}

}  // namespace
}  // namespace holdfast::config
