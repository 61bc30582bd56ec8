#pragma once

#include "apps/bellhop/inbox.hpp"
#include "apps/bellhop/options.hpp"
#include "apps/bellhop/plain_output.hpp"
#include "apps/bellhop/progress_model.hpp"
#include "apps/bellhop/progress_view.hpp"
#include "apps/bellhop/terminal.hpp"

#include <optional>
#include <set>
#include <string>

namespace bellhop::cli {

/// Shows a run: bars on a terminal, lines or JSON elsewhere.
class reporter {
public:
  explicit reporter(const get_options&);

  void expect(std::uint64_t transfers) { model_.expect(transfers); }
  /// Something that never became a transfer.
  void rejected(const std::string& what, const error&);
  /// Takes in what the session told. True when what was printed has reached its reader, so that it may be acknowledged.
  bool show(const inbox::contents&);
  /// Draws the next frame if it is time for one.
  void draw();
  /// A line beside the results.
  void say(const std::string& line);
  /// Takes the bars away and prints the summary.
  void end();

  const tally& ended() const noexcept { return model_.ended(); }

private:
  void show(const event&);
  void show(const notice&);
  void show_waiting(const notice&, std::chrono::milliseconds delay);
  void draw_now(instant);

  bool json_;
  bool quiet_;
  terminal_traits traits_;
  bool bars_;
  progress_model model_;
  plain_output plain_;
  terminal terminal_;
  /// Those of which it was told that the disk is full, until they move again.
  std::set<transfer_id> told_full_;
};

} // namespace bellhop::cli
