# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The texts of the report, in all its languages."""

from __future__ import annotations

from typing import NamedTuple

from ._report_times import moment_of, offset_of

LANGUAGES = ("en", "de")


class Text(NamedTuple):
    """One text in each language; both have the same `{named}` places."""

    en: str
    de: str


TEXTS: dict[str, Text] = {
    # --- the page
    "title": Text("Report on a support session", "Bericht über eine Support-Sitzung"),
    "skip": Text("Skip to the PCs", "Weiter zu den PCs"),
    "session": Text("Support session", "Support-Sitzung"),
    "organization": Text("Organisation", "Organisation"),
    "written": Text("Written", "Geschrieben"),
    "summary": Text("Summary", "Übersicht"),
    "timeline": Text("Timeline", "Zeitlicher Verlauf"),
    "pcs": Text("The PCs", "Die PCs"),
    "results": Text("The result of each PC", "Das Ergebnis jedes PCs"),
    "back": Text("Back to the summary", "Zurück zur Übersicht"),
    "runs": Text("Runs that wrote this report", "Läufe, die diesen Bericht geschrieben haben"),
    "run_at": Text("Time", "Zeit"),
    "run_list": Text("Each run with its PCs", "Jeder Lauf mit seinen PCs"),
    "meaning": Text("About this report", "Über diesen Bericht"),
    "about_no": Text(
        "Consent is voluntary. A no is an answer and no failure; the report counts it apart.",
        "Die Freigabe ist freiwillig. Ein Nein ist eine Antwort und kein Fehler; der Bericht zählt es getrennt.",
    ),
    "about_habits": Text(
        "The report has the time of each answer and of the work. It leaves out when people were at the PC.",
        "Der Bericht nennt die Zeiten der Antworten und der Arbeiten. Wann jemand am PC war, lässt er weg.",
    ),
    "about_signature": Text(
        "A valid signature shows that the document in the JSON file is the one that this key signed. Whose key it is, "
        "the file known_pcs on the controller shows. Where the report names no known_pcs, compare the key with the one "
        "that latchkeyctl device-key shows at the PC. The readable text of a receipt is not signed.",
        "Eine gültige Signatur zeigt, dass das Dokument in der JSON-Datei das ist, das dieser Schlüssel signiert hat. "
        "Wem der Schlüssel gehört, zeigt die Datei known_pcs auf dem Controller. Wo der Bericht known_pcs nicht "
        "nennt, vergleichen Sie den Schlüssel mit dem, den latchkeyctl device-key am PC zeigt. Der lesbare Text eines "
        "Belegs ist nicht signiert.",
    ),
    "about_erasure": Text(
        "The checks of an erasure are the PC's own: it read its files back and did not find the sealed record.",
        "Die Prüfungen des Löschens sind die des PCs: Er hat seine Dateien gelesen und den versiegelten Datensatz "
        "darin nicht gefunden.",
    ),
    "about_times": Text(
        "Each time is that of the PC's own clock, with its distance from UTC.",
        "Jede Zeit ist die der Uhr des PCs, mit ihrem Abstand zu UTC.",
    ),
    # --- columns and terms
    "pc": Text("PC", "PC"),
    "result": Text("Result", "Ergebnis"),
    "next": Text("Next step", "Nächster Schritt"),
    "asked": Text("Asked", "Gefragt"),
    "answered": Text("Answered", "Antwort"),
    "terms": Text("Agreed terms", "Bedingungen"),
    "done": Text("Done", "Erledigt"),
    "skipped": Text("Skipped", "Übersprungen"),
    "left_over": Text("Left over", "Nicht erledigt"),
    "failed": Text("Failed", "Fehlgeschlagen"),
    "failures": Text("Failures", "Fehler"),
    "restarts": Text("Restarts", "Neustarts"),
    "unlocks": Text("Unlocks", "Entsperrungen"),
    "programs": Text("Programs in the customer's name", "Programme unter dem Namen der Person"),
    "program": Text("Program", "Programm"),
    "open_seconds": Text("Open desktop", "Offener Desktop"),
    "receipts": Text("Receipts", "Belege"),
    "erasure": Text("Erasure", "Löschung"),
    "course": Text("Course", "Verlauf"),
    "began": Text("Began", "Beginn"),
    "by": Text("By", "Durch"),
    "step": Text("Step", "Schritt"),
    "signed_in": Text("Signed in", "Angemeldet"),
    "closed": Text("Desktop closed", "Desktop geschlossen"),
    "check": Text("Check", "Prüfung"),
    "checks": Text("The PC's own checks", "Die Prüfungen des PCs"),
    "detail": Text("Detail", "Einzelheit"),
    "known_at": Text("State as of", "Stand"),
    "account": Text("Account", "Konto"),
    "purpose": Text("Reason and ticket", "Grund und Ticket"),
    "key": Text("Key", "Schlüssel"),
    # --- sentences
    "nothing_known": Text("-", "-"),
    "not_asked_at_all": Text("nobody was asked", "niemand wurde gefragt"),
    "code": Text("code {code}", "Prüfcode {code}"),
    "signed_by": Text("signature checked: {name}", "Unterschrift geprüft: {name}"),
    "quoted": Text("\u201c{words}\u201d", "\u201e{words}\u201c"),
    "own_words": Text("in their own words:", "in eigenen Worten:"),
    "no_entry": Text("no entry could serve ({why})", "keine Eingabe war brauchbar ({why})"),
    "terms_text": Text(
        "restarts: {restarts}, unlocks: {unlocks}, from {start} to {end}",
        "Neustarts: {restarts}, Entsperrungen: {unlocks}, von {start} bis {end}",
    ),
    "terms_others": Text("also after restarts by others", "auch nach Neustarts von anderen"),
    "terms_programs": Text("programs in the customer's name", "Programme unter dem Namen der Person"),
    "terms_arso": Text("without a password", "ohne Kennwort"),
    "begun": Text("begun {at}, not finished", "begonnen {at}, nicht beendet"),
    "seconds": Text("{seconds} s", "{seconds} s"),
    "minutes": Text("{minutes} min", "{minutes} min"),
    "minutes_seconds": Text("{minutes} min {seconds} s", "{minutes} min {seconds} s"),
    "at_most": Text("open for at most {time}", "höchstens {time} offen"),
    "at_least": Text("open for at least {time}", "mindestens {time} offen"),
    "missed": Text(
        "The last run ({at}) could not read this PC:",
        "Der letzte Lauf ({at}) konnte diesen PC nicht lesen:",
    ),
    "lost": Text("the job had lost the PC", "der Lauf hatte den PC verloren"),
    "pending": Text("Windows waits for a restart: {reasons}", "Windows wartet auf einen Neustart: {reasons}"),
    "pcs_counted": Text("{n} of {all} PCs", "{n} von {all} PCs"),
    "restarts_counted": Text(
        "{own} ordered, {others} by others with a sign-in, {omitted} without a sign-in",
        "{own} beauftragt, {others} von anderen mit Anmeldung, {omitted} ohne Anmeldung",
    ),
    "receipts_counted": Text("{valid} of {all} signatures valid", "{valid} von {all} Signaturen gültig"),
    "erasures_counted": Text("{confirmed} of {all} confirmed", "{confirmed} von {all} bestätigt"),
    "receipt": Text("Receipt {number}", "Beleg {number}"),
    "session_started": Text("the session still runs", "die Sitzung läuft noch"),
    "session_ended": Text("the session has ended", "die Sitzung ist beendet"),
    "session_expired": Text("the session's time is over", "die Zeit der Sitzung ist um"),
    # --- signatures and erasures
    "signature_valid": Text("signature valid", "Signatur gültig"),
    "signature_known": Text(
        "signature valid, by the PC's key in known_pcs",
        "Signatur gültig, mit dem Schlüssel des PCs in known_pcs",
    ),
    "signature_not_enrolled": Text(
        "signature valid, but known_pcs has no key of this PC",
        "Signatur gültig, aber known_pcs hat keinen Schlüssel dieses PCs",
    ),
    "signature_foreign": Text(
        "SIGNED BY A KEY THAT KNOWN_PCS DOES NOT ALLOW FOR THIS PC",
        "MIT EINEM SCHLÜSSEL SIGNIERT, DEN KNOWN_PCS FÜR DIESEN PC NICHT ZULÄSST",
    ),
    "signature_invalid": Text("SIGNATURE NOT VALID", "SIGNATUR UNGÜLTIG"),
    "signature_other": Text("SIGNED FOR ANOTHER REQUEST", "FÜR EINE ANDERE ANFRAGE SIGNIERT"),
    "signature_unchecked": Text("signature not checked", "Signatur nicht geprüft"),
    "erasure_confirmed": Text("confirmed {at}", "bestätigt {at}"),
    "erasure_open": Text("NOT CONFIRMED, checked {at}", "NICHT BESTÄTIGT, geprüft {at}"),
    "passed": Text("passed", "bestanden"),
    "not_passed": Text("NOT PASSED", "NICHT BESTANDEN"),
    # --- by whom
    "by_use": Text("ordered, with the grant", "beauftragt, mit der Freigabe"),
    "by_account": Text("ordered by {account}, with the grant", "beauftragt von {account}, mit der Freigabe"),
    "by_others": Text("by others, with the grant", "von anderen, mit der Freigabe"),
    "by_others_omitted": Text("by others, without a sign-in", "von anderen, ohne Anmeldung"),
    "by_agent_omitted": Text("by the agent, without a sign-in", "durch den Agenten, ohne Anmeldung"),
    "by_windows": Text("by Windows itself", "durch Windows selbst"),
    # --- results
    "outcome_done": Text("done", "erledigt"),
    "outcome_agreed": Text("agreed, not begun", "freigegeben, nicht begonnen"),
    "outcome_waiting": Text("waits for an answer", "wartet auf Antwort"),
    "outcome_left_over": Text("left over", "nicht erledigt"),
    "outcome_failed": Text("failed", "fehlgeschlagen"),
    "outcome_no_answer": Text("no answer", "keine Antwort"),
    "outcome_declined": Text("declined", "abgelehnt"),
    "outcome_reported": Text("reported as suspicious", "als verdächtig gemeldet"),
    "outcome_revoked": Text("revoked", "widerrufen"),
    "outcome_unusable": Text("no entry could serve", "keine brauchbare Eingabe"),
    "outcome_not_asked": Text("not asked", "nicht gefragt"),
    "outcome_unreachable": Text("not reached", "nicht erreicht"),
    "outcome_unread": Text("not read", "nicht gelesen"),
    "outcome_nothing": Text("nothing is known of this session", "nichts über diese Sitzung bekannt"),
    # --- next steps
    "next_none": Text("nothing to do", "nichts zu tun"),
    "next_run": Text("Launch the job in the agreed window.", "Starten Sie den Lauf im vereinbarten Zeitfenster."),
    "next_wait": Text("Wait for the answer.", "Warten Sie die Antwort ab."),
    "next_run_again": Text("Launch the job again: it continues.", "Starten Sie den Lauf noch einmal: Er macht weiter."),
    "next_new_session": Text(
        "To do the skipped steps, choose another session name.",
        "Für die übersprungenen Schritte nehmen Sie einen anderen Namen für die Sitzung.",
    ),
    "next_repair": Text(
        "Remove the cause below, then launch the job again: it continues.",
        "Beheben Sie die unten genannte Ursache und starten Sie den Lauf noch einmal: Er macht weiter.",
    ),
    "next_ask_again": Text(
        "Ask again when the customer is at the PC.", "Fragen Sie noch einmal, wenn die Person am PC ist."
    ),
    "next_accept": Text(
        "Accept the answer. Ask again after a talk only.",
        "Nehmen Sie die Antwort an. Fragen Sie nur nach einem Gespräch noch einmal.",
    ),
    "next_call": Text(
        "Call the customer. The receipt has the request's code.",
        "Rufen Sie die Person an. Der Prüfcode der Anfrage steht im Beleg.",
    ),
    "next_switch_on": Text(
        "Check that the PC is on and reachable, then launch the job again.",
        "Prüfen Sie, ob der PC an und erreichbar ist, und starten Sie den Lauf noch einmal.",
    ),
    "next_read_again": Text(
        "Run the report again when the PC answers.", "Schreiben Sie den Bericht noch einmal, wenn der PC antwortet."
    ),
    "next_check_session": Text(
        "Check the session's name and the job's hosts.", "Prüfen Sie den Namen der Sitzung und die Liste der PCs."
    ),
    "next_check_erasure": Text(
        "Check the PC's disk: an erasure is not confirmed. The agent tries again.",
        "Prüfen Sie den Datenträger des PCs: Eine Löschung ist nicht bestätigt. Der Agent versucht es wieder.",
    ),
    "next_check_receipt": Text(
        "Compare the receipt with the one at the PC (latchkeyctl receipt), and the key with latchkeyctl device-key.",
        "Vergleichen Sie den Beleg mit dem am PC (latchkeyctl receipt) und den Schlüssel mit latchkeyctl device-key.",
    ),
    "next_pending_restart": Text(
        "Windows waits for a restart.", "Windows wartet auf einen Neustart."
    ),
    "next_end_session": Text(
        "End the session: playbook latchkey.consent.end.", "Beenden Sie die Sitzung: Playbook latchkey.consent.end."
    ),
    # --- states
    "request_pending": Text("waits for the window", "wartet auf das Fenster"),
    "request_shown": Text("waits for an answer", "wartet auf Antwort"),
    "request_later": Text("postponed", "verschoben"),
    "request_granted": Text("agreed", "freigegeben"),
    "request_denied": Text("declined", "abgelehnt"),
    "request_reported": Text("reported as suspicious", "als verdächtig gemeldet"),
    "request_withdrawn": Text("no answer, the request was withdrawn", "keine Antwort, die Anfrage wurde zurückgezogen"),
    "request_expired": Text("no answer in time", "keine Antwort in der Frist"),
    "use_issued": Text("not yet signed in", "noch nicht angemeldet"),
    "use_redeemed": Text("sign-in under way", "Anmeldung läuft"),
    "use_logged_on": Text("signed in", "angemeldet"),
    "use_refused": Text("sign-in failed", "Anmeldung fehlgeschlagen"),
    "use_cancelled": Text("cancelled", "abgebrochen"),
    "use_restarted": Text("restarted without a sign-in", "neu gestartet, niemand angemeldet"),
    "use_lapsed": Text("no sign-in happened", "keine Anmeldung"),
    "use_signed_in": Text("the customer signed in", "die Person hat sich selbst angemeldet"),
    "exit_code": Text("exit code {code}", "Exitcode {code}"),
    "program_running": Text("running", "läuft"),
    "program_exited": Text("ended", "beendet"),
    "program_stopped": Text("ended by the agent", "vom Agenten beendet"),
    "program_not_started": Text("not started", "nicht gestartet"),
    "program_lost": Text("result not known", "Ergebnis nicht bekannt"),
    "stop_limit": Text("its time was over", "die Zeit dafür war um"),
    "stop_grant_ended": Text("the grant had ended", "die Freigabe war beendet"),
    "stop_paused": Text("the grant was paused", "die Freigabe war pausiert"),
    "stop_session_ended": Text("the session had ended", "die Sitzung war beendet"),
    "closing_locked": Text("locked", "gesperrt"),
    "closing_disconnected": Text("disconnected", "getrennt"),
    "closing_signed_out": Text("signed out", "abgemeldet"),
    "ended_revoked": Text("the grant was revoked", "die Freigabe wurde widerrufen"),
    "ended_replaced": Text("the grant was replaced", "die Freigabe wurde ersetzt"),
    "ended_used_up": Text("the grant was used up", "die Freigabe wurde aufgebraucht"),
    "ended_expired": Text("the grant's time was over", "die Zeit der Freigabe war um"),
    "ended_rejected": Text("the grant could not serve", "die Freigabe war nicht mehr brauchbar"),
    "ended_session_ended": Text("the grant ended with the session", "die Freigabe endete mit der Sitzung"),
    "omitted_policy": Text("the policy covers no such restart", "die Richtlinie deckt solche Neustarts nicht"),
    "omitted_not_agreed": Text("the terms cover no such restart", "die Freigabe deckt solche Neustarts nicht"),
    "omitted_paused": Text("the grant was paused", "die Freigabe war pausiert"),
    "omitted_clock_behind": Text("the PC's clock was behind", "die Uhr des PCs ging nach"),
    "omitted_too_early": Text("before the agreed window", "vor dem vereinbarten Zeitfenster"),
    "omitted_used_up": Text("no restart was left", "kein Neustart war mehr übrig"),
    "omitted_other_account": Text("another account had signed in", "ein anderes Konto war angemeldet"),
    "omitted_own_restart": Text(
        "begun for a use that was void by then", "begonnen für eine Nutzung, die dann hinfällig war"
    ),
    # --- events of the timeline
    "event_asked": Text("asked", "gefragt"),
    "event_answer": Text("answer", "Antwort"),
    "event_answered": Text("answer: {answer}", "Antwort: {answer}"),
    "event_window": Text("agreed window", "vereinbartes Zeitfenster"),
    "event_restart": Text("restart", "Neustart"),
    "event_others": Text("restart by others", "Neustart von anderen"),
    "event_omitted": Text("restart without a sign-in", "Neustart ohne Anmeldung"),
    "event_unlock": Text("unlocked desktop", "entsperrter Desktop"),
    "event_program": Text("program in the customer's name", "Programm unter dem Namen der Person"),
    "event_step": Text("step done", "Schritt erledigt"),
    "event_step_named": Text("step done: {step}", "Schritt erledigt: {step}"),
    "event_erased": Text("erasure", "Löschung"),
    "timeline_title": Text("Timeline of {pcs} PCs", "Zeitlicher Verlauf von {pcs} PCs"),
    "timeline_desc": Text(
        "One row for each PC, from {start} to {end}. The course of each PC below has the same as text.",
        "Eine Zeile für jeden PC, von {start} bis {end}. Der Verlauf jedes PCs unten sagt dasselbe als Text.",
    ),
    "timeline_empty": Text("No PC has told a time yet.", "Noch hat kein PC eine Zeit genannt."),
    "timeline_scroll": Text("Timeline, can be scrolled", "Zeitlicher Verlauf, lässt sich verschieben"),
    "timeline_hint": Text(
        "The picture is wider than this screen: move it sideways.",
        "Das Bild ist breiter als dieser Bildschirm: Schieben Sie es zur Seite.",
    ),
    "legend": Text("Legend", "Legende"),
    "utc": Text("UTC{offset}", "UTC{offset}"),
    # --- times
    "date": Text("%Y-%m-%d", "%d.%m.%Y"),
    "short_date": Text("%m-%d", "%d.%m."),
}  # fmt: skip


class Texts:
    """The texts in one language, and its way to write times and numbers."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **places: object) -> str:
        """Return a text with its places filled.

        Raises:
            KeyError: there is no such text, or a place is missing.
        """
        text: str = getattr(TEXTS[key], self.language)
        return text.format(**places) if places else text

    def word(self, group: str, state: str) -> str:
        """Return the text of a state; the state itself if a later agent has one more."""
        key = f"{group}_{state}"
        return self(key) if key in TEXTS else state

    def duration(self, seconds: float) -> str:
        """Return a time in seconds, from two minutes on in minutes and seconds."""
        minutes, rest = divmod(round(seconds, 1), 60) if seconds >= 120 else (0, seconds)
        number = f"{rest:.1f}".removesuffix(".0")
        number = number if self.language == "en" else number.replace(".", ",")
        if not minutes:
            return self("seconds", seconds=number)
        return self("minutes_seconds" if rest else "minutes", minutes=int(minutes), seconds=number)

    def time(self, text: str | None) -> str:
        """Return a time of a PC: to the second, with the offset; as it is if it is no time."""
        moment = moment_of(text)
        if moment is None:
            return text or self("nothing_known")
        return f"{moment.strftime(self('date'))} {moment:%H:%M:%S} {offset_of(moment)}"
