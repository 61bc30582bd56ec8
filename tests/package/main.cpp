#include <bellhop/core/error.hpp>

#include <cstdlib>

int main() {
  const bellhop::error why{bellhop::errc::checksum_mismatch, "", 0};
  return why && bellhop::to_string(why.code) == "checksum_mismatch" ? EXIT_SUCCESS : EXIT_FAILURE;
}
