#pragma once

#include "core/transfer.hpp"

#include <optional>
#include <string>
#include <string_view>

/// Resume data: what a program keeps of a transfer that was cancelled or failed, to go on with later
/// (NSURLSession's cancelByProducingResumeData). It only names the ended transfer and its ledger; what is needed to go
/// on is in the ledger and in the part file, so it holds no secret and cannot be forged into more than "begin anew".
namespace bellhop {

/// What resume data says.
struct resume_point {
  std::string ledger_id;
  transfer_id transfer;

  friend bool operator==(const resume_point&, const resume_point&) = default;
};

/// Text of letters, digits, '.', '-' and '_', about 150 bytes; empty unless the transfer has failed or was cancelled,
/// and has kept its part.
std::string make_resume_data(const std::string& ledger_id, const transfer_record&);

/// None when the text is damaged, too long, or of a version that is not known here.
std::optional<resume_point> parse_resume_data(std::string_view);

/// Whether a new request may take over the part of an ended transfer: it failed or was cancelled and kept one, and the
/// URL and the destination's folder are the same.
bool goes_on_with(const transfer_request&, const transfer_record& ended);

} // namespace bellhop
