#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <regex>

#include "tests/support/deadline.h"
#include "tests/support/server_process.h"
#include "tests/support/test_certificate.h"

namespace holdfast::support {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

CommandResult holdfast(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), holdfast_binary());
  return run_command(arguments);
}

// One mistake a line or two, each with the place where it must be reported.
constexpr std::string_view kTenMistakes = R"(process:
  workes: 2
  shutdown_timeout: 30
  hang_timeout: soon
limits:
  request_line: 8 potatoes
  header_count: -1
listeners:
  http: {bind: "not an address"}
  http: {bind: "127.0.0.1:0"}
sites:
  - listeners: [nowhere]
    routes:
      - {path: relative, hello: {}}
      - {path: /both, hello: {}, echo: {}}
colour: blue
)";
constexpr const char* kPlaces[] = {":2:3: ",  ":3:21: ", ":4:17: ",  ":6:17: ",  ":7:17: ",
                                   ":9:16: ", ":10:3: ", ":12:17: ", ":14:16: ", ":16:1: "};

TEST(command_line, version_and_help_go_to_stdout) {
  const CommandResult version = holdfast({"--version"});
  EXPECT_EQ(version.code(), 0);
  EXPECT_THAT(version.out, StartsWith("holdfast "));
  const CommandResult help = holdfast({"--help"});
  EXPECT_EQ(help.code(), 0);
  for (const char* word : {"serve", "check", "config", "reload", "stop", "status", "HUP"})
    EXPECT_THAT(help.out, HasSubstr(word));
  EXPECT_EQ(help.err, "");
}

TEST(command_line, wrong_usage_ends_with_64_and_says_so_on_stderr) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--no-such-option"},
                                                {"nonsense"},
                                                {"-c"},
                                                {"check", "-c"},
                                                {"serve", "--listen"}}) {
    const CommandResult result = holdfast(wrong);
    EXPECT_EQ(result.code(), 64) << wrong[0] << '\n' << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_NE(result.err, "");
  }
}

TEST(command_line, check_reports_ten_mistakes_at_their_places_and_ends_with_78) {
  const TempDir dir;
  const std::string file = dir.write("bad.yaml", kTenMistakes);
  const CommandResult result = holdfast({"check", "-c", file});
  EXPECT_EQ(result.code(), 78);
  const std::string told = result.out + result.err;
  for (const char* place : kPlaces) EXPECT_THAT(told, HasSubstr(file + place));
  EXPECT_THAT(told, HasSubstr("workers")) << "the nearest valid name";
}

TEST(command_line, check_of_a_good_file_ends_with_0) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const std::string file = dir.write("good.yaml", ServerConfig{}.yaml(dir));
  for (const std::vector<std::string>& form :
       {std::vector<std::string>{"check", "-c", file}, {"-t", "-c", file}}) {
    const CommandResult result = holdfast(form);
    EXPECT_EQ(result.code(), 0) << result.out << result.err;
  }
}

TEST(command_line, check_looks_at_document_roots) {
  const TempDir dir;
  ServerConfig config;
  config.root = dir / "nowhere";
  const std::string file = dir.write("rootless.yaml", config.yaml(dir));
  const CommandResult result = holdfast({"check", "-c", file});
  EXPECT_EQ(result.code(), 78);
  EXPECT_THAT(result.out + result.err, HasSubstr("nowhere"));
}

TEST(command_line, check_looks_at_document_roots_as_the_workers_will) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's workers have another account";
  const TempDir dir;
  dir.write("private/index.html", "x");
  std::filesystem::permissions(dir / "private", std::filesystem::perms::owner_all);
  ServerConfig config;
  config.root = dir / "private";
  dir.write("holdfast.yaml", config.yaml(dir));
  const CommandResult result = holdfast({"check", "-c", dir / "holdfast.yaml"});
  EXPECT_EQ(result.code(), 78);
  EXPECT_THAT(result.err, HasSubstr("/private: Permission denied (for the user nobody); it needs r and x"));
}

TEST(command_line, check_looks_at_all_document_roots_though_one_is_missing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's workers have another account";
  const TempDir dir;
  dir.write("private/index.html", "x");
  std::filesystem::permissions(dir / "private", std::filesystem::perms::owner_all);
  ServerConfig config;
  config.root = dir / "private";
  const std::string more =
      "  - hosts: [other.test]\n    routes: [{path: /*, files: {root: " + (dir / "nowhere") + "}}]\n";
  const CommandResult result = holdfast({"check", "-c", dir.write("holdfast.yaml", config.yaml(dir) + more)});
  EXPECT_EQ(result.code(), 78);
  EXPECT_THAT(result.err, HasSubstr("/private: Permission denied (for the user nobody)"));
  EXPECT_EQ(result.err.find("/nowhere: No such file"), result.err.rfind("/nowhere: No such file"))
      << result.err;
  EXPECT_THAT(result.err, HasSubstr("/nowhere: No such file"));
}

TEST(command_line, printed_configuration_loads_again_to_the_same) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const std::string file = dir.write("first.yaml", ServerConfig{}.yaml(dir));
  const CommandResult once = holdfast({"config", "-c", file});
  ASSERT_EQ(once.code(), 0) << once.err;
  const CommandResult twice = holdfast({"config", "-c", dir.write("second.yaml", once.out)});
  ASSERT_EQ(twice.code(), 0) << twice.err;
  // The first line names the file.
  EXPECT_EQ(once.out.substr(once.out.find('\n')), twice.out.substr(twice.out.find('\n')));
  const CommandResult schema = holdfast({"config", "--schema"});
  EXPECT_EQ(schema.code(), 0);
  EXPECT_TRUE(JsonValue::parse(schema.out));
  const CommandResult reference = holdfast({"config", "--reference"});
  EXPECT_EQ(reference.code(), 0);
  EXPECT_THAT(reference.out, HasSubstr("shutdown_timeout"));
}

TEST(command_line, start_with_a_bad_file_ends_with_78_and_a_missing_one_too) {
  const TempDir dir;
  const CommandResult bad = holdfast({"-c", dir.write("bad.yaml", kTenMistakes)});
  EXPECT_EQ(bad.code(), 78);
  EXPECT_THAT(bad.err, HasSubstr("bad.yaml:2:3: "));
  EXPECT_EQ(holdfast({"-c", dir / "missing.yaml"}).code(), 78);
}

TEST(command_line, start_on_a_taken_port_ends_with_69) {
  const TempDir dir;
  dir.write("www/index.html", "x");
  const TakenPort taken;
  ServerConfig config;
  config.listeners = "  http: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
  const CommandResult result = holdfast({"-c", dir.write("holdfast.yaml", config.yaml(dir))});
  EXPECT_EQ(result.code(), 69) << result.err;
  EXPECT_THAT(result.err, HasSubstr(std::to_string(taken.port())));
}

TEST(command_line, serve_needs_no_file_and_prints_the_address) {
  const TempDir dir;
  dir.write("index.html", "a laptop's page");
  dir.write("more/file.txt", "more");
  ChildProcess server({holdfast_binary(), "serve", dir.path().string(), "--listen", "127.0.0.1:0"},
                      {.one_stream = true});
  LogCollector log(std::move(server.out()));
  const std::regex address("http://127\\.0\\.0\\.1:([0-9]+)");
  std::smatch found;
  const auto line = log.wait([&](const LogLine& l) { return std::regex_search(l.raw, address); }, 0, 10s);
  ASSERT_TRUE(line) << log.text();
  ASSERT_TRUE(std::regex_search(line->raw, found, address));
  const auto port = static_cast<std::uint16_t>(std::stoi(found[1]));
  EXPECT_EQ(get(port, "/").body, "a laptop's page");
  EXPECT_THAT(get(port, "/more/").body, HasSubstr("file.txt"));
  EXPECT_TRUE(log.wait([](const LogLine& l) { return l.raw.find("/more/") != std::string::npos; }, 0, 10s))
      << log.text();
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(10s), (Exit{0, 0}));
}

TEST(command_line, reload_and_stop_tell_the_outcome_of_the_running_server) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const CommandResult good = holdfast({"reload", "-c", server.config_file()});
  EXPECT_EQ(good.code(), 0) << good.out << good.err;
  EXPECT_TRUE(server.log().wait_event("reload complete", 0, 10s));
  const CommandResult shown = holdfast({"status", "-c", server.config_file(), "--json"});
  EXPECT_EQ(shown.code(), 0) << shown.err;
  EXPECT_TRUE(JsonValue::parse(shown.out)) << shown.out;
  EXPECT_EQ(holdfast({"status", "-c", server.config_file()}).code(), 0);
  const CommandResult stop = holdfast({"stop", "-c", server.config_file()});
  EXPECT_EQ(stop.code(), 0) << stop.err;
  EXPECT_EQ(server.wait_exit(1s), (Exit{0, 0})) << "stop returns when the server has ended";
}

TEST(command_line, reload_fails_when_the_new_configuration_does_not_serve) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("reload refused");
  server.allow("reload problem");
  const TakenPort taken;
  config.listeners += "  second: {bind: \"127.0.0.1:" + std::to_string(taken.port()) + "\"}\n";
  server.write_config(config);
  const CommandResult result = holdfast({"reload", "-c", server.config_file()});
  EXPECT_EQ(result.code(), 69);
  EXPECT_THAT(result.err, HasSubstr(std::to_string(taken.port())));
  EXPECT_EQ(get(server.port(), "/fixed").status, 200);
}

TEST(command_line, reload_ends_with_78_for_a_mistake_and_tells_its_place) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  server.allow("reload refused");
  server.allow("reload problem");
  config.process = "wrokers: 3";
  server.write_config(config);
  const CommandResult result = holdfast({"reload", "-c", server.config_file()});
  EXPECT_EQ(result.code(), 78);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, ContainsRegex("reload refused; generation 1 goes on\n" + server.config_file() +
                                        ":[0-9]+:[0-9]+: unknown key `wrokers`"));
}

TEST(command_line, reload_ends_with_78_for_a_key_that_does_not_fit) {
  ServerConfig config;
  const TestCertificate made = make_certificate({"a.example"});
  config.files = {
      {"a.pem", made.certificate}, {"a.key", made.key}, {"b.key", make_certificate({"b.example"}).key}};
  const auto listeners = [](const std::string& key) {
    return "  http: {bind: \"127.0.0.1:0\", tls: {certificates: [{certificate: a.pem, key: " + key + "}]}}\n";
  };
  config.listeners = listeners("a.key");
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  for (const char* event : {"reload refused", "reload problem", "worker cannot start", "worker ended"})
    server.allow(event);
  config.listeners = listeners("b.key");
  server.write_config(config);
  const CommandResult result = holdfast({"reload", "-c", server.config_file()});
  EXPECT_EQ(result.code(), 78) << result.err;
  EXPECT_THAT(result.err, ContainsRegex(server.config_file() + ":[0-9]+:[0-9]+: .*b.key"));
}

TEST(command_line, commands_for_a_server_that_does_not_run_end_with_69) {
  const TempDir dir;
  const std::string file = dir.write("holdfast.yaml", ServerConfig{}.yaml(dir));
  for (const char* command : {"reload", "stop", "upgrade", "unfuse", "status"}) {
    const CommandResult result = holdfast({command, "-c", file});
    EXPECT_EQ(result.code(), 69) << command;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("no server runs: nobody answers at " + dir.path().string())) << command;
  }
  EXPECT_EQ(holdfast({"status", "--watch", "-c", file}).code(), 69);
  EXPECT_EQ(holdfast({"config", "--diff", "-c", file}).code(), 69);
  EXPECT_EQ(holdfast({"status", "-c", dir / "missing.yaml"}).code(), 78);
}

TEST(command_line, diff_tells_what_a_reload_would_change_of_the_running_server) {
  ServerConfig config;
  ServerProcess server(config);
  ASSERT_TRUE(server.ready());
  const auto diff = [](const std::string& file) { return holdfast({"config", "--diff", "-c", file}); };
  const CommandResult same = diff(server.config_file());
  EXPECT_EQ(same.code(), 0) << same.out << same.err;
  EXPECT_EQ(same.out, "nothing would change\n");
  config.workers = 3;
  config.routes += "      - {path: /more, hello: {}}\n";
  const std::string candidate = server.dir().write("candidate.yaml", config.yaml(server.dir()));
  const CommandResult changed = diff(candidate);
  EXPECT_EQ(changed.code(), 1) << changed.err;
  EXPECT_THAT(changed.out, StartsWith("  process.workers: 2 -> 3\n+ sites[main].routes[/more]: "));
  server.write_config(config);
  EXPECT_EQ(server.reload().event, "reload complete");
  EXPECT_EQ(diff(candidate).code(), 0) << "it is what serves now";
  EXPECT_EQ(diff(server.dir().write("bad.yaml", kTenMistakes)).code(), 78);
}

TEST(command_line, diff_of_two_files_needs_no_server) {
  const TempDir dir;
  ServerConfig config;
  const std::string old_file = dir.write("old.yaml", config.yaml(dir));
  config.limits = "connections: 7";
  const std::string new_file = dir.write("new.yaml", config.yaml(dir));
  const CommandResult changed = holdfast({"config", "--diff", old_file, "-c", new_file});
  EXPECT_EQ(changed.code(), 1) << changed.err;
  EXPECT_THAT(changed.out, StartsWith("  limits.connections: 100000 -> 7\n"));
  EXPECT_EQ(holdfast({"config", "--diff=" + new_file, "-c", new_file}).code(), 0);
}

TEST(command_line, watch_shows_a_block_a_second_and_ends_with_its_server) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  ChildProcess watch({holdfast_binary(), "status", "--watch", "-c", server.config_file()},
                     {.one_stream = true});
  LogCollector shown(std::move(watch.out()));
  const auto is_head = [](const LogLine& line) { return line.raw.starts_with("holdfast "); };
  ASSERT_TRUE(shown.wait(is_head, 0, 10s)) << shown.text();
  ASSERT_TRUE(shown.wait(is_head, shown.mark(), 10s)) << shown.text();
  EXPECT_EQ(shown.text().find('\033'), std::string::npos) << "no terminal";
  EXPECT_EQ(server.stop(), (Exit{0, 0}));
  EXPECT_EQ(watch.wait(10s), (Exit{69, 0}));
}

TEST(command_line, watch_goes_on_over_an_upgrade_and_ends_at_ctrl_c) {
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  ChildProcess watch({holdfast_binary(), "status", "--watch", "-c", server.config_file()},
                     {.one_stream = true});
  LogCollector shown(std::move(watch.out()));
  const auto of_generation = [](const std::string& number) {
    return [number](const LogLine& line) {
      return line.raw.find(", generation " + number + ",") != std::string::npos;
    };
  };
  ASSERT_TRUE(shown.wait(of_generation("1"), 0, 10s)) << shown.text();
  EXPECT_EQ(server.upgrade().event, "upgrade complete");
  EXPECT_TRUE(shown.wait(of_generation("2"), 0, 10s)) << shown.text();
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(10s), (Exit{0, 0})) << shown.text();
}

TEST(command_line, watch_on_a_terminal_stays_within_it_and_gives_the_cursor_back) {
  if (::access("/usr/bin/script", X_OK) != 0) GTEST_SKIP() << "there is no /usr/bin/script to make a terminal";
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const std::string watch =
      "stty rows 9 cols 40; exec " + holdfast_binary() + " status --watch -c " + server.config_file();
  ChildProcess terminal({"/usr/bin/script", "-qec", watch, "/dev/null"},
                        {.environment = {"TERM=xterm", "NO_COLOR="}, .one_stream = true});
  LogCollector shown(std::move(terminal.out()));
  const auto is_cut = [](const LogLine& line) { return line.raw.find(" lines more") != std::string::npos; };
  ASSERT_TRUE(shown.wait(is_cut, 0, 10s)) << shown.text();
  EXPECT_THAT(shown.text(), HasSubstr("\033[?25l"));
  EXPECT_THAT(shown.text(), HasSubstr("\033[1mholdfast"));
  const std::vector<pid_t> inside = children_of(terminal.pid());
  ASSERT_EQ(inside.size(), 1u);
  ::kill(inside[0], SIGINT);
  EXPECT_EQ(terminal.wait(10s), (Exit{0, 0}));
  EXPECT_TRUE(
      shown.wait([](const LogLine& line) { return line.raw.find("\033[?25h") != std::string::npos; }, 0, 10s))
      << shown.text();
  for (const LogLine& line : shown.lines()) {
    const std::string visible = std::regex_replace(line.raw, std::regex("\033\\[[?0-9;]*[a-zA-Z]|\r"), "");
    EXPECT_LE(visible.size(), 40u) << visible;
  }
}

TEST(command_line, colours_are_for_terminals_that_want_them) {
  if (::access("/usr/bin/script", X_OK) != 0) GTEST_SKIP() << "there is no /usr/bin/script to make a terminal";
  ServerProcess server;
  ASSERT_TRUE(server.ready());
  const auto shown_with = [&server](const std::string& variable) {
    const std::string status = "exec " + holdfast_binary() + " status -c " + server.config_file();
    return run_command({"/usr/bin/script", "-qec", status, "/dev/null"},
                       {.environment = {"TERM=xterm", "NO_COLOR=", variable}})
        .out;
  };
  EXPECT_THAT(shown_with("X="), HasSubstr("\033[32mready\033[0m"));
  for (const char* plain : {"NO_COLOR=1", "TERM=dumb"}) {
    const std::string out = shown_with(plain);
    EXPECT_THAT(out, HasSubstr("ready"));
    EXPECT_EQ(out.find('\033'), std::string::npos) << plain;
  }
}

}  // namespace
}  // namespace holdfast::support
