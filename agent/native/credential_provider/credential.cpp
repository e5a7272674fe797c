// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "credential.h"

#include "agent.h"
#include "attempts.h"
#include "limits.h"
#include "serialization.h"
#include "texts.h"
#include "wire/text.h"

namespace latchkey {

Ref<Credential> Credential::make(CREDENTIAL_PROVIDER_USAGE_SCENARIO usage, const Answer& peeked, const User& user,
                                 const Ref<Watch>& watch) {
  auto credential = Ref<Credential>::adopt(new Credential(usage, peeked, watch));
  return credential && name_for_logon(peeked, user, credential->name_) ? credential : Ref<Credential>();
}

bool Credential::is_for(const Answer& peeked) const {
  return equal(peeked_.permit, peeked.permit) && equal(peeked_.sid, peeked.sid);
}

HRESULT Credential::QueryInterface(REFIID iid, void** object) {
  if (object == nullptr) return E_POINTER;
  const bool known = iid == __uuidof(IUnknown) || iid == __uuidof(ICredentialProviderCredential) ||
                     iid == __uuidof(ICredentialProviderCredential2);
  *object = known ? static_cast<ICredentialProviderCredential2*>(this) : nullptr;
  if (!known) return E_NOINTERFACE;
  AddRef();
  return S_OK;
}

ULONG Credential::Release() {
  const LONG left = InterlockedDecrement(&references_);
  if (left == 0) delete this;
  return static_cast<ULONG>(left);
}

HRESULT Credential::SetSelected(BOOL* auto_logon) {
  if (auto_logon == nullptr) return E_POINTER;
  *auto_logon = attempts::possible(peeked_.permit);
  return S_OK;
}

HRESULT Credential::GetFieldState(DWORD field, CREDENTIAL_PROVIDER_FIELD_STATE* state,
                                  CREDENTIAL_PROVIDER_FIELD_INTERACTIVE_STATE* interactive) {
  if (state == nullptr || interactive == nullptr) return E_POINTER;
  if (field >= kFieldCount) return E_INVALIDARG;
  const bool shown = field == kFieldNote ? equal(peeked_.kind, L"entra") : field != kFieldLabel;
  *state = shown ? CPFS_DISPLAY_IN_SELECTED_TILE : CPFS_HIDDEN;
  *interactive = CPFIS_NONE;
  return S_OK;
}

const wchar_t* Credential::action_text() const {
  return equal(peeked_.action, L"unlock") ? texts().unlock : texts().restart;
}

HRESULT Credential::GetStringValue(DWORD field, wchar_t** text) {
  if (text == nullptr) return E_POINTER;
  *text = nullptr;
  if (field >= kFieldCount) return E_INVALIDARG;
  if (field == kFieldAction) *text = task_copy(action_text());
  else *text = task_copy(field == kFieldNote ? texts().entra : kTitle);
  return *text != nullptr ? S_OK : E_OUTOFMEMORY;
}

HRESULT Credential::GetUserSid(wchar_t** sid) {
  if (sid == nullptr) return E_POINTER;
  *sid = task_copy(peeked_.sid);
  return *sid != nullptr ? S_OK : E_OUTOFMEMORY;
}

HRESULT Credential::GetSerialization(CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE* response,
                                     CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION* serialization,
                                     wchar_t** status_text, CREDENTIAL_PROVIDER_STATUS_ICON* icon) {
  if (response == nullptr || serialization == nullptr || status_text == nullptr || icon == nullptr) return E_POINTER;
  *response = CPGSR_NO_CREDENTIAL_NOT_FINISHED;
  *serialization = {};
  *status_text = nullptr;
  *icon = CPSI_NONE;
  if (!attempts::possible(peeked_.permit)) return S_OK;
  submitted_ = redeem_and_pack(*serialization);
  if (submitted_) {
    *response = CPGSR_RETURN_CREDENTIAL_FINISHED;
    return S_OK;
  }
  *status_text = task_copy(texts().failed);
  *icon = CPSI_WARNING;
  pause_and_hide(kAfterFault);
  return S_OK;
}

bool Credential::redeem_and_pack(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION& serialization) {
  ULONG package;
  Secret password;
  // LSA first: without its package the permit is not spent.
  return negotiate_package(package) && redeem(peeked_, password) &&
         serialize(usage_, package, name_, password, serialization);
}

HRESULT Credential::ReportResult(NTSTATUS status, NTSTATUS substatus, wchar_t** status_text,
                                 CREDENTIAL_PROVIDER_STATUS_ICON* icon) {
  if (status_text == nullptr || icon == nullptr) return E_POINTER;
  *status_text = nullptr;
  *icon = CPSI_NONE;
  if (!submitted_) return S_OK;
  submitted_ = false;
  const bool refused = status < 0;
  // Before the report, which may take a while.
  if (refused) attempts::pause(kAfterRefusal);
  report(peeked_.permit, status, substatus);
  if (!refused) return S_OK;
  *status_text = task_copy(texts().refused);
  *icon = CPSI_ERROR;
  pause_and_hide(kAfterRefusal);
  return S_OK;
}

// Makes LogonUI enumerate again: the tile goes, the normal logon stays.
void Credential::pause_and_hide(DWORD pause) {
  attempts::pause(pause);
  if (watch_) watch_->notify();
}

}  // namespace latchkey
