#include "apps/bellhop/help_text.hpp"
#include "apps/bellhop/options.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace bellhop;
using namespace bellhop::cli;

namespace {

using words = std::vector<std::string>;

using ids = std::vector<transfer_id>;

const auto noon = from_micros(1'795'262'400'000'000);

invocation parse(words arguments) {
  return parse_options(std::move(arguments), {"/home/ann", noon});
}

get_options parse_get(words arguments) {
  arguments.insert(arguments.begin(), "get");
  const auto parsed = parse(arguments);
  if (const auto* e = std::get_if<early_exit>(&parsed))
    FAIL(e->text);
  REQUIRE(std::holds_alternative<get_options>(parsed));
  return std::get<get_options>(parsed);
}

const std::string url = "https://example.org/a.iso";
const std::string other_url = "https://example.org/b.iso";

} // namespace

TEST_CASE("get has sensible defaults", "[options]") {
  const auto o = parse_get({url});
  CHECK(o.urls == words{url});
  CHECK_FALSE(o.output);
  CHECK(o.folder == "/home/ann");
  CHECK(o.session == "default");
  CHECK(o.parallel == 8);
  CHECK(o.attempts == 5);
  CHECK(o.priority == 0.5);
  CHECK(o.on_conflict == conflict_policy::rename);
  CHECK(o.durable == durability::crash);
  CHECK(o.start_at == time_point{});
  CHECK(o.max_size == 0);
  CHECK(o.metadata == "");
  CHECK(o.resume_data == "");
  CHECK_FALSE((o.embedded || o.detach || o.suspended || o.leaves_at_once() || o.json || o.quiet || o.attaches()));
}

TEST_CASE("get takes every option", "[options]") {
  const std::string hex(64, 'A');
  const auto o = parse_get({"-o",
                            "sub/../x.iso",
                            "-s",
                            "nightly",
                            "-j",
                            "32",
                            "-H",
                            "Accept: text/html",
                            "-H",
                            "X-Empty:",
                            "--checksum",
                            "SHA256:" + hex,
                            "--priority",
                            "0.75",
                            "--on-conflict",
                            "overwrite",
                            "--start-at",
                            "2026-11-22T22:00:00Z",
                            "--durability",
                            "power",
                            "--retry",
                            "0",
                            "--retry-delay",
                            "0.25",
                            "--timeout",
                            "90",
                            "--connect-timeout",
                            "1.5",
                            "--ca-file",
                            "ca.pem",
                            "--max-size",
                            "1.5KiB",
                            "--metadata",
                            R"({"album": 7})",
                            "--resume-data",
                            "abc",
                            "--suspended",
                            "--embedded",
                            "--json",
                            "-q",
                            url});
  CHECK(o.output == path{"/home/ann/x.iso"});
  CHECK(o.session == "nightly");
  CHECK(o.parallel == 32);
  CHECK(o.headers == std::vector<header>{{"Accept", "text/html"}, {"X-Empty", ""}});
  CHECK(o.expected == checksum{digest_algorithm::sha256, std::string(64, 'a')});
  CHECK(o.priority == 0.75);
  CHECK(o.on_conflict == conflict_policy::overwrite);
  CHECK(o.start_at == from_micros(1'795'384'800'000'000));
  CHECK(o.durable == durability::power);
  CHECK(o.attempts == 0);
  CHECK(o.retry_delay == std::chrono::milliseconds{250});
  CHECK(o.timeout == std::chrono::seconds{90});
  CHECK(o.connect_timeout == std::chrono::milliseconds{1500});
  CHECK(o.ca_file == "/home/ann/ca.pem");
  CHECK(o.max_size == 1536);
  CHECK(o.metadata == R"({"album": 7})");
  CHECK(o.resume_data == "abc");
  CHECK((o.embedded && o.suspended && o.leaves_at_once() && o.json && o.quiet));
  const auto request = request_for(o, url);
  CHECK(request.max_size == 1536);
  CHECK(request.metadata == o.metadata);
  CHECK(request.resume_data == "abc");
  CHECK(request.suspended);
}

TEST_CASE("a header takes one word, not the URLs behind it", "[options]") {
  const auto o = parse_get({"-H", "A: b", url, other_url});
  CHECK(o.headers.size() == 1);
  CHECK(o.urls == words{url, other_url});
}

TEST_CASE("options may follow URLs and hold their value after =", "[options]") {
  const auto o = parse_get({url, "--directory=d/", other_url, "-j4"});
  CHECK(o.folder == "/home/ann/d");
  CHECK(o.parallel == 4);
  CHECK(o.urls == words{url, other_url});
}

TEST_CASE("of an option that is given twice the last counts", "[options]") {
  CHECK(parse_get({"-s", "a", url, "-s", "b"}).session == "b");
  CHECK(parse_get({"-q", "-q", url}).quiet);
  CHECK_FALSE(parse_get({"--embedded", "--daemon", url}).embedded);
  CHECK(parse_get({"--daemon", "--embedded", url}).embedded);
  CHECK(parse_get({"--detach", "--daemon", url}).detach);
}

TEST_CASE("get without a URL attaches to the session", "[options]") {
  CHECK(parse_get({}).attaches());
  CHECK(parse_get({"-s", "nightly", "-j", "2"}).attaches());
  CHECK_FALSE(parse_get({"-i", "-"}).attaches());
}

TEST_CASE("a list is a file or standard input", "[options]") {
  CHECK(parse_get({"-i", "-"}).list == "-");
  CHECK(parse_get({"-i", "list.txt"}).list == "/home/ann/list.txt");
  CHECK(parse_get({"-i", "/srv/list.txt", url}).list == "/srv/list.txt");
}

TEST_CASE("a start may be given from now on", "[options]") {
  using namespace std::chrono_literals;
  CHECK(parse_get({"--start-at", "+90s", url}).start_at == noon + 90s);
  CHECK(parse_get({"--start-at", "+15m", url}).start_at == noon + 15min);
  CHECK(parse_get({"--start-at", "+2h30m", url}).start_at == noon + 150min);
  CHECK(parse_get({"--start-at", "+1d", url}).start_at == noon + 24h);
}

TEST_CASE("a request goes where it was told", "[options]") {
  CHECK(request_for(parse_get({url}), url).destination == "/home/ann/a.iso");
  CHECK(request_for(parse_get({"-d", "../pub", url}), url).destination == "/home/pub/a.iso");
  const auto request = request_for(parse_get({"-o", "/srv/c.iso", "--priority", "1", "-H", "A: b", url}), url);
  CHECK(request.url == url);
  CHECK(request.destination == "/srv/c.iso");
  CHECK(request.priority == 1);
  CHECK(request.headers == std::vector<header>{{"A", "b"}});
  CHECK(request.on_conflict == conflict_policy::rename);
}

TEST_CASE("the session is configured as told", "[options]") {
  const auto c =
      configuration_for(parse_get({"-j", "32", "--retry", "7", "--durability", "power", "--ca-file", "/ca.pem", url}));
  CHECK(c.max_active == 32);
  CHECK(c.max_per_host == 32);
  CHECK(c.retry.max_attempts == 7);
  CHECK(c.durable == durability::power);
  CHECK(c.ca_file == "/ca.pem");
  const auto waits =
      configuration_for(parse_get({"--retry-delay", "2", "--timeout", "5", "--connect-timeout", "3", url}));
  CHECK(waits.retry.base == std::chrono::seconds{2});
  CHECK(waits.request_timeout == std::chrono::seconds{5});
  CHECK(waits.connect_timeout == std::chrono::seconds{3});
}

TEST_CASE("a session keeps its settings, but for those that are given", "[options]") {
  const auto stored = configuration_for(
      parse_get({"-j", "32", "--retry", "7", "--retry-delay", "2", "--timeout", "5", "--ca-file", "/ca.pem", url}));
  CHECK(configuration_for(parse_get({}), stored) == stored);
  auto changed = stored;
  changed.max_active = changed.max_per_host = 4;
  changed.request_timeout = std::chrono::seconds{90};
  CHECK(configuration_for(parse_get({"-j", "4", "--timeout", "90"}), stored) == changed);
}

TEST_CASE("the verbs that look", "[options]") {
  const auto list = std::get<list_options>(parse({"list", "-s", "nightly", "--state", "failed", "--json"}));
  CHECK(list.session == "nightly");
  CHECK(list.state == transfer_state::failed);
  CHECK(list.json);
  CHECK_FALSE(std::get<list_options>(parse({"list"})).state);
  const auto events = std::get<events_options>(parse({"events", "--after", "12"}));
  CHECK(events.session == "default");
  CHECK(events.after.value == 12);
  CHECK_FALSE(events.follow);
  CHECK(std::get<events_options>(parse({"events", "-f", "--json"})).follow);
  const auto status = std::get<status_options>(parse({"status", "12", "-s", "nightly", "13"}));
  CHECK(status.ids == ids{{12}, {13}});
  CHECK(status.session == "nightly");
  CHECK(std::get<status_options>(parse({"status"})).ids.empty());
  CHECK(std::get<watch_options>(parse({"watch", "--json", "7"})).ids == ids{{7}});
  CHECK(std::get<watch_options>(parse({"watch", "--json", "7"})).json);
}

TEST_CASE("the verbs that change transfers", "[options]") {
  for (const auto what : {action::pause, action::resume, action::cancel, action::remove}) {
    const std::string name{to_string(what)};
    const auto some = std::get<act_options>(parse({name, "3", "1", "--json"}));
    CHECK(some.what == what);
    CHECK(some.ids == ids{{3}, {1}});
    CHECK((some.json && !some.all && !some.keep));
    const auto all = std::get<act_options>(parse({name, "--all", "-s", "nightly"}));
    CHECK((all.all && all.ids.empty()));
    CHECK(all.session == "nightly");
  }
  CHECK(std::get<act_options>(parse({"cancel", "--keep", "3"})).keep);
  const auto changed = std::get<change_options>(parse(
      {"change", "-H", "A: b", "--priority", "1", "--start-at", "+1m", "--max-size", "10M", "-s", "nightly", "4"}));
  CHECK(changed.ids == ids{{4}});
  CHECK(changed.session == "nightly");
  CHECK(changed.change ==
        transfer_change{1.0, noon + std::chrono::minutes{1}, std::vector<header>{{"A", "b"}}, 10 << 20});
  const auto bare = std::get<change_options>(parse({"change", "--no-headers", "4"})).change;
  CHECK(bare == transfer_change{{}, {}, std::vector<header>{}, {}});
  CHECK_FALSE(std::get<ack_options>(parse({"ack"})).upto);
  CHECK(std::get<ack_options>(parse({"ack", "-s", "nightly", "12"})).upto == event_number{12});
}

TEST_CASE("sessions, daemon and completion", "[options]") {
  CHECK(std::get<sessions_options>(parse({"sessions", "--json"})).what == session_action::list);
  for (const auto what :
       {session_action::pause, session_action::resume, session_action::finish, session_action::cancel}) {
    const auto o = std::get<sessions_options>(parse({"sessions", std::string{to_string(what)}, "nightly"}));
    CHECK(o.what == what);
    CHECK(o.session == "nightly");
  }
  for (const auto what : {daemon_action::start, daemon_action::stop, daemon_action::status})
    CHECK(std::get<daemon_command>(parse({"daemon", std::string{to_string(what)}})).what == what);
  for (const auto of : {shell::bash, shell::zsh, shell::fish})
    CHECK(std::get<completion_options>(parse({"completion", std::string{to_string(of)}})).of == of);
}

TEST_CASE("a usage error names the argument and the remedy", "[options]") {
  struct row {
    words arguments;
    words told;
  };
  const std::string sha(64, 'a');
  const row table[] = {
      {{}, {"bellhop:", "Use one of get, list, status, watch", "daemon"}},
      {{"fetch"}, {"'fetch'", "get, list, status, watch"}},
      {{"--frob"}, {"'--frob'"}},
      {{"get", "--frob", url}, {"bellhop get:", "'--frob'", "'bellhop get --help'"}},
      {{"get", "--frob=1", url}, {"'--frob'"}},
      {{"list", "x"}, {"bellhop list:", "'x'"}},
      {{"get", url, "-o"}, {"--output", "a value must follow"}},
      {{"get", "--json=perhaps", url}, {"perhaps", "--json"}},
      {{"get", "-o", "x", url, other_url}, {"-o", "exactly one URL", "-d"}},
      {{"get", "-o", "x"}, {"-o", "exactly one URL"}},
      {{"get", "-o", "x", "-i", "l", url}, {"-o", "no -i"}},
      {{"get", "-o", "x", "-d", "y", url}, {"-o and -d exclude each other"}},
      {{"get", "-o", "x/", url}, {"-o 'x/'", "use -d"}},
      {{"get", "-o", "-", url}, {"-o '-'", "./-"}},
      {{"get", "-o", "", url}, {"-o ''", "give a path"}},
      {{"get", "--checksum", "sha-256:" + sha, url, other_url}, {"--checksum", "exactly one URL", "third column"}},
      {{"get", "--checksum", sha, url}, {"--checksum", "sha-256:HEX"}},
      {{"get", "--checksum", "crc:12", url}, {"--checksum 'crc:12'", "md5"}},
      {{"get", "--checksum", "md5:12", url}, {"--checksum 'md5:12'", "32 hexadecimal digits"}},
      {{"get", "--checksum", "md5:" + std::string(32, 'x'), url}, {"--checksum", "hexadecimal"}},
      {{"get", "-d", "x"}, {"-d", "give a URL or -i FILE"}},
      {{"get", "--priority", "0.1"}, {"--priority", "give a URL or -i FILE"}},
      {{"get", "-j", "0", url}, {"-j '0'", "1 to 256"}},
      {{"get", "-j", "-3", url}, {"-j '-3'", "1 to 256"}},
      {{"get", "-j", "many", url}, {"-j 'many'", "1 to 256"}},
      {{"get", "--priority", "1.5", url}, {"--priority '1.5'", "0 to 1"}},
      {{"get", "--priority", "nan", url}, {"--priority 'nan'", "0 to 1"}},
      {{"get", "--retry", "-1", url}, {"--retry '-1'", "0 to"}},
      {{"get", "--retry-delay", "0", url}, {"--retry-delay '0'", "0.001 to 600"}},
      {{"get", "--timeout", "0", url}, {"--timeout '0'", "0.001 to 86400"}},
      {{"get", "--connect-timeout", "1m", url}, {"--connect-timeout '1m'", "0.001 to 86400"}},
      {{"get", "--on-conflict", "ask", url}, {"--on-conflict 'ask'", "rename, overwrite, fail"}},
      {{"get", "--durability", "full", url}, {"--durability 'full'", "crash, power"}},
      {{"get", "--start-at", "tonight", url}, {"--start-at 'tonight'", "+2h"}},
      {{"get", "--start-at", "+9999999d", url}, {"--start-at '+9999999d'", "+2h"}},
      {{"get", "--start-at", "+2y", url}, {"--start-at '+2y'", "+2h"}},
      {{"get", "-H", "Accept text/html", url}, {"-H 'Accept'", "'Name: value'"}},
      {{"get", "-H", "A: b\r\nC: d", url}, {"-H 'A'", "one line"}},
      {{"get", "-s", "no spaces", url}, {"-s", "no spaces", "200"}},
      {{"get", "ftp://example.org/x"}, {"ftp://example.org/x", "http"}},
      {{"list", "--state", "lost"}, {"--state 'lost'", "queued"}},
      {{"events", "--after", "-1"}, {"--after '-1'", "from 0"}},
      {{"get", "--detach", "--embedded", url}, {"--detach and --embedded", "daemon"}},
      {{"get", "--detach"}, {"--detach", "give a URL or -i FILE"}},
      {{"get", "--suspended"}, {"--suspended", "give a URL or -i FILE"}},
      {{"get", "--metadata", "{album", url}, {"--metadata", "{album", "JSON"}},
      {{"get", "--max-size", "0", url}, {"--max-size '0'", "1.5GiB"}},
      {{"get", "--max-size", "big", url}, {"--max-size 'big'", "1.5GiB"}},
      {{"get", "--resume-data", "abc", url, other_url}, {"--resume-data", "exactly one URL"}},
      {{"get", "--resume-data", "", url}, {"--resume-data ''", "cancel --keep"}},
      {{"status", "x"}, {"bellhop status:", "'x'", "numbers of transfers"}},
      {{"watch", "0"}, {"'0'", "numbers of transfers"}},
      {{"pause"}, {"bellhop pause:", "which transfers?", "--all"}},
      {{"cancel", "--all", "3"}, {"--all", "exclude each other"}},
      {{"pause", "--keep", "3"}, {"--keep"}},
      {{"remove", "12a"}, {"'12a'", "bellhop list"}},
      {{"cancel", "99999999999999999999"}, {"'99999999999999999999'"}},
      {{"change", "3"}, {"what to change?", "--priority"}},
      {{"change", "--priority", "1"}, {"which transfers?"}},
      {{"change", "--no-headers", "-H", "A: b", "3"}, {"--no-headers"}},
      {{"sessions", "stop", "x"}, {"'stop'", "pause, resume, finish, cancel"}},
      {{"sessions", "list"}, {"'list'"}},
      {{"sessions", "pause"}, {"pause needs the name of a session"}},
      {{"sessions", "pause", "no spaces"}, {"no spaces", "200"}},
      {{"ack", "-1"}, {"-1"}},
      {{"ack", "1", "2"}, {"'2'"}},
      {{"daemon"}, {"start, stop, status"}},
      {{"daemon", "restart"}, {"'restart'", "start, stop, status"}},
      {{"completion", "csh"}, {"'csh'", "bash, zsh, fish"}},
  };
  for (const auto& [arguments, told] : table) {
    std::string line;
    for (const auto& a : arguments)
      line += a + ' ';
    INFO(line);
    const auto parsed = parse(arguments);
    REQUIRE(std::holds_alternative<early_exit>(parsed));
    const auto& exit = std::get<early_exit>(parsed);
    CHECK(exit.status == 2);
    for (const auto& part : told)
      CHECK_THAT(exit.text, Catch::Contains(part));
    CHECK(exit.text.back() == '\n');
  }
}

TEST_CASE("an error never repeats a header's value", "[options]") {
  const auto parsed = parse({"get", "-H", "Authorization Bearer s3cret", url});
  CHECK_THAT(std::get<early_exit>(parsed).text, !Catch::Contains("s3cret"));
}

TEST_CASE("help and version go to standard output", "[options]") {
  std::vector<std::pair<words, std::string>> table{
      {{"--help"}, "Usage: bellhop COMMAND"}, {{"-h"}, "Usage: bellhop COMMAND"}, {{"--version"}, "bellhop "}};
  for (const auto& verb : describe_verbs())
    table.push_back({{verb.name, "--help"}, "Usage: bellhop " + verb.name});
  for (const auto& [arguments, begin] : table) {
    const auto parsed = parse(arguments);
    REQUIRE(std::holds_alternative<early_exit>(parsed));
    CHECK(std::get<early_exit>(parsed).status == 0);
    CHECK_THAT(std::get<early_exit>(parsed).text, Catch::StartsWith(begin));
  }
}

namespace {

std::string help_of(const std::string& verb) {
  return std::get<early_exit>(parse({verb, "--help"})).text;
}

} // namespace

TEST_CASE("help tells of every option there is, and of no other", "[options]") {
  for (const auto& verb : describe_verbs()) {
    std::set<std::string> told;
    std::istringstream text_lines{help_of(verb.name)};
    for (std::string line; std::getline(text_lines, line);) {
      // "  -o, --output PATH" or "      --json"
      const auto name = line.find("--");
      if (!line.starts_with("  ") || name != 6)
        continue;
      told.insert(line.substr(name, line.find_first_of(" ", name) - name));
      CHECK_THAT(line, Catch::Matches(R"(  (-., |    )--[a-z-]+( [A-Z:]+| 'NAME: VALUE')?(  +[^ ].*)?)"));
    }
    std::set<std::string> there_are;
    for (const auto& option : verb.options)
      there_are.insert(option.long_name);
    INFO(verb.name);
    CHECK(told == there_are);
  }
}

TEST_CASE("every verb and option is described by its help", "[options]") {
  const auto verbs = describe_verbs();
  CHECK(verbs.size() == 14);
  for (const auto& verb : verbs) {
    CHECK_THAT(std::string{general_help}, Catch::Contains("  " + verb.name + " "));
    CHECK(verb.about != "");
    for (const auto& option : verb.options) {
      INFO(verb.name << ' ' << option.long_name);
      CHECK(option.about.size() > 3);
      CHECK(option.about.find('\n') == std::string::npos);
      // A text that does not stand apart from the option's value is taken from the line below.
      CHECK_FALSE(option.about.starts_with("-"));
    }
  }
}

TEST_CASE("help fits a terminal of 120 columns", "[options]") {
  std::vector<std::string> texts{general_help};
  for (const auto& verb : describe_verbs())
    texts.push_back(help_of(verb.name));
  for (const auto& text : texts) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
      CHECK(line.size() <= 120);
  }
}
