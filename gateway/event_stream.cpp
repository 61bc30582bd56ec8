#include "gateway/routes.hpp"
#include "gateway/stream_delegate.hpp"

#include <boost/asio/as_tuple.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <limits>

/// A session's events as server-sent events (docs/api.md, "The stream of events").
namespace bellhop {

namespace {

/// Written at once, so that one event more does not cost one system call more.
constexpr std::size_t piece_bytes = 16 * 1024;

/// The delegate before may have gone, and the session be about to see it: a client that closes one stream and opens the
/// next must not find its own old one in its way.
constexpr int most_tries_to_attach = 10;
constexpr std::chrono::milliseconds pause_between_tries{20};

/// What the client asked for.
struct wish {
  bool attach = false;
  bool take_over = false;
  std::string client;
  /// None: after the last acknowledged event.
  std::optional<event_number> after;
  bool latest = false;
};

std::string client_of(std::string text) {
  const auto allowed = [](char c) {
    return is_ascii_digit(c) || c == '-' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
  };
  if (text.empty() || text.size() > 64 || !std::all_of(text.begin(), text.end(), allowed))
    throw failure{errc::invalid_argument,
                  "the query parameter client is " + in_quotes(text) + "; it must be 1 to 64 of A-Za-z0-9-"};
  return text;
}

event_number event_number_of(std::string_view text, const char* where) {
  const auto number = parse_digits(text);
  if (!number)
    throw failure{errc::invalid_argument,
                  std::string{where} + " is " + in_quotes(text) + "; it must be the number of an event"};
  return {static_cast<std::uint64_t>(*number)};
}

wish wish_of(call& c) {
  wish result;
  result.attach = c.parameters.take_flag("attach");
  result.take_over = c.parameters.take_flag("take_over");
  if (auto client = c.parameters.take("client"))
    result.client = client_of(std::move(*client));
  if (const auto after = c.parameters.take("after")) {
    if (*after == "latest")
      result.latest = true;
    else
      result.after = event_number_of(*after, "the query parameter after");
  }
  c.parameters.expect_no_more();
  if (const auto* last = c.to.head().find("Last-Event-ID"); last && !last->empty()) {
    result.after = event_number_of(*last, "the header Last-Event-ID");
    result.latest = false;
  }
  return result;
}

/// One stream, from its beginning to its end.
class event_stream {
public:
  event_stream(call& c, session_actor session, wish what)
      : call_(c), session_(std::move(session)), wish_(std::move(what)),
        inbox_(std::make_shared<news_inbox>(*c.with.io)),
        reader_(spawn_reader(c.with.system, c.with.io, inbox_, session_)) {
    ++call_.with.metrics.readers;
  }
  event_stream(const event_stream&) = delete;
  event_stream& operator=(const event_stream&) = delete;
  ~event_stream() {
    let_go();
    --call_.with.metrics.readers;
  }

  asio::awaitable<void> run();

private:
  asio::awaitable<void> join();
  asio::awaitable<void> attach();
  asio::awaitable<bool> try_to_attach();
  asio::awaitable<void> tell_the_past(event_number upto);
  asio::awaitable<void> tell_the_present();

  asio::awaitable<void> tell(news::events&);
  asio::awaitable<void> tell(news::moved&);
  asio::awaitable<void> tell(news::finished&);
  asio::awaitable<void> tell(news::stalled&);
  asio::awaitable<void> tell(news::detached&);
  asio::awaitable<void> tell(news::invalid&);
  asio::awaitable<void> tell(news::gone&);

  void add(std::string_view type, const json& data, std::optional<event_number> id = std::nullopt);
  void add_events(const std::vector<event>&, std::size_t& from);
  asio::awaitable<void> write();
  asio::awaitable<void> drop();
  void let_go();

  call& call_;
  const session_actor session_;
  const wish wish_;
  std::shared_ptr<news_inbox> inbox_;
  reader_actor reader_;
  bool attached_ = false;
  /// The stream comes to its end.
  bool over_ = false;
  /// What was told last, or is not wanted.
  event_number told_;
  std::string text_;
};

asio::awaitable<void> event_stream::run() {
  co_await join();
  response head;
  head.type = "text/event-stream";
  head.headers.push_back({"Cache-Control", "no-store"});
  head.close = true;
  co_await call_.to.begin(std::move(head));
  call_.to.when_over([inbox = inbox_] { inbox->close(); });
  // Something at once, so that the client knows that it is connected.
  text_ = "retry: 1000\n\n";
  co_await write();
  co_await tell_the_present();
  if (!inbox_->closed() || call_.with.stopping)
    co_await call_.to.finish();
}

/// Events may come as soon as this is done; they wait in the inbox.
asio::awaitable<void> event_stream::join() {
  auto& ask = call_.with.ask;
  if (wish_.attach)
    co_await attach();
  const auto now = co_await ask.ask<session_status>(session_, status_atom_v);
  // Beyond the last event: from now on.
  told_ = std::min(wish_.latest ? now.last_event : wish_.after.value_or(now.acknowledged), now.last_event);
  if (!wish_.attach)
    co_await ask.ask<void>(session_, watch_atom_v, delegate_actor{reader_}, told_);
}

asio::awaitable<void> event_stream::attach() {
  for (int tries = 1;; ++tries) {
    const bool done = co_await try_to_attach();
    if (done)
      break;
    if (tries == most_tries_to_attach)
      throw failure{errc::session_in_use,
                    "the session " + call_.session + " has a delegate already: take over, or wait"};
    asio::steady_timer pause{*call_.with.io, pause_between_tries};
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  attached_ = true;
  ++call_.with.metrics.attached_readers;
  call_.with.delegates[call_.session] = wish_.client;
}

/// False when the session is in use.
asio::awaitable<bool> event_stream::try_to_attach() {
  const auto last = call_.with.delegates.find(call_.session);
  const bool mine = last != call_.with.delegates.end() && !wish_.client.empty() && wish_.client == last->second;
  error why;
  try {
    co_await call_.with.ask.ask<void>(session_, attach_atom_v, delegate_actor{reader_}, wish_.take_over || mine);
    co_return true;
  } catch (const failure& f) {
    why = f.why();
  }
  if (why.code != errc::session_in_use)
    throw failure{why};
  co_return false;
}

asio::awaitable<void> event_stream::tell_the_present() {
  // A session delivers to its delegate from the last acknowledged event on; what was before that is asked for.
  if (wish_.attach) {
    const auto now = co_await call_.with.ask.ask<session_status>(session_, status_atom_v);
    co_await tell_the_past(now.acknowledged);
  }
  while (!over_ && !inbox_->closed()) {
    auto item = co_await inbox_->next(call_.with.options.limits.heartbeat);
    if (inbox_->closed())
      break;
    if (item) {
      co_await std::visit([this](auto& what) { return tell(what); }, *item);
    } else {
      text_ += ": \n\n";
      co_await write();
    }
  }
}

asio::awaitable<void> event_stream::tell_the_past(event_number upto) {
  while (told_ < upto && !over_ && !inbox_->closed()) {
    news::events page;
    page.batch = co_await call_.with.ask.ask<std::vector<event>>(session_, events_atom_v, told_, std::uint32_t{256});
    if (page.batch.empty() || page.batch.front().seq > upto)
      break;
    std::size_t from = 0;
    while (from < page.batch.size() && !over_) {
      add_events(page.batch, from);
      co_await write();
    }
  }
}

asio::awaitable<void> event_stream::tell(news::events& what) {
  std::size_t from = 0;
  while (from < what.batch.size() && !over_) {
    add_events(what.batch, from);
    co_await write();
  }
  if (!over_)
    caf::anon_send(reader_, written_atom_v);
}

asio::awaitable<void> event_stream::tell(news::moved& what) {
  for (const auto& each : what.notices) {
    add("notice", to_json(each, call_.session));
    if (text_.size() >= piece_bytes)
      co_await write();
  }
  if (!what.how_far.empty()) {
    auto all = json::array();
    for (const auto& each : what.how_far)
      all.push_back(to_json(each, call_.session));
    add("progress", all);
  }
  co_await write();
  if (!over_)
    caf::anon_send(reader_, resume_atom_v);
}

asio::awaitable<void> event_stream::tell(news::finished&) {
  add("finished", {{"session", call_.session}});
  co_await write();
}

json with_error(json data, const error& why) {
  if (why)
    data["error"] = to_json(why);
  return data;
}

asio::awaitable<void> event_stream::tell(news::stalled& what) {
  add("stalled", with_error(json::object(), what.why));
  co_await write();
}

asio::awaitable<void> event_stream::tell(news::detached& what) {
  over_ = true;
  add("detached", with_error(json::object(), what.why));
  co_await write();
}

asio::awaitable<void> event_stream::tell(news::invalid& what) {
  over_ = true;
  call_.with.delegates.erase(call_.session);
  add("invalid", with_error(json{{"session", call_.session}}, what.why));
  co_await write();
}

asio::awaitable<void> event_stream::tell(news::gone&) {
  over_ = true;
  co_return;
}

void event_stream::add(std::string_view type, const json& data, std::optional<event_number> id) {
  if (id)
    text_ += "id: " + std::to_string(id->value) + '\n';
  ((text_ += "event: ") += type) += '\n';
  (text_ += "data: ") += data.dump();
  text_ += "\n\n";
}

/// As many as make a piece. Those that were told before, or are not wanted, are left out.
void event_stream::add_events(const std::vector<event>& batch, std::size_t& from) {
  for (; from < batch.size() && text_.size() < piece_bytes; ++from) {
    const auto& each = batch[from];
    if (each.seq <= told_)
      continue;
    add(to_string(each.type), to_json(each), each.seq);
    told_ = each.seq;
    ++call_.with.metrics.events_sent;
  }
}

asio::awaitable<void> event_stream::write() {
  auto text = std::exchange(text_, {});
  if (text.empty())
    co_return;
  const bool taken = co_await call_.to.send(text, call_.with.options.limits.slow_reader);
  if (!taken)
    co_await drop();
}

/// A reader that takes nothing is let go first, so that it holds nobody up. If it comes back to what is left in its
/// socket, it finds the reason behind it; if not, the connection is cut.
asio::awaitable<void> event_stream::drop() {
  if (std::exchange(over_, true))
    throw boost::system::system_error{make_error_code(asio::error::timed_out)};
  ++call_.with.metrics.dropped_readers;
  call_.with.log("let a reader of the session " + call_.session + " go that has taken nothing for too long");
  let_go();
  add("detached",
      {{"error", to_json(error{errc::timed_out,
                               "nothing was read for too long; nothing is lost: go on with Last-Event-ID", 0})}});
  co_await write();
}

void event_stream::let_go() {
  caf::anon_send_exit(reader_, caf::exit_reason::user_shutdown);
  if (std::exchange(attached_, false))
    --call_.with.metrics.attached_readers;
}

} // namespace

asio::awaitable<void> stream_events(call& c) {
  auto what = wish_of(c);
  co_await read_nothing(c);
  auto session = co_await find_session(c);
  event_stream stream{c, std::move(session), std::move(what)};
  co_await stream.run();
}

} // namespace bellhop
