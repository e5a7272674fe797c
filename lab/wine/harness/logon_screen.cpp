// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Plays LogonUI: loads the credential provider through COM, as it is registered,
// and calls it as a test says, one command a line. Each answer is a JSON object.

#include "console.h"

#include <initguid.h>

#include <ntsecapi.h>

#include "memory.h"
#include "rival.h"
#include "screen.h"
#include "import_stand_ins.h"
#include "wire/secret.h"

using namespace harness;

inline void* operator new(size_t, void* place) { return place; }

namespace {

constexpr CLSID kProvider = {0x646ad95f, 0xa509, 0x4aef, {0xac, 0x07, 0xe4, 0x0e, 0x40, 0x6b, 0x97, 0xbb}};
constexpr wchar_t kDll[] = L"latchkey_credential_provider.dll";
constexpr DWORD kSlots = 8;

Line line;
Reply reply;

struct Slot {
  ICredentialProvider* provider;
  Tile* credential;
  CREDENTIAL_PROVIDER_CREDENTIAL_SERIALIZATION packed;
  Events events;
  TileEvents tile_events;
  UserArray users;
};

Slot* slots;

Slot& slot() { return slots[line.number() % kSlots]; }

ULONGLONG microseconds() {
  LARGE_INTEGER now, frequency;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&frequency);
  return static_cast<ULONGLONG>(now.QuadPart) * 1000000 / static_cast<ULONGLONG>(frequency.QuadPart);
}

void tell(HRESULT result) { reply.hexadecimal("hr", static_cast<DWORD>(result)); }

void take_text(const char* name, wchar_t* text) {
  reply.text(name, text);
  CoTaskMemFree(text);
}

// --- the provider

// A credential of an earlier provider stays: LogonUI may wait for its logon's result.
void create(Slot& s) {
  if (s.provider != nullptr) s.provider->Release();
  const HRESULT result = CoCreateInstance(kProvider, nullptr, CLSCTX_INPROC_SERVER, __uuidof(ICredentialProvider),
                                          reinterpret_cast<void**>(&s.provider));
  tell(result);
  reply.number("led", SUCCEEDED(result) && redirect_imports(kDll));
}

// rival SLOT LOGS_ON: another program's provider in the place of ours
void create_rival(Slot& s) {
  if (s.provider != nullptr) s.provider->Release();
  s.provider = make_rival(line.number() != 0);
}

void use(Slot& s) { tell(s.provider->SetUsageScenario(static_cast<CREDENTIAL_PROVIDER_USAGE_SCENARIO>(line.number()), 0)); }

// users SLOT [SID QUALIFIED_NAME]... ; "-" where there is no name
void set_users(Slot& s) {
  s.users.count = 0;
  for (const wchar_t* sid = line.wide(); sid[0] != 0 && s.users.count < UserArray::kMost; sid = line.wide()) {
    User& user = s.users.users[s.users.count++];
    lstrcpynW(user.sid, sid, 600);
    lstrcpynW(user.qualified_name, line.wide(), 600);
    if (lstrcmpW(user.qualified_name, L"-") == 0) user.qualified_name[0] = 0;
  }
  ICredentialProviderSetUserArray* setter;
  HRESULT result = s.provider->QueryInterface(__uuidof(ICredentialProviderSetUserArray), reinterpret_cast<void**>(&setter));
  if (SUCCEEDED(result)) {
    result = setter->SetUserArray(&s.users);
    setter->Release();
  }
  tell(result);
}

void advise(Slot& s) { tell(s.provider->Advise(&s.events, reinterpret_cast<UINT_PTR>(&s))); }

void changed(Slot& s) {
  reply.number("calls", s.events.await(line.number()));
  reply.number("context_right", s.events.context == reinterpret_cast<UINT_PTR>(&s));
}

void count(Slot& s) {
  DWORD number, selected;
  BOOL auto_logon;
  const ULONGLONG start = microseconds();
  tell(s.provider->GetCredentialCount(&number, &selected, &auto_logon));
  reply.number("microseconds", static_cast<LONGLONG>(microseconds() - start));
  reply.number("count", number).number("default", static_cast<LONG>(selected)).number("auto_logon", auto_logon);
}

void fields(Slot& s) {
  DWORD number;
  tell(s.provider->GetFieldDescriptorCount(&number));
  reply.number("count", number);
}

void descriptor(Slot& s) {
  CREDENTIAL_PROVIDER_FIELD_DESCRIPTOR* field;
  const HRESULT result = s.provider->GetFieldDescriptorAt(line.number(), &field);
  tell(result);
  if (FAILED(result)) return;
  reply.number("id", field->dwFieldID).number("type", field->cpft).number("labelled", field->guidFieldType.Data1);
  take_text("label", field->pszLabel);
  CoTaskMemFree(field);
}

void release_credential(Slot& s) {
  if (s.credential != nullptr) {
    s.credential->UnAdvise();
    s.credential->Release();
  }
  s.credential = nullptr;
}

// Advise comes before every other call to a credential (ICredentialProviderCredential::
// Advise on learn.microsoft.com); E_NOTIMPL is a good answer.
void credential_at(Slot& s) {
  release_credential(s);
  const HRESULT result = s.provider->GetCredentialAt(line.number(), &s.credential);
  tell(result);
  if (SUCCEEDED(result)) reply.hexadecimal("advised", static_cast<DWORD>(s.credential->Advise(&s.tile_events)));
}

void release(Slot& s) {
  release_credential(s);
  reply.number("left", s.provider != nullptr ? static_cast<LONG>(s.provider->Release()) : 0);
  s.provider = nullptr;
  reply.number("kept_events", s.events.references() + s.tile_events.references());
  reply.number("kept_users", s.users.references());
}

// --- the credential

void select(Slot& s) {
  BOOL auto_logon;
  tell(s.credential->SetSelected(&auto_logon));
  reply.number("auto_logon", auto_logon);
}

void field(Slot& s) {
  const DWORD id = line.number();
  CREDENTIAL_PROVIDER_FIELD_STATE state;
  CREDENTIAL_PROVIDER_FIELD_INTERACTIVE_STATE interactive;
  const HRESULT result = s.credential->GetFieldState(id, &state, &interactive);
  tell(result);
  if (FAILED(result)) return;
  wchar_t* text;
  tell(s.credential->GetStringValue(id, &text));
  reply.number("state", state).number("interactive", interactive);
  take_text("text", text);
}

void user_sid(Slot& s) {
  ICredentialProviderCredential2* credential;
  wchar_t* sid = nullptr;
  HRESULT result = s.credential->QueryInterface(__uuidof(ICredentialProviderCredential2),
                                                reinterpret_cast<void**>(&credential));
  if (SUCCEEDED(result)) {
    result = credential->GetUserSid(&sid);
    credential->Release();
  }
  tell(result);
  take_text("sid", sid);
}

// Runs straight after a call that may have handled the password: later calls would
// overwrite the rest of it on the stack.
void tell_places() { reply.number("places", search().places); }

void serialize(Slot& s) {
  if (s.packed.rgbSerialization != nullptr) return;
  CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE response;
  CREDENTIAL_PROVIDER_STATUS_ICON icon;
  wchar_t* text;
  const ULONGLONG start = microseconds();
  const HRESULT result = s.credential->GetSerialization(&response, &s.packed, &text, &icon);
  const ULONGLONG end = microseconds();
  tell_places();
  tell(result);
  reply.number("microseconds", static_cast<LONGLONG>(end - start));
  reply.number("response", response).number("icon", icon).number("size", s.packed.cbSerialization);
  take_text("status_text", text);
}

void tell_place(const char* name, const char* offset, const UNICODE_STRING& place, const Slot& s) {
  const auto at = reinterpret_cast<ULONG_PTR>(place.Buffer);
  const bool inside = at >= sizeof(KERB_INTERACTIVE_UNLOCK_LOGON) && at % sizeof(wchar_t) == 0 &&
                      at + place.Length <= s.packed.cbSerialization && place.Length == place.MaximumLength;
  const auto* text = reinterpret_cast<const wchar_t*>(s.packed.rgbSerialization + at);
  reply.number(offset, inside ? static_cast<LONGLONG>(at) : -1);
  reply.text(name, inside ? text : nullptr, place.Length / 2);
}

// Reads the credential as LSA does, then wipes and frees it as LogonUI does.
void unpack(Slot& s) {
  if (s.packed.rgbSerialization == nullptr) return;
  const auto& logon = *reinterpret_cast<KERB_INTERACTIVE_UNLOCK_LOGON*>(s.packed.rgbSerialization);
  reply.number("package", s.packed.ulAuthenticationPackage);
  reply.number("provider_right", s.packed.clsidCredentialProvider == kProvider);
  reply.number("type", logon.Logon.MessageType);
  reply.number("luid", logon.LogonId.LowPart | static_cast<DWORD>(logon.LogonId.HighPart));
  tell_place("domain", "domain_at", logon.Logon.LogonDomainName, s);
  tell_place("user", "user_at", logon.Logon.UserName, s);
  tell_place("protected", "protected_at", logon.Logon.Password, s);
  latchkey::wipe(s.packed.rgbSerialization, s.packed.cbSerialization);
  CoTaskMemFree(s.packed.rgbSerialization);
  s.packed = {};
}

void report(Slot& s) {
  const auto status = static_cast<NTSTATUS>(line.number());
  const auto substatus = static_cast<NTSTATUS>(line.number());
  wchar_t* text;
  CREDENTIAL_PROVIDER_STATUS_ICON icon;
  const ULONGLONG start = microseconds();
  tell(s.credential->ReportResult(status, substatus, &text, &icon));
  reply.number("microseconds", static_cast<LONGLONG>(microseconds() - start)).number("icon", icon);
  take_text("status_text", text);
}

// --- the process

// The class object, which keeps the DLL loaded.
IClassFactory* factory() {
  IClassFactory* found;
  CoGetClassObject(kProvider, CLSCTX_INPROC_SERVER, nullptr, __uuidof(IClassFactory), reinterpret_cast<void**>(&found));
  redirect_imports(kDll);
  return found;
}

IClassFactory* held;

void hold() { held = factory(); }

void let_go() { held->Release(); }

void memory() {
  const Found found = search();
  reply.number("places", found.places).number("bytes", static_cast<LONGLONG>(found.bytes));
  reply.number("first", reinterpret_cast<LONGLONG>(found.first));
}

void pieces() {
  ULONGLONG scrambled[64];
  DWORD number = 0;
  while (number < 64 && line.bytes(reinterpret_cast<BYTE*>(&scrambled[number]), sizeof scrambled[0]) == 8) number++;
  set_pieces(scrambled, number);
  reply.number("pieces", number);
}

// Leaves bytes in the heap, so that a test sees that the search finds them. The
// command line held them as digits.
BYTE* planted;

void plant() {
  planted = static_cast<BYTE*>(HeapAlloc(GetProcessHeap(), 0, 256));
  reply.number("size", line.bytes(planted, 256));
}

void forget() {
  latchkey::wipe(planted, 256);
  HeapFree(GetProcessHeap(), 0, planted);
}

void tell_usage() {
  const Usage now = usage();
  reply.number("handles", now.handles).number("threads", now.threads);
  reply.number("heap_blocks", static_cast<LONGLONG>(now.heap_blocks));
  reply.number("heap_bytes", static_cast<LONGLONG>(now.heap_bytes));
}

// Whether the DLL allows its unloading, and is gone then.
void unload() {
  CoFreeUnusedLibrariesEx(0, 0);
  CoFreeUnusedLibrariesEx(0, 0);
  reply.number("loaded", GetModuleHandleW(kDll) != nullptr);
}

void set_fake_windows() {
  const char* what = line.word();
  const DWORD value = line.number();
  if (same(what, "lsa_fails")) fake_windows.lsa_fails = value != 0;
  if (same(what, "protect_fails")) fake_windows.protect_fails = value != 0;
  if (same(what, "clock")) fake_windows.clock_ahead += value;
  if (same(what, "clean_boot")) fake_windows.clean_boot = static_cast<int>(value);
  if (same(what, "remote_session")) fake_windows.remote_session = static_cast<int>(value);
  if (same(what, "language")) fake_windows.language = static_cast<LANGID>(value);
  if (same(what, "fail_at")) {
    reply.number("left", fake_windows.fail_at);
    fake_windows.fail_at = static_cast<LONG>(value);
  }
}

// Whether calls without a place for their results are refused.
void no_places(Slot& s) {
  int refused = 0;
  refused += FAILED(s.provider->GetCredentialCount(nullptr, nullptr, nullptr));
  refused += FAILED(s.provider->GetCredentialAt(0, nullptr));
  refused += FAILED(s.provider->GetFieldDescriptorCount(nullptr));
  refused += FAILED(s.provider->GetFieldDescriptorAt(0, nullptr));
  refused += FAILED(s.provider->QueryInterface(__uuidof(IUnknown), nullptr));
  if (s.credential != nullptr) {
    refused += FAILED(s.credential->SetSelected(nullptr));
    refused += FAILED(s.credential->GetFieldState(0, nullptr, nullptr));
    refused += FAILED(s.credential->GetStringValue(0, nullptr));
    refused += FAILED(s.credential->GetSerialization(nullptr, nullptr, nullptr, nullptr));
    refused += FAILED(s.credential->ReportResult(0, 0, nullptr, nullptr));
    ICredentialProviderCredential2* credential;
    s.credential->QueryInterface(__uuidof(ICredentialProviderCredential2), reinterpret_cast<void**>(&credential));
    refused += FAILED(credential->GetUserSid(nullptr));
    credential->Release();
    refused += FAILED(s.credential->QueryInterface(__uuidof(IUnknown), nullptr));
  }
  reply.number("refused", refused);
}

// --- whole logons, for endurance and for the clock

void begin(Slot& s, IClassFactory* made_by, DWORD usage_scenario) {
  made_by->CreateInstance(nullptr, __uuidof(ICredentialProvider), reinterpret_cast<void**>(&s.provider));
  ICredentialProviderSetUserArray* setter;
  s.provider->SetUsageScenario(static_cast<CREDENTIAL_PROVIDER_USAGE_SCENARIO>(usage_scenario), 0);
  s.provider->QueryInterface(__uuidof(ICredentialProviderSetUserArray), reinterpret_cast<void**>(&setter));
  setter->SetUserArray(&s.users);
  setter->Release();
  s.provider->Advise(&s.events, reinterpret_cast<UINT_PTR>(&s));
}

// Counts, selects and serializes; whether there was a credential.
bool log_on(Slot& s) {
  DWORD number, selected;
  BOOL auto_logon;
  ICredentialProviderCredential* credential;
  if (FAILED(s.provider->GetCredentialCount(&number, &selected, &auto_logon)) || number == 0) return false;
  s.provider->GetCredentialAt(0, &credential);
  credential->SetSelected(&auto_logon);
  CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE response;
  CREDENTIAL_PROVIDER_STATUS_ICON icon;
  wchar_t* text;
  credential->GetSerialization(&response, &s.packed, &text, &icon);
  CoTaskMemFree(text);
  const bool packed = response == CPGSR_RETURN_CREDENTIAL_FINISHED;
  if (packed) {
    latchkey::wipe(s.packed.rgbSerialization, s.packed.cbSerialization);
    CoTaskMemFree(s.packed.rgbSerialization);
    credential->ReportResult(0, 0, &text, &icon);
    CoTaskMemFree(text);
  }
  credential->Release();
  return packed;
}

void end(Slot& s) {
  s.provider->UnAdvise();
  s.provider->Release();
  s.provider = nullptr;
}

// rounds SLOT NUMBER USAGE TRIES: whole logons, a provider each; how many had a credential
void rounds(Slot& s) {
  const DWORD number = line.number();
  const DWORD usage_scenario = line.number();
  const DWORD most = line.number();
  DWORD good = 0;
  // Once: to look it up in the registry each time would take most of the time.
  IClassFactory* made_by = factory();
  for (DWORD i = 0; i < number; i++) {
    begin(s, made_by, usage_scenario);
    // As LogonUI enumerates again: a busy computer may be slower than the deadline of a peek.
    for (DWORD tries = 0; tries < most; tries++) {
      if (log_on(s)) {
        good++;
        break;
      }
      fake_windows.clock_ahead += 30000;
    }
    end(s);
  }
  made_by->Release();
  reply.number("good", good);
}

// timed SLOT NUMBER: from the agent's event to the packed credential, in microseconds
void timed(Slot& s) {
  const DWORD number = line.number();
  HANDLE permit = OpenEventW(EVENT_MODIFY_STATE, FALSE, L"Global\\LatchkeyPermit");
  IClassFactory* made_by = factory();
  reply.open("microseconds");
  for (DWORD i = 0; i < number; i++) {
    begin(s, made_by, CPUS_LOGON);
    s.events.await(0);
    Sleep(20);  // the thread has come to wait
    const ULONGLONG start = microseconds();
    SetEvent(permit);
    s.events.await(5000);
    const bool good = log_on(s);
    reply.item(good ? static_cast<LONGLONG>(microseconds() - start) : -1);
    ResetEvent(permit);
    end(s);
  }
  reply.close();
  made_by->Release();
  CloseHandle(permit);
}

// For the lab, which assigns pipe connections to processes.
void tell_process() { reply.number("pid", GetCurrentProcessId()); }

void quit() { TerminateProcess(GetCurrentProcess(), 0); }

enum Needs { kNothing, kSlot, kProviderObject, kCredentialObject };

struct Command {
  const char* name;
  Needs needs;
  void (*with_slot)(Slot&);
  void (*alone)();
};

const Command kCommands[] = {
    {"create", kSlot, create, nullptr},
    {"rival", kSlot, create_rival, nullptr},
    {"use", kProviderObject, use, nullptr},
    {"users", kProviderObject, set_users, nullptr},
    {"advise", kProviderObject, advise, nullptr},
    {"unadvise", kProviderObject, [](Slot& s) { tell(s.provider->UnAdvise()); }, nullptr},
    {"slow_events", kSlot, [](Slot& s) { s.events.delay = line.number(); }, nullptr},
    {"changed", kSlot, changed, nullptr},
    {"count", kProviderObject, count, nullptr},
    {"fields", kProviderObject, fields, nullptr},
    {"descriptor", kProviderObject, descriptor, nullptr},
    {"at", kProviderObject, credential_at, nullptr},
    {"drop", kSlot, release_credential, nullptr},
    {"release", kSlot, release, nullptr},
    {"select", kCredentialObject, select, nullptr},
    {"deselect", kCredentialObject, [](Slot& s) { tell(s.credential->SetDeselected()); }, nullptr},
    {"field", kCredentialObject, field, nullptr},
    {"sid", kCredentialObject, user_sid, nullptr},
    {"serialize", kCredentialObject, serialize, nullptr},
    {"unpack", kSlot, unpack, nullptr},
    {"report", kCredentialObject, report, nullptr},
    {"no_places", kProviderObject, no_places, nullptr},
    {"rounds", kSlot, rounds, nullptr},
    {"timed", kSlot, timed, nullptr},
    {"pid", kNothing, nullptr, tell_process},
    {"memory", kNothing, nullptr, memory},
    {"pieces", kNothing, nullptr, pieces},
    {"plant", kNothing, nullptr, plant},
    {"forget", kNothing, nullptr, forget},
    {"usage", kNothing, nullptr, tell_usage},
    {"unload", kNothing, nullptr, unload},
    {"hold", kNothing, nullptr, hold},
    {"let_go", kNothing, nullptr, let_go},
    {"windows", kNothing, nullptr, set_fake_windows},
    {"quit", kNothing, nullptr, quit},
};

// An answer without fields: there is no such command, or nothing to call.
void obey(const char* name) {
  for (const auto& command : kCommands) {
    if (!same(command.name, name)) continue;
    if (command.needs == kNothing) return command.alone();
    Slot& s = slot();
    const bool there = command.needs == kSlot || (command.needs == kProviderObject && s.provider != nullptr) ||
                       (command.needs == kCredentialObject && s.credential != nullptr);
    if (there) command.with_slot(s);
  }
}

}  // namespace

extern "C" void Main() {
  CoInitializeEx(nullptr, COINIT_APARTMENTTHREADED);
  slots = static_cast<Slot*>(HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof(Slot) * kSlots));
  for (DWORD i = 0; i < kSlots; i++) new (&slots[i]) Slot{};
  while (line.read(GetStdHandle(STD_INPUT_HANDLE))) {
    obey(line.word());
    reply.write(GetStdHandle(STD_OUTPUT_HANDLE));
  }
  quit();
}
