// TLS on listeners, and its session tickets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/loading.h"

namespace holdfast::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(TlsFields, read_certificates_and_tell_what_is_missing) {
  const TempFolder folder;
  folder.write("site.pem", "certificate");
  folder.write("site.key", "key");
  folder.write("x.yaml",
               "listeners: {a: {bind: \":443\", tls: {certificates: [{certificate: site.pem, key: site.key}],\n"
               "  min_version: \"1.3\", strict_sni: true}}, b: {bind: \":80\"}}\n"
               "sites: [{routes: [{path: /, hello: {}}]}]\n");
  const Loaded loaded = load_file(folder.file("x.yaml"));
  ASSERT_THAT(lines(loaded.problems), IsEmpty());
  const Tls& tls = loaded.config->listeners[0].tls;
  EXPECT_TRUE(tls.enabled);
  EXPECT_TRUE(tls.strict_sni);
  EXPECT_EQ(tls.min_version, TlsVersion::Tls13);
  ASSERT_EQ(tls.certificates.size(), 1u);
  EXPECT_EQ(tls.certificates[0].certificate.text, "certificate");
  EXPECT_EQ(tls.certificates[0].key.text, "key");
  EXPECT_EQ(tls.certificates[0].place.line, 1);
  EXPECT_FALSE(loaded.config->listeners[1].tls.enabled);

  const auto problems_of_tls = [](const std::string& value) {
    return problems_with_site("listeners: {a: {bind: \":80\", tls: " + value + "}}\n");
  };
  EXPECT_THAT(problems_of_tls("{}"), ElementsAre(HasSubstr("`certificates` is missing")));
  EXPECT_THAT(problems_of_tls("{certificates: []}"), ElementsAre(HasSubstr("must not be empty")));
  EXPECT_THAT(problems_of_tls("on"), ElementsAre(HasSubstr("must be a section, or off")));
  EXPECT_THAT(
      problems_of_tls("{certificates: [{certificate: /none.pem, key: /none.key}]}"),
      ElementsAre(HasSubstr("/none.pem cannot be read: No such file"), HasSubstr("/none.key cannot be read")));
  EXPECT_THAT(problems_of_tls("{certificates: [{certificate: /dev/null}]}"),
              ElementsAre(HasSubstr("`key` is missing"), HasSubstr("is not a regular file")));
  EXPECT_THAT(problems_of_tls("{certificates: [], min_version: \"1.1\"}"),
              ElementsAre(HasSubstr("must not be empty"), HasSubstr("1.2 or 1.3")));
}

TEST(TlsFields, ask_for_certificates_of_clients) {
  const TempFolder folder;
  for (const char* name : {"site.pem", "site.key", "clients.pem"}) folder.write(name, name);
  const auto load = [&](const std::string& clients) {
    folder.write(
        "x.yaml",
        "listeners: {a: {bind: \":443\", tls: {certificates: [{certificate: site.pem, key: site.key}],\n"
        "  client_certificates: " +
            clients + "}}}\n" + std::string(kSites));
    return load_file(folder.file("x.yaml"));
  };
  const Loaded required = load("{authorities: clients.pem}");
  ASSERT_THAT(lines(required.problems), IsEmpty());
  const ClientCertificates& clients = required.config->listeners[0].tls.client_certificates;
  EXPECT_TRUE(clients.enabled);
  EXPECT_TRUE(clients.required);
  EXPECT_EQ(clients.authorities.text, "clients.pem");
  EXPECT_EQ(clients.place.line, 2);
  EXPECT_FALSE(
      load("{authorities: clients.pem, mode: optional}").config->listeners[0].tls.client_certificates.required);
  EXPECT_FALSE(load("off").config->listeners[0].tls.client_certificates.enabled);
  EXPECT_THAT(lines(load("{mode: on}").problems),
              ElementsAre(HasSubstr("`authorities` is missing"), HasSubstr("required or optional")));
}

TEST(SessionTicketsFields, have_keys_from_a_file_or_made_here) {
  const TempFolder folder;
  const auto load = [&](const std::string& settings) {
    folder.write("x.yaml", "session_tickets: " + settings + "\n" + std::string(kSites));
    return load_file(folder.file("x.yaml"));
  };
  const auto of = [&](const std::string& settings) { return load(settings).config->session_tickets; };
  EXPECT_TRUE(of("{}").enabled);
  EXPECT_EQ(of("{}").rotate, Milliseconds(12 * 3600 * 1000));
  EXPECT_EQ(of("{}").keys.path, "");
  EXPECT_FALSE(of("off").enabled);
  folder.write("keys", std::string(160, 'k'));
  EXPECT_EQ(of("{keys: keys}").keys.text.size(), 160u);
  EXPECT_EQ(of("{rotate: 168h}").rotate, Milliseconds(7 * 24 * 3600 * 1000));
  EXPECT_THAT(lines(load("{rotate: 169h}").problems), ElementsAre(HasSubstr("1m to 7d")));
  for (const std::size_t size : {0u, 79u, 81u, 9u * 80u}) {
    folder.write("keys", std::string(size, 'k'));
    EXPECT_THAT(lines(load("{keys: keys}").problems),
                ElementsAre(HasSubstr("x.yaml:1:25: " + folder.file("keys") + " has " + std::to_string(size) +
                                      " bytes, but keys have 80 each")));
  }
}

}  // namespace
}  // namespace holdfast::config
