# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys: AWX's checks of a specification (JobTemplateSurveySpec) and of answers (SurveyJobTemplateMixin)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.controller.bodies import Json

ENCRYPTED = "$encrypted$"
_DEFAULTS: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "textarea": (str,),
    "password": (str,),
    "multiplechoice": (str,),
    "multiselect": (list, tuple, str),
    "integer": (int,),
    "float": (int, float),
}
_KEYS: tuple[tuple[str, type, str], ...] = (
    ("type", str, "string"),
    ("question_name", str, "string"),
    ("variable", str, "string"),
    ("required", bool, "boolean"),
)


def spec_error(spec: Json) -> str:
    """Return AWX's error of a survey's specification, "" if it has none."""
    for name, kind, label in (
        ("name", str, "string"),
        ("description", str, "string"),
        ("spec", list, "list of items"),
    ):
        if name not in spec:
            return f"Field '{name}' is missing from survey spec."
        if not isinstance(spec[name], kind):
            return f"Expected {label} for field '{name}', received {type(spec[name]).__name__} type."
    if not spec["spec"]:
        return "'spec' doesn't contain any items."
    variables: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        if error := _question_error(number, question, variables):
            return error
        variables.add(question["variable"])
    return ""


def _question_error(number: int, question: Json, variables: set[str]) -> str:
    if not isinstance(question, dict):
        return f"Survey question {number} is not a json object."
    for name, kind, label in _KEYS:
        if name not in question:
            return f"'{name}' missing from survey question {number}"
        if not isinstance(question[name], kind):
            return f"'{name}' in survey question {number} expected to be {label}."
    if question["variable"] in variables:
        return f"'variable' '{question['variable']}' duplicated in survey question {number}."
    return _type_error(number, question)


def _type_error(number: int, question: dict[str, Any]) -> str:
    kind, default = question["type"], question.get("default", "")
    if kind not in _DEFAULTS:
        allowed = ", ".join(_DEFAULTS)
        return f"'{kind}' in survey question {number} is not one of '{allowed}' allowed question types."
    if default != "" and not isinstance(default, _DEFAULTS[kind]):
        label = kind if kind in {"integer", "float"} else "string"
        return f"Default value {default} in survey question {number} expected to be {label}."
    for key in ("min", "max"):
        if question.get(key) is not None and not isinstance(question[key], int):
            return f"The {key} limit in survey question {number} expected to be integer."
    if kind in {"multiselect", "multiplechoice"}:
        return _choices_error(number, question)
    return ""


def _choices_error(number: int, question: dict[str, Any]) -> str:
    if "choices" not in question:
        return f"Survey question {number} of type {question['type']} must specify choices."
    chosen = question.get("default", "")
    chosen = chosen.splitlines() if isinstance(chosen, str) else chosen
    if question["type"] == "multiplechoice" and len(chosen) > 1:
        return "Multiple Choice (Single Select) can only have one default value."
    if any(one not in _choices(question) for one in chosen):
        return "Default choice must be answered from the choices listed."
    return ""


def _choices(question: dict[str, Any]) -> list[str]:
    given = question["choices"]
    return [one for one in given.splitlines() if one.strip()] if isinstance(given, str) else list(given)


def hidden(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification as AWX shows it: without the defaults of passwords."""
    shown = {**spec}
    if "spec" in spec:
        shown["spec"] = [
            {**one, "default": ENCRYPTED} if one["type"] == "password" and one.get("default") else one
            for one in spec["spec"]
        ]
    return shown


def defaults(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults that are valid answers: AWX leaves out the others."""
    found = {}
    for question in spec.get("spec", []):
        name, value = question["variable"], question.get("default")
        if value is not None and not answer_errors(question, {name: value}):
            found[name] = value
    return found


def answer_errors(question: dict[str, Any], answers: dict[str, Any]) -> list[str]:
    """Return AWX's errors of the answer to one question."""
    name, kind = question["variable"], question["type"]
    if name not in answers:
        return [f"'{name}' value missing"] if question["required"] else []
    value = answers[name]
    if kind in {"text", "textarea", "password"}:
        if not isinstance(value, str):
            return [f"Value {value} for '{name}' expected to be a string."]
        return _size_errors(question, value, len(value), f"length is {len(value)} ")
    if kind in {"integer", "float"}:
        allowed: tuple[type, ...] = (int,) if kind == "integer" else (int, float)
        if type(value) not in allowed:
            label = "an integer" if kind == "integer" else "a numeric type"
            return [f"Value {value} for '{name}' expected to be {label}."]
        return _size_errors(question, value, value, "")
    if kind == "multiselect":
        if not isinstance(value, list):
            return [f"'{name}' value is expected to be a list."]
        return [error for one in value for error in _choice_errors(question, one)]
    return _choice_errors(question, value)


def _size_errors(question: dict[str, Any], value: Json, size: float, length: str) -> list[str]:
    errors = []
    least, most = question.get("min"), question.get("max")
    if least not in {"", None} and size < int(least):
        errors.append(
            f"'{question['variable']}' value {value} is too small ({length}must be at least {least})."
        )
    if most not in {"", None} and size > int(most):
        errors.append(f"'{question['variable']}' value {value} is too large (must be no more than {most}).")
    return errors


def _choice_errors(question: dict[str, Any], value: Json) -> list[str]:
    choices = _choices(question)
    if value in choices:
        return []
    return [f"Value {value} for '{question['variable']}' expected to be one of {choices}."]
