#include "core/atomic_name.hpp"
#include "tests/core/disk_fixture.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace bellhop;
using namespace bellhop::test;

namespace {

const std::string token = "0123456789abcdef0123456789abcdef:7";
const std::string temporary = ".bellhop-01234567-7.new";

nameless_file make_file(folder& in, const std::string& text) {
  nameless_file file;
  REQUIRE(make_nameless(in, temporary, file) == 0);
  REQUIRE(::write(file.fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return file;
}

naming give(folder& in, const std::string& text, const std::string& name, conflict_policy policy) {
  const auto file = make_file(in, text);
  auto given = give_name(in, file, name, policy, token, temporary);
  if (!file.hidden_name.empty())
    ::unlinkat(in.fd.get(), file.hidden_name.c_str(), 0);
  return given;
}

bool is_utf8_start(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

} // namespace

TEST_CASE("numbered names keep the extension", "[name]") {
  CHECK(numbered_name("photo.jpg", 0) == "photo.jpg");
  CHECK(numbered_name("photo.jpg", 1) == "photo (1).jpg");
  CHECK(numbered_name("a.b.jpg", 12) == "a.b (12).jpg");
  CHECK(numbered_name("linux.tar.gz", 2) == "linux (2).tar.gz");
  CHECK(numbered_name("x.tar.zst", 2) == "x (2).tar.zst");
  CHECK(numbered_name(".tar.gz", 2) == ".tar (2).gz");
  CHECK(numbered_name("README", 3) == "README (3)");
  CHECK(numbered_name(".bashrc", 3) == ".bashrc (3)");
  CHECK(numbered_name("ends.", 3) == "ends (3).");
}

TEST_CASE("numbered names fit a directory entry and stay valid UTF-8", "[name]") {
  CHECK(numbered_name(std::string(255, 'n'), 1) == std::string(251, 'n') + " (1)");
  const std::string long_name = std::string(251, 'n') + ".jpg";
  CHECK(numbered_name(long_name, 9999) == std::string(255 - 7 - 4, 'n') + " (9999).jpg");
  std::string umlauts;
  while (umlauts.size() < 250)
    umlauts += "ä";
  const std::string cut = numbered_name(umlauts + ".jpg", 10);
  CHECK(cut.size() <= 255);
  CHECK(cut.ends_with("ä (10).jpg"));
  const bool holds = rc::check([](const std::string& name, std::uint16_t n) {
    RC_PRE(name.size() > 0);
    RC_PRE(n > 0);
    const std::string numbered = numbered_name(name, n);
    RC_ASSERT(numbered.size() <= std::max<std::size_t>(255, name.size() + 8));
    RC_ASSERT(numbered.find(" (" + std::to_string(n) + ")") != std::string::npos);
    RC_ASSERT(is_utf8_start(numbered[numbered.find(" (" + std::to_string(n) + ")")]));
  });
  REQUIRE(holds);
}

TEST_CASE("a name is given by each policy", "[name]") {
  for (const bool unnamed : {true, false}) {
    CAPTURE(unnamed);
    temporary_folder there;
    folder_cache folders;
    if (!unnamed)
      folders.without_unnamed_files();
    folder& in = *folders.open(there.where().native());
    write_file(there / "taken.txt", "old");
    write_file(there / "taken (1).txt", "older");

    CHECK(give(in, "new", "free.txt", conflict_policy::fail).name == "free.txt");
    CHECK(read_file(there / "free.txt") == "new");
    CHECK(give(in, "new", "taken.txt", conflict_policy::fail).error_number == EEXIST);
    CHECK(read_file(there / "taken.txt") == "old");
    CHECK(give(in, "new", "taken.txt", conflict_policy::rename).name == "taken (2).txt");
    CHECK(read_file(there / "taken (2).txt") == "new");
    CHECK(give(in, "new", "taken.txt", conflict_policy::overwrite).error_number == 0);
    CHECK(read_file(there / "taken.txt") == "new");
    CHECK(names_in(there.where()) ==
          std::vector<std::string>{"free.txt", "taken (1).txt", "taken (2).txt", "taken.txt"});
  }
}

TEST_CASE("a link under the destination's name is a name like any other and never written through", "[name]") {
  temporary_folder there;
  folder_cache folders;
  folder& in = *folders.open(there.where().native());
  write_file(there / "target", "precious");
  REQUIRE(::symlink("target", (there / "link").c_str()) == 0);
  REQUIRE(::symlink("nowhere", (there / "dangling").c_str()) == 0);

  CHECK(give(in, "new", "link", conflict_policy::fail).error_number == EEXIST);
  CHECK(give(in, "new", "dangling", conflict_policy::fail).error_number == EEXIST);
  CHECK(give(in, "new", "dangling", conflict_policy::rename).name == "dangling (1)");
  CHECK(give(in, "new", "link", conflict_policy::overwrite).error_number == 0);
  CHECK(read_file(there / "link") == "new");
  CHECK(read_file(there / "target") == "precious");
  CHECK_FALSE(boost::filesystem::is_symlink(there / "link"));
  CHECK_FALSE(is_there(there / "nowhere"));
}

TEST_CASE("a folder under the destination's name is not overwritten", "[name]") {
  temporary_folder there;
  folder_cache folders;
  folder& in = *folders.open(there.where().native());
  boost::filesystem::create_directory(there / "sub");
  const auto given = give(in, "new", "sub", conflict_policy::overwrite);
  CHECK(given.error_number == EISDIR);
  const auto why = naming_error(given.error_number, there / "sub", in);
  CHECK(why.code == errc::destination_unavailable);
  CHECK(why.message.find((there / "sub").native()) != std::string::npos);
  CHECK(names_in(there.where()) == std::vector<std::string>{"sub"});
}

TEST_CASE("a file that was published before a crash is recognised by its mark", "[name]") {
  temporary_folder there;
  folder_cache folders;
  folder& in = *folders.open(there.where().native());
  write_file(there / "a.txt", "someone else's");
  write_file(there / "a (1).txt", "ours");
  set_mark(there / "a.txt", token + "1");
  set_mark(there / "a (1).txt", token);
  CHECK(give(in, "again", "a.txt", conflict_policy::fail).error_number == EEXIST);
  const auto found = give(in, "again", "a.txt", conflict_policy::rename);
  CHECK(found.own);
  CHECK(found.name == "a (1).txt");
  CHECK(read_file(there / "a (1).txt") == "ours");
  CHECK(give(in, "again", "a (1).txt", conflict_policy::fail).own);
}

TEST_CASE("what a crash left under the temporary name is in nobody's way", "[name]") {
  temporary_folder there;
  write_file(there / temporary, "half");
  write_file(there / "a.txt", "old");
  for (const bool unnamed : {true, false}) {
    folder_cache folders;
    if (!unnamed)
      folders.without_unnamed_files();
    folder& in = *folders.open(there.where().native());
    CHECK(give(in, "new", "a.txt", conflict_policy::overwrite).error_number == 0);
    CHECK(read_file(there / "a.txt") == "new");
    CHECK(names_in(there.where()) == std::vector<std::string>{"a.txt"});
    write_file(there / temporary, "half");
  }
}

TEST_CASE("the folder cache notices that a folder was replaced or removed", "[name]") {
  temporary_folder there;
  const path where = there / "downloads";
  folder_cache folders{2};
  boost::filesystem::create_directory(where);
  const auto first = folders.open(where.native());
  CHECK(folders.open(where.native()) == first);
  boost::filesystem::rename(where, there / "moved");
  CHECK_THROWS_AS(folders.open(where.native()), failure);
  boost::filesystem::create_directory(where);
  CHECK(folders.open(where.native()) != first);

  for (int i = 0; i < 5; ++i) {
    const path more = there / std::to_string(i);
    boost::filesystem::create_directory(more);
    CHECK(folders.open(more.native())->where == more);
  }
}

TEST_CASE("folders that cannot be used are named with the remedy", "[name]") {
  temporary_folder there;
  folder_cache folders;
  const auto why = [&](const path& where) {
    try {
      folders.open(where.native());
    } catch (const failure& f) {
      return f.why();
    }
    return error{};
  };
  CHECK(why(there / "missing").code == errc::destination_unavailable);
  CHECK(why(there / "missing").message == "the folder " + (there / "missing").native() + " does not exist: create it");
  write_file(there / "file", "");
  CHECK(why(there / "file").code == errc::destination_unavailable);
  CHECK_THROWS_AS(split_destination("relative/file"), failure);
  CHECK_THROWS_AS(split_destination("/folder/"), failure);
  CHECK_THROWS_AS(split_destination("/folder/.."), failure);
  CHECK(split_destination("/file").folder == "/");
}
