// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Waits for the agent's event and notifies LogonUI, on a thread of its own.
#pragma once

#include <windows.h>
#include <credentialprovider.h>

#include "handles.h"
#include "module.h"
#include "users.h"

namespace latchkey {

class Watch final : public HeapObject {
 public:
  // Begins to wait; nullptr if Windows gives no thread.
  static Ref<Watch> start(ICredentialProviderEvents* events, UINT_PTR context, CREDENTIAL_PROVIDER_USAGE_SCENARIO usage,
                          const Ref<Users>& users);

  void AddRef() { InterlockedIncrement(&references_); }
  void Release();

  // Which permits it watches for: none for CPUS_INVALID, and none without users.
  void set_scene(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Ref<Users>& users);

  // LogonUI has enumerated, and the agent gave no answer in time: the last notification
  // led to nothing and may come once more.
  void missed();

  // Asks LogonUI to enumerate again; does nothing after `stop`. From any thread: LogonUI
  // only takes a note ("Credential Provider Samples Overview", Windows-classic-samples).
  void notify();

  // Stops the thread without waiting for its end. A call to LogonUI that is under way
  // gets kUnadvise to come back, since LogonUI may then forget its context.
  void stop();

 private:
  Watch(ICredentialProviderEvents* events, UINT_PTR context, CREDENTIAL_PROVIDER_USAGE_SCENARIO usage,
        const Ref<Users>& users);
  ~Watch() = default;
  static DWORD WINAPI thread(void* watch);
  void run();
  DWORD await_event(const Handle& event, DWORD& pause, const Deadline& overall);
  void look();
  bool should_notify(const Answer& answer);

  ModuleReference module_;
  LONG references_ = 1;
  Handle stop_;
  Handle idle_;  // set while no call to LogonUI is under way
  int calls_ = 0;
  SRWLOCK lock_ = SRWLOCK_INIT;
  Ref<ICredentialProviderEvents> events_;
  UINT_PTR context_;
  CREDENTIAL_PROVIDER_USAGE_SCENARIO usage_;
  Ref<Users> users_;
  wchar_t announced_[65] = {};
  int announcements_ = 0;
};

}  // namespace latchkey
