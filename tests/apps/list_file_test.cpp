#include "apps/bellhop/list_file.hpp"

#include <catch2/catch.hpp>

#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::cli;

namespace {

/// A descriptor to read `text` from.
int holding(const std::string& text) {
  const int fd = ::memfd_create("list", MFD_CLOEXEC);
  REQUIRE(fd >= 0);
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  REQUIRE(::lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

std::vector<list_item> read_all(const std::string& text, std::size_t batch = 3, transfer_request common = {}) {
  list_reader reader{holding(text), "list.txt", "/home/ann", std::move(common)};
  std::vector<list_item> all;
  while (!reader.at_end()) {
    auto items = reader.next(batch);
    CHECK(items.size() <= batch);
    std::move(items.begin(), items.end(), std::back_inserter(all));
  }
  return all;
}

const transfer_request& request(const list_item& item) {
  if (const auto* problem = std::get_if<error>(&item))
    FAIL(problem->message);
  return std::get<transfer_request>(item);
}

std::string message(const list_item& item) {
  REQUIRE(std::holds_alternative<error>(item));
  return std::get<error>(item).message;
}

const std::string url = "http://example.org/a.iso";

struct pipe_pair {
  pipe_pair() { REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
  ~pipe_pair() {
    if (ends[1] >= 0)
      ::close(ends[1]);
  }
  void write(const std::string& text) { REQUIRE(::write(ends[1], text.data(), text.size()) == ssize_t(text.size())); }
  void close_writer() { ::close(std::exchange(ends[1], -1)); }
  int ends[2];
};

} // namespace

TEST_CASE("a line is URL, destination and checksum", "[list_file]") {
  const std::string hex(32, 'a');
  const auto items = read_all(url + "\n" + url + "\tsub/b.iso\n" + url + "\t/srv/c.iso\tmd5:" + hex + "\n" + url +
                              "\t\tmd5:" + hex + "\n" + url + "\tsub/\n");
  REQUIRE(items.size() == 5);
  CHECK(request(items[0]).url == url);
  CHECK(request(items[0]).destination == "/home/ann/a.iso");
  CHECK(request(items[1]).destination == "/home/ann/sub/b.iso");
  CHECK_FALSE(request(items[1]).expected);
  CHECK(request(items[2]).destination == "/srv/c.iso");
  CHECK(request(items[2]).expected == checksum{digest_algorithm::md5, hex});
  CHECK(request(items[3]).destination == "/home/ann/a.iso");
  CHECK(request(items[3]).expected);
  CHECK(request(items[4]).destination == "/home/ann/sub/a.iso");
}

TEST_CASE("requests carry what all have in common", "[list_file]") {
  transfer_request common;
  common.priority = 0.25;
  common.headers = {{"A", "b"}};
  const auto items = read_all(url, 1, common);
  REQUIRE(items.size() == 1);
  CHECK(request(items[0]).priority == 0.25);
  CHECK(request(items[0]).headers == common.headers);
}

TEST_CASE("blank lines and comments are skipped, but counted", "[list_file]") {
  const auto items = read_all("\xEF\xBB\xBF# mine\r\n\r\n  \t\n#" + url + "\n" + url + "\r\nnonsense\r\n" + url);
  REQUIRE(items.size() == 3);
  CHECK(request(items[0]).url == url);
  CHECK_THAT(message(items[1]), Catch::StartsWith("list.txt:6: ") && Catch::Contains("nonsense"));
  CHECK(request(items[2]).url == url);
}

TEST_CASE("an empty list has no items", "[list_file]") {
  CHECK(read_all("").empty());
  CHECK(read_all("\n").empty());
  CHECK(read_all("# nothing").empty());
}

TEST_CASE("a bad line names itself and does not stop the others", "[list_file]") {
  const std::pair<std::string, std::vector<std::string>> table[] = {
      {"ftp://example.org/x", {"ftp://example.org/x", "http"}},
      {url + " b.iso", {"space", "%20", "tab"}},
      {url + "\t../b.iso", {"'../b.iso'", "'/home/ann'", "absolute"}},
      {url + "\tsub/../../ann2/b.iso", {"leaves the folder"}},
      {url + "\tb.iso\tmd5:12", {"'md5:12'", "32 hexadecimal digits"}},
      {url + "\tb.iso\tnothing", {"'nothing'", "sha-256:HEX"}},
      {url + "\tb.iso\tmd5:" + std::string(32, 'a') + "\tmore", {"'more'", "fourth column"}},
      {url + "\tb" + std::string(1, '\0') + ".iso", {"NUL"}},
  };
  for (const auto& [line, told] : table) {
    INFO(line);
    const auto items = read_all(url + "\n" + line + "\n" + url + "\n");
    REQUIRE(items.size() == 3);
    CHECK(request(items[0]).url == url);
    CHECK_THAT(message(items[1]), Catch::StartsWith("list.txt:2: "));
    for (const auto& part : told)
      CHECK_THAT(message(items[1]), Catch::Contains(part));
    CHECK(request(items[2]).url == url);
  }
}

TEST_CASE("a line that never ends is told of once and skipped", "[list_file]") {
  const std::string endless(std::size_t{1} << 20, 'x');
  for (const auto& end : {"\n" + url, std::string{}}) {
    const auto items = read_all(url + "\n" + endless + end);
    REQUIRE(items.size() == (end.empty() ? 2 : 3));
    CHECK_THAT(message(items[1]), Catch::StartsWith("list.txt:2: ") && Catch::Contains("64 KiB"));
    if (!end.empty())
      CHECK(request(items[2]).url == url);
  }
}

TEST_CASE("the longest line is accepted and one byte more is not", "[list_file]") {
  const auto padded = [](std::size_t size) { return url + "?" + std::string(size - url.size() - 1, 'q') + "\n"; };
  const auto items = read_all(padded(list_reader::longest_line + 1) + padded(list_reader::longest_line - 100) + "x\n");
  REQUIRE(items.size() == 3);
  CHECK_THAT(message(items[0]), Catch::StartsWith("list.txt:1: ") && Catch::Contains("64 KiB"));
  CHECK(request(items[1]).url.size() == list_reader::longest_line - 100);
  CHECK_THAT(message(items[2]), Catch::StartsWith("list.txt:3: "));
}

TEST_CASE("a long list comes in batches", "[list_file]") {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "http://example.org/" + std::to_string(i) + "\n";
  const auto items = read_all(text, 1000);
  REQUIRE(items.size() == 20'000);
  CHECK(request(items[19'999]).destination == "/home/ann/19999");
}

TEST_CASE("a slow pipe's first line is not kept waiting for the second", "[list_file]") {
  pipe_pair pipe;
  list_reader reader{pipe.ends[0], "list.txt", "/home/ann", {}};
  pipe.write(url + "\nhttp://exam");
  auto items = reader.next(100);
  REQUIRE(items.size() == 1);
  CHECK_FALSE(reader.at_end());
  pipe.write("ple.org/b\n");
  items = reader.next(100);
  REQUIRE(items.size() == 1);
  CHECK(request(items[0]).url == "http://example.org/b");
  pipe.close_writer();
  CHECK(reader.next(100).empty());
  CHECK(reader.at_end());
}

TEST_CASE("a reader that waits can be woken", "[list_file]") {
  pipe_pair list;
  pipe_pair wake;
  list_reader reader{list.ends[0], "list.txt", "/home/ann", {}};
  std::thread waker{[&] { wake.write("!"); }};
  CHECK(reader.next(100, wake.ends[0]).empty());
  waker.join();
  CHECK_FALSE(reader.at_end());
  ::close(wake.ends[0]);
}

TEST_CASE("a list that is not there is named", "[list_file]") {
  try {
    list_reader reader{path{"/nonexistent/list.txt"}, "/home/ann", {}};
    FAIL("opened");
  } catch (const failure& problem) {
    CHECK_THAT(problem.what(), Catch::Contains("/nonexistent/list.txt") && Catch::Contains("No such file"));
  }
}

TEST_CASE("a folder is no list", "[list_file]") {
  list_reader reader{path{"/"}, "/home/ann", {}};
  CHECK_THROWS_AS(reader.next(1), failure);
}
