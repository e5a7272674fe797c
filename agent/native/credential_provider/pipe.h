// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The client's end of the logon pipe. Every call ends at its deadline.
#pragma once

#include <windows.h>

#include "handles.h"

namespace latchkey {

class Pipe {
 public:
  // Connects to the agent. False if there is none in time, or the pipe's server is a
  // process other than the agent's service.
  bool open(const Deadline& deadline);

  bool send(const void* data, DWORD size, const Deadline& deadline);

  // Fills `data` whole; an end in the middle is a failure.
  bool receive(void* data, DWORD size, const Deadline& deadline);

 private:
  bool connect(const Deadline& deadline);
  bool server_is_agent() const;
  bool finish(BOOL started, OVERLAPPED& operation, DWORD& moved, const Deadline& deadline);

  Handle pipe_;
  Handle completed_;
};

}  // namespace latchkey
