// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "watch.h"

#include "agent.h"
#include "announcements.h"
#include "attempts.h"
#include "limits.h"
#include "policy.h"
#include "wire/text.h"

// The DLL's first byte, which is its module handle; the linker knows where it is.
extern "C" const IMAGE_DOS_HEADER __ImageBase;

namespace latchkey {

Watch::Watch(ICredentialProviderEvents* events, UINT_PTR context, CREDENTIAL_PROVIDER_USAGE_SCENARIO usage,
             const Ref<Users>& users)
    : stop_(CreateEventW(nullptr, TRUE, FALSE, nullptr)),
      idle_(CreateEventW(nullptr, TRUE, TRUE, nullptr)),
      events_(events),
      context_(context),
      usage_(usage),
      users_(users) {}

Ref<Watch> Watch::start(ICredentialProviderEvents* events, UINT_PTR context, CREDENTIAL_PROVIDER_USAGE_SCENARIO usage,
                        const Ref<Users>& users) {
  auto watch = Ref<Watch>::adopt(new Watch(events, context, usage, users));
  if (!watch || !watch->stop_ || !watch->idle_) return Ref<Watch>();
  HMODULE self;
  const auto* here = reinterpret_cast<const wchar_t*>(&__ImageBase);
  if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, here, &self)) return Ref<Watch>();
  watch->AddRef();
  Handle started(CreateThread(nullptr, 0, thread, watch.get(), 0, nullptr));
  if (started) return watch;
  watch->Release();
  FreeLibrary(self);
  return Ref<Watch>();
}

void Watch::Release() {
  if (InterlockedDecrement(&references_) == 0) delete this;
}

DWORD WINAPI Watch::thread(void* watch) {
  auto* self = static_cast<Watch*>(watch);
  self->run();
  self->Release();
  // Gives back the reference that `start` took: the DLL cannot go while this code runs.
  FreeLibraryAndExitThread(reinterpret_cast<HMODULE>(const_cast<IMAGE_DOS_HEADER*>(&__ImageBase)), 0);
}

void Watch::run() {
  const Deadline overall(kWatchLimit);
  Handle event;
  DWORD pause = kFirstPause;
  while (overall.left() > 0) {
    if (!event) event.reset(OpenEventW(SYNCHRONIZE, FALSE, kPermitEvent));
    const DWORD woken_by = await_event(event, pause, overall);
    if (woken_by == WAIT_TIMEOUT) continue;
    if (woken_by != WAIT_OBJECT_0 + 1) return;
    look();
    // The event stays set until the permit is used: look again, ever more rarely.
    if (WaitForSingleObject(stop_.get(), pause) != WAIT_TIMEOUT) return;
    pause = pause * 2 < kLongestPause ? pause * 2 : kLongestPause;
  }
}

// Returns WAIT_OBJECT_0 + 1 if the event is set, WAIT_TIMEOUT if it is not set yet,
// anything else if the watch must stop. If the event is not set at once, the pause is
// short again.
DWORD Watch::await_event(const Handle& event, DWORD& pause, const Deadline& overall) {
  if (!event) return WaitForSingleObject(stop_.get(), kAgentAbsent);
  const HANDLE either[] = {stop_.get(), event.get()};
  const DWORD at_once = WaitForMultipleObjects(2, either, FALSE, 0);
  if (at_once != WAIT_TIMEOUT) return at_once;
  pause = kFirstPause;
  return WaitForMultipleObjects(2, either, FALSE, overall.left());
}

void Watch::look() {
  Answer answer;
  if (peek(answer, kWatchPeek) && should_notify(answer)) notify();
}

bool Watch::should_notify(const Answer& answer) {
  if (!attempts::possible(answer.permit)) return false;
  Locked locked(lock_);
  if (!suits(usage_, answer) || !users_ || users_->find(answer.sid) == nullptr) return false;
  if (!equal(announced_, answer.permit)) announcements_ = 0;
  assign(announced_, answer.permit);
  if (!announcements::begin(answer.permit, announcements_)) return false;
  announcements_++;
  return true;
}

void Watch::set_scene(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Ref<Users>& users) {
  Locked locked(lock_);
  usage_ = usage;
  users_ = users;
}

void Watch::missed() {
  Locked locked(lock_);
  if (announcements_ > 0) announcements_--;
}

void Watch::notify() {
  Ref<ICredentialProviderEvents> events;
  {
    Locked locked(lock_);
    events = events_;
    if (!events) return;
    if (calls_++ == 0) ResetEvent(idle_.get());
  }
  events->CredentialsChanged(context_);
  Locked locked(lock_);
  if (--calls_ == 0) SetEvent(idle_.get());
}

void Watch::stop() {
  Ref<ICredentialProviderEvents> events;
  {
    Locked locked(lock_);
    events = events_;
    events_ = Ref<ICredentialProviderEvents>();
  }
  SetEvent(stop_.get());
  WaitForSingleObject(idle_.get(), kUnadvise);
}

}  // namespace latchkey
