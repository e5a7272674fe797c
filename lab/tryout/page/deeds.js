// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
/** The buttons for the deeds of the customer and of the PC. */

import {ask, sentence} from "./connection.js";
import {make, part} from "./elements.js";

/** @typedef {import("./connection.js").Deed} Deed */

/**
 * Show a form for each deed in its party's place.
 * @param {Deed[]} deeds
 * @param {() => string} chosen Returns the PC that the page shows.
 */
export function showDeeds(deeds, chosen) {
    for (const deed of deeds) {
        const party = deed.party === "customer" ? "customer" : "pc";
        part(`deeds-${party}`).append(form(deed, chosen, part(`said-${party}`)));
    }
}

/**
 * @param {Deed} deed
 * @param {() => string} chosen
 * @param {HTMLElement} said Gets the result.
 */
function form(deed, chosen, said) {
    const says = deed.help.toLowerCase() === deed.label.toLowerCase() ? "" : deed.help;
    const help = make("span", {class: "hint", id: `help-${deed.deed}`}, says);
    const button = make("button", {type: "submit", "aria-describedby": help.id}, deed.label);
    const made = make("form", {class: "deed"}, button);
    const field = make("input", {type: "text", autocomplete: "off", spellcheck: "false"});
    if (deed.argument) {
        made.append(make("label", {}, `${deed.argument.label} `, field));
        help.append(` (example: ${deed.argument.example})`);
    }
    made.append(help);
    let underWay = false;
    made.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (underWay) {
            return;
        }
        underWay = true;
        await perform(deed, chosen(), field.value, said);
        underWay = false;
    });
    return made;
}

/**
 * @param {Deed} deed
 * @param {string} pc
 * @param {string} argument
 * @param {HTMLElement} said
 */
async function perform(deed, pc, argument, said) {
    said.textContent = `${pc}: ${deed.label}: under way.`;
    said.classList.remove("bad");
    try {
        const answer = await ask(`pcs/${pc}/deeds/${deed.deed}`, {argument});
        said.textContent = `${pc}: ${answer.said}`;
    } catch (failure) {
        said.textContent = `${pc}: not done. ${sentence(failure)}`;
        said.classList.add("bad");
    }
}
