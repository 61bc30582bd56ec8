#pragma once

#include "actors/view_controller.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// The screen of the image downloader: the pictures that are there, and a progress bar that is hidden until it is
/// needed.
class picture_view : public bellhop::session_view {
public:
  /// `interactive`: standard output is a terminal and can show a bar.
  picture_view(bellhop::path folder, bool interactive);

  /// The pictures in the folder, by name; a part file is none.
  std::vector<bellhop::path> pictures() const;
  void list_pictures() const;
  void say(const std::string& line);

  /// Waits until these transfers have ended, and the session has told after that that nothing is left to do.
  void wait_until_finished(const std::vector<bellhop::transfer_id>& accepted);
  bool anything_failed() const;

  // What the view controller shows; on a thread of the actor system.
  void show(const std::vector<bellhop::event>&) override;
  void show(const std::vector<bellhop::progress>&, const std::vector<bellhop::notice>&) override;
  void finished(bool handler_called) override;
  void trouble(const bellhop::error&) override;

private:
  void draw_bar();
  void hide_bar();

  const bellhop::path folder_;
  const bool interactive_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<bellhop::transfer_id, bellhop::progress> active_;
  /// Those that ended in this launch.
  std::set<bellhop::transfer_id> ended_;
  bool bar_shown_ = false;
  /// Nothing is left to do, and nothing has ended since the session said so.
  bool finished_ = false;
  bool failed_ = false;
};
