#include "core/group_commit.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace bellhop {

namespace {

/// Errors that are the ledger's, not the call's: they undo the transaction, and the same call may succeed later.
bool is_outage(const error& why) noexcept {
  return why.code == errc::no_space || domain_of(why.code) == "ledger";
}

/// What a ledger call threw, as a value.
template <class Call>
error outcome_of(Call&& call) {
  try {
    call();
    return {};
  } catch (const failure& e) {
    return e.why();
  } catch (const std::exception& e) {
    return {errc::internal, e.what(), 0};
  }
}

} // namespace

class group_commit::impl {
public:
  impl(std::unique_ptr<ledger> db, options settings, clock now, unique_function<void(const error&)> on_stall)
      : db_(std::move(db)), settings_(std::move(settings)), now_(std::move(now)), on_stall_(std::move(on_stall)) {}

  ledger& db() noexcept { return *db_; }

  void write(loss kind, std::function<void(ledger&)> apply, unique_function<void(const error&)> done) {
    entry e{kind, std::move(apply), std::move(done)};
    if (closed_) {
      refuse(e, {errc::shutting_down, "the ledger is being closed", 0});
      return;
    }
    if (stall_) {
      if (kind == loss::kept)
        batch_.push_back(std::move(e));
      else
        refuse(e, *stall_);
      return;
    }
    const auto why = apply_in_transaction(e);
    if (why && !is_outage(why)) {
      refuse(e, why);
      return;
    }
    batch_.push_back(std::move(e));
    ++writes_;
    if (why)
      lose(why);
    // A callback's own writes wait for the next turn: else callbacks and commits would call each other without end.
    else if (!answering_ && now_() >= opened_at_ + settings_.linger)
      commit();
  }

  std::chrono::microseconds end_of_turn(bool more) {
    if (stall_) {
      if (now_() >= retry_at_)
        replay();
    } else if (open_) {
      const bool quiet = !more && std::exchange(writes_seen_, writes_) == writes_;
      if (quiet || now_() >= opened_at_ + settings_.linger)
        commit();
    }
    return pause();
  }

  void flush() {
    if (stall_)
      replay();
    else if (open_)
      commit();
  }

  /// Flushes; afterwards every write is refused.
  void close() {
    flush();
    closed_ = true;
    // What callbacks of the flush wrote.
    if (open_)
      commit();
    std::vector<answer> answers;
    for (auto& e : batch_)
      answers.push_back({std::move(e.done), stall_.value_or(error{})});
    batch_.clear();
    give(std::move(answers));
  }

private:
  struct entry {
    loss kind;
    std::function<void(ledger&)> apply;
    unique_function<void(const error&)> done;
  };
  struct answer {
    unique_function<void(const error&)> done;
    error why;
  };

  error apply_in_transaction(const entry& e) {
    return outcome_of([&] {
      if (!open_) {
        db_->begin();
        open_ = true;
        opened_at_ = now_();
      }
      e.apply(*db_);
    });
  }

  void commit() {
    const auto began = now_();
    if (const auto why = outcome_of([&] { db_->commit(); })) {
      lose(why);
      return;
    }
    open_ = false;
    if (settings_.metrics) {
      settings_.metrics->commits.observe(now_() - began);
      settings_.metrics->committed_writes.add(batch_.size());
    }
    std::vector<answer> answers;
    answers.reserve(batch_.size());
    for (auto& e : batch_)
      answers.push_back({std::move(e.done), {}});
    batch_.clear();
    give(std::move(answers));
  }

  /// The transaction is gone: droppable writes are answered, kept ones stay in the batch and make it a stall.
  void lose(const error& why) {
    undo();
    std::vector<answer> answers;
    std::deque<entry> kept;
    for (auto& e : batch_) {
      if (e.kind == loss::kept)
        kept.push_back(std::move(e));
      else
        answers.push_back({std::move(e.done), why});
    }
    batch_ = std::move(kept);
    if (!batch_.empty()) {
      stall_ = why;
      on_stall_(why);
    }
    give(std::move(answers));
  }

  void undo() noexcept {
    db_->rollback();
    open_ = false;
    retry_at_ = now_() + settings_.retry;
  }

  /// Applies the kept writes of a stall again, and commits.
  void replay() {
    std::vector<answer> answers;
    answers.reserve(batch_.size());
    for (auto& e : batch_) {
      auto why = apply_in_transaction(e);
      if (is_outage(why)) {
        stall_ = std::move(why);
        undo();
        return;
      }
      answers.push_back({{}, std::move(why)});
    }
    if (auto why = outcome_of([&] { db_->commit(); })) {
      stall_ = std::move(why);
      undo();
      return;
    }
    for (std::size_t i = 0; i < answers.size(); ++i)
      answers[i].done = std::move(batch_[i].done);
    batch_.clear();
    open_ = false;
    stall_.reset();
    on_stall_({});
    give(std::move(answers));
  }

  void refuse(entry& e, const error& why) {
    std::vector<answer> answers;
    answers.push_back({std::move(e.done), why});
    give(std::move(answers));
  }

  void give(std::vector<answer> answers) {
    const bool outer = std::exchange(answering_, true);
    for (auto& a : answers)
      if (a.done)
        a.done(a.why);
    answering_ = outer;
  }

  std::chrono::microseconds until(std::chrono::steady_clock::time_point when) const {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(when - now_());
    return std::max(left, std::chrono::microseconds{1});
  }

  std::chrono::microseconds pause() const {
    if (stall_)
      return until(retry_at_);
    if (!open_)
      return std::chrono::microseconds::zero();
    return std::min(until(opened_at_ + settings_.linger), std::max(settings_.quiet, std::chrono::microseconds{1}));
  }

  std::unique_ptr<ledger> db_;
  options settings_;
  clock now_;
  unique_function<void(const error&)> on_stall_;
  /// The open transaction's writes; in a stall, the kept ones that are to be applied again.
  std::deque<entry> batch_;
  std::optional<error> stall_;
  bool open_ = false;
  bool answering_ = false;
  bool closed_ = false;
  std::chrono::steady_clock::time_point opened_at_;
  std::chrono::steady_clock::time_point retry_at_;
  /// How many writes there were, and how many at the last look at an empty queue: equal means it stayed empty.
  std::uint64_t writes_ = 0;
  std::uint64_t writes_seen_ = 0;
};

group_commit::group_commit(std::unique_ptr<ledger> db, options settings, clock now,
                           unique_function<void(const error&)> on_stall)
    : impl_(std::make_unique<impl>(std::move(db), std::move(settings), std::move(now), std::move(on_stall))) {}

group_commit::~group_commit() {
  impl_->close();
}

ledger& group_commit::db() noexcept {
  return impl_->db();
}

void group_commit::write(loss kind, std::function<void(ledger&)> apply, unique_function<void(const error&)> done) {
  impl_->write(kind, std::move(apply), std::move(done));
}

std::chrono::microseconds group_commit::end_of_turn(bool more) {
  return impl_->end_of_turn(more);
}

void group_commit::flush() {
  impl_->flush();
}

} // namespace bellhop
