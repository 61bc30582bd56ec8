#include "core/time.hpp"

#include "core/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bellhop {

namespace {

using namespace std::chrono;

/// RFC 3339 has four digits for the year.
constexpr time_point earliest{sys_days{year{0} / January / 1}};
constexpr time_point latest = time_point{sys_days{year{9999} / December / 31}} + hours{24} - microseconds{1};

/// Reads text from the front; once something does not match, all that follows fails too.
class reader {
public:
  explicit reader(std::string_view text) : rest_(text) {}

  int number(std::size_t digits, int from, int to) noexcept {
    const auto value = parse_digits(rest_.substr(0, digits));
    if (rest_.size() < digits || !value || *value < from || *value > to) {
      good_ = false;
      return from;
    }
    rest_.remove_prefix(digits);
    return static_cast<int>(*value);
  }

  /// One of these characters; '\0' if it is another.
  char one_of(std::string_view allowed) noexcept {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) {
      good_ = false;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  /// "." and digits, as far as microseconds; finer digits are dropped.
  microseconds fraction() noexcept {
    if (rest_.empty() || rest_.front() != '.')
      return microseconds{0};
    rest_.remove_prefix(1);
    good_ = good_ && !rest_.empty() && is_ascii_digit(rest_.front());
    microseconds value{0};
    microseconds unit{100000};
    while (!rest_.empty() && is_ascii_digit(rest_.front())) {
      value += unit * (rest_.front() - '0');
      unit /= 10;
      rest_.remove_prefix(1);
    }
    return value;
  }

  /// "Z" or "+01:00".
  minutes offset() noexcept {
    const char sign = one_of("Zz+-");
    if (sign != '+' && sign != '-')
      return minutes{0};
    const hours h{number(2, 0, 23)};
    one_of(":");
    const minutes value = h + minutes{number(2, 0, 59)};
    return sign == '+' ? value : -value;
  }

  bool at_end() const noexcept { return good_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool good_ = true;
};

/// Leap seconds are inserted as 23:59:60 UTC on the last day of a month, and nowhere else.
bool leap_second_fits(time_point after) noexcept {
  const auto midnight = floor<days>(after);
  return after - midnight < seconds{1} && year_month_day{midnight}.day() == day{1};
}

/// With as many digits after the second as the unit has.
template <class Unit>
std::string format_in(time_point t) {
  const auto midnight = floor<days>(t);
  const year_month_day date{midnight};
  const hh_mm_ss clock{floor<Unit>(t - midnight)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:0{}}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count(),
                     clock.fractional_width);
}

} // namespace

time_point now() noexcept {
  return time_point_cast<duration>(system_clock::now());
}

std::string to_rfc3339(time_point t) {
  return format_in<milliseconds>(std::clamp(t, earliest, latest));
}

std::string to_rfc3339_exact(time_point t) {
  t = std::clamp(t, earliest, latest);
  return t == floor<milliseconds>(t) ? format_in<milliseconds>(t) : format_in<microseconds>(t);
}

bool from_rfc3339(std::string_view text, time_point& out) noexcept {
  reader in{text};
  const year y{in.number(4, 0, 9999)};
  in.one_of("-");
  const month m{static_cast<unsigned>(in.number(2, 1, 12))};
  in.one_of("-");
  const year_month_day date{y, m, day{static_cast<unsigned>(in.number(2, 1, 31))}};
  in.one_of("Tt ");
  const hours h{in.number(2, 0, 23)};
  in.one_of(":");
  const minutes min{in.number(2, 0, 59)};
  in.one_of(":");
  const seconds s{in.number(2, 0, 60)};
  const auto fraction = in.fraction();
  const auto offset = in.offset();
  if (!in.at_end() || !date.ok())
    return false;
  const time_point t = sys_days{date} + h + min + s + fraction - offset;
  if (s == seconds{60} && !leap_second_fits(t))
    return false;
  out = t;
  return true;
}

} // namespace bellhop
