// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "agent.h"

#include "limits.h"
#include "pipe.h"
#include "wire/receive.h"
#include "wire/text.h"

namespace latchkey {
namespace {

bool converse(const Request& request, Answer& answer, Secret* secret, DWORD limit) {
  const Deadline deadline(limit);
  Pipe pipe;
  const auto source = [&](void* memory, DWORD size) { return pipe.receive(memory, size, deadline); };
  return pipe.open(deadline) && pipe.send(request.data(), static_cast<DWORD>(request.size()), deadline) &&
         receive_answer(source, answer, secret);
}

}  // namespace

bool peek(Answer& answer, DWORD limit) {
  return converse(Request::peek(), answer, nullptr, limit) && has_ticket(answer);
}

bool redeem(const Answer& peeked, Secret& password) {
  Answer answer;
  return converse(Request::redeem(peeked.ticket), answer, &password, kRedeem) && answer.done &&
         equal(answer.ticket, peeked.ticket) && equal(answer.sid, peeked.sid);
}

void report(const wchar_t* ticket, LONG status, LONG substatus) {
  Answer answer;
  converse(Request::report(ticket, static_cast<uint32_t>(status), static_cast<uint32_t>(substatus)), answer, nullptr,
           kReport);
}

}  // namespace latchkey
