#pragma once

#include "actors/interfaces.hpp"
#include "actors/services.hpp"

#include <memory>
#include <optional>
#include <string>

namespace bellhop {

/// What a transfer actor works with.
struct transfer_setting {
  std::shared_ptr<const services> with;
  session_control_actor session;
  std::shared_ptr<const session_configuration> configuration;
  std::string ledger_id;
};

/// The shell of a machine::transfer_machine: carries out its outputs and feeds back what comes of them.
class transfer_role {
public:
  static inline const char* name = "transfer";
  explicit transfer_role(transfer_actor::pointer self) : self_(self) {}

  transfer_actor::behavior_type make_behavior(transfer_setting);

private:
  void start(transfer_record&&, bool recovered);
  void step(machine::input);
  void remember_folder(const publish_result&);
  void carry_out(machine::out::preflight&);
  void carry_out(machine::out::open_part&);
  void carry_out(machine::out::start_attempt&);
  void carry_out(machine::out::cancel_attempt&);
  void carry_out(machine::out::record_part&);
  void carry_out(machine::out::stream&);
  void carry_out(machine::out::store&);
  void carry_out(machine::out::publish_small&);
  void carry_out(machine::out::publish_part&);
  void carry_out(machine::out::close_part&);
  void carry_out(machine::out::discard_part&);
  void carry_out(machine::out::tell&);
  void carry_out(machine::out::finish&);
  void carry_out(machine::out::wait&);
  void carry_out(machine::out::release&);

  publish_target target() const;
  std::string token() const;
  transfer_actor me() const;

  transfer_actor::pointer self_;
  transfer_setting setting_;
  /// None between two transfers.
  std::optional<machine::transfer_machine> machine_;
  /// The last folder that something went well in. Only the first of many transfers to one folder has to look at it
  /// before it asks anything of the network.
  path known_folder_;
};

transfer_actor::behavior_type transfer_behavior(transfer_actor::stateful_pointer<transfer_role> self, transfer_setting);

} // namespace bellhop
