#pragma once

#include "core/ledger.hpp"

#include <boost/filesystem/operations.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <functional>
#include <string>

namespace bellhop::test {

/// A private folder that goes with its owner.
class temporary_folder {
public:
  temporary_folder() {
    std::string name = (boost::filesystem::temp_directory_path() / "bellhop-ledger-XXXXXX").native();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    where_ = name;
  }
  ~temporary_folder() {
    boost::system::error_code ignored;
    boost::filesystem::remove_all(where_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const path& where() const { return where_; }
  path file() const { return where_ / "ledger.sqlite"; }

private:
  path where_;
};

/// Runs a call as one transaction.
inline void transact(ledger& db, const std::function<void()>& call) {
  db.begin();
  call();
  db.commit();
}

/// The code of the failure that a call throws, or none.
inline errc code_of(const std::function<void()>& call) {
  try {
    call();
    return errc::none;
  } catch (const failure& e) {
    return e.why().code;
  }
}

inline const time_point noon = from_micros(1'800'000'000'000'000);

inline transfer_request request(const std::string& name) {
  transfer_request r;
  r.url = "https://example.org/" + name;
  r.destination = "/downloads/" + name;
  return r;
}

inline outcome completed(std::int64_t bytes = 100) {
  outcome o;
  o.received = bytes;
  o.total = bytes;
  o.attempts = 1;
  return o;
}

inline outcome failed() {
  outcome o;
  o.type = event_type::failed;
  o.why = {errc::http_status, "404 Not Found", 404};
  o.attempts = 1;
  return o;
}

} // namespace bellhop::test
