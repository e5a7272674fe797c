// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The strip of events: operator, customer and PC in three columns, each line with the name of its party. */

import {make, part, time} from "./elements.js";

/** @typedef {import("./connection.js").Happening} Happening */

const PARTIES = {operator: "Operator", customer: "Customer", pc: "PC"};
const KEPT = 500;
/** A screen reader gets one sentence in this time (ms), however much happens. */
const PAUSE = 1500;

export class Strip {
    #list = part("strip");
    #filter = part("filter");
    #newest = part("newest");
    #last = 0;
    /** @type {Happening[]} */
    #waiting = [];

    /** @param {string[]} pcs */
    constructor(pcs) {
        this.#filter.append(...pcs.map((pc) => make("option", {value: pc}, `only ${pc}`)));
        this.#filter.addEventListener("change", () => {
            for (const line of this.#list.children) {
                this.#hide(line);
            }
        });
    }

    /**
     * Add an event. After an interruption the lab may send it again; it is shown once.
     * @param {Happening} happening
     */
    add(happening) {
        if (happening.n <= this.#last) {
            return;
        }
        this.#last = happening.n;
        const party = happening.party in PARTIES ? happening.party : "pc";
        const line = make(
            "li", {class: party},
            make("span", {class: "party"}, PARTIES[party]), " ",
            make("span", {class: "of-pc"}, happening.pc), " ",
            time(happening.at, false), " ",
            make("span", {class: "text"}, happening.text),
        );
        line.dataset.pc = happening.pc;
        this.#hide(line);
        this.#list.prepend(line);
        this.#list.children[KEPT]?.remove();
        this.#announce(happening);
    }

    /** @param {HTMLElement} line */
    #hide(line) {
        line.hidden = this.#filter.value !== "" && this.#filter.value !== line.dataset.pc;
    }

    /** @param {Happening} happening */
    #announce(happening) {
        if (this.#filter.value === "" || this.#filter.value === happening.pc) {
            this.#waiting.push(happening);
        }
        if (this.#waiting.length === 1) {
            setTimeout(() => {
                const newest = this.#waiting[this.#waiting.length - 1];
                const others = this.#waiting.length > 1 ? `${this.#waiting.length} events. The newest: ` : "";
                this.#newest.textContent = `${others}${newest.pc}: ${newest.text}`;
                this.#waiting = [];
            }, PAUSE);
        }
    }
}
