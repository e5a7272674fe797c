// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The state machines of a PC's sessions, requests, grants and permits, drawn from the agent's own tables. */

import {Shown, make, part, words} from "./elements.js";

/**
 * @typedef {import("./connection.js").Machine} Machine
 * @typedef {{id: string, state: string} & Record<string, unknown>} Thing Something that has a state.
 */

export class States {
    /** @type {Kind[]} */
    #kinds;

    /** @param {Record<string, Machine>} machines */
    constructor(machines) {
        this.#kinds = Object.entries(machines).map(([name, machine]) => new Kind(name, machine));
        part("machines").append(...this.#kinds.map((kind) => kind.section));
        part("legend").append(make(
            "ul", {class: "machine"},
            step("state", ["now"], "now"),
            step("state", ["by an input"], "next"),
            step("state", ["final"], ""),
        ), make("p", {class: "hint"}, "“now” marks the present state. “by” names the input that leads to a possible next ",
            "state. “final” marks a state without a next one."));
    }

    /** @param {import("./connection.js").PcState} state */
    show(state) {
        for (const kind of this.#kinds) {
            kind.show(state[`${kind.name}s`] ?? []);
        }
    }
}

/**
 * The things of one kind. Those with a next state are drawn, or else the newest; the others are a line each.
 */
class Kind {
    #machine;
    #shown = new Shown();
    #live = make("div", {class: "things"});
    #summary = make("summary");
    #ended = make("ul");
    #details = make("details", {}, this.#summary, this.#ended);

    /**
     * @param {string} name
     * @param {Machine} machine
     */
    constructor(name, machine) {
        this.name = name;
        this.#machine = machine;
        this.section = make("div", {}, make("h3", {}, capital(`${words(name)}s`)), this.#live, this.#details);
    }

    /** @param {Thing[]} things */
    show(things) {
        if (!this.#shown.changed(things)) {
            return;
        }
        const live = things.filter((thing) => movesFrom(this.#machine, thing.state).length > 0);
        const drawn = live.length > 0 ? live : things.slice(-1);
        const ended = things.filter((thing) => !drawn.includes(thing)).reverse();
        const nothing = make("p", {class: "hint"}, "None at present.");
        this.#live.replaceChildren(...(drawn.length > 0 ? drawn.map((thing) => this.#drawn(thing)) : [nothing]));
        this.#summary.textContent = `Ended before: ${ended.length}`;
        this.#ended.replaceChildren(
            ...ended.map((thing) => make("li", {}, `${short(thing.id)}: ${words(thing.state)}`)),
        );
        this.#details.hidden = ended.length === 0;
    }

    /** @param {Thing} thing */
    #drawn(thing) {
        const facts = Object.entries(thing).filter(([name, value]) => !["id", "state"].includes(name) && value !== "");
        return make(
            "article", {},
            make("h4", {}, `${capital(words(this.name))} ${short(thing.id)}`),
            make("p", {}, facts.map(([name, value]) => `${words(name)}: ${value}`).join(", ")),
            make("ol", {class: "machine"}, ...this.#machine.states.map((state) => this.#step(state, thing.state))),
        );
    }

    /**
     * @param {string} state
     * @param {string} present
     */
    #step(state, present) {
        const inputs = movesFrom(this.#machine, present).filter((move) => move[2] === state).map((move) => words(move[1]));
        const notes = inputs.length > 0 ? [`by ${inputs.join(", ")}`] : [];
        if (movesFrom(this.#machine, state).length === 0) {
            notes.push("final");
        }
        if (state === present) {
            return step(state, ["now", ...notes], "now");
        }
        return step(state, notes, inputs.length > 0 ? "next" : "");
    }
}

/**
 * Return one state of a machine.
 * @param {string} state
 * @param {string[]} notes
 * @param {"now" | "next" | ""} place
 */
function step(state, notes, place) {
    const item = make("li", place ? {class: place} : {}, make("span", {class: "state"}, words(state)));
    if (place === "now") {
        item.setAttribute("aria-current", "step");
    }
    item.append(...notes.flatMap((note) => [" ", make("span", {class: "note"}, note)]));
    return item;
}

/**
 * @param {Machine} machine
 * @param {string} state
 */
function movesFrom(machine, state) {
    return machine.moves.filter((move) => move[0] === state);
}

/** @param {string} text */
function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} id */
function short(id) {
    return id.length > 12 ? `${id.slice(0, 8)}…` : id;
}
