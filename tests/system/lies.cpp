#include "tests/system/lies.hpp"

#include "tests/support/desk.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace bellhop::test {

namespace {

/// Cases that run at once: they mostly wait.
constexpr std::size_t judges = 6;

/// What is wrong, in words; empty if nothing is.
std::string verdict_on(const lie& each) {
  const desk here;
  const auto file = here.folder() / "file";
  program_result ended;
  std::string complaint;
  {
    origin server;
    each.script(server);
    std::vector<std::string> arguments{"get",       "--retry", "3",  "--retry-delay", "0.02",
                                       "--timeout", "10",      "-o", file.string()};
    arguments.insert(arguments.end(), each.arguments.begin(), each.arguments.end());
    arguments.push_back(server.url("/file"));
    ended = here.run(arguments);
    if (each.also)
      complaint = each.also(server);
  }
  const bool there = boost::filesystem::exists(file);
  const auto content = read_file(file);
  if (ended.status != 0 && ended.status != 1)
    complaint += fmt::format("; exit status {}", ended.status);
  if (there != (ended.status == 0))
    complaint += fmt::format("; exit status {}, but the file {}", ended.status, there ? "is there" : "is not");
  if (there && std::find(each.versions.begin(), each.versions.end(), content) == each.versions.end())
    complaint += fmt::format("; {} bytes are there that the server never had as a whole", content.size());
  if (there && names_in(here.folder()).size() != 1)
    complaint += "; something is left beside the file";
  if (ended.status == 1 && ended.err.find("failed") == std::string::npos)
    complaint += "; it does not say what failed";
  if ((each.how == ends::whole && !there) || (each.how == ends::absent && there))
    complaint += there ? "; it should have been refused" : "; it should have been downloaded";
  return complaint.empty() ? complaint : fmt::format("{}{}\n{}", each.name, complaint, ended.err);
}

std::string careful_verdict_on(const lie& each) {
  try {
    return verdict_on(each);
  } catch (const std::exception& e) {
    return each.name + ": " + e.what();
  }
}

} // namespace

void judge(const std::vector<lie>& lies) {
  std::vector<std::string> verdicts(lies.size());
  std::atomic<std::size_t> next{0};
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < judges; ++i)
      threads.emplace_back([&] {
        for (auto n = next++; n < lies.size(); n = next++)
          verdicts[n] = careful_verdict_on(lies[n]);
      });
  }
  // Catch's assertions are for one thread.
  for (const auto& verdict : verdicts)
    CHECK(verdict == "");
}

std::function<void(origin&)> always(origin::handler handler) {
  return [handler = std::move(handler)](origin& server) { server.on("/file", handler); };
}

origin::handler in_turn(std::vector<origin::handler> handlers) {
  return [handlers = std::move(handlers),
          asked = std::make_shared<std::atomic<std::size_t>>(0)](const origin::request& r, origin::connection& c) {
    handlers[std::min((*asked)++, handlers.size() - 1)](r, c);
  };
}

std::function<void(origin&)> first(std::initializer_list<origin::handler> early, origin::handler later) {
  std::vector<origin::handler> handlers{early};
  handlers.push_back(std::move(later));
  return [handlers = std::move(handlers)](origin& server) { server.on("/file", in_turn(handlers)); };
}

origin::handler cut(const std::string& content, std::size_t sent, std::vector<std::string> lines) {
  lines.push_back(fmt::format("Content-Length: {}", content.size()));
  return serve::raw(serve::head("200 OK", lines) + content.substr(0, sent));
}

origin::handler ranged(origin::handler fresh, std::function<std::string(std::size_t)> response) {
  return [fresh = std::move(fresh), response = std::move(response)](const origin::request& r, origin::connection& c) {
    const auto range = r.header("Range");
    if (!range)
      return fresh(r, c);
    std::size_t from = 0;
    std::from_chars(range->data() + range->find('=') + 1, range->data() + range->size(), from);
    c.send(response(from));
    c.close();
  };
}

std::string partial(const std::string& content, std::size_t from, const std::string& content_range,
                    const std::string& etag) {
  std::vector<std::string> lines{fmt::format("Content-Length: {}", content.size() - from)};
  if (!etag.empty())
    lines.push_back("ETag: " + etag);
  if (!content_range.empty())
    lines.push_back("Content-Range: " + content_range);
  return serve::head("206 Partial Content", lines) + content.substr(from);
}

} // namespace bellhop::test
