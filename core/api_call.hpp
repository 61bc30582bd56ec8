#pragma once

#include "core/api_client.hpp"
#include "core/curl_handles.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace bellhop {

/// One exchange with the daemon on an easy handle of its own. For the client's thread; no exception passes through
/// curl.
class api_call {
public:
  virtual ~api_call() = default;
  api_call(const api_call&) = delete;
  api_call& operator=(const api_call&) = delete;

  CURL* easy() const noexcept { return easy_.get(); }
  /// The call that a handle belongs to.
  static api_call& of(CURL* easy);

protected:
  enum class reception : bool { taken, paused };

  api_call(const api_client_options&, const std::string& target);

  /// `line` as it is sent; "Name:" keeps libcurl from sending its own.
  void add_header(const std::string& line);
  int status() const noexcept;
  /// "bellhopd does not answer at SOCKET: ..."
  error unavailable(CURLcode) const;
  /// Why the call itself has broken the exchange off; empty if it has not.
  const error& broken_off() const noexcept { return broken_off_; }

  /// The head has come.
  virtual void head_complete() {}
  /// A piece of the body; one that is paused comes again. May throw, which breaks the exchange off.
  virtual reception receive(std::string_view) = 0;

private:
  static std::size_t header_callback(char* bytes, std::size_t, std::size_t count, void* self) noexcept;
  static std::size_t body_callback(char* bytes, std::size_t, std::size_t count, void* self) noexcept;
  void remember_failure() noexcept;

  std::string socket_;
  std::array<char, CURL_ERROR_SIZE> detail_{};
  error broken_off_;
  // Before the handle, which refers to it.
  curl::string_list headers_;
  curl::easy_handle easy_;
};

/// A request and its answer.
class request_call : public api_call {
public:
  /// `request` must outlive the call.
  request_call(const api_client_options&, const api_request& request);

  enum class ending {
    answered, ///< `answer` has what the daemon says
    not_done, ///< it was not sent, or the daemon has turned it away: it may be sent again
    lost,     ///< it was sent, and what became of it is not known
    failed,   ///< there is no use in trying again
  };
  /// How it ended.
  ending end(CURLcode);
  /// With `why` unless it was answered well; to be called once.
  api_answer take_answer() { return std::move(answer_); }
  /// Nobody listens.
  bool unreachable() const noexcept { return unreachable_; }

private:
  reception receive(std::string_view) override;
  void set_method(const api_request&);

  std::size_t limit_bytes_;
  api_answer answer_;
  bool unreachable_ = false;
};

/// A stream of events.
class stream_call : public api_call {
public:
  stream_call(const api_client_options&, const api_stream&, std::shared_ptr<api_stream_observer>);

  stream_id id() const noexcept { return id_; }
  void taken(std::size_t events);
  /// Tells the observer.
  void end(CURLcode);
  void end(const error&);

private:
  void head_complete() override;
  reception receive(std::string_view) override;
  error why(CURLcode) const;

  stream_id id_;
  std::shared_ptr<api_stream_observer> observer_;
  std::size_t window_;
  event_stream_parser parser_;
  std::size_t untaken_ = 0;
  bool open_ = false;
  bool paused_ = false;
  /// Of an answer that is no stream.
  std::string problem_;
};

} // namespace bellhop
