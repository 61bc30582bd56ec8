// A small service that keeps copies of files. Give it URLs on standard input; stop it or kill it whenever you like:
// started again, it goes on where it was, and tells what it has not told yet.
#include "core/url.hpp"
#include "facade/bellhop.hpp"

#include <iostream>

struct printer : bellhop::session_delegate {
  void did_receive(const std::vector<bellhop::event>& events) override {
    for (const auto& e : events)
      std::cout << to_string(e.type) << ' ' << e.destination.string() << ' ' << e.why.message << std::endl;
  }
  void did_finish_events() override { std::cout << "nothing left to do" << std::endl; }
};

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: embed STATE_DIRECTORY FOLDER <URLS\n";
    return 2;
  }
  try {
    bellhop::engine_options options;
    options.state = argv[1];
    bellhop::engine engine{options};
    auto session = engine.open_session("copies");
    session.attach(std::make_shared<printer>());
    for (std::string url; std::getline(std::cin, url);) {
      const auto file = bellhop::path{argv[2]} / bellhop::file_name_from_url(url);
      if (const auto accepted = session.submit({{.url = url, .destination = file}}).get().front(); accepted.why)
        std::cout << "refused: " << accepted.why.message << std::endl;
    }
  } catch (const bellhop::failure& e) {
    std::cerr << "embed: " << e.what() << '\n';
    return 1;
  }
}
