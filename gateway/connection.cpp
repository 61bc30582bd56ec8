#include "gateway/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/system_error.hpp>

#include <array>
#include <sstream>
#include <utility>
#include <vector>

/// The only file that sees Beast, which is dear to compile.
namespace bellhop {

namespace {

namespace http = boost::beast::http;
using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;
using boost::system::system_error;

constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// Read of a body at once.
constexpr std::size_t piece_bytes = 64 * 1024;

/// What a client still sends while it is told that it will not be served is read for so long, so that the answer
/// arrives before the connection is reset.
constexpr std::chrono::seconds patience_with_refused{2};

/// What came is no HTTP; not that it ended too early.
bool is_malformed(error_code why) {
  return why.category() == make_error_code(http::error::end_of_stream).category() &&
         why != http::error::end_of_stream && why != http::error::partial_message && why != http::error::need_buffer;
}

class http_connection final : public connection, public exchange, public std::enable_shared_from_this<http_connection> {
public:
  http_connection(stream_socket socket, connection_setting setting)
      : setting_(std::move(setting)), socket_(std::move(socket)), deadline_(socket_.get_executor()),
        pause_(socket_.get_executor()) {
    socket_.non_blocking(true);
    head_.peer = setting_.peer;
    head_.port = setting_.port;
  }

  // connection
  asio::awaitable<void> run() override;
  void wind_up() override;
  void abort() override;

  // exchange
  const request_head& head() const noexcept override { return head_; }
  asio::awaitable<std::string_view> read_piece() override;
  asio::awaitable<void> answer(response) override;
  asio::awaitable<void> begin(response) override;
  asio::awaitable<bool> send(std::string_view piece, std::chrono::milliseconds longest_pause) override;
  asio::awaitable<void> finish() override;
  void when_over(std::function<void()>) override;
  unsigned status() const noexcept override { return status_; }

private:
  using parser = http::request_parser<http::buffer_body>;

  asio::awaitable<void> serve_all();
  asio::awaitable<bool> next_request();
  asio::awaitable<bool> some_bytes();
  asio::awaitable<void> linger();
  asio::awaitable<void> watch_peer(std::shared_ptr<http_connection>);
  asio::awaitable<void> write_continue();
  asio::awaitable<bool> flush(std::chrono::milliseconds longest_pause);
  asio::awaitable<void> flush_or_throw();
  void take_head();
  void put_head(const response&, bool chunked);
  bool wholly_read() const { return parser_ && parser_->is_done(); }
  problem problem_of_head(error_code) const;

  /// What waits ends with an error when this has passed.
  void limit(std::chrono::milliseconds);
  void no_limit();
  void tell_over();

  const connection_setting setting_;
  stream_socket socket_;
  asio::steady_timer deadline_;
  std::uint64_t deadline_number_ = 0;
  /// How long nothing was taken of an answer.
  asio::steady_timer pause_;

  boost::beast::flat_buffer buffer_{4 * piece_bytes};
  std::optional<parser> parser_;
  request_head head_;
  std::vector<char> piece_;
  bool continue_owed_ = false;

  /// Written when there is room, from `sent_` on.
  std::string unsent_;
  std::size_t sent_ = 0;

  unsigned status_ = 0;
  bool chunked_ = false;
  /// The answer is whole.
  bool finished_ = false;
  /// Another request may follow on this connection.
  bool keep_ = false;
  /// Waits for the first byte of a request.
  bool idle_ = false;
  bool winding_up_ = false;
  std::function<void()> over_;
};

// -- the life of a connection -----------------------------------------------------------------------------------------

asio::awaitable<void> http_connection::run() {
  try {
    co_await serve_all();
  } catch (const std::exception&) {
    // The connection is broken, or out of time: nobody is there to be told.
  }
  over_ = {};
  no_limit();
  error_code ignored;
  socket_.close(ignored);
}

// g++ 12 miscompiles a coroutine that awaits in a loop's condition and hands a temporary to another one (the frame's
// `this` is overwritten): what is awaited here gets a name first.
asio::awaitable<void> http_connection::serve_all() {
  if (setting_.refused) {
    auto refusal = to_response(*setting_.refused);
    co_await answer(std::move(refusal));
  } else {
    for (bool goes_on = true; goes_on;) {
      goes_on = co_await next_request();
      if (!goes_on)
        break;
      co_await setting_.service->serve(*this);
      goes_on = finished_ && keep_ && !winding_up_;
    }
  }
  if (finished_ && !wholly_read())
    co_await linger();
}

asio::awaitable<bool> http_connection::next_request() {
  parser_.emplace();
  parser_->header_limit(setting_.limits->head_bytes);
  parser_->body_limit(boost::none); // Whoever reads the body knows how large it may be.
  status_ = 0;
  finished_ = keep_ = chunked_ = continue_owed_ = false;
  const bool begun = co_await some_bytes();
  if (!begun)
    co_return false;
  limit(setting_.limits->head);
  const auto [why, bytes] = co_await http::async_read_header(socket_, buffer_, *parser_, quietly);
  no_limit();
  if (!why) {
    take_head();
    co_return true;
  }
  if (is_malformed(why)) {
    auto refusal = to_response(problem_of_head(why));
    co_await answer(std::move(refusal));
  }
  co_return false;
}

/// Waits for the first bytes of a request, unless they came with the one before.
asio::awaitable<bool> http_connection::some_bytes() {
  if (winding_up_)
    co_return false;
  if (buffer_.size() > 0)
    co_return true;
  idle_ = true;
  limit(setting_.limits->idle);
  const auto [why, bytes] = co_await socket_.async_read_some(buffer_.prepare(4096), quietly);
  no_limit();
  idle_ = false;
  buffer_.commit(bytes);
  co_return !why;
}

problem http_connection::problem_of_head(error_code why) const {
  auto result =
      why == http::error::header_limit || why == http::error::buffer_overflow
          ? http_problem(431, "head_too_large",
                         "the request's head is larger than " + std::to_string(setting_.limits->head_bytes) + " bytes")
          : http_problem(400, "bad_request", "this is no HTTP: " + why.message());
  result.close = true;
  return result;
}

void http_connection::take_head() {
  const auto& got = parser_->get();
  head_.method = std::string{got.method_string()};
  head_.target = std::string{got.target()};
  head_.version = got.version();
  head_.headers.clear();
  for (const auto& field : got)
    head_.headers.push_back({std::string{field.name_string()}, std::string{field.value()}});
  const auto* expect = head_.find("Expect");
  continue_owed_ = expect && equals_ignoring_case(*expect, "100-continue") && head_.version >= 11;
}

asio::awaitable<void> http_connection::linger() {
  error_code ignored;
  socket_.shutdown(stream_socket::shutdown_send, ignored);
  limit(patience_with_refused);
  std::array<char, 16 * 1024> scratch;
  for (;;) {
    const auto [why, bytes] = co_await socket_.async_read_some(asio::buffer(scratch), quietly);
    if (why)
      break;
  }
}

void http_connection::wind_up() {
  winding_up_ = true;
  if (idle_)
    abort();
  tell_over();
}

void http_connection::abort() {
  error_code ignored;
  socket_.close(ignored);
  pause_.cancel();
}

void http_connection::limit(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this(), number = ++deadline_number_](error_code why) {
    if (!why && number == self->deadline_number_)
      self->abort();
  });
}

void http_connection::no_limit() {
  ++deadline_number_;
  deadline_.cancel();
}

// -- the request's body -----------------------------------------------------------------------------------------------

asio::awaitable<std::string_view> http_connection::read_piece() {
  if (std::exchange(continue_owed_, false))
    co_await write_continue();
  piece_.resize(piece_bytes);
  auto& body = parser_->get().body();
  while (!parser_->is_done()) {
    body.data = piece_.data();
    body.size = piece_.size();
    body.more = true;
    limit(setting_.limits->body);
    const auto [why, bytes] = co_await http::async_read_some(socket_, buffer_, *parser_, quietly);
    no_limit();
    if (is_malformed(why)) {
      auto bad = http_problem(400, "bad_request", "the body is malformed: " + why.message());
      bad.close = true;
      throw refusal{std::move(bad)};
    }
    if (why && why != http::error::need_buffer)
      throw system_error{why};
    if (const auto got = piece_.size() - body.size; got > 0)
      co_return std::string_view{piece_.data(), got};
  }
  co_return std::string_view{};
}

asio::awaitable<void> http_connection::write_continue() {
  unsent_ = "HTTP/1.1 100 Continue\r\n\r\n";
  co_await flush_or_throw();
}

// -- the answer -------------------------------------------------------------------------------------------------------

void http_connection::put_head(const response& what, bool chunked) {
  http::response<http::empty_body> head{http::int_to_status(what.status), head_.version};
  keep_ = wholly_read() && parser_->keep_alive() && !what.close && !winding_up_;
  for (const auto& [name, value] : what.headers)
    head.set(name, value);
  if (!what.type.empty())
    head.set(http::field::content_type, what.type);
  if (chunked && head_.version >= 11)
    head.chunked(true);
  else if (chunked)
    keep_ = false; // The end of the connection is the end of the answer.
  else if (what.status != 204)
    head.content_length(what.body.size());
  head.keep_alive(keep_);
  std::ostringstream text;
  text << head.base();
  unsent_ += text.str();
  status_ = what.status;
}

asio::awaitable<void> http_connection::answer(response what) {
  put_head(what, false);
  if (head_.method != "HEAD")
    unsent_ += what.body;
  what.body.clear();
  co_await flush_or_throw();
  finished_ = true;
}

asio::awaitable<void> http_connection::begin(response what) {
  put_head(what, true);
  chunked_ = head_.version >= 11;
  co_await flush_or_throw();
}

asio::awaitable<bool> http_connection::send(std::string_view piece, std::chrono::milliseconds longest_pause) {
  if (head_.method != "HEAD" && !piece.empty()) {
    std::array<char, 24> size{};
    if (chunked_)
      unsent_.append(size.data(),
                     static_cast<std::size_t>(std::snprintf(size.data(), size.size(), "%zx\r\n", piece.size())));
    unsent_ += piece;
    if (chunked_)
      unsent_ += "\r\n";
  }
  co_return co_await flush(longest_pause);
}

asio::awaitable<void> http_connection::finish() {
  if (chunked_ && head_.method != "HEAD")
    unsent_ += "0\r\n\r\n";
  co_await flush_or_throw();
  finished_ = true;
}

asio::awaitable<void> http_connection::flush_or_throw() {
  const bool taken = co_await flush(setting_.limits->answer);
  if (!taken)
    throw system_error{make_error_code(asio::error::timed_out)};
}

/// Everything that is unsent; false when nothing was taken for that long.
asio::awaitable<bool> http_connection::flush(std::chrono::milliseconds longest_pause) {
  while (sent_ < unsent_.size()) {
    error_code why;
    sent_ += socket_.write_some(asio::buffer(unsent_.data() + sent_, unsent_.size() - sent_), why);
    if (!why)
      continue;
    if (why != asio::error::would_block && why != asio::error::try_again)
      throw system_error{why};
    pause_.expires_after(longest_pause);
    const auto first = co_await (socket_.async_wait(stream_socket::wait_write, quietly) || pause_.async_wait(quietly));
    if (!socket_.is_open())
      throw system_error{make_error_code(asio::error::operation_aborted)};
    if (first.index() == 1)
      co_return false;
  }
  unsent_.clear();
  sent_ = 0;
  co_return true;
}

void http_connection::when_over(std::function<void()> tell) {
  over_ = std::move(tell);
  keep_ = false;
  if (winding_up_)
    return tell_over();
  asio::co_spawn(socket_.get_executor(), watch_peer(shared_from_this()), asio::detached);
}

/// A client that reads a stream without end says nothing more; that it has gone shows in reading alone.
asio::awaitable<void> http_connection::watch_peer(std::shared_ptr<http_connection>) {
  std::array<char, 512> scratch;
  for (;;) {
    const auto [why, bytes] = co_await socket_.async_read_some(asio::buffer(scratch), quietly);
    if (why)
      break;
  }
  tell_over();
}

void http_connection::tell_over() {
  if (const auto tell = std::exchange(over_, {}))
    tell();
}

} // namespace

std::shared_ptr<connection> make_connection(stream_socket socket, connection_setting setting) {
  return std::make_shared<http_connection>(std::move(socket), std::move(setting));
}

} // namespace bellhop
