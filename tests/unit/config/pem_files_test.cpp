#include "config/pem_files.h"

#include <gtest/gtest.h>

namespace holdfast::config {
namespace {

Listener listener(const std::vector<std::string>& names) {
  Listener made;
  made.tls.enabled = !names.empty();
  for (const std::string& name : names)
    made.tls.certificates.push_back({{name + ".pem", name + " chain"}, {name + ".key", name + " key"}, {}});
  return made;
}

TEST(PemFiles, are_those_of_all_listeners_in_order) {
  const std::vector<Listener> listeners{listener({"a", "b"}), listener({}), listener({"a"})};
  std::vector<std::string> paths;
  for (const LoadedFile* file : pem_files(listeners)) paths.push_back(file->path);
  EXPECT_EQ(paths, (std::vector<std::string>{"a.pem", "a.key", "b.pem", "b.key", "a.pem", "a.key"}));
}

TEST(PemFiles, texts_travel_packed_to_the_same_listeners) {
  const std::vector<Listener> from{listener({"a", "b"}), listener({"c"})};
  std::vector<Listener> to = from;
  for (LoadedFile* file : pem_files(to)) file->text.clear();
  ASSERT_TRUE(unpack_pem_texts(pack_pem_texts(from), to));
  for (std::size_t i = 0; i < pem_files(from).size(); ++i)
    EXPECT_EQ(pem_files(to)[i]->text, pem_files(from)[i]->text);
}

TEST(PemFiles, texts_of_other_listeners_or_cut_ones_change_nothing) {
  const std::string packed = pack_pem_texts({listener({"a", "b"})});
  std::vector<Listener> other{listener({"c"})};
  EXPECT_FALSE(unpack_pem_texts(packed, other));
  std::vector<Listener> same{listener({"c", "d"})};
  for (std::size_t size = 0; size < packed.size(); ++size)
    EXPECT_FALSE(unpack_pem_texts(std::string_view(packed).substr(0, size), same)) << size;
  EXPECT_FALSE(unpack_pem_texts(packed + std::string(8, '\0'), same)) << "one too many";
  EXPECT_EQ(other[0].tls.certificates[0].key.text, "c key");
  EXPECT_EQ(same[0].tls.certificates[1].certificate.text, "d chain");
}

}  // namespace
}  // namespace holdfast::config
