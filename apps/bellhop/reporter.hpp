#pragma once

#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/plain_output.hpp"
#include "apps/bellhop/progress_model.hpp"
#include "apps/bellhop/progress_view.hpp"
#include "apps/bellhop/terminal.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bellhop::cli {

/// How much is told.
struct report_style {
  bool json = false;
  bool quiet = false;
  /// Of a live view over a session: transfers have their numbers, by which other commands name them; as JSON, progress
  /// and notices are told too.
  bool watches = false;
};

/// What a transfer of the session is to this run.
enum class relation : std::uint8_t {
  own,     ///< shown, and counts
  other,   ///< its end is told
  ignored, ///< somebody else's
};

/// Shows a run: bars on a terminal, lines or JSON elsewhere.
class reporter {
public:
  using relation_of = std::function<relation(transfer_id)>;

  reporter(report_style, std::string session);

  void expect(std::uint64_t transfers) { model_.expect(transfers); }
  void expect_left(std::uint64_t transfers) { model_.expect_left(transfers); }
  /// Something that never became a transfer.
  void rejected(const std::string& what, const error&);
  /// One that was there before, so that its progress can be shown by name.
  void introduce(const transfer_record&);
  /// One that is shown already may have come further than its progress has told.
  void catch_up(const transfer_record&);
  /// One that had ended before.
  void show_ended(const transfer_record&);
  /// Takes in what the session told. True when what was printed has reached its reader, so that it may be acknowledged.
  bool show(const inbox::contents&, const relation_of&);
  void show_stall(const error&);
  /// Draws the next frame if it is time for one, with these lines below.
  void draw(const std::vector<std::string>& footer = {});
  /// A line beside the results.
  void say(const std::string& line);
  /// Takes the bars away and prints the summary.
  void end();

  /// A live view is drawn.
  bool draws() const noexcept { return bars_; }
  const tally& ended() const noexcept { return model_.ended(); }

private:
  void show(const event&, relation);
  void show(const notice&);
  void show(const progress&);
  void count(const event&, const std::string& name, instant);
  void show_waiting(const notice&, std::chrono::milliseconds delay);
  std::string named(transfer_id, std::string name) const;

  report_style style_;
  std::string session_;
  terminal_traits traits_;
  bool bars_;
  progress_model model_;
  plain_output plain_;
  terminal terminal_;
  /// Names of transfers that have not been seen to start. Bounded by `progress_model::most_active`.
  std::map<transfer_id, std::string> introduced_;
  /// Those of which it was told that the disk is full, until they move again.
  std::set<transfer_id> told_full_;
};

} // namespace bellhop::cli
