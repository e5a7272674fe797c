// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The agent's journal as a table, its newest entry first. */

import {Shown, make, part, time} from "./elements.js";

export class Journal {
    #body = part("entries");
    #shown = new Shown();

    /** @param {import("./connection.js").PcState} state */
    show(state) {
        if (this.#shown.changed([state.pc, state.journal])) {
            this.#body.replaceChildren(...state.journal.map(row).reverse());
        }
    }
}

/** @param {import("./connection.js").Entry} entry */
function row(entry) {
    return make(
        "tr", {},
        make("td", {}, String(entry.n)),
        make("td", {}, time(entry.at, true)),
        make("td", {}, make("code", {}, entry.what)),
        make("td", {}, entry.text),
    );
}
