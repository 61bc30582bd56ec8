#pragma once

#include "actors/interfaces.hpp"

namespace bellhop {

/// The app delegate that most programs need: it does no more than to post `BackgroundSessionUpdated` with the session's
/// identifier and the completion handler, for the view controller that the session belongs to.
class app_delegate_role {
public:
  static inline const char* name = "app_delegate";
  explicit app_delegate_role(app_delegate_actor::pointer) {}
};

app_delegate_actor::behavior_type app_delegate_behavior(app_delegate_actor::stateful_pointer<app_delegate_role> self,
                                                        notification_center_actor);

} // namespace bellhop
