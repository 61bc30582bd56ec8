#pragma once

#include "actors/view_controller.hpp"

#include <future>
#include <map>
#include <mutex>
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

  /// Waits until the session has told that nothing is left to do.
  void wait_until_finished();
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
  bool bar_shown_ = false;
  bool finished_ = false;
  bool failed_ = false;
};
