#include "apps/bellhop/state_view.hpp"

#include "apps/bellhop/output.hpp"
#include "core/daemon.hpp"
#include "core/resume_data.hpp"
#include "core/state_directory.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <map>
#include <utility>

namespace bellhop::cli {

namespace {

/// Names those that there are.
error unknown_session(const std::string& name, const std::vector<session_summary>& known) {
  constexpr std::size_t most_named = 8;
  std::string others;
  for (std::size_t i = 0; i < known.size() && i < most_named; ++i)
    others += (i == 0 ? "" : ", ") + known[i].record.identifier;
  if (known.size() > most_named)
    others += fmt::format(" and {} more (see: bellhop sessions)", known.size() - most_named);
  return {errc::unknown_session,
          fmt::format("there is no session \"{}\" in {}; {}", name, default_state_directory().native(),
                      known.empty() ? "there is none at all" : "there are: " + others),
          0};
}

class ledger_view final : public state_view {
public:
  explicit ledger_view(const path& state_directory) : file_(ledger_file_in(state_directory)) {
    if (boost::filesystem::exists(file_))
      ledger_ = open_sqlite_ledger_readonly(file_);
  }

  bool of_daemon() const noexcept override { return false; }

  std::vector<session_summary> sessions() override {
    std::vector<session_summary> result;
    if (ledger_)
      for (auto& record : ledger_->sessions()) {
        const auto counts = ledger_->counts(record.identifier);
        result.push_back({std::move(record), counts});
      }
    return result;
  }

  session_status status(const std::string& session) override {
    const auto record = known(session);
    session_status result;
    result.counts = ledger_->counts(session);
    result.acknowledged = record.acknowledged;
    result.last_event = record.last_event;
    result.phase = record.phase;
    result.paused = record.paused;
    return result;
  }

  std::vector<transfer_record> list(const list_filter& filter) override {
    known(filter.session);
    auto records = ledger_->list(filter);
    for (auto& record : records)
      record.resume_data = make_resume_data(ledger_->id(), record);
    return records;
  }

  transfer_record find(const std::string& session, transfer_id id) override {
    known(session);
    auto record = ledger_->find(id);
    if (!record)
      throw failure(errc::unknown_transfer, fmt::format("there is no transfer {}", id.value));
    if (record->session != session)
      throw failure(errc::unknown_transfer,
                    fmt::format("transfer {} belongs to the session {}", id.value, record->session));
    record->resume_data = make_resume_data(ledger_->id(), *record);
    return std::move(*record);
  }

  std::vector<event> events(const std::string& session, event_number after, std::uint32_t limit) override {
    known(session);
    return ledger_->events(session, after, limit);
  }

private:
  session_record known(const std::string& session) {
    auto record = ledger_ ? ledger_->find_session(session) : std::nullopt;
    if (!record)
      throw failure(unknown_session(session, sessions()));
    return std::move(*record);
  }

  path file_;
  std::unique_ptr<ledger> ledger_;
};

class daemon_view final : public state_view {
public:
  bool of_daemon() const noexcept override { return true; }

  std::vector<session_summary> sessions() override { return engine_.sessions(); }

  session_status status(const std::string& name) override { return open(name).status().get(); }

  std::vector<transfer_record> list(const list_filter& filter) override {
    return open(filter.session).list(filter).get();
  }

  transfer_record find(const std::string& name, transfer_id id) override { return open(name).find(id).get(); }

  std::vector<event> events(const std::string& name, event_number after, std::uint32_t limit) override {
    return open(name).events(after, limit).get();
  }

private:
  session& open(const std::string& name) {
    if (const auto known = opened_.find(name); known != opened_.end())
      return known->second;
    return opened_.emplace(name, find_session(engine_, name)).first->second;
  }

  engine engine_{daemon_options{.socket = {}, .start = false}};
  std::map<std::string, session> opened_;
};

} // namespace

std::unique_ptr<state_view> look_into_ledger(const path& state_directory) {
  return std::make_unique<ledger_view>(state_directory);
}

std::unique_ptr<state_view> look_into_state() {
  if (daemon_listens(default_socket())) {
    try {
      return std::make_unique<daemon_view>();
    } catch (const failure& problem) {
      // It has just stopped.
      if (problem.why().code != errc::daemon_unavailable)
        throw;
    }
  }
  return look_into_ledger(default_state_directory());
}

session find_session(engine& engine, const std::string& identifier) {
  try {
    return engine.find_session(identifier);
  } catch (const failure& problem) {
    if (problem.why().code == errc::unknown_session)
      throw failure(unknown_session(identifier, engine.sessions()));
    throw;
  }
}

} // namespace bellhop::cli
