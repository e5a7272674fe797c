// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// A stand-in for the agent, for the provider's tests: a real service with the
// agent's name and a real named pipe, which does to each request what the test
// says over a loopback connection. It decides nothing itself.
//
//   fake_agent install | remove    the service
//   fake_agent start PORT          starts it; it connects to the test's port
//   fake_agent service             run by the service manager
//   fake_agent plain PORT          the same outside the service: an impostor

#include "console.h"

#include <shellapi.h>

#include "wire/message.h"
#include "wire/secret.h"

using namespace harness;

namespace {

constexpr wchar_t kService[] = L"LatchkeyAgent";
constexpr wchar_t kPipe[] = L"\\\\.\\pipe\\LatchkeyLogon";
constexpr wchar_t kEvent[] = L"Global\\LatchkeyPermit";
constexpr DWORD kMaxFrame = 16384;

enum Verb { kPeek, kRedeem, kReport, kVerbs };
const char* const kVerbNames[kVerbs] = {"peek", "redeem", "report"};

// What is done to a request of one verb.
struct Behaviour {
  char how[8];  // send, and wait for the client to hang up; drip, byte by byte; close after sending
  DWORD delay;
  BYTE frame[kMaxFrame];  // "########" in its body becomes the number of permits redeemed so far
  DWORD size;
};

SRWLOCK lock = SRWLOCK_INIT;
Behaviour behaviours[kVerbs];
// Requests as they came, in hexadecimal digits, one a line; the first ones, where there are many.
wchar_t log_text[1 << 14];
DWORD log_size;
HANDLE permit_event;
HANDLE listening;
DWORD redeemed;
HANDLE control_link;
SERVICE_STATUS_HANDLE status_handle;
Line line;
Reply reply;

void note(const BYTE* body, DWORD size) {
  static constexpr wchar_t kDigits[] = L"0123456789abcdef";
  AcquireSRWLockExclusive(&lock);
  if (log_size + 2 * size + 1 < sizeof log_text / sizeof log_text[0]) {
    for (DWORD i = 0; i < 2 * size; i++) log_text[log_size++] = kDigits[body[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xF];
    log_text[log_size++] = L'\n';
  }
  ReleaseSRWLockExclusive(&lock);
}

bool read_whole(HANDLE pipe, void* target, DWORD size) {
  auto* at = static_cast<BYTE*>(target);
  while (size > 0) {
    DWORD moved;
    if (!ReadFile(pipe, at, size, &moved, nullptr) || moved == 0) return false;
    at += moved;
    size -= moved;
  }
  return true;
}

// The second byte is the kind of the message (wire/message.h: Kind).
Verb verb_of(const BYTE* body, DWORD size) {
  constexpr auto kFirst = static_cast<BYTE>(latchkey::Kind::peek);
  const bool known = size >= latchkey::kMessageHeaderSize && body[1] >= kFirst && body[1] < kFirst + kVerbs;
  return known ? static_cast<Verb>(body[1] - kFirst) : kVerbs;
}

// In the body only: a password may have such bytes. A single "#" may be a field's length.
void number_permit(Behaviour& behaviour) {
  char digits[12];
  wsprintfA(digits, "%08d", redeemed);
  const DWORD end = behaviour.size < 12 ? 0 : 12 + *reinterpret_cast<DWORD*>(behaviour.frame + 4);
  auto& frame = behaviour.frame;
  for (DWORD i = 12, digit = 0; i + 2 < end && i + 2 < behaviour.size; i++)
    if (frame[i] == '#' && (digit % 8 > 0 || frame[i + 2] == '#')) frame[i] = static_cast<BYTE>(digits[digit++ % 8]);
}

void send(HANDLE pipe, const BYTE* data, DWORD size, DWORD piece) {
  DWORD moved;
  for (DWORD i = 0; i < size; i += piece)
    if (!WriteFile(pipe, data + i, size - i < piece ? size - i : piece, &moved, nullptr)) return;
}

// Blocks until the client hangs up.
void hold(HANDLE pipe) {
  BYTE byte;
  read_whole(pipe, &byte, 1);
}

void behave(HANDLE pipe, const Behaviour& behaviour) {
  if (behaviour.delay > 0) Sleep(behaviour.delay);
  if (same(behaviour.how, "drip")) send(pipe, behaviour.frame, behaviour.size, 1);
  else send(pipe, behaviour.frame, behaviour.size, behaviour.size);
  if (!same(behaviour.how, "close")) hold(pipe);
}

DWORD WINAPI serve(void* raw) {
  HANDLE pipe = raw;
  DWORD header[3];
  BYTE body[2048];
  if (read_whole(pipe, header, sizeof header) && header[1] <= sizeof body && read_whole(pipe, body, header[1])) {
    note(body, header[1]);
    const Verb verb = verb_of(body, header[1]);
    auto* behaviour = static_cast<Behaviour*>(HeapAlloc(GetProcessHeap(), 0, sizeof(Behaviour)));
    *behaviour = {};
    AcquireSRWLockExclusive(&lock);
    if (verb != kVerbs) *behaviour = behaviours[verb];
    number_permit(*behaviour);
    if (verb == kRedeem) redeemed++;
    ReleaseSRWLockExclusive(&lock);
    behave(pipe, *behaviour);
    latchkey::wipe(behaviour, sizeof(Behaviour));
    HeapFree(GetProcessHeap(), 0, behaviour);
  }
  DisconnectNamedPipe(pipe);
  CloseHandle(pipe);
  return 0;
}

DWORD WINAPI listen_on_pipe(void*) {
  for (;;) {
    WaitForSingleObject(listening, INFINITE);
    HANDLE pipe = CreateNamedPipeW(kPipe, PIPE_ACCESS_DUPLEX, PIPE_REJECT_REMOTE_CLIENTS, PIPE_UNLIMITED_INSTANCES,
                                   65536, 65536, 0, nullptr);
    if (!ConnectNamedPipe(pipe, nullptr) && GetLastError() != ERROR_PIPE_CONNECTED) {
      CloseHandle(pipe);
      continue;
    }
    CloseHandle(CreateThread(nullptr, 0, serve, pipe, 0, nullptr));
  }
}

void set_behaviour() {
  const char* name = line.word();
  AcquireSRWLockExclusive(&lock);
  for (int i = 0; i < kVerbs; i++) {
    if (!same(name, kVerbNames[i])) continue;
    lstrcpynA(behaviours[i].how, line.word(), sizeof behaviours[i].how);
    behaviours[i].delay = line.number();
    behaviours[i].size = line.bytes(behaviours[i].frame, kMaxFrame);
  }
  ReleaseSRWLockExclusive(&lock);
}

void change_event() {
  const char* what = line.word();
  if (same(what, "create") && permit_event == nullptr) permit_event = CreateEventW(nullptr, TRUE, FALSE, kEvent);
  if (same(what, "set")) SetEvent(permit_event);
  if (same(what, "reset")) ResetEvent(permit_event);
  if (same(what, "destroy")) {
    CloseHandle(permit_event);
    permit_event = nullptr;
  }
}

void tell_log() {
  AcquireSRWLockExclusive(&lock);
  reply.text("requests", log_text, static_cast<int>(log_size));
  log_size = 0;
  ReleaseSRWLockExclusive(&lock);
}

// Obeys the test until it hangs up.
void obey() {
  while (line.read(control_link)) {
    const char* command = line.word();
    if (same(command, "on")) set_behaviour();
    if (same(command, "event")) change_event();
    if (same(command, "listen")) SetEvent(listening);
    if (same(command, "log")) tell_log();
    if (same(command, "die")) TerminateProcess(GetCurrentProcess(), 1);
    reply.write(control_link);
  }
}

bool connect_to_test(DWORD port) {
  WSADATA data;
  WSAStartup(MAKEWORD(2, 2), &data);
  // Not overlapped, so that ReadFile and WriteFile serve.
  SOCKET link = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<u_short>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  control_link = reinterpret_cast<HANDLE>(link);
  return connect(link, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

void run(DWORD port) {
  listening = CreateEventW(nullptr, TRUE, FALSE, nullptr);
  if (!connect_to_test(port)) return;
  // Many: on a busy computer too a client always finds one that listens.
  for (int i = 0; i < 16; i++) CloseHandle(CreateThread(nullptr, 0, listen_on_pipe, nullptr, 0, nullptr));
  obey();
}

// --- the service

DWORD to_number(const wchar_t* text) {
  DWORD value = 0;
  for (; *text != 0; text++) value = value * 10 + static_cast<DWORD>(*text - L'0');
  return value;
}

void tell_manager(DWORD state) {
  SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, SERVICE_ACCEPT_STOP, NO_ERROR, 0, 0, 0};
  SetServiceStatus(status_handle, &status);
}

DWORD WINAPI control(DWORD code, DWORD, void*, void*) {
  if (code == SERVICE_CONTROL_STOP) {
    tell_manager(SERVICE_STOPPED);
    ExitProcess(0);
  }
  return NO_ERROR;
}

void WINAPI service_main(DWORD count, wchar_t** words) {
  status_handle = RegisterServiceCtrlHandlerExW(kService, control, nullptr);
  tell_manager(SERVICE_RUNNING);
  if (count > 1) run(to_number(words[1]));
  tell_manager(SERVICE_STOPPED);
}

BOOL install(SC_HANDLE manager) {
  wchar_t path[MAX_PATH], command[MAX_PATH + 40];
  GetModuleFileNameW(nullptr, path, MAX_PATH);
  wsprintfW(command, L"\"%s\" service", path);
  return CreateServiceW(manager, kService, kService, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                        SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, command, nullptr, nullptr, nullptr, nullptr,
                        nullptr) != nullptr;
}

BOOL start(SC_HANDLE manager, const wchar_t* port) {
  const wchar_t* words[] = {port};
  return StartServiceW(OpenServiceW(manager, kService, SERVICE_ALL_ACCESS), 1, words);
}

DWORD manage(const wchar_t* what, const wchar_t* port) {
  SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS);
  BOOL done = FALSE;
  if (lstrcmpW(what, L"install") == 0) done = install(manager);
  if (lstrcmpW(what, L"start") == 0) done = start(manager, port);
  if (lstrcmpW(what, L"remove") == 0) done = DeleteService(OpenServiceW(manager, kService, SERVICE_ALL_ACCESS));
  return done ? ERROR_SUCCESS : GetLastError();
}

// The one of the test before may still be ending, and Wine takes its time to see it.
bool may_pass(DWORD error) {
  return error == ERROR_SERVICE_MARKED_FOR_DELETE || error == ERROR_SERVICE_ALREADY_RUNNING;
}

int manage_patiently(const wchar_t* what, const wchar_t* port) {
  DWORD error = manage(what, port);
  for (int tries = 0; tries < 1000 && may_pass(error); tries++) {
    Sleep(20);
    error = manage(what, port);
  }
  if (error == ERROR_SUCCESS) return 0;
  reply.number("error", error);
  reply.write(GetStdHandle(STD_OUTPUT_HANDLE));
  return 1;
}

int serve_as_service() {
  wchar_t name[] = L"LatchkeyAgent";
  const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {nullptr, nullptr}};
  return StartServiceCtrlDispatcherW(table) ? 0 : static_cast<int>(GetLastError());
}

int main_program() {
  int count;
  wchar_t** words = CommandLineToArgvW(GetCommandLineW(), &count);
  if (count < 2) return 1;
  if (lstrcmpW(words[1], L"service") == 0) return serve_as_service();
  if (lstrcmpW(words[1], L"plain") != 0) return manage_patiently(words[1], count > 2 ? words[2] : L"");
  run(to_number(words[2]));
  return 0;
}

}  // namespace

extern "C" void Main() { ExitProcess(static_cast<UINT>(main_program())); }
