// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "pipe.h"

#include "limits.h"

namespace latchkey {
namespace {

// Not GENERIC_WRITE: it asks for FILE_APPEND_DATA too, which on a pipe is the
// right to make further instances, which no client has.
// https://learn.microsoft.com/windows/win32/ipc/named-pipe-security-and-access-rights
constexpr DWORD kAccess = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | SYNCHRONIZE;

// The server may identify us, but not act as us: LogonUI is LocalSystem.
constexpr DWORD kFlags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;

using Service = Owned<SC_HANDLE, CloseServiceHandle>;

// The agent's process id from the service manager; 0 if the service is missing or stopped.
DWORD agent_process() {
  Service manager(OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT));
  if (!manager) return 0;
  Service service(OpenServiceW(manager.get(), kAgentService, SERVICE_QUERY_STATUS));
  SERVICE_STATUS_PROCESS status = {};
  DWORD size;
  if (!service || !QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status),
                                        sizeof status, &size))
    return 0;
  return status.dwProcessId;
}

}  // namespace

bool Pipe::open(const Deadline& deadline) {
  completed_.reset(CreateEventW(nullptr, TRUE, FALSE, nullptr));
  return completed_ && connect(deadline) && server_is_agent();
}

bool Pipe::connect(const Deadline& deadline) {
  for (;;) {
    HANDLE pipe = CreateFileW(kLogonPipe, kAccess, 0, nullptr, OPEN_EXISTING, kFlags, nullptr);
    if (pipe != INVALID_HANDLE_VALUE) {
      pipe_.reset(pipe);
      return true;
    }
    const DWORD left = deadline.left();
    // A wait of 0 would mean the server's default.
    if (GetLastError() != ERROR_PIPE_BUSY || left == 0 || !WaitNamedPipeW(kLogonPipe, left)) return false;
  }
}

bool Pipe::server_is_agent() const {
  ULONG server = 0;
  return GetNamedPipeServerProcessId(pipe_.get(), &server) && server != 0 && server == agent_process();
}

bool Pipe::send(const void* data, DWORD size, const Deadline& deadline) {
  OVERLAPPED operation = {};
  operation.hEvent = completed_.get();
  DWORD moved = 0;
  return finish(WriteFile(pipe_.get(), data, size, nullptr, &operation), operation, moved, deadline) && moved == size;
}

bool Pipe::receive(void* data, DWORD size, const Deadline& deadline) {
  auto* at = static_cast<BYTE*>(data);
  while (size > 0) {
    OVERLAPPED operation = {};
    operation.hEvent = completed_.get();
    DWORD moved = 0;
    if (!finish(ReadFile(pipe_.get(), at, size, nullptr, &operation), operation, moved, deadline) || moved == 0)
      return false;
    at += moved;
    size -= moved;
  }
  return true;
}

bool Pipe::finish(BOOL started, OVERLAPPED& operation, DWORD& moved, const Deadline& deadline) {
  if (!started && GetLastError() != ERROR_IO_PENDING) return false;
  if (WaitForSingleObject(completed_.get(), deadline.left()) != WAIT_OBJECT_0) CancelIoEx(pipe_.get(), &operation);
  // Waits for the cancelled operation too: until then Windows may write into the caller's buffer.
  return GetOverlappedResult(pipe_.get(), &operation, &moved, TRUE);
}

}  // namespace latchkey
