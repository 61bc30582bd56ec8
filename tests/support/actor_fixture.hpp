#pragma once

#include "actors/engine.hpp"
#include "actors/errors.hpp"
#include "actors/interfaces.hpp"
#include "actors/ledger.hpp"
#include "actors/services.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A whole engine of actors on one thread, with a clock that only the test moves: everything is deterministic. The
/// roles are the real ones, the ledger's included; the network, the disk and the program's delegate are twins that
/// record what they are told and answer as the test says.
namespace bellhop::test {

using namespace std::chrono_literals;

// -- the ledger's database --------------------------------------------------------------------------------------------

/// What survives an engine: the rows, and the faults of the disk they are on.
struct fake_disk {
  std::shared_ptr<ledger> rows = make_memory_ledger();
  /// While set, commits fail with it.
  error commits_fail;
  /// While set, reading what is ready and the event log fail with it.
  error reads_fail;
  std::size_t commits = 0;
};

/// A ledger over a fake_disk.
class faulty_ledger final : public ledger {
public:
  explicit faulty_ledger(std::shared_ptr<fake_disk> disk) : disk_(std::move(disk)) {}

  const std::string& id() const override { return rows().id(); }
  transfer_id last_transfer() override { return rows().last_transfer(); }
  void require(durability d) override { rows().require(d); }
  void begin() override { rows().begin(); }
  void commit() override {
    if (disk_->commits_fail) {
      rows().rollback();
      throw failure{disk_->commits_fail};
    }
    ++disk_->commits;
    rows().commit();
  }
  void rollback() noexcept override { rows().rollback(); }
  session_record put_session(const std::string& s, const session_configuration& c, time_point t) override {
    return rows().put_session(s, c, t);
  }
  std::optional<session_record> find_session(const std::string& s) override { return rows().find_session(s); }
  std::vector<session_record> sessions() override { return rows().sessions(); }
  void set_phase(const std::string& s, session_phase p) override { rows().set_phase(s, p); }
  void set_paused(const std::string& s, bool p) override { rows().set_paused(s, p); }
  void remove_session(const std::string& s) override { rows().remove_session(s); }
  session_counts counts(const std::string& s) override { return rows().counts(s); }
  std::vector<transfer_id> submit(const std::string& s, std::span<const transfer_request> r, time_point t) override {
    return rows().submit(s, r, t);
  }
  std::optional<transfer_record> find(transfer_id id) override { return rows().find(id); }
  std::vector<transfer_record> list(const list_filter& f) override { return rows().list(f); }
  std::vector<transfer_record> next_ready(const std::string& s, queue_position p, std::uint32_t n,
                                          time_point t) override {
    fail_read();
    return rows().next_ready(s, p, n, t);
  }
  std::optional<time_point> next_due(const std::string& s, time_point t) override { return rows().next_due(s, t); }
  void save_checkpoint(transfer_id id, const checkpoint& c) override { rows().save_checkpoint(id, c); }
  void save_waiting(const transfer_record& r) override { rows().save_waiting(r); }
  bool set_suspended(transfer_id id, bool s) override { return rows().set_suspended(id, s); }
  bool change(transfer_id id, const transfer_change& c) override { return rows().change(id, c); }
  std::optional<event> finish(transfer_id id, const outcome& o, time_point t) override {
    return rows().finish(id, o, t);
  }
  std::vector<event> events(const std::string& s, event_number after, std::uint32_t n) override {
    fail_read();
    return rows().events(s, after, n);
  }
  void acknowledge(const std::string& s, event_number upto) override { rows().acknowledge(s, upto); }
  void remove(transfer_id id) override { rows().remove(id); }
  pruned prune(const std::string& s, time_point t) override { return rows().prune(s, t); }

private:
  ledger& rows() const { return *disk_->rows; }
  void fail_read() const {
    if (disk_->reads_fail)
      throw failure{disk_->reads_fail};
  }

  std::shared_ptr<fake_disk> disk_;
};

// -- the network ------------------------------------------------------------------------------------------------------

/// The servers, as the test plays them.
struct fake_network {
  struct attempt {
    http_request request;
    transfer_actor transfer;
    session_control_actor session;
    pipe_ptr pipe;
  };
  /// Every attempt there ever was, in order.
  std::vector<http_request> started;
  /// Those that were neither answered nor cancelled.
  std::map<attempt_id, attempt> open;
  std::vector<attempt_id> cancelled;
  std::vector<engine_limits> limits;

  /// The transfers of all attempts, in the order of start.
  std::vector<transfer_id> order() const {
    std::vector<transfer_id> ids;
    for (const auto& request : started)
      ids.push_back(request.transfer);
    return ids;
  }

  attempt& of(transfer_id id) {
    for (auto& [number, each] : open)
      if (each.request.transfer == id)
        return each;
    FAIL("transfer " << id.value << " is not on the wire");
    throw 0;
  }

  bool has(transfer_id id) const {
    for (const auto& [number, each] : open)
      if (each.request.transfer == id)
        return true;
    return false;
  }

  /// Ends the attempt with this result.
  void done(transfer_id id, attempt_result result) {
    auto node = open.extract(of(id).request.id);
    if (node.mapped().pipe)
      node.mapped().pipe->close(result.why);
    caf::anon_send(node.mapped().transfer, done_atom_v, node.key(),
                   result_ptr{std::make_shared<attempt_result>(std::move(result))});
  }

  /// A 200 with a small body.
  void complete(transfer_id id, const std::string& body = "a body") {
    attempt_result result;
    result.head.status = 200;
    result.head.content_length = static_cast<std::int64_t>(body.size());
    result.received = result.head.content_length;
    result.body = std::make_shared<body_buffer>(body.begin(), body.end());
    done(id, std::move(result));
  }

  void complete_all() {
    while (!open.empty())
      complete(open.begin()->second.request.transfer);
  }

  void status(transfer_id id, std::int32_t status, const std::string& retry_after = {}) {
    attempt_result result;
    result.head.status = status;
    result.head.retry_after = retry_after;
    done(id, std::move(result));
  }

  /// The connection fails.
  void lose(transfer_id id) {
    attempt_result result;
    result.why = {errc::connection_lost, "the connection was lost", 0};
    done(id, std::move(result));
  }

  /// The head of a large body with a strong validator.
  void respond(transfer_id id, std::int64_t length) {
    auto& each = of(id);
    auto head = std::make_shared<response_head>();
    head->status = 200;
    head->content_length = length;
    head->etag = "\"one\"";
    caf::anon_send(each.transfer, response_atom_v, each.request.id, head_ptr{std::move(head)});
  }

  /// The head of what was asked for of a large body.
  void respond_partial(transfer_id id, std::int64_t total) {
    auto& each = of(id);
    const auto first = each.request.range_from;
    auto head = std::make_shared<response_head>();
    head->status = 206;
    head->content_length = total - first;
    head->content_range =
        "bytes " + std::to_string(first) + "-" + std::to_string(total - 1) + "/" + std::to_string(total);
    head->etag = "\"one\"";
    caf::anon_send(each.transfer, response_atom_v, each.request.id, head_ptr{std::move(head)});
  }

  void report(transfer_id id, std::int64_t received) {
    auto& each = of(id);
    caf::anon_send(each.session, progress_atom_v, std::vector<progress>{{id, received, unknown_size}});
  }
};

inline network_actor::behavior_type network_twin(network_actor::pointer, std::shared_ptr<fake_network> net) {
  return {
      [net](start_atom, http_request& request, transfer_actor& transfer, session_control_actor& session) {
        net->started.push_back(request);
        const auto id = request.id;
        net->open.insert_or_assign(
            id, fake_network::attempt{std::move(request), std::move(transfer), std::move(session), {}});
      },
      [net](accept_atom, attempt_id id, const pipe_ptr& pipe) { net->open.at(id).pipe = pipe; },
      [net](cancel_atom, attempt_id id) {
        net->cancelled.push_back(id);
        auto node = net->open.extract(id);
        if (!node.empty() && node.mapped().pipe)
          node.mapped().pipe->close({errc::shutting_down, "cancelled", 0});
      },
      [net](limits_atom, const engine_limits& limits) { net->limits.push_back(limits); },
  };
}

// -- the disk ---------------------------------------------------------------------------------------------------------

/// The disk for the files: answers well, unless the test says otherwise.
struct fake_publisher {
  /// Set to fail what is published.
  error publishing_fails;
  /// What a preflight finds: published before a crash.
  std::map<transfer_id, published_file> found;
  /// Close requests are not answered: a disk that hangs.
  bool hangs = false;

  std::vector<transfer_id> preflights;
  std::vector<transfer_id> published;
  /// Folder and name of parts that were removed.
  std::vector<std::pair<std::string, std::string>> discarded;
  std::map<transfer_id, checkpoint> parts;
};

inline publisher_actor::behavior_type publisher_twin(publisher_actor::pointer self,
                                                     std::shared_ptr<fake_publisher> disk) {
  const auto answer = [disk](const publish_target& target, std::int64_t size) {
    publish_result result;
    result.why = disk->publishing_fails;
    if (!result.why) {
      result.file = {target.destination, size, {}};
      disk->published.push_back(target.transfer);
    }
    return result;
  };
  return {
      [disk, self](preflight_atom, const publish_target& target, const checkpoint&, const transfer_actor& who) {
        disk->preflights.push_back(target.transfer);
        publish_result result;
        if (const auto known = disk->found.find(target.transfer); known != disk->found.end())
          result.file = known->second;
        self->send(who, preflight_atom_v, result);
      },
      [disk, self](part_atom, const part_request& request, const transfer_actor& who) {
        part_opened opened;
        opened.part = request.from;
        opened.part.inode = 1000 + request.transfer.value;
        disk->parts[request.transfer] = opened.part;
        self->send(who, part_atom_v, std::move(opened));
      },
      [disk](receive_atom, transfer_id id, std::int64_t offset, const pipe_ptr& pipe, const transfer_actor& who) {
        auto read = [disk, id, who, at = offset, in = std::weak_ptr<body_pipe>(pipe)]() mutable {
          const auto batch = in.lock()->take();
          auto& part = disk->parts[id];
          for (const auto& buffer : batch.buffers)
            at += static_cast<std::int64_t>(buffer.size());
          part.position = std::max(part.position, at);
          if (!batch.buffers.empty())
            caf::anon_send(who, checkpoint_atom_v, part);
          if (batch.closed)
            caf::anon_send(who, written_atom_v, part_written{batch.why, part});
        };
        pipe->on_readable(std::move(read));
      },
      [answer, self](publish_atom, const publish_target& target, const body_ptr& body, const transfer_actor& who) {
        self->send(who, published_atom_v, answer(target, static_cast<std::int64_t>(body->size())));
      },
      [answer, disk, self](publish_atom, const publish_target& target, const transfer_actor& who) {
        self->send(who, published_atom_v, answer(target, disk->parts[target.transfer].position));
      },
      [disk, self](close_atom, transfer_id id, const transfer_actor& who) {
        if (!disk->hangs)
          self->send(who, closed_atom_v, disk->parts[id]);
      },
      [disk, self](discard_atom, transfer_id, const std::string& folder, const std::string& name,
                   const transfer_actor& who) {
        disk->discarded.emplace_back(folder, name);
        self->send(who, discarded_atom_v);
      },
      [disk](discard_atom, transfer_id, const std::string& folder, const std::string& name) {
        disk->discarded.emplace_back(folder, name);
      },
  };
}

// -- the launcher -----------------------------------------------------------------------------------------------------

struct fake_launcher {
  std::vector<launch_order> orders;
  /// Sessions that have nothing more to tell, and those whose programs are done.
  std::vector<std::string> closed;
  std::vector<std::string> completed;
};

inline launcher_actor::behavior_type launcher_twin(launcher_actor::pointer, std::shared_ptr<fake_launcher> log) {
  return {
      [log](launch_atom, const launch_order& order, const session_control_actor&) { log->orders.push_back(order); },
      [log](close_atom, const std::string& identifier) { log->closed.push_back(identifier); },
      [log](complete_atom, const std::string& identifier) { log->completed.push_back(identifier); },
  };
}

// -- the program ------------------------------------------------------------------------------------------------------

/// Any delegate; `resume` gives the answers that were withheld.
using delegate_twin_actor = delegate_actor::extend<caf::reacts_to<resume_atom>>;

struct fake_delegate {
  /// Answers wait for `resume`.
  bool withholds = false;
  /// The handler of the next events throws.
  bool throws = false;

  std::vector<std::vector<event>> batches;
  std::vector<std::vector<progress>> moved;
  std::vector<std::vector<notice>> notices;
  std::vector<error> stalls;
  /// After how many events it was told that nothing is left, each time.
  std::vector<std::size_t> finished_after;
  /// Why it is told no more.
  std::vector<error> detached;
  /// After how many messages of any kind it was told that the session is gone, each time.
  std::vector<std::size_t> invalid_after;
  std::size_t messages = 0;
  std::vector<caf::response_promise> withheld;

  std::vector<event> events() const {
    std::vector<event> all;
    for (const auto& batch : batches)
      all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }

  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> all;
    for (const auto& e : events())
      all.push_back(e.seq.value);
    return all;
  }
};

inline delegate_twin_actor::behavior_type delegate_twin(delegate_twin_actor::pointer self,
                                                        std::shared_ptr<fake_delegate> log) {
  const auto answer = [self, log]() -> caf::result<void> {
    ++log->messages;
    auto promise = self->make_response_promise();
    if (log->withholds)
      log->withheld.push_back(promise);
    else
      promise.deliver(caf::unit);
    return caf::delegated<void>{};
  };
  return {
      [log, answer](events_atom, const std::vector<event>& events) {
        log->batches.push_back(events);
        if (log->throws)
          throw std::runtime_error("the delegate has a bug");
        return answer();
      },
      [log, answer](news_atom, const std::vector<progress>& moved, const std::vector<notice>& notices) {
        log->moved.push_back(moved);
        log->notices.push_back(notices);
        return answer();
      },
      [log](did_finish_atom, const std::string&) {
        ++log->messages;
        log->finished_after.push_back(log->events().size());
      },
      [log](stalled_atom, const error& why) {
        ++log->messages;
        log->stalls.push_back(why);
      },
      [log](detached_atom, const error& why) { log->detached.push_back(why); },
      [log](invalid_atom, const std::string&, const error&) { log->invalid_after.push_back(log->messages); },
      [log](resume_atom) {
        log->withholds = false;
        for (auto& promise : std::exchange(log->withheld, {}))
          promise.deliver(caf::unit);
      },
  };
}

// -- the system -------------------------------------------------------------------------------------------------------

/// An answer that has come or will come.
template <class T>
struct reply {
  using value_type = std::conditional_t<std::is_void_v<T>, caf::unit_t, T>;
  struct content {
    std::optional<value_type> value;
    error why;
  };
  std::shared_ptr<content> state = std::make_shared<content>();

  bool done() const { return state->value.has_value() || state->why; }
  const error& why() const { return state->why; }
  value_type value() const {
    INFO("the error: " << state->why.message);
    REQUIRE(state->value);
    return *state->value;
  }
};

/// A process with an engine.
struct process {
  std::shared_ptr<fake_disk> disk;
  std::shared_ptr<fake_network> network = std::make_shared<fake_network>();
  std::shared_ptr<fake_publisher> publisher = std::make_shared<fake_publisher>();
  /// A daemon's.
  std::shared_ptr<fake_launcher> launcher = std::make_shared<fake_launcher>();
  std::shared_ptr<services> durable = std::make_shared<services>();
  std::shared_ptr<services> ephemeral = std::make_shared<services>();
  engine_actor engine;
};

class actor_fixture {
  struct configuration : caf::actor_system_config {
    configuration() {
      configure(*this);
      set("scheduler.policy", caf::atom("testing"));
      set("logger.verbosity", caf::atom("quiet"));
    }
  };

public:
  actor_fixture() = default;

  /// Whatever is left is ended; no actor may outlive that.
  ~actor_fixture() {
    for (auto& each : processes_)
      kill(each);
    for (const auto& weak : programs_)
      if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(weak))
        caf::anon_send_exit(strong, caf::exit_reason::kill);
    settle();
    for (auto& each : processes_)
      each->network->open.clear();
    settle();
    CHECK(system.registry().running() == 0);
    if (system.registry().running() != 0)
      system.await_actors_before_shutdown(false);
  }

  /// Runs everything that can run without time going on.
  void settle() {
    while (scheduler().try_run_once()) {
    }
  }

  /// Runs at most so many messages; false when there were fewer.
  bool step(int messages) {
    while (messages > 0 && scheduler().try_run_once())
      --messages;
    return messages == 0;
  }

  /// Lets time pass, step by step: a timer fires at most once in a step.
  void advance(duration total, duration step = 1s) {
    for (auto left = total; left > 0s; left -= step) {
      scheduler().clock().advance_time(std::min(left, step));
      settle();
    }
  }

  time_point now() { return epoch() + std::chrono::duration_cast<duration>(steady_now().time_since_epoch()); }

  /// Asks, and does not wait.
  template <class T, class Handle, class... Args>
  reply<T> later(const Handle& whom, Args... args) {
    reply<T> result;
    const auto failed = [state = result.state](const caf::error& why) { state->why = from_caf(why); };
    ends(system.spawn([=](caf::event_based_actor* self) {
      auto request = self->request(whom, caf::infinite, args...);
      if constexpr (std::is_void_v<T>)
        request.then([state = result.state] { state->value = caf::unit; }, failed);
      else
        request.then([state = result.state](const T& value) { state->value = value; }, failed);
    }));
    return result;
  }

  /// Asks and gets the answer; it must come without time going on.
  template <class T, class Handle, class... Args>
  typename reply<T>::value_type ask(const Handle& whom, Args... args) {
    auto result = later<T>(whom, std::move(args)...);
    settle();
    return result.value();
  }

  /// Asks and must be refused.
  template <class T, class Handle, class... Args>
  error ask_error(const Handle& whom, Args... args) {
    auto result = later<T>(whom, std::move(args)...);
    settle();
    REQUIRE(result.done());
    return result.why();
  }

  /// Starts an engine over a ledger's rows, in a program or in the daemon.
  std::shared_ptr<process> launch(std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>(),
                                  bool is_daemon = false) {
    auto p = std::make_shared<process>();
    p->disk = disk;
    p->durable->ledger = spawn_ledger(std::move(disk));
    p->durable->network = system.spawn(network_twin, p->network);
    p->durable->publisher = system.spawn(publisher_twin, p->publisher);
    if (is_daemon)
      p->durable->launcher = system.spawn(launcher_twin, p->launcher);
    p->durable->now = [this] { return now(); };
    p->durable->jitter = [] { return 0.5; };
    p->durable->next_attempt = [this] { return attempt_id{++last_attempt_}; };
    *p->ephemeral = *p->durable;
    p->ephemeral->ledger = spawn_ledger(std::make_shared<fake_disk>());
    p->engine = system.spawn(engine_behavior, std::shared_ptr<const services>(p->durable),
                             std::shared_ptr<const services>(p->ephemeral));
    processes_.push_back(p);
    settle();
    return p;
  }

  ledger_actor spawn_ledger(std::shared_ptr<fake_disk> disk, group_commit::options commits = no_linger()) {
    auto setting = std::make_shared<ledger_setting>();
    setting->database = std::make_unique<faulty_ledger>(std::move(disk));
    setting->commits = commits;
    setting->now = [this] { return now(); };
    setting->steady = [this] { return steady_now(); };
    auto handle = system.spawn(ledger_behavior, std::move(setting));
    ends(handle);
    return handle;
  }

  /// The end of a process without any order.
  void kill(const std::shared_ptr<process>& p) {
    for (auto& [number, attempt] : p->network->open) {
      caf::anon_send_exit(attempt.transfer, caf::exit_reason::kill);
      caf::anon_send_exit(attempt.session, caf::exit_reason::kill);
    }
    for (const auto& session : sessions_)
      if (auto strong = caf::actor_cast<caf::strong_actor_ptr>(session))
        caf::anon_send_exit(strong, caf::exit_reason::kill);
    caf::anon_send_exit(p->engine, caf::exit_reason::kill);
    if (p->durable->launcher)
      caf::anon_send_exit(p->durable->launcher, caf::exit_reason::kill);
    caf::anon_send_exit(p->durable->network, caf::exit_reason::kill);
    caf::anon_send_exit(p->durable->publisher, caf::exit_reason::kill);
    settle();
    caf::anon_send_exit(p->durable->ledger, caf::exit_reason::kill);
    caf::anon_send_exit(p->ephemeral->ledger, caf::exit_reason::kill);
    settle();
    p->network->open.clear();
    settle();
  }

  session_actor open(const std::shared_ptr<process>& p, const std::string& identifier = "pictures",
                     const session_configuration& settings = small_session()) {
    return remember(ask<session_actor>(p->engine, open_atom_v, identifier, settings, true));
  }

  /// The session that goes on in this process, whoever has opened it.
  session_actor find_session(const std::shared_ptr<process>& p, const std::string& identifier = "pictures") {
    return remember(ask<session_actor>(p->engine, find_atom_v, identifier));
  }

  /// Has a session ended with its process.
  session_actor remember(const session_actor& session) {
    sessions_.push_back(caf::actor_cast<caf::weak_actor_ptr>(session));
    return session;
  }

  /// Has a program's actor ended with the test.
  template <class Handle>
  const Handle& ends(const Handle& handle) {
    programs_.push_back(caf::actor_cast<caf::weak_actor_ptr>(handle));
    return handle;
  }

  delegate_twin_actor spawn_delegate(std::shared_ptr<fake_delegate> log) {
    return ends(system.spawn(delegate_twin, std::move(log)));
  }

  /// A delegate that is attached.
  delegate_twin_actor attach(const session_actor& session, std::shared_ptr<fake_delegate> log, bool take_over = false) {
    auto handle = spawn_delegate(std::move(log));
    ask<void>(session, attach_atom_v, delegate_actor{handle}, take_over);
    return handle;
  }

  /// Submits, and expects all to be accepted.
  std::vector<transfer_id> submit(const session_actor& session, std::vector<transfer_request> requests) {
    std::vector<transfer_id> ids;
    for (const auto& result : ask<std::vector<submit_result>>(session, submit_atom_v, std::move(requests))) {
      REQUIRE(result.why.message == "");
      ids.push_back(result.id);
    }
    return ids;
  }

  transfer_id submit_one(const session_actor& session, transfer_request request) {
    return submit(session, {std::move(request)}).front();
  }

  /// Begins a large body: so much of it is on disk.
  void receive_some(const std::shared_ptr<process>& p, transfer_id id, std::size_t bytes, std::int64_t total) {
    p->network->respond(id, total);
    settle();
    p->network->of(id).pipe->push(body_buffer(bytes, 'x'));
    settle();
  }

  session_status status(const session_actor& session) { return ask<session_status>(session, status_atom_v); }

  transfer_record find(const session_actor& session, transfer_id id) {
    return ask<transfer_record>(session, find_atom_v, id);
  }

  static transfer_request picture(int number) {
    transfer_request request;
    request.url = "http://example.org/" + std::to_string(number) + ".jpg";
    request.destination = "/pictures/" + std::to_string(number) + ".jpg";
    request.on_conflict = conflict_policy::overwrite;
    return request;
  }

  static std::vector<transfer_request> pictures(int count) {
    std::vector<transfer_request> requests;
    for (int i = 1; i <= count; ++i)
      requests.push_back(picture(i));
    return requests;
  }

  static session_configuration small_session() {
    session_configuration settings;
    settings.max_active = 4;
    return settings;
  }

  static group_commit::options no_linger() {
    group_commit::options options;
    options.linger = 0us;
    return options;
  }

  static time_point epoch() { return time_point{std::chrono::hours{24 * 365 * 56}}; }

private:
  configuration configuration_;

public:
  caf::actor_system system{configuration_};

private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  std::chrono::steady_clock::time_point steady_now() { return scheduler().clock().now(); }

  std::vector<std::shared_ptr<process>> processes_;
  std::vector<caf::weak_actor_ptr> programs_;
  std::vector<caf::weak_actor_ptr> sessions_;
  std::uint64_t last_attempt_ = 0;
};

} // namespace bellhop::test
