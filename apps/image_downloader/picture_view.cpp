#include "apps/image_downloader/picture_view.hpp"

#include "core/numbers.hpp"

#include <boost/filesystem/operations.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

using namespace bellhop;

picture_view::picture_view(path folder, bool interactive) : folder_(std::move(folder)), interactive_(interactive) {}

std::vector<path> picture_view::pictures() const {
  std::vector<path> found;
  for (const auto& entry : boost::filesystem::directory_iterator(folder_))
    if (entry.status().type() == boost::filesystem::regular_file && entry.path().filename().string().front() != '.')
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

void picture_view::list_pictures() const {
  const auto found = pictures();
  fmt::print("{} in {}{}\n", found.empty() ? "No pictures" : fmt::format("{} pictures", found.size()), folder_.string(),
             found.empty() ? "" : ":");
  for (std::size_t i = 0; i < found.size(); ++i)
    fmt::print("  {:>2}  {:<40} {:>9}\n", i + 1, found[i].filename().string(),
               format_size(static_cast<std::int64_t>(boost::filesystem::file_size(found[i]))));
  std::fflush(stdout);
}

void picture_view::say(const std::string& line) {
  const std::lock_guard lock{mutex_};
  hide_bar();
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void picture_view::wait_until_finished(const std::vector<transfer_id>& accepted) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] {
    return finished_ && std::all_of(accepted.begin(), accepted.end(), [this](auto id) { return ended_.contains(id); });
  });
}

bool picture_view::anything_failed() const {
  const std::lock_guard lock{mutex_};
  return failed_;
}

void picture_view::show(const std::vector<event>& events) {
  for (const auto& e : events) {
    {
      const std::lock_guard lock{mutex_};
      active_.erase(e.transfer);
      ended_.insert(e.transfer);
      finished_ = false;
      failed_ = failed_ || e.type != event_type::completed;
    }
    say(fmt::format("{} {}{}", to_string(e.type), e.destination.filename().string(),
                    e.why ? ": " + e.why.message : fmt::format(" ({})", format_size(e.received))));
  }
  const std::lock_guard lock{mutex_};
  draw_bar();
}

void picture_view::show(const std::vector<progress>& moved, const std::vector<notice>& notices) {
  for (const auto& news : notices) {
    if (news.type == notice_type::resumed)
      say(fmt::format("going on with {} at {} of {}", news.name, format_size(news.received), format_size(news.total)));
    else if (news.type == notice_type::waiting)
      say(fmt::format("waiting for {}: {}", news.name, news.why.message));
  }
  const std::lock_guard lock{mutex_};
  for (const auto& how_far : moved)
    active_.insert_or_assign(how_far.transfer, how_far);
  draw_bar();
}

void picture_view::finished(bool handler_called) {
  if (handler_called)
    say("all events were delivered: the completion handler was called");
  const std::lock_guard lock{mutex_};
  finished_ = true;
  changed_.notify_all();
}

void picture_view::trouble(const error& why) {
  if (why)
    say("trouble: " + why.message);
}

void picture_view::draw_bar() {
  if (!interactive_ || active_.empty())
    return hide_bar();
  constexpr int width = 30;
  std::int64_t received = 0;
  std::int64_t total = 0;
  for (const auto& [id, how_far] : active_) {
    received += how_far.received;
    total += std::max(how_far.total, how_far.received);
  }
  const int filled = total > 0 ? static_cast<int>(received * width / total) : 0;
  fmt::print("\r[{:=<{}}{:<{}}] {:>3}%  {} of {}, {} under way\x1b[K", "", filled, "", width - filled,
             total > 0 ? received * 100 / total : 0, format_size(received), format_size(total), active_.size());
  std::fflush(stdout);
  bar_shown_ = true;
}

void picture_view::hide_bar() {
  if (std::exchange(bar_shown_, false))
    fmt::print("\r\x1b[K");
}
