// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Prints how the headers, from which the provider is compiled, lay out what it
// hands to Windows and gets from it: sizes, offsets, places in the tables of
// methods, identifiers, numbers.

#include "console.h"

#include <credentialprovider.h>
#include <initguid.h>
#include <ntsecapi.h>
#include <propkey.h>
#include <shlguid.h>
#include <stddef.h>

using namespace harness;

namespace {

Reply reply;

template <typename Method>
LONGLONG place(Method method) {
  // A pointer to a virtual method holds its offset in the table, plus one
  // ("Itanium C++ ABI", 2.3: member function pointers).
  ULONGLONG raw[2];
  memcpy(raw, &method, sizeof raw);
  return static_cast<LONGLONG>((raw[0] - 1) / sizeof(void*));
}

void identifier(const char* name, const GUID& guid) {
  wchar_t text[40];
  wsprintfW(text, L"%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", guid.Data1, guid.Data2, guid.Data3,
            guid.Data4[0], guid.Data4[1], guid.Data4[2], guid.Data4[3], guid.Data4[4], guid.Data4[5], guid.Data4[6],
            guid.Data4[7]);
  reply.text(name, text);
}

#define SIZE(type) reply.number("size " #type, sizeof(type))
#define FIELD(type, name) reply.number("offset " #type " " #name, static_cast<LONGLONG>(offsetof(type, name)))
#define METHOD(type, name) reply.number("method " #type " " #name, place(&type::name))
#define INTERFACE(type) identifier("iid " #type, __uuidof(type))
#define NUMBER(name) reply.number("number " #name, name)

void structures() {
  SIZE(UNICODE_STRING);
  FIELD(UNICODE_STRING, Length);
  FIELD(UNICODE_STRING, MaximumLength);
  FIELD(UNICODE_STRING, Buffer);
  SIZE(LUID);
  SIZE(KERB_INTERACTIVE_LOGON);
  FIELD(KERB_INTERACTIVE_LOGON, MessageType);
  FIELD(KERB_INTERACTIVE_LOGON, LogonDomainName);
  FIELD(KERB_INTERACTIVE_LOGON, UserName);
  FIELD(KERB_INTERACTIVE_LOGON, Password);
  SIZE(KERB_INTERACTIVE_UNLOCK_LOGON);
  FIELD(KERB_INTERACTIVE_UNLOCK_LOGON, Logon);
  FIELD(KERB_INTERACTIVE_UNLOCK_LOGON, LogonId);
  SIZE(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION);
  FIELD(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION, ulAuthenticationPackage);
  FIELD(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION, clsidCredentialProvider);
  FIELD(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION, cbSerialization);
  FIELD(CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION, rgbSerialization);
  SIZE(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR);
  FIELD(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR, dwFieldID);
  FIELD(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR, cpft);
  FIELD(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR, pszLabel);
  FIELD(CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR, guidFieldType);
  SIZE(SERVICE_STATUS_PROCESS);
  FIELD(SERVICE_STATUS_PROCESS, dwProcessId);
  SIZE(OVERLAPPED);
  FIELD(OVERLAPPED, hEvent);
}

void provider_methods() {
  METHOD(ICredentialProvider, SetUsageScenario);
  METHOD(ICredentialProvider, SetSerialization);
  METHOD(ICredentialProvider, Advise);
  METHOD(ICredentialProvider, UnAdvise);
  METHOD(ICredentialProvider, GetFieldDescriptorCount);
  METHOD(ICredentialProvider, GetFieldDescriptorAt);
  METHOD(ICredentialProvider, GetCredentialCount);
  METHOD(ICredentialProvider, GetCredentialAt);
  METHOD(ICredentialProviderSetUserArray, SetUserArray);
  METHOD(ICredentialProviderUserArray, GetCount);
  METHOD(ICredentialProviderUserArray, GetAt);
  METHOD(ICredentialProviderUser, GetSid);
  METHOD(ICredentialProviderUser, GetStringValue);
  METHOD(ICredentialProviderEvents, CredentialsChanged);
}

void credential_methods() {
  METHOD(ICredentialProviderCredential2, Advise);
  METHOD(ICredentialProviderCredential2, UnAdvise);
  METHOD(ICredentialProviderCredential2, SetSelected);
  METHOD(ICredentialProviderCredential2, SetDeselected);
  METHOD(ICredentialProviderCredential2, GetFieldState);
  METHOD(ICredentialProviderCredential2, GetStringValue);
  METHOD(ICredentialProviderCredential2, GetBitmapValue);
  METHOD(ICredentialProviderCredential2, GetCheckboxValue);
  METHOD(ICredentialProviderCredential2, GetSubmitButtonValue);
  METHOD(ICredentialProviderCredential2, GetComboBoxValueCount);
  METHOD(ICredentialProviderCredential2, GetComboBoxValueAt);
  METHOD(ICredentialProviderCredential2, SetStringValue);
  METHOD(ICredentialProviderCredential2, SetCheckboxValue);
  METHOD(ICredentialProviderCredential2, SetComboBoxSelectedValue);
  METHOD(ICredentialProviderCredential2, CommandLinkClicked);
  METHOD(ICredentialProviderCredential2, GetSerialization);
  METHOD(ICredentialProviderCredential2, ReportResult);
  METHOD(ICredentialProviderCredential2, GetUserSid);
}

void identifiers() {
  INTERFACE(ICredentialProvider);
  INTERFACE(ICredentialProviderSetUserArray);
  INTERFACE(ICredentialProviderUserArray);
  INTERFACE(ICredentialProviderUser);
  INTERFACE(ICredentialProviderEvents);
  INTERFACE(ICredentialProviderCredential);
  INTERFACE(ICredentialProviderCredential2);
  identifier("guid CPFG_CREDENTIAL_PROVIDER_LABEL", CPFG_CREDENTIAL_PROVIDER_LABEL);
  identifier("guid PKEY_Identity_QualifiedUserName", PKEY_Identity_QualifiedUserName.fmtid);
}

void numbers() {
  NUMBER(KerbInteractiveLogon);
  NUMBER(KerbWorkstationUnlockLogon);
  NUMBER(CPUS_LOGON);
  NUMBER(CPUS_UNLOCK_WORKSTATION);
  NUMBER(CPGSR_NO_CREDENTIAL_NOT_FINISHED);
  NUMBER(CPGSR_RETURN_CREDENTIAL_FINISHED);
  NUMBER(CPFT_LARGE_TEXT);
  NUMBER(CPFT_SMALL_TEXT);
  NUMBER(CPFS_HIDDEN);
  NUMBER(CPFS_DISPLAY_IN_SELECTED_TILE);
  NUMBER(CPFIS_NONE);
  NUMBER(CPSI_NONE);
  NUMBER(CPSI_ERROR);
  NUMBER(CPSI_WARNING);
}

}  // namespace

extern "C" void Main() {
  structures();
  provider_methods();
  credential_methods();
  identifiers();
  numbers();
  reply.write(GetStdHandle(STD_OUTPUT_HANDLE));
  ExitProcess(0);
}
