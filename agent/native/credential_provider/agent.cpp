// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "agent.h"

#include "attempts.h"
#include "limits.h"
#include "pipe.h"
#include "wire/receive.h"
#include "wire/request.h"
#include "wire/text.h"

namespace latchkey {
namespace {

bool exchange(Pipe& pipe, const Request& request, Answer& answer, Secret* secret, const Deadline& deadline) {
  const auto source = [&](void* memory, DWORD size) { return pipe.receive(memory, size, deadline); };
  return pipe.send(request.data(), static_cast<DWORD>(request.size()), deadline) &&
         receive_answer(source, answer, secret);
}

bool converse(const Request& request, Answer& answer, DWORD limit) {
  const Deadline deadline(limit);
  Pipe pipe;
  return pipe.open(deadline) && exchange(pipe, request, answer, nullptr, deadline);
}

}  // namespace

bool peek(Answer& answer, DWORD limit) {
  return converse(Request::peek(), answer, limit) && has_permit(answer);
}

bool redeem(const Answer& peeked, Secret& password) {
  const Deadline deadline(kRedeem);
  Pipe pipe;
  Answer answer;
  // Spent once the agent is connected: a permit that was never sent stays usable.
  return pipe.open(deadline) && attempts::begin(peeked.permit) &&
         exchange(pipe, Request::redeem(peeked.permit), answer, &password, deadline) && answer.done &&
         equal(answer.permit, peeked.permit) && equal(answer.sid, peeked.sid);
}

void report(const wchar_t* permit, LONG status, LONG substatus) {
  Answer answer;
  converse(Request::report(permit, static_cast<uint32_t>(status), static_cast<uint32_t>(substatus)), answer, kReport);
}

}  // namespace latchkey
