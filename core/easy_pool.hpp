#pragma once

#include "core/curl_handles.hpp"
#include "core/http_client.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop {

/// An easy handle that serves one attempt after another and is told only what differs from the one before.
class pooled_easy {
public:
  explicit pooled_easy(CURLSH* share);

  pooled_easy(const pooled_easy&) = delete;
  pooled_easy& operator=(const pooled_easy&) = delete;

  CURL* get() const noexcept { return handle_.get(); }
  void configure(const http_request&);
  /// How much libcurl reads at once; see `read_buffer_for`.
  void set_read_buffer(long bytes);

  /// libcurl's own words on the last failure; empty if there are none.
  std::string_view failure_detail() const noexcept { return detail_.data(); }

private:
  /// What seldom changes from one request to the next.
  struct settings {
    bool https = false;
    bool allow_downgrade = false;
    std::uint32_t max_redirects = 0;
    std::chrono::milliseconds connect_timeout{0};
    std::string user_agent;
    std::string ca_file;
    friend bool operator==(const settings&, const settings&) = default;
  };

  void apply(const settings&);
  void set_headers(const http_request&);
  void set_range(const http_request&);

  std::array<char, CURL_ERROR_SIZE> detail_{};
  // Before the handle, which refers to it.
  curl::string_list headers_;
  curl::easy_handle handle_;
  std::optional<settings> current_;
  bool has_range_ = false;
  long read_buffer_bytes_ = 0;
};

/// How much a transfer should read at once when it is one of `on_the_wire`. Few may read much: each read costs a
/// system call, a look at the socket and an acknowledgement that wakes the sender. Many share the memory.
long read_buffer_for(std::size_t on_the_wire) noexcept;

/// Handles that are not in use; with them the TLS sessions, which libcurl would otherwise keep for each handle alone.
/// Handles that were given out must come back or be destroyed before the pool is.
class easy_pool {
public:
  easy_pool();

  std::unique_ptr<pooled_easy> take();
  void give_back(std::unique_ptr<pooled_easy>);

private:
  curl::share_handle share_;
  std::vector<std::unique_ptr<pooled_easy>> idle_;
};

} // namespace bellhop
