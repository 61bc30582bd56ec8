#include "apps/bellhop/list_file.hpp"

#include "apps/bellhop/arguments.hpp"
#include "core/configuration.hpp"
#include "core/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace bellhop::cli {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

int open_list(const path& list) {
  const bool standard_input = list == "-";
  const int fd =
      standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : ::open(list.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    throw failure(errc::invalid_argument,
                  fmt::format("-i '{}': cannot be read: {}", list.string(), std::strerror(errno)));
  return fd;
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string_view take_field(std::string_view& line) noexcept {
  const auto tab = line.find('\t');
  const auto field = line.substr(0, tab);
  line = tab == std::string_view::npos ? std::string_view{} : line.substr(tab + 1);
  return trimmed(field);
}

bool is_below(const path& inner, const path& folder) {
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), inner.begin(), inner.end());
  return end == folder.end();
}

} // namespace

list_reader::list_reader(const path& list, path folder, transfer_request common)
    : list_reader(open_list(list), list == "-" ? "standard input" : list.filename().string(), std::move(folder),
                  std::move(common)) {}

list_reader::list_reader(int fd, std::string name, path folder, transfer_request common)
    : fd_(fd), name_(std::move(name)), folder_(std::move(folder)), common_(std::move(common)) {}

list_reader::~list_reader() {
  ::close(fd_);
}

std::vector<list_item> list_reader::next(std::size_t most, int wake_fd) {
  std::vector<list_item> items;
  while (items.size() < most) {
    if (auto item = take_item())
      items.push_back(std::move(*item));
    else if (ended_ || !wait_for_input(items.empty(), wake_fd))
      break;
    else
      fill();
  }
  return items;
}

bool list_reader::wait_for_input(bool may_block, int wake_fd) const {
  pollfd sources[] = {{fd_, POLLIN, 0}, {wake_fd, POLLIN, 0}};
  const int ready = ::poll(sources, 2, may_block ? -1 : 0);
  return ready > 0 && sources[1].revents == 0;
}

void list_reader::fill() {
  constexpr std::size_t chunk = 64 * 1024;
  buffer_.erase(0, std::exchange(consumed_, 0));
  const auto before = buffer_.size();
  buffer_.resize(before + chunk);
  const auto got = ::read(fd_, buffer_.data() + before, chunk);
  const int problem = errno;
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  if (got == 0)
    ended_ = true;
  else if (got < 0 && problem != EINTR && problem != EAGAIN)
    throw failure(errc::file_io,
                  fmt::format("{}:{}: cannot be read on: {}", name_, line_number_ + 1, std::strerror(problem)));
}

std::optional<std::string_view> list_reader::take_line() {
  const std::string_view rest = std::string_view{buffer_}.substr(consumed_);
  const auto length = rest.find('\n');
  if (length == std::string_view::npos && !(ended_ && !rest.empty()))
    return std::nullopt;
  const auto line = rest.substr(0, length);
  consumed_ += std::min(rest.size(), line.size() + 1);
  return line;
}

std::optional<list_item> list_reader::take_item() {
  while (auto line = take_line()) {
    if (std::exchange(skipping_, false))
      continue;
    ++line_number_;
    if (line->size() > longest_line)
      return too_long();
    if (line_number_ == 1 && line->starts_with(byte_order_mark))
      line->remove_prefix(byte_order_mark.size());
    if (const auto text = trimmed(*line); !text.empty() && text.front() != '#')
      return parse(*line);
  }
  if (buffer_.size() - consumed_ <= longest_line && !skipping_)
    return std::nullopt;
  // No end of the line in sight: what is here of it is of no use.
  consumed_ = buffer_.size();
  if (std::exchange(skipping_, true))
    return std::nullopt;
  ++line_number_;
  return too_long();
}

error list_reader::too_long() const {
  return {errc::invalid_argument,
          fmt::format("{}:{}: the line is longer than {} KiB; is this a list of URLs?", name_, line_number_,
                      longest_line / 1024),
          0};
}

list_item list_reader::parse(std::string_view line) const {
  try {
    auto request = request_from(line);
    if (auto problem = check(request))
      throw failure(std::move(problem));
    return request;
  } catch (const failure& problem) {
    auto why = problem.why();
    why.message = fmt::format("{}:{}: {}", name_, line_number_, why.message);
    return why;
  }
}

transfer_request list_reader::request_from(std::string_view line) const {
  auto rest = line;
  auto request = common_;
  request.url = take_field(rest);
  const auto destination = take_field(rest);
  const auto digest = take_field(rest);
  if (!trimmed(rest).empty())
    throw failure(
        errc::invalid_argument,
        fmt::format("'{}': a fourth column; write URL, destination and checksum, with a tab between", trimmed(rest)));
  if (request.url.find(' ') != std::string::npos)
    throw failure(
        errc::invalid_url,
        fmt::format("'{}': a space in a URL; write it as %20, or a tab before the destination", redact(request.url)));
  if (const auto problem = check_url(request.url))
    throw failure(problem);
  request.destination = destination_from(destination, request.url);
  if (!digest.empty())
    request.expected = parse_checksum(digest);
  return request;
}

path list_reader::destination_from(std::string_view text, const std::string& url) const {
  if (text.empty())
    return folder_ / file_name_from_url(url);
  if (text.find('\0') != std::string_view::npos)
    throw failure(errc::invalid_destination, "a NUL in the destination; write a path");
  const auto written = absolute_path(text, folder_);
  if (text.front() != '/' && !is_below(written, folder_))
    throw failure(
        errc::invalid_destination,
        fmt::format("'{}': leaves the folder '{}'; write an absolute path if you mean it", text, folder_.string()));
  const bool names_folder = text.back() == '/' || text == "." || text.ends_with("/.") || written == folder_;
  return names_folder ? written / file_name_from_url(url) : written;
}

} // namespace bellhop::cli
