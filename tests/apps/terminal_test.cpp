#include "apps/bellhop/progress_view.hpp"
#include "apps/bellhop/terminal.hpp"
#include "tests/apps/screen.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <map>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace bellhop;
using namespace bellhop::cli;
using namespace std::chrono_literals;
using bellhop::test::screen;
using lines = std::vector<std::string>;

namespace {

const instant begin{1000s};

/// A pseudo terminal with an emulator at its other end.
class pty {
public:
  pty(std::size_t width, std::size_t height, screen::on_resize how) : display(width, height, how) {
    winsize size = extent(width, height);
    REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, &size) == 0);
  }
  ~pty() {
    ::close(master_);
    if (slave_ >= 0)
      ::close(slave_);
  }

  int fd() const noexcept { return slave_; }

  /// As a window is resized: the emulator first, then the kernel's idea of it.
  void resize(std::size_t width, std::size_t height) {
    receive();
    display.resize(width, height);
    const winsize size = extent(width, height);
    REQUIRE(::ioctl(master_, TIOCSWINSZ, &size) == 0);
  }

  /// Everything that was written goes to the emulator; answers how many bytes that was.
  std::size_t receive() {
    std::size_t received = 0;
    pollfd readable{master_, POLLIN, 0};
    while (::poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN)) {
      char chunk[4096];
      const auto got = ::read(master_, chunk, sizeof chunk);
      REQUIRE(got > 0);
      display.feed({chunk, static_cast<std::size_t>(got)});
      received += static_cast<std::size_t>(got);
    }
    return received;
  }

  lines text() {
    receive();
    return display.text();
  }

  void hang_up() {
    ::close(master_);
    master_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  screen display;

private:
  static winsize extent(std::size_t width, std::size_t height) {
    return {static_cast<unsigned short>(height), static_cast<unsigned short>(width), 0, 0};
  }

  int master_ = -1;
  int slave_ = -1;
};

lines operator+(lines a, const lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace

TEST_CASE("a frame replaces the one before", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  terminal out{t.fd()};
  out.draw({}, lines{"first row", "second row", "total 1"}, begin);
  CHECK(t.text() == lines{"first row", "second row", "total 1"});
  out.draw({}, lines{"row", "total 2"}, begin + 1s);
  CHECK(t.text() == lines{"row", "total 2"});
  out.draw(lines{"done a", "done b"}, lines{"row", "another", "total 3"}, begin + 2s);
  CHECK(t.text() == lines{"done a", "done b", "row", "another", "total 3"});
  out.draw(lines{"done c"}, {}, begin + 3s);
  CHECK(t.text() == lines{"done a", "done b", "done c"});
  CHECK(t.display.column() == 0);
}

TEST_CASE("the live area stays at the end while lines scroll away", "[terminal]") {
  pty t{40, 6, screen::on_resize::reflow};
  terminal out{t.fd()};
  lines all;
  for (int i = 0; i < 50; ++i) {
    const lines permanent{"done " + std::to_string(i)};
    const lines live{"row " + std::to_string(i), "row", "total"};
    out.draw(permanent, live, begin + i * 1s);
    all = all + permanent;
    REQUIRE(t.text() == all + live);
  }
}

TEST_CASE("resizing leaves no garbage", "[terminal]") {
  const auto how = GENERATE(screen::on_resize::reflow, screen::on_resize::cut);
  pty t{100, 30, how};
  terminal out{t.fd()};
  lines all;
  const std::pair<std::size_t, std::size_t> extents[] = {{100, 30}, {50, 30}, {24, 30},  {80, 30}, {80, 12},
                                                         {33, 12},  {33, 40}, {120, 40}, {61, 20}, {100, 30}};
  int frame = 0;
  for (const auto& [width, height] : extents) {
    t.resize(width, height);
    for (int i = 0; i < 3; ++i, ++frame) {
      const auto size = out.size();
      CHECK(size.width == width - 1);
      CHECK(size.height == height);
      const lines permanent{"done " + std::to_string(frame)};
      const std::string row(size.width, static_cast<char>('a' + frame % 26));
      const lines live{row, "row 2", row, "total"};
      out.draw(permanent, live, begin + frame * 1s);
      all = all + permanent;
      REQUIRE(t.text() == all + live);
    }
  }
  out.clear();
  CHECK(t.text() == all);
}

TEST_CASE("a line that is too wide just now is cut, not wrapped", "[terminal]") {
  pty t{20, 10, screen::on_resize::reflow};
  terminal out{t.fd()};
  out.draw({}, lines{std::string(35, 'x'), "total"}, begin);
  REQUIRE(t.text().size() == 2);
  out.draw({}, lines{"row", "total"}, begin + 1s);
  CHECK(t.text() == lines{"row", "total"});
}

TEST_CASE("the terminal is left as it was", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  {
    terminal out{t.fd()};
    out.draw(lines{"done"}, lines{"row", "total"}, begin);
    t.receive();
    CHECK(t.display.wraps());
  }
  CHECK(t.text() == lines{"done"});
  CHECK(t.display.row() == 1);
  CHECK(t.display.column() == 0);
}

TEST_CASE("a frame like the last one is not written", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  terminal out{t.fd()};
  out.draw({}, lines{"total"}, begin);
  CHECK(t.receive() > 0);
  out.draw({}, lines{"total"}, begin + 1s);
  CHECK(t.receive() == 0);
  t.resize(50, 10);
  out.draw({}, lines{"total"}, begin + 2s);
  CHECK(t.receive() > 0);
}

TEST_CASE("frames are due ten times a second", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  terminal out{t.fd()};
  CHECK(out.due(begin));
  out.draw({}, lines{"total"}, begin);
  CHECK_FALSE(out.due(begin + 99ms));
  CHECK(out.due(begin + 100ms));
}

TEST_CASE("a window that was closed does no harm", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  terminal out{t.fd()};
  out.draw({}, lines{"total"}, begin);
  t.hang_up();
  out.draw(lines{"done"}, lines{"total"}, begin + 1s);
  out.draw(lines{"done"}, lines{"total"}, begin + 2s);
}

TEST_CASE("what a terminal can do is asked of it and of the environment", "[terminal]") {
  pty t{40, 10, screen::on_resize::reflow};
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const auto traits = [&](int fd, std::map<std::string, std::string> values) {
    return traits_of(fd, [values](const char* name) {
      const auto found = values.find(name);
      return found == values.end() ? nullptr : found->second.c_str();
    });
  };
  const std::string term = "xterm";
  CHECK(traits(t.fd(), {{"TERM", term}}).redraws);
  CHECK(traits(t.fd(), {{"TERM", term}}).colour);
  CHECK_FALSE(traits(t.fd(), {{"TERM", "dumb"}}).redraws);
  CHECK_FALSE(traits(t.fd(), {}).redraws);
  CHECK_FALSE(traits(null, {{"TERM", term}}).redraws);
  CHECK_FALSE(traits(t.fd(), {{"TERM", term}, {"NO_COLOR", "1"}}).colour);
  CHECK(traits(t.fd(), {{"TERM", term}, {"NO_COLOR", ""}}).colour);
  CHECK(traits(t.fd(), {{"LANG", "de_DE.UTF-8"}}).set == charset::utf8);
  CHECK(traits(t.fd(), {{"LANG", "C.utf8"}}).set == charset::utf8);
  CHECK(traits(t.fd(), {{"LANG", "C.utf8"}, {"LC_ALL", "C"}}).set == charset::ascii);
  CHECK(traits(t.fd(), {{"LANG", "C"}, {"LC_CTYPE", "C.UTF-8"}}).set == charset::utf8);
  CHECK(traits(t.fd(), {}).set == charset::ascii);
  ::close(null);
}

TEST_CASE("a whole run on a terminal that is resized", "[terminal]") {
  const auto how = GENERATE(screen::on_resize::reflow, screen::on_resize::cut);
  pty t{80, 24, how};
  terminal out{t.fd()};
  progress_model model{begin};
  model.expect(60);
  lines all;
  lines live;
  instant now = begin;
  const std::size_t widths[] = {80, 40, 21, 200, 57};
  for (std::uint64_t i = 1; i <= 60; ++i) {
    const auto name = "とても長い名前 " + std::to_string(i) + ".tar.gz";
    model.started(transfer_id{i}, name, 0, 1000, now);
    now += 300ms;
    model.progressed(transfer_id{i}, 500, 1000, now);
    if (i > 4 && i % 7 == 0)
      model.failed(transfer_id{i - 4}, name, "connection refused", now);
    else if (i > 4)
      model.completed(transfer_id{i - 4}, name, 1000, now);
    if (i % 6 == 0)
      t.resize(widths[i / 6 % 5], 24);
    const auto size = out.size();
    const auto permanent = render(model.take_ended(), {charset::utf8, true}, size.width);
    live = render(model, {charset::utf8, true}, size.width, size.height, now);
    out.draw(permanent, live, now);
    t.receive();
  }
  out.draw({}, {}, now);
  const auto text = t.text();
  // Each transfer that ended is told of exactly once, and nothing of the live area is left over.
  const auto marked = [&](const char* mark) {
    return std::count_if(text.begin(), text.end(), [mark](const std::string& l) { return l.find(mark) == 0; });
  };
  CHECK(marked("✓") == 48);
  CHECK(marked("✗") == 8);
  for (const auto& line : text)
    CHECK((line.find("✓") == 0 || line.find("✗") == 0 || line.find("  ") == 0));
}
