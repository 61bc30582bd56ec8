#pragma once

#include "core/body_pipe.hpp"
#include "core/byte_budget.hpp"
#include "core/easy_pool.hpp"
#include "core/http_client.hpp"
#include "core/response.hpp"
#include "core/response_head_parser.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace bellhop {

class http_attempt;

/// What the attempts of one client share, and where libcurl's callbacks leave word for the loop: nothing may be called
/// that leads back into libcurl while a callback runs.
struct http_attempt_context {
  using clock = std::chrono::steady_clock;

  const http_client_options& options;
  byte_budget& budget;
  /// The time of this turn of the loop.
  clock::time_point now{};
  /// Attempts whose bodies moved since the last tick.
  std::vector<http_attempt*> moving{};
  /// Attempts that wait for `on_response`.
  std::vector<attempt_id> to_announce{};
  /// Attempts that were paused because the budget was spent.
  std::vector<attempt_id> starved{};
  /// Attempts that stream into a pipe.
  std::size_t streams = 0;
};

/// One attempt, from its start until its result is told: parses the head, takes the body to where it belongs, and keeps
/// the bounds. For the client's thread only.
class http_attempt {
public:
  using clock = http_attempt_context::clock;

  /// Why reading is paused; several may hold at once.
  enum pause_reason : unsigned { pipe_full = 1, budget_spent = 2, not_accepted = 4 };

  http_attempt(http_request, http_attempt_context&);
  ~http_attempt();

  http_attempt(const http_attempt&) = delete;
  http_attempt& operator=(const http_attempt&) = delete;

  const http_request& request() const noexcept { return request_; }
  const response_head& head() const noexcept { return head_; }

  /// Prepares the handle for this attempt and calls back from it. Throws `failure`.
  void begin(std::unique_ptr<pooled_easy>);
  CURL* easy() const noexcept { return easy_ ? easy_->get() : nullptr; }

  /// libcurl has finished, or never began (then without a handle): keeps the result for `take_result`.
  void end(CURLcode);
  void end(error why);
  bool ended() const noexcept { return ended_; }
  /// The handle, which must not be in the multi handle any more; null if there is none.
  std::unique_ptr<pooled_easy> take_easy();

  /// Waits for `accept`: nothing may be told before.
  bool held() const noexcept { return mode_ == mode::hold; }
  /// Streams what came and what comes into the pipe.
  void accept(std::shared_ptr<body_pipe>);
  /// Hands the last bytes over, closes an accepted pipe and returns the result.
  attempt_result take_result();
  /// Closes an accepted pipe with `why` and says nothing more; for attempts without a result.
  void abandon(error why);

  /// True when no reason is left, so that libcurl has to be told.
  bool unpause(pause_reason) noexcept;
  bool paused() const noexcept { return paused_ != 0; }

  /// When an attempt without a byte until then has timed out.
  clock::time_point times_out_at() const noexcept { return last_activity_ + request_.request_timeout; }
  error timed_out() const;
  /// Remembers when the loop will look for that next.
  clock::time_point look_at(clock::time_point at) noexcept { return looked_at_next_ = at; }
  clock::time_point looked_at_next() const noexcept { return looked_at_next_; }
  /// Being told to wait is no fault of the server's.
  void touch() noexcept { last_activity_ = context_.now; }

  /// The tick: hands over what waits, and announces a body that has been gathered for too long. False when nothing is
  /// left that a later tick would have to do.
  bool tick();
  /// What moved since the last call, if anything did.
  std::optional<progress> take_progress();

private:
  enum class mode {
    head,    ///< no final response yet
    gather,  ///< a small body, in memory
    hold,    ///< announced: into the attempt's own buffer until `accept`
    stream,  ///< into the pipe
    discard, ///< an error's body: the beginning is kept, the rest is dropped
  };

  // libcurl's callbacks. What they return is what libcurl wants to see.
  static std::size_t header_callback(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t body_callback(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static int debug_callback(CURL*, curl_infotype, char* data, std::size_t size, void* self) noexcept;

  std::size_t on_header(std::string_view line);
  std::size_t on_body(std::span<const char>);
  void on_final_head();

  std::size_t gather(std::span<const char>);
  std::size_t hold(std::span<const char>);
  std::size_t stream(std::span<const char>);
  std::size_t discard(std::span<const char>);
  std::size_t store(std::span<const char>, std::size_t expected);
  void count(std::size_t bytes) noexcept;
  std::size_t pause(pause_reason) noexcept;
  std::size_t fail(error);

  void announce();
  void flush();
  void note_moved();
  void stop_moving() noexcept;
  bool usable_status() const noexcept;
  std::int64_t body_offset() const noexcept;
  error too_large() const;
  error conclude(CURLcode) const;
  error curl_failure(CURLcode) const;
  attempt_metrics measure() const;

  http_request request_;
  http_attempt_context& context_;
  std::unique_ptr<pooled_easy> easy_;
  response_head_parser parser_;
  response_head head_;
  mode mode_ = mode::head;
  unsigned paused_ = 0;

  /// What was gathered, is held, or is the chunk that goes into the pipe next.
  body_buffer buffer_;
  std::shared_ptr<body_pipe> pipe_;
  std::int64_t received_ = 0;
  std::int64_t reported_ = 0;
  bool moving_ = false;
  bool excess_ = false;

  clock::time_point queued_at_;
  clock::time_point began_at_{};
  clock::time_point body_began_at_{};
  clock::time_point last_activity_{};
  clock::time_point looked_at_next_{};

  error failed_;
  attempt_result result_;
  bool ended_ = false;
};

} // namespace bellhop
