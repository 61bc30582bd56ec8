#include "apps/bellhop/daemon_health.hpp"

#include "core/daemon.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace bellhop::cli {

namespace {

/// The answer is short; who sends more is no daemon.
constexpr std::size_t longest_answer = 64 * 1024;

std::size_t gather(const char* bytes, std::size_t, std::size_t count, void* into) noexcept {
  auto& text = *static_cast<std::string*>(into);
  if (text.size() + count > longest_answer)
    return 0;
  try {
    text.append(bytes, count);
  } catch (...) {
    return 0;
  }
  return count;
}

[[noreturn]] void throw_unavailable(const path& socket, std::string_view why) {
  throw failure(errc::daemon_unavailable,
                fmt::format("who listens at {} does not answer as bellhopd does: {}", socket.native(), why));
}

std::string fetch(const path& socket) {
  const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> easy{::curl_easy_init(), &::curl_easy_cleanup};
  if (!easy)
    throw std::bad_alloc{};
  std::string answer;
  ::curl_easy_setopt(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  ::curl_easy_setopt(easy.get(), CURLOPT_URL, "http://bellhop/v1/health");
  ::curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 10L);
  ::curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &gather);
  ::curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer);
  if (const auto code = ::curl_easy_perform(easy.get()); code != CURLE_OK)
    throw_unavailable(socket, ::curl_easy_strerror(code));
  return answer;
}

} // namespace

std::optional<daemon_health> ask_daemon(const path& socket) {
  if (!daemon_listens(socket))
    return std::nullopt;
  const auto text = fetch(socket);
  try {
    const auto answer = nlohmann::json::parse(text);
    daemon_health health;
    health.pid = answer.at("pid").get<std::int32_t>();
    health.version = answer.at("version").get<std::string>();
    health.uptime = std::chrono::seconds{answer.at("uptime_s").get<std::int64_t>()};
    health.stopping = answer.at("status").get<std::string>() == "stopping";
    if (health.pid > 1)
      return health;
  } catch (const nlohmann::json::exception&) {
  }
  throw_unavailable(socket, in_quotes(text));
}

} // namespace bellhop::cli
