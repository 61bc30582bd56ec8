#pragma once

#include "tests/support/origin.hpp"

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

/// Downloads from servers that misbehave, each judged by one rule: the destination is absent, or byte-equal to one
/// version of the file that the server really had, whole; and the exit status is 0 exactly if it is there.
namespace bellhop::test {

enum class ends : std::uint8_t { whole, absent, either };

/// One misbehaving server.
struct lie {
  std::string name;
  /// How it must end; `either` where both are right and the rule alone judges.
  ends how = ends::either;
  /// The contents that the server had.
  std::vector<std::string> versions;
  /// Prepares `/file`.
  std::function<void(origin&)> script;
  /// More arguments for `bellhop get`.
  std::vector<std::string> arguments{};
  /// Whatever else has to be true: its words say what is wrong.
  std::function<std::string(const origin&)> also{};
};

/// Runs them, several at a time, and fails for each that breaks the rule.
void judge(const std::vector<lie>&);

/// A script of one handler.
std::function<void(origin&)> always(origin::handler);
/// A handler that is the first one at the first request, and so on; the last one stays.
origin::handler in_turn(std::vector<origin::handler>);
/// The first handlers are for one request each, then `later`.
std::function<void(origin&)> first(std::initializer_list<origin::handler>, origin::handler later);

/// The head of a 200 response with this body's length and more header lines, and `sent` bytes of the body.
origin::handler cut(const std::string& content, std::size_t sent, std::vector<std::string> lines = {});
/// A response made from the first byte that a Range header asks for; a request without one is answered by `fresh`.
origin::handler ranged(origin::handler fresh, std::function<std::string(std::size_t from)> response);
/// A complete 206 of content[from, end).
std::string partial(const std::string& content, std::size_t from, const std::string& content_range,
                    const std::string& etag = "\"v1\"");

} // namespace bellhop::test
