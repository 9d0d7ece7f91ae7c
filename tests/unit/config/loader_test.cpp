#include "config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/describe.h"
#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Loader, fills_in_every_default) {
  const Loaded loaded = load_with_site("");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Config& config = *loaded.config;
  EXPECT_TRUE(config.process.workers_auto);
  EXPECT_GE(config.process.workers, 1u);
  EXPECT_EQ(config.process.user, "holdfast");
  EXPECT_EQ(config.process.group, "");
  EXPECT_EQ(config.process.pid_file, "/run/holdfast/holdfast.pid");
  EXPECT_EQ(config.process.shutdown_timeout, 30s);
  EXPECT_EQ(config.process.start_timeout, 10s);
  EXPECT_EQ(config.process.hang_timeout, 5s);
  EXPECT_EQ(config.process.respawn.initial_delay, 50ms);
  EXPECT_EQ(config.process.respawn.max_delay, 10s);
  EXPECT_EQ(config.process.generations, 4u);
  EXPECT_EQ(config.process.sandbox, Sandbox::Auto);
  EXPECT_EQ(config.log.error.to, "stderr");
  EXPECT_EQ(config.log.error.level, LogLevel::Info);
  EXPECT_EQ(config.log.error.format, LogFormat::Text);
  EXPECT_TRUE(config.log.access.enabled);
  EXPECT_EQ(config.log.access.to, "/var/log/holdfast/access.log");
  EXPECT_EQ(config.log.access.format, "combined");
  EXPECT_TRUE(config.admin.enabled);
  EXPECT_EQ(config.admin.bind.text(), "127.0.0.1:9180");
  EXPECT_THAT(config.admin.allow, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(config.limits.connections, 100000u);
  EXPECT_EQ(config.limits.connections_per_ip, 0u);
  EXPECT_EQ(config.limits.request_line, 8192u);
  EXPECT_EQ(config.limits.request_headers, 32768u);
  EXPECT_EQ(config.limits.header_count, 100u);
  EXPECT_EQ(config.limits.request_body, 1048576u);
  EXPECT_EQ(config.timeouts.tls_handshake, 10s);
  EXPECT_EQ(config.timeouts.request_header, 10s);
  EXPECT_EQ(config.timeouts.request_body, 30s);
  EXPECT_EQ(config.timeouts.response_write, 60s);
  EXPECT_EQ(config.timeouts.keep_alive, 75s);
  ASSERT_EQ(config.listeners.size(), 1u);
  EXPECT_EQ(config.listeners[0].name, "http");
  EXPECT_EQ(config.listeners[0].bind.text(), "0.0.0.0:8080");
}

TEST(Loader, reads_every_setting_of_this_version) {
  const Loaded loaded = load_text(R"(
process:
  workers: 3
  user: www-data
  group: www
  pid_file: off
  shutdown_timeout: 1m
  start_timeout: 250ms
  hang_timeout: 2s
  respawn: {initial_delay: 1ms, max_delay: 1h}
  generations: 2
  sandbox: off
log:
  error: {to: /tmp/error.log, level: debug, format: json}
  access: off
admin: off
limits: {connections: 7, connections_per_ip: 3, request_line: 512, request_headers: 1KiB, header_count: 9, request_body: 2GiB}
timeouts: {tls_handshake: 1s, request_header: 2s, request_body: 3s, response_write: 4s, keep_alive: 5s}
compression: {enabled: false}
listeners:
  public: {bind: "[::]:80", protocols: [http/1.1], proxy_protocol: off}
  local: {bind: "unix:/tmp/x.sock"}
  behind: {bind: ":81", proxy_protocol: on}
  trusting: {bind: ":82", proxy_protocol: {from: [10.0.0.0/8, "2001:db8::1"]}}
sites:
  - name: shop
    hosts: [Example.COM, "*.example.org"]
    listeners: [local]
    routes:
      - {path: /a, name: first, methods: [GET, PURGE], match: {headers: {X-Beta: 1}, query: {v: "2"}}, echo: {}}
      - {path: /b, redirect: {to: /c}, limits: {request_body: 5MiB, request_body_rate: 1KiB, response_rate: 0}, timeouts: {request_body: 9s}}
      - {path: /d, respond: {status: 404, body: "x\ny", headers: {Content-Type: text/plain}}}
      - {path: "/e/{id}/f", status: {}}
      - {path: /g, metrics: {}}
      - {path: /h, health: {}}
      - {path: /*, files: {root: /srv/www, index: [a.html, b.html], listing: true, follow_symlinks: never}}
)",
                                  "x.yaml");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Config& config = *loaded.config;
  EXPECT_EQ(config.process.workers, 3u);
  EXPECT_FALSE(config.process.workers_auto);
  EXPECT_EQ(config.process.group, "www");
  EXPECT_EQ(config.process.pid_file, "");
  EXPECT_EQ(config.process.shutdown_timeout, 60s);
  EXPECT_EQ(config.process.start_timeout, 250ms);
  EXPECT_EQ(config.process.respawn.max_delay, 1h);
  EXPECT_EQ(config.process.sandbox, Sandbox::Off);
  EXPECT_EQ(config.log.error.level, LogLevel::Debug);
  EXPECT_EQ(config.log.error.format, LogFormat::Json);
  EXPECT_FALSE(config.log.access.enabled);
  EXPECT_FALSE(config.admin.enabled);
  EXPECT_EQ(config.limits.request_line, 512u);
  EXPECT_EQ(config.limits.request_body, 2147483648u);
  EXPECT_EQ(config.limits.request_body_rate, 240u);
  EXPECT_EQ(config.listeners[1].bind.text(), "unix:/tmp/x.sock");
  EXPECT_FALSE(config.listeners[1].proxy_protocol.enabled);
  EXPECT_TRUE(config.listeners[2].proxy_protocol.enabled);
  EXPECT_THAT(config.listeners[2].proxy_protocol.from, IsEmpty());
  EXPECT_TRUE(config.listeners[3].proxy_protocol.enabled);
  EXPECT_EQ(config.listeners[3].proxy_protocol.from.at(1), "2001:db8::1");
  const Site& site = config.sites.at(0);
  EXPECT_EQ(site.name, "shop");
  EXPECT_THAT(site.hosts, ElementsAre("example.com", "*.example.org"));
  EXPECT_THAT(site.listeners, ElementsAre(1u));
  EXPECT_THAT(site.routes[0].methods, ElementsAre("GET", "PURGE"));
  EXPECT_THAT(site.routes[0].match_headers, ElementsAre(std::pair<std::string, std::string>("X-Beta", "1")));
  EXPECT_THAT(site.routes[0].match_query, ElementsAre(std::pair<std::string, std::string>("v", "2")));
  EXPECT_EQ(site.routes[0].name, "first");
  EXPECT_EQ(site.routes[1].name, "/b");
  EXPECT_EQ(site.routes[1].limits.request_body, 5u << 20);
  EXPECT_EQ(site.routes[1].limits.header_count, 9u);
  EXPECT_EQ(site.routes[1].limits.request_body_rate, 1024u);
  EXPECT_EQ(site.routes[1].limits.response_rate, 0u);
  EXPECT_EQ(site.routes[1].timeouts.request_body, 9s);
  EXPECT_EQ(site.routes[1].timeouts.keep_alive, 5s);
  EXPECT_EQ(site.routes[2].limits.request_body, 2147483648u);
  EXPECT_EQ(std::get<RedirectAction>(site.routes[1].action).status, 308);
  EXPECT_EQ(std::get<RespondAction>(site.routes[2].action).body, "x\ny");
  EXPECT_TRUE(std::holds_alternative<StatusAction>(site.routes[3].action));
  EXPECT_TRUE(std::holds_alternative<MetricsAction>(site.routes[4].action));
  EXPECT_TRUE(std::holds_alternative<HealthAction>(site.routes[5].action));
  const auto& files = std::get<FilesAction>(site.routes[6].action);
  EXPECT_EQ(files.root, "/srv/www");
  EXPECT_THAT(files.index, ElementsAre("a.html", "b.html"));
  EXPECT_TRUE(files.listing);
  EXPECT_EQ(files.follow_symlinks, FollowSymlinks::Never);
  EXPECT_EQ(site.routes[6].place.line, 36);
}

TEST(Loader, reports_ten_mistakes_in_one_file_each_at_its_place) {
  EXPECT_THAT(
      problems_of(R"(process:
  workes: 4
  shutdown_timeout: 30
limits:
  request_body: 5MB
  header_count: "80"
log: {error: {level: warn}}
listeners:
  http: {bind: "0.0.0.0"}
sites:
  - listeners: [htp]
    routes:
      - {path: nowhere, hello: {}}
      - {path: /x, fils: {root: /srv}}
      - {path: /y, hello: {}, echo: {}}
)"),
      ElementsAre(
          "x.yaml:2:3: unknown key `workes` in `process`; did you mean `workers`?",
          "x.yaml:3:21: `shutdown_timeout` must be a duration such as 250ms, 30s, 5m or 1h, not `30`; it has "
          "no "
          "unit: write `30s`",
          "x.yaml:5:17: `request_body` must be a size such as 512, 64KiB or 1MiB, not `5MB`; that unit is "
          "ambiguous: write `5MiB`",
          "x.yaml:6:17: `header_count` must be a whole decimal number, not the text \"80\"; write it without "
          "quotes",
          "x.yaml:7:22: `level` must be debug, info, warning or error, not `warn`; did you mean `warning`?",
          "x.yaml:9:16: '0.0.0.0' has no port (write ADDRESS:PORT)",
          "x.yaml:11:17: `listeners` must name a listener (http), not `htp`; did you mean `http`?",
          "x.yaml:13:16: `path` must begin with /, not `nowhere`",
          "x.yaml:14:20: unknown key `fils` in `sites[0].routes[1]`; did you mean `files`?",
          "x.yaml:15:31: the route has more than one action: hello and echo"));
}

TEST(Loader, explains_addresses_that_lack_a_part) {
  const auto told = [](const std::string& bind) {
    return problems_with_site("listeners: {a: {bind: " + bind + "}}\n");
  };
  EXPECT_THAT(told("80"), ElementsAre(HasSubstr("'80' is a port without an address (write 0.0.0.0:80)")));
  EXPECT_THAT(
      told("\"*:80\""),
      ElementsAre(HasSubstr("'*:80' is not an address (all of them are 0.0.0.0, or [::] with those of IPv6)")));
  EXPECT_THAT(told("\"www.example.com:80\""),
              ElementsAre(HasSubstr("(write 127.0.0.1:80, [::1]:80 or unix:/path)")))
      << "the reason is told to its end";
}

TEST(Loader, explains_words_of_https_redirect) {
  const auto told = [](const std::string& word) {
    return problems_with_site("listeners: {a: {bind: \"127.0.0.1:80\", https_redirect: " + word + "}}\n");
  };
  EXPECT_THAT(
      told("true"),
      ElementsAre(HasSubstr("`https_redirect` must be off, on or the port of https, not `true`; write `on`")));
  EXPECT_THAT(told("443"), IsEmpty());
  EXPECT_THAT(told("0"), ElementsAre(HasSubstr("`https_redirect` must be")));
}

TEST(Loader, tells_a_file_that_begins_with_a_key_without_its_colon) {
  EXPECT_THAT(problems_of("include conf.d/*.yaml\n"), ElementsAre(HasSubstr("a `:` is missing behind a key")));
}

TEST(Loader, gives_no_configuration_when_anything_is_wrong) {
  EXPECT_EQ(load_with_site("process: {workers: 0}\n").config, nullptr);
}

TEST(Loader, refuses_what_this_version_does_not_have) {
  const std::string suffix = " is not available in this version of holdfast";
  const auto refused = [&](const std::string& at, const std::string& what) {
    return ElementsAre("x.yaml:" + at + ": `" + what + "`" + suffix);
  };
  EXPECT_THAT(problems_of_route("{path: /x, proxy: {}}"), refused("3:18", "proxy"));
}

TEST(Loader, reads_what_a_route_asks_of_the_sandbox) {
  const Loaded loaded = load_text(
      "process: {sandbox: strict}\nsites: [{routes: [{path: /x, hello: {}, sandbox: {system_calls: [bind], "
      "read: [/srv/a], write: [/srv/b]}}]}]\n",
      "/etc/x.yaml");
  ASSERT_THAT(lines(loaded.problems), ElementsAre());
  EXPECT_EQ(loaded.config->process.sandbox, Sandbox::Strict);
  const SandboxWishes& wishes = loaded.config->sites[0].routes[0].sandbox;
  EXPECT_THAT(wishes.system_calls, ElementsAre("bind"));
  EXPECT_THAT(wishes.read, ElementsAre("/srv/a"));
  EXPECT_THAT(wishes.write, ElementsAre("/srv/b"));
  EXPECT_THAT(problems_of_route("{path: /x, hello: {}, sandbox: {system_calls: [bnid, ptrace]}}"),
              ElementsAre(AllOf(HasSubstr("not `bnid`"), HasSubstr("did you mean `bind`?")),
                          AllOf(HasSubstr("not `ptrace`"), HasSubstr("the machine itself"))));
}

TEST(Loader, keeps_the_settings_of_a_module_for_the_workers) {
  EXPECT_THAT(problems_of_route("{path: /x, module: {file: /m.so, settings: {a: 1}}}"), ElementsAre());
  EXPECT_THAT(problems_of_route("{path: /x, module: {file: /m.so, settings: [a]}}"),
              ElementsAre(HasSubstr("`settings` must be a map of settings")));
  EXPECT_THAT(problems_of_route("{path: /x, module: {}}"), ElementsAre(HasSubstr("`file` is missing")));
}

TEST(Loader, asks_for_sites_with_an_example) {
  for (const char* text : {"", "# nothing\n", "sites: []\n", "process: {}\n"})
    EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("no `sites`"))) << text;
}

TEST(Loader, knows_where_logs_can_go) {
  for (const std::string to :
       {"stderr", "stdout", "syslog", "\"syslog:/run/log\"", "/var/log/x.log", "/dev/stdout"})
    EXPECT_THAT(problems_with_site("log: {error: {to: " + to + "}, access: {to: " + to + "}}\n"), IsEmpty())
        << to;
  for (const std::string& to :
       std::vector<std::string>{"\"syslog:run/log\"", "x.log", "\"syslog:/" + std::string(107, 'x') + "\""})
    EXPECT_THAT(problems_with_site("log: {access: {to: " + to + "}}\n"), Not(IsEmpty())) << to;
}

TEST(Loader, takes_bounds_of_histograms_in_ascending_order) {
  EXPECT_THAT(problems_with_site("metrics: {buckets: [50us, 1ms, 2500us, 3s]}\n"), IsEmpty());
  EXPECT_THAT(problems_with_site("metrics: {buckets: []}\n"), ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(problems_with_site("metrics: {buckets: [2ms, 1ms]}\n"),
              ElementsAre(HasSubstr("ascending order")));
  EXPECT_THAT(problems_with_site("metrics: {buckets: [1ms, 1000us]}\n"),
              ElementsAre(HasSubstr("none of them twice")));
  EXPECT_THAT(problems_with_site("metrics: {buckets: [5]}\n"), ElementsAre(HasSubstr("has no unit")));
  std::string many;
  for (int i = 1; i <= 17; ++i) many += (i == 1 ? "" : ", ") + std::to_string(i) + "ms";
  EXPECT_THAT(problems_with_site("metrics: {buckets: [" + many + "]}\n"),
              ElementsAre(HasSubstr("at most 16 bounds")));
}

TEST(Loader, says_what_is_wrong_with_a_file_it_cannot_read) {
  const TempFolder folder;
  EXPECT_THAT(lines(load_file(folder.file("none.yaml")).problems),
              ElementsAre(folder.file("none.yaml") + ": cannot be read: No such file or directory"));
  EXPECT_THAT(lines(load_file(folder.path()).problems),
              ElementsAre(folder.path() + ": is a directory, not a file"));
  EXPECT_THAT(lines(load_file("").problems), ElementsAre(HasSubstr("No such file")));
  EXPECT_THAT(lines(load_file("/dev/zero").problems), ElementsAre("/dev/zero: is not a regular file"));
}

TEST(Loader, refuses_a_file_above_four_mebibytes_without_reading_it_whole) {
  const TempFolder folder;
  const std::string path = folder.write("large.yaml", "");
  std::filesystem::resize_file(path, 100 << 20);
  EXPECT_THAT(lines(load_file(path).problems), ElementsAre(path + ": is larger than 4 MiB"));
}

TEST(Loader, resolves_relative_roots_against_the_folder_of_the_file) {
  const TempFolder folder;
  const std::string path =
      folder.write("c.yaml", "sites: [{routes: [{path: /*, files: {root: www/../pages}}]}]\n");
  const Loaded loaded = load_file(path);
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_EQ(std::get<FilesAction>(loaded.config->sites[0].routes[0].action).root, folder.file("pages"));
}

TEST(Loader, reads_the_shipped_default_configuration) {
  const std::filesystem::path source =
      std::filesystem::path(__FILE__).parent_path() / "../../../config/holdfast.yaml";
  const Loaded loaded = load_file(source.string());
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_THAT(lines(loaded.warnings), IsEmpty());
  EXPECT_EQ(loaded.config->listeners[0].bind.text(), "0.0.0.0:80");
  EXPECT_EQ(std::get<FilesAction>(loaded.config->sites[0].routes[0].action).root, "/usr/share/holdfast/www");
  EXPECT_TRUE(std::holds_alternative<StatusAction>(loaded.config->sites[0].routes[1].action));
}

TEST(Loader, copes_with_ten_thousand_sites) {
  std::string text = "sites:\n";
  for (int i = 0; i < 10'000; ++i)
    text += "  - {hosts: [h" + std::to_string(i) + ".example], routes: [{path: /, hello: {}}]}\n";
  const Loaded loaded = load_text(text, "x.yaml");
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  EXPECT_EQ(loaded.config->sites.size(), 10'000u);
}

}  // namespace
}  // namespace holdfast::config
