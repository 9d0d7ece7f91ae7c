#include "common/memory_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace holdfast {
namespace {

TEST(MemoryFile, gives_back_its_text_however_often_and_cannot_be_changed) {
  const std::string text = std::string(100'000, 'x') + '\0' + "end";
  const Result<Fd> file = make_memory_file(text);
  ASSERT_TRUE(file) << file.error().message();
  for (int i = 0; i < 2; ++i) {
    const Result<std::string> read = read_memory_file(file->get());
    ASSERT_TRUE(read);
    EXPECT_TRUE(*read == text);
  }
  EXPECT_EQ(::pwrite(file->get(), "y", 1, 0), -1);
  EXPECT_EQ(::ftruncate(file->get(), 0), -1);
}

TEST(MemoryFile, may_be_empty) {
  const Result<Fd> file = make_memory_file("");
  ASSERT_TRUE(file);
  EXPECT_EQ(*read_memory_file(file->get()), "");
}

TEST(MemoryFile, that_cannot_be_read_is_an_error) {
  EXPECT_FALSE(read_memory_file(-1));
}

}  // namespace
}  // namespace holdfast
