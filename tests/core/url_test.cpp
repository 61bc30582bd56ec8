#include "core/url.hpp"

#include <catch2/catch.hpp>

using namespace bellhop;
using Catch::Matchers::Contains;

TEST_CASE("Only whole http and https URLs can be fetched", "[url]") {
  CHECK_FALSE(check_url("http://example.org"));
  CHECK_FALSE(check_url("https://user:secret@example.org:8443/a%20b?q=1#f"));
  CHECK_FALSE(check_url("HTTPS://EXAMPLE.ORG/"));
  CHECK_FALSE(check_url("http://[::1]:8080/x"));

  CHECK(check_url("").code == errc::invalid_url);
  CHECK(check_url("example.org/file").code == errc::invalid_url);
  CHECK_THAT(check_url("example.org/file").message, Contains("https://"));
  CHECK(check_url("http://").code == errc::invalid_url);
  CHECK(check_url("http://example.org/a b").code == errc::invalid_url);
  CHECK(check_url("http://example.org:99999/").code == errc::invalid_url);
  CHECK(check_url(std::string_view{"http://example.org/\0x", 21}).code == errc::invalid_url);
  CHECK(check_url("ftp://example.org/x").code == errc::unsupported_scheme);
  CHECK(check_url("file:///etc/passwd").code == errc::unsupported_scheme);
  CHECK_THAT(check_url("ftp://me:secret@example.org/x").message, !Contains("secret") && Contains("example.org"));
}

TEST_CASE("A plain URL is judged as libcurl does", "[url]") {
  // A fragment changes neither what is accepted nor the path, but only libcurl understands it.
  const std::string url = GENERATE(
      "http://127.0.0.1:18999/00001.bin", "https://example.org", "http://example.org/", "http://example.org/a/b.tar.gz",
      "http://example.org/a/", "http://example.org/a//b", "http://example.org:65535/x", "http://example.org:65536/x",
      "http://example.org:99999/x", "http://example.org:0/x", "http://example.org:00080/x", "http://example.org:/x",
      "http://example.org/a/../b", "http://example.org/a/..", "http://example.org/./b", "http://example.org/.hidden",
      "http://example.org/a..b", "http://-x/", "http://.x/", "http://x./", "http://1.2.3/", "http://256.1.1.1/a",
      "http://EXAMPLE.org/File", "http:///x", "https://", "http://a-b.c-d/~me/x_y", "http://example.org:80a/x");
  CAPTURE(url);
  CHECK(check_url(url).code == check_url(url + "#f").code);
  CHECK(file_name_from_url(url) == file_name_from_url(url + "#f"));
}

TEST_CASE("Credentials never show", "[url]") {
  CHECK(redact("https://me:secret@example.org/p?token=1") == "https://example.org/p?token=1");
  CHECK(redact("https://me@example.org/") == "https://example.org/");
  CHECK(redact("https://example.org/a@b") == "https://example.org/a@b");
  CHECK(redact("https://example.org/plain") == "https://example.org/plain");
  CHECK_THAT(redact("http://me:sec ret@exa mple.org/x"), !Contains("ret"));
  CHECK(redact("not a url") == "not a url");
}

TEST_CASE("An origin is scheme, host and port", "[url]") {
  CHECK(origin_of("https://me:secret@Example.ORG/p") == "https://example.org:443");
  CHECK(origin_of("http://example.org") == "http://example.org:80");
  CHECK(origin_of("http://example.org:8080/x") == "http://example.org:8080");
  CHECK(origin_of("nonsense").empty());
}

TEST_CASE("A file's name is the last segment, decoded", "[url]") {
  CHECK(file_name_from_url("https://example.org/a/b%20c.txt?x=/y/z") == "b c.txt");
  CHECK(file_name_from_url("https://example.org/") == "index.html");
  CHECK(file_name_from_url("https://example.org") == "index.html");
  CHECK(file_name_from_url("https://example.org/a/") == "index.html");
  CHECK(file_name_from_url("https://example.org/..%2F..%2Fetc%2Fpasswd").find('/') == std::string::npos);
}
