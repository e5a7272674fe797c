// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** Makes elements. Texts come from a PC, so they enter the page as text and never as HTML. */

/**
 * Return a new element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} content Strings become text.
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...content) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        made.setAttribute(name, value);
    }
    made.append(...content);
    return made;
}

/**
 * Return the element of the page with this id.
 * @param {string} id
 * @returns {any} Its class depends on the page: an element that is missing is a fault of the page.
 */
export function part(id) {
    const found = document.getElementById(id);
    if (found === null) {
        throw new Error(`The page has no part ${id}.`);
    }
    return found;
}

/**
 * Return an identifier of the agent as words: `used_up` becomes "used up".
 * @param {string} name
 * @returns {string}
 */
export function words(name) {
    return name.replaceAll("_", " ");
}

/**
 * Return an ISO 8601 time as an element that is easier to read.
 * @param {string} at
 * @param {boolean} withDate
 * @returns {HTMLElement}
 */
export function time(at, withDate) {
    const [date, clock = ""] = at.split("T");
    return make("time", {datetime: at}, withDate ? `${date} ${clock.replace(/\.\d+/, "")}` : clock.slice(0, 8));
}

/** Remembers the data that a part of the page shows, so that the part is made anew after a change only. */
export class Shown {
    #text = "";

    /**
     * Tell whether the data differs from the data of the last call.
     * @param {unknown} data
     * @returns {boolean}
     */
    changed(data) {
        const text = JSON.stringify(data);
        const differs = text !== this.#text;
        this.#text = text;
        return differs;
    }
}
