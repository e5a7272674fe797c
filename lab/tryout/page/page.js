// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The lab's page: asks the lab for its PCs, follows its events, and shows the PC that the person chooses. */

import {ask, follow, sentence} from "./connection.js";
import {showDeeds} from "./deeds.js";
import {make, part} from "./elements.js";
import {Journal} from "./journal.js";
import {Password} from "./password.js";
import {Screen} from "./screen.js";
import {States} from "./states.js";
import {Strip} from "./strip.js";

/**
 * @typedef {import("./connection.js").Lab} Lab
 * @typedef {import("./connection.js").Pc} Pc
 * @typedef {import("./connection.js").PcState} PcState
 */

/** @param {string} text */
function say(text) {
    part("connection").textContent = text;
}

class Page {
    /** @type {Map<string, PcState>} */
    #states = new Map();
    #chosen;
    #screen = new Screen();
    #journal = new Journal();
    #password = new Password(() => this.#chosen.pc);
    /** @type {Map<string, HTMLElement>} The note beside each PC's name. */
    #notes = new Map();
    #machines;
    #strip;
    #end;

    /** @param {Lab} lab */
    constructor(lab) {
        this.#end = lab.demo ? "The demo has ended. Its promises stand in the terminal in which you started it."
            : "The lab has ended. Start it again with make lab, and open the new address that it prints.";
        this.#machines = new States(lab.machines);
        this.#strip = new Strip(lab.pcs.map((pc) => pc.pc));
        this.#chosen = lab.pcs[0];
        showDeeds(lab.deeds, () => this.#chosen.pc);
        part("chooser").append(...lab.pcs.map((pc) => this.#choice(pc)));
        this.#choose(this.#chosen);
    }

    /** Follow the lab's events until it ends. */
    follow() {
        follow({
            happened: (happening) => this.#strip.add(happening),
            state: (state) => {
                this.#states.set(state.pc, state);
                this.#note(state);
                this.#show();
            },
            connection: say,
            ended: () => {
                say(this.#end);
                this.#screen.end();
                for (const control of document.querySelectorAll("main button, main input, main select")) {
                    control.disabled = true;
                }
            },
        });
    }

    /** @param {Pc} pc */
    #choice(pc) {
        const button = make("input", {type: "radio", name: "pc", value: pc.pc});
        button.checked = pc === this.#chosen;
        button.addEventListener("change", () => this.#choose(pc));
        const note = make("span", {class: "note"});
        this.#notes.set(pc.pc, note);
        return make("label", {}, button, ` ${pc.pc} (${pc.computer}) `, note);
    }

    /** @param {PcState} state */
    #note(state) {
        const asks = (state.requests ?? []).some((request) => request.state === "shown");
        const asking = asks ? "asks the customer" : "";
        this.#notes.get(state.pc)?.replaceChildren(state.power === "up" ? asking : state.power);
    }

    /** @param {Pc} pc */
    #choose(pc) {
        this.#chosen = pc;
        for (const name of document.querySelectorAll(".chosen")) {
            name.textContent = pc.pc;
        }
        this.#password.hide();
        this.#screen.choose(pc);
        this.#show();
    }

    #show() {
        const state = this.#states.get(this.#chosen.pc);
        if (state) {
            this.#screen.show(state);
            this.#journal.show(state);
            this.#machines.show(state);
            part("facts").replaceChildren(...facts(this.#chosen, state));
        }
    }
}

/**
 * Return terms and descriptions about a PC.
 * @param {Pc} pc
 * @param {PcState} state
 */
function facts(pc, state) {
    const told = {
        "Kind": pc.kind === "wine" ? "Wine PC with the real agent" : "simulated PC",
        "Power": state.power,
        "Agent": state.agent,
        "Customer": pc.customer,
        "Clock at the last change": (state.clock ?? "").replace("T", " "),
    };
    const known = Object.entries(told).filter(([, value]) => value);
    return known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

/** A demo plays the operator, too: the page has no terminal. */
function showDemo() {
    part("operator").hidden = true;
    document.querySelector("nav a[href='#operator']").hidden = true;
    part("about").textContent = "This page shows the demo, which plays everybody: the operator, the customer and the PC. "
        + "The agent contains nothing of this page.";
}

async function start() {
    try {
        const lab = await ask("lab.json");
        new Page(lab).follow();
        if (lab.demo) {
            showDemo();
            return;
        }
        try {
            const {Terminal} = await import("./terminal.js");
            new Terminal(lab.commands);
        } catch {
            part("terminal-status").textContent =
                "The browser could not load xterm.js, which shows the terminal. Start the lab again.";
        }
    } catch (failure) {
        say(sentence(failure));
    }
}

start();
