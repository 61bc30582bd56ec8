#include "core/event_stream_parser.hpp"

#include "core/error.hpp"

#include <fmt/format.h>

#include <utility>

namespace bellhop {

std::vector<stream_event> event_stream_parser::feed(std::string_view chunk) {
  std::vector<stream_event> out;
  while (!chunk.empty()) {
    if (std::exchange(after_cr_, false) && chunk.front() == '\n') {
      chunk.remove_prefix(1);
      continue;
    }
    const auto end = chunk.find_first_of("\r\n");
    const auto piece = chunk.substr(0, end);
    check_size(line_.size() + piece.size());
    if (end == chunk.npos) {
      line_.append(piece);
      break;
    }
    after_cr_ = chunk[end] == '\r';
    chunk.remove_prefix(end + 1);
    if (line_.empty()) {
      take_line(piece, out);
    } else {
      line_.append(piece);
      take_line(line_, out);
      line_.clear();
    }
  }
  return out;
}

void event_stream_parser::take_line(std::string_view line, std::vector<stream_event>& out) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (std::exchange(first_line_, false) && line.starts_with(byte_order_mark))
    line.remove_prefix(byte_order_mark.size());
  if (line.empty())
    return dispatch(out);
  const auto colon = line.find(':');
  auto value = colon == line.npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' '))
    value.remove_prefix(1);
  // A comment is a field without a name.
  take_field(line.substr(0, colon), value);
}

void event_stream_parser::take_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    check_size(event_.data.size() + value.size());
    if (std::exchange(has_data_, true))
      event_.data += '\n';
    event_.data += value;
  } else if (name == "event") {
    event_.type = value;
  } else if (name == "id" && value.find('\0') == value.npos) {
    event_.id = value;
  }
}

void event_stream_parser::dispatch(std::vector<stream_event>& out) {
  if (has_data_) {
    if (event_.type.empty())
      event_.type = "message";
    out.push_back(event_);
  }
  has_data_ = false;
  event_.type.clear();
  event_.data.clear();
}

void event_stream_parser::check_size(std::size_t bytes) const {
  if (bytes > limit_bytes_)
    throw failure(errc::bad_response, fmt::format("the event stream has an event of more than {} bytes", limit_bytes_));
}

} // namespace bellhop
