#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bellhop {

/// One event of a text/event-stream.
struct stream_event {
  /// The stream's last id so far: an event that brings none has that of the one before.
  std::string id;
  /// "message" unless the stream says otherwise.
  std::string type;
  /// Its data lines, joined by line feeds.
  std::string data;
  friend bool operator==(const stream_event&, const stream_event&) = default;
};

/// Reads text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html) from chunks that may be cut
/// at any byte. Comments are dropped, and so is `retry`: whoever reconnects here has a back-off of its own.
class event_stream_parser {
public:
  /// Enough for a thousand transfers' progress and for the largest metadata.
  static constexpr std::size_t default_limit = 4 * 1024 * 1024;

  explicit event_stream_parser(std::size_t limit_bytes = default_limit) : limit_bytes_(limit_bytes) {}

  /// The events that `chunk` completes. Throws `failure` (`bad_response`) when one line or one event is larger than
  /// the limit.
  std::vector<stream_event> feed(std::string_view chunk);

private:
  void take_line(std::string_view line, std::vector<stream_event>& out);
  void take_field(std::string_view name, std::string_view value);
  void dispatch(std::vector<stream_event>& out);
  void check_size(std::size_t bytes) const;

  std::size_t limit_bytes_;
  /// A line without its end yet.
  std::string line_;
  stream_event event_;
  bool has_data_ = false;
  /// The last chunk ended with a carriage return: a line feed that follows belongs to it.
  bool after_cr_ = false;
  bool first_line_ = true;
};

} // namespace bellhop
