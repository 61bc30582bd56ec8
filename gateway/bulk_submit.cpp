#include "gateway/json_text.hpp"
#include "gateway/request_splitter.hpp"
#include "gateway/routes.hpp"
#include "gateway/spooled_requests.hpp"

#include <vector>

/// Handing over transfers: one, or any number in one request, of which never all are in memory.
namespace bellhop {

namespace {

/// Of a streamed answer.
constexpr std::size_t piece_bytes = 32 * 1024;

/// The requests of one bulk submit: those that are accepted and why the others are not, in their order.
class intake {
public:
  intake(const gateway_options& options, request_splitter::form form)
      : limits_(options.limits), form_(form),
        folder_(options.spool_directory.empty() ? default_spool_directory() : options.spool_directory),
        accepted_(std::make_shared<spooled_requests>(limits_.spool_memory, folder_)),
        errors_(limits_.spool_memory / 8, folder_),
        splitter_(form, limits_.body_bytes, [this](const split_request& found) { take(found); }) {}

  void feed(std::string_view bytes) {
    bytes_ += bytes.size();
    if (bytes_ > limits_.bulk_bytes)
      throw body_too_large(limits_.bulk_bytes);
    naming_the_request([&] { splitter_.feed(bytes); });
  }

  void end() {
    naming_the_request([&] { splitter_.end(); });
    errors_.rewind();
  }

  const std::shared_ptr<spooled_requests>& accepted() const noexcept { return accepted_; }
  const std::vector<bool>& which() const noexcept { return which_; }
  spool& errors() noexcept { return errors_; }

private:
  /// An array that is no JSON is refused as a whole: where its next request begins cannot be known.
  template <class Call>
  void naming_the_request(Call&& call) {
    try {
      call();
    } catch (const failure& f) {
      auto why = problem_of(f.why());
      why.index = splitter_.count();
      why.close = true;
      throw refusal{std::move(why)};
    }
  }

  void take(const split_request& found) {
    if (found.index >= limits_.bulk_requests)
      throw failure{errc::too_large, "there are more than " + std::to_string(limits_.bulk_requests) +
                                         " requests; hand them over by several"};
    auto why = found.why;
    json value;
    if (!why)
      why = parse(found, value);
    transfer_request request;
    if (!why)
      why = read(value, request);
    which_.push_back(!why);
    if (why)
      refuse(found, why);
    else
      accepted_->append(request);
  }

  error parse(const split_request& found, json& out) const {
    try {
      out = parse_json(found.text);
      return {};
    } catch (const failure& f) {
      if (form_ == request_splitter::form::array)
        throw;
      return f.why();
    }
  }

  static error read(const json& value, transfer_request& out) {
    try {
      out = request_from_json(value);
      return check(out);
    } catch (const failure& f) {
      return f.why();
    }
  }

  void refuse(const split_request& found, const error& why) {
    json entry{{"index", found.index}};
    if (found.line > 0)
      entry["line"] = found.line;
    entry["error"] = to_json(why);
    errors_.append((errors_.size() > 0 ? "," : "") + entry.dump());
  }

  const gateway_limits& limits_;
  const request_splitter::form form_;
  const path folder_;
  std::shared_ptr<spooled_requests> accepted_;
  spool errors_;
  /// For each request whether it was accepted.
  std::vector<bool> which_;
  request_splitter splitter_;
  std::uint64_t bytes_ = 0;
};

/// Writes an answer piece by piece.
class answer_writer {
public:
  explicit answer_writer(call& c) : call_(c) {}

  asio::awaitable<void> add(std::string_view text) {
    text_ += text;
    if (text_.size() >= piece_bytes)
      co_await write();
  }

  asio::awaitable<void> write() {
    const bool taken = co_await call_.to.send(text_, call_.with.options.limits.answer);
    if (!taken)
      throw boost::system::system_error{make_error_code(asio::error::timed_out)};
    text_.clear();
  }

private:
  call& call_;
  std::string text_;
};

asio::awaitable<void> tell(call& c, intake& all, transfer_range ids) {
  response head;
  head.type = "application/json";
  co_await c.to.begin(std::move(head));
  answer_writer out{c};
  co_await out.add("{\"accepted\":" + std::to_string(ids.count) +
                   ",\"refused\":" + std::to_string(all.which().size() - ids.count) + ",\"ids\":[");
  auto next = ids.first.value;
  bool first = true;
  for (const bool accepted : all.which()) {
    std::string id = accepted ? std::to_string(next++) : "null";
    if (!std::exchange(first, false))
      id.insert(0, 1, ',');
    co_await out.add(id);
  }
  co_await out.add("],\"errors\":[");
  for (auto text = all.errors().read(piece_bytes); !text.empty(); text = all.errors().read(piece_bytes))
    co_await out.add(text);
  co_await out.add("]}");
  co_await out.write();
  co_await c.to.finish();
}

asio::awaitable<void> submit_many(call& c, session_actor session, request_splitter::form form, std::string begun) {
  const auto place = co_await c.with.bulk_submits.enter(c.with.options.limits.bulk_wait);
  intake all{c.with.options, form};
  all.feed(begun);
  for (;;) {
    const auto piece = co_await c.to.read_piece();
    if (piece.empty())
      break;
    all.feed(piece);
  }
  all.end();
  transfer_range ids;
  if (all.accepted()->count() > 0) {
    all.accepted()->rewind();
    // Only a session of this process can read a source.
    const auto control = caf::actor_cast<session_control_actor>(session);
    ids = co_await c.with.ask.ask<transfer_range>(control, submit_atom_v, source_ptr{all.accepted()});
  }
  co_await tell(c, all, ids);
}

asio::awaitable<void> submit_one(call& c, session_actor session, std::string body) {
  for (;;) {
    const auto most = c.with.options.limits.body_bytes;
    if (body.size() > most)
      throw body_too_large(most);
    const auto piece = co_await c.to.read_piece();
    if (piece.empty())
      break;
    body += piece;
  }
  const auto value = parse_json(body);
  std::vector<transfer_request> requests{request_from_json(value)};
  const auto results = co_await c.with.ask.ask<std::vector<submit_result>>(session, submit_atom_v, std::move(requests));
  if (results.at(0).why)
    throw failure{results[0].why};
  const json answer{{"id", results[0].id.value}};
  co_await c.to.answer(json_response(201, answer));
}

/// The body up to its first byte that is no white space, which tells one from many.
asio::awaitable<std::string> read_to_first(call& c) {
  std::string body;
  while (body.find_first_not_of(" \t\r\n") == body.npos) {
    body.clear();
    const auto piece = co_await c.to.read_piece();
    if (piece.empty())
      throw failure{errc::invalid_argument, "the body is empty; it must be a request or an array of requests"};
    body += piece;
  }
  co_return body;
}

} // namespace

asio::awaitable<void> submit_transfers(call& c) {
  c.parameters.expect_no_more();
  const auto form = form_of_body(c.to.head(), true);
  auto session = co_await find_session(c);
  if (form == body_form::lines)
    co_return co_await submit_many(c, session, request_splitter::form::lines, {});
  auto begun = co_await read_to_first(c);
  if (begun[begun.find_first_not_of(" \t\r\n")] == '[')
    co_await submit_many(c, session, request_splitter::form::array, std::move(begun));
  else
    co_await submit_one(c, session, std::move(begun));
}

} // namespace bellhop
