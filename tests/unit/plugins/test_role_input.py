# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables as people and AWX write them: one result, or a sentence about each that is unusable."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible_collections.latchkey.consent.plugins.lookup.maintenance_input import LookupModule
from ansible_collections.latchkey.consent.plugins.plugin_utils._role_input import (
    GROUPS,
    InputError,
    awx_user,
    faults,
    read,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import (
    exact_text,
    name_text,
    plain_text,
    written_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NIGHT = {"maintenance_session": "Night"}


@pytest.mark.parametrize(
    "written", ["22:00", "10:00", "23:59", "9:30", "09:59", "00:00", "2026-11-30T22:00:00"]
)
def test_a_time_survives_yaml(written: str) -> None:
    """PyYAML reads it as ansible-core does, with YAML 1.1's rules."""
    read_by_yaml = yaml.safe_load(written)
    if written == "9:30":
        with pytest.raises(TypeError, match="a number"):
            written_time(read_by_yaml)
    else:
        assert written_time(read_by_yaml) == written
    assert written_time(f" {written}") == written


def test_a_time_with_an_offset_stays_the_same_moment() -> None:
    """YAML makes a datetime of it."""
    at = datetime(2026, 11, 30, 22, 0, tzinfo=timezone(timedelta(hours=1)))
    assert written_time(at) == "2026-11-30T22:00:00+01:00"


@pytest.mark.parametrize("value", [599, 1440, 0, -1320, True, False, 22.3, date(2026, 11, 30), ["22:00"], {}])
def test_no_other_value_is_a_time(value: object) -> None:
    """A number outside of 10:00 to 23:59 was no time of day."""
    with pytest.raises(TypeError, match=r"must be a time as a text.*in AWX begin the answer with a letter"):
        written_time(value)


@pytest.mark.parametrize("text", ["1320", " 0930", "79200"])
def test_digits_alone_are_no_time(text: str) -> None:
    """Core 2.16 to 2.18 make `1320` of 22:00 where an expression returns it, and a person may mean 13:20."""
    with pytest.raises(TypeError, match=r"must be a time as a text.*and it is a number without a colon"):
        written_time(text)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("0711", "a number"),
        ("1.10", "a number"),
        ("no", "a truth value"),
        ("2026-11-30", "a date"),
        ("[a]", "a list"),
    ],
)
@pytest.mark.parametrize("reader", [exact_text, plain_text, name_text])
def test_no_text_is_made_of_another_value(reader: Callable[[object], str], written: str, kind: str) -> None:
    """The text that was written is lost, so nothing is guessed."""
    with pytest.raises(TypeError, match=f"it must be a text, and it is {kind.replace('[', '.')}"):
        reader(yaml.safe_load(written))
    assert reader(written) == written


def test_spaces_around_a_text_are_no_part_of_it() -> None:
    """A leading space keeps AWX from making a number; the name of a step is compared with what the role wrote."""
    assert (plain_text(" 0711 "), name_text(" 0711"), exact_text(" a ")) == ("0711", "0711", " a ")
    with pytest.raises(TypeError, match="blank"):
        plain_text("  ")
    assert plain_text("a line break\n") == "a line break\n", "the agent refuses it"
    assert plain_text(None) == ""
    for nothing in ("", None):
        with pytest.raises(TypeError, match="empty"):
            name_text(nothing)


def terms(**variables: Any) -> dict[str, object]:
    """Return the terms of these variables."""
    return read("terms", variables.get)


@pytest.mark.parametrize(
    "given",
    [
        {"restarts": 3, "programs": True, "not_before": "22:00"},
        {"restarts": "3", "programs": "yes", "not_before": 1320},
        '{"restarts": 3, "programs": true, "not_before": "22:00"}',
    ],
)
def test_terms_mean_the_same_in_every_writing(given: object) -> None:
    """AWX's variables may hold the dictionary as a text."""
    assert terms(maintenance_terms=given) == {"restarts": 3, "programs": True, "not_before": "22:00"}


NEW = {
    "maintenance_restarts": 2,
    "maintenance_unlocks": None,
    "maintenance_programs": False,
    "maintenance_foreign_restarts": True,
    "maintenance_not_before": 1320,
    "maintenance_not_after": datetime(2026, 11, 30, 22, 0, tzinfo=timezone(timedelta(hours=1))),
    "maintenance_grace": 0.5,
    "maintenance_relock_after": 60,
    "maintenance_account": None,
    "maintenance_terms": {"restarts": 1, "unlocks": 4},
    "maintenance_requester": {"name": None, "organization": "Contoso"},
}
"""Variables as ansible-core 2.19 to 2.22 hand them over."""
OLD = {
    "maintenance_restarts": "2",
    "maintenance_unlocks": "",
    "maintenance_programs": "False",
    "maintenance_foreign_restarts": "True",
    "maintenance_not_before": "22:00",
    "maintenance_not_after": "2026-11-30 22:00:00+01:00",
    "maintenance_grace": "0.5",
    "maintenance_relock_after": "60",
    "maintenance_account": "",
    "maintenance_terms": '{"restarts": 1, "unlocks": 4}',
    "maintenance_requester": {"name": "", "organization": "Contoso"},
}
"""The same as 2.16 to 2.18 do: an answer of a survey stays the text, and a template returns texts."""


def test_older_cores_hand_over_texts_that_mean_the_same() -> None:
    """A number, a truth value and nothing at all are texts there; a time with its offset has a space in the middle."""
    old, new = read("terms", OLD.get), read("terms", NEW.get)
    moments = [datetime.fromisoformat(str(found.pop("not_after"))) for found in (old, new)]
    assert moments[0] == moments[1]
    assert old == new
    assert new == {
        "restarts": 2,
        "unlocks": 4,
        "programs": False,
        "foreign_restarts": True,
        "not_before": "22:00",
        "grace": 0.5,
        "relock_after": 60.0,
    }
    for variables in (OLD, NEW):
        assert read("requester", variables.get) == {"organization": "Contoso"}
        assert faults({**NIGHT, **variables}.get) == []


class TextsOfTemplates:
    """Stands in for the templar of ansible-core 2.16 to 2.18, where an expression returns a text."""

    def template(self, value: object) -> object:
        """Return a text for each value but a list and a dictionary, an empty one for None."""
        return value if isinstance(value, (list, dict)) else "" if value is None else str(value)


def test_the_lookup_reads_what_an_older_core_makes_of_the_variables() -> None:
    """The role gets numbers and truth values from texts; a time that became a number is named, and not guessed."""
    lookup = LookupModule()
    lookup._templar = TextsOfTemplates()  # type: ignore[assignment]
    variables = {name: value for name, value in NEW.items() if name != "maintenance_not_before"}
    [terms] = lookup.run(["terms"], {**NIGHT, **variables})
    assert (terms["restarts"], terms["programs"], terms["grace"]) == (2, False, 0.5)
    [told] = lookup.run(["faults"], {**NIGHT, **NEW})
    assert [one.split(":")[0] for one in told] == ["maintenance_not_before"]


def test_a_flat_variable_comes_first_and_an_empty_one_does_not_count() -> None:
    """An answer that was left empty is an empty text, or None after ansible-core has read it."""
    given = {"restarts": 3, "grace": 60, "account": "CONTOSO\\ada"}
    flat = {"maintenance_restarts": "5", "maintenance_grace": "", "maintenance_account": None}
    assert terms(maintenance_terms=given, **flat) == {**given, "restarts": 5}
    assert terms(maintenance_unlocks=2) == {"unlocks": 2}
    assert terms(maintenance_terms=None) == {}


def test_each_key_has_a_flat_variable() -> None:
    """A survey can ask for every key."""
    values = {"count": 1, "seconds": 1.0, "yes_or_no": True}
    for name, group in GROUPS.items():
        for key, reader in group.keys.items():
            value = values.get(reader.__name__, "22:00")
            assert read(name, {group.prefix + key: value}.get)[key] == value


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"maintenance_terms": "three"},
            "maintenance_terms must be a dictionary or its text as JSON",
        ),
        ({"maintenance_terms": ["restarts"]}, "it is a list"),
        (
            {"maintenance_terms": {"restart": 3}},
            "maintenance_terms has no key restart; it has account, means",
        ),
        (
            {"maintenance_terms": {"restarts": "a few"}},
            "maintenance_terms.restarts: it must be a whole number",
        ),
        (
            {"maintenance_restarts": True},
            "maintenance_restarts: it must be a whole number, and it is a truth value",
        ),
        ({"maintenance_restarts": -1}, "maintenance_restarts: it must be a whole number"),
        ({"maintenance_restarts": "9" * 5000}, "maintenance_restarts: it must be a whole number"),
        ({"maintenance_grace": "nan"}, "maintenance_grace: it must be a number of seconds"),
        ({"maintenance_grace": -3}, "maintenance_grace: it must be a number of seconds"),
        ({"maintenance_terms": "account=CONTOSO\\ada restarts=2"}, "maintenance_terms must be a dictionary"),
        ({"maintenance_terms": "[1]"}, "maintenance_terms must be a dictionary"),
        ({"maintenance_programs": "perhaps"}, "maintenance_programs: it must be yes or no"),
        (
            {"maintenance_grace": "soon"},
            "maintenance_grace: it must be a number of seconds, and it is another text",
        ),
        ({"maintenance_not_before": 79200}, "maintenance_not_before: it must be a time as a text"),
        ({"maintenance_window_begins": 1.5}, "maintenance_window_begins: it must be a time"),
        (
            {"maintenance_requester": {"name": 7}},
            "maintenance_requester.name: it must be a text, and it is",
        ),
        ({"maintenance_ticket": 1.1}, "maintenance_ticket: it must be a text, and it is a number"),
        ({"maintenance_session": 457}, "maintenance_session: it must be a text, and it is a number"),
        ({"maintenance_session": ""}, "maintenance_session is not set"),
        ({"maintenance_answer_by": 3}, "maintenance_answer_by: it must be a time"),
        ({"maintenance_steps": [{"name": 1.1}]}, "the name of the step 1.1: it must be a text"),
    ],
)
def test_each_unusable_value_has_a_sentence(variables: dict[str, Any], told: str) -> None:
    """The sentence names the variable, says why, and comes before anybody is asked."""
    [sentence] = faults({**NIGHT, **variables}.get)
    assert told in sentence
    assert sentence.count("it must be") <= 1


def test_unusable_terms_are_never_half_the_terms() -> None:
    """Who reads them gets an error, and all faults at once."""
    with pytest.raises(InputError, match=r"maintenance_restarts.*; maintenance_grace"):
        terms(maintenance_terms={"unlocks": 1}, maintenance_restarts="x", maintenance_grace="y")


def test_usable_variables_have_no_sentence() -> None:
    """Also with everything that AWX adds."""
    assert (
        faults({**NIGHT, "maintenance_terms": {"restarts": 2}, "maintenance_steps": [{"name": "a"}]}.get)
        == []
    )


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"awx_user_first_name": "Ada", "awx_user_last_name": " Meyer", "awx_user_name": "ada"}, "Ada Meyer"),
        ({"awx_user_first_name": "", "awx_user_last_name": " ", "awx_user_name": "ada"}, "ada"),
        ({"awx_user_first_name": False, "awx_user_last_name": None, "awx_user_name": "ada"}, "ada"),
        ({}, ""),
    ],
)
def test_the_requester_defaults_to_awxs_user(variables: dict[str, Any], name: str) -> None:
    """A user without a name has a sign-in name; a scheduled job has no user."""
    assert awx_user(variables.get) == name
    organization = {"organization": "Contoso IT", "name": " "}
    found = read("requester", {**variables, "maintenance_requester": organization}.get)
    assert found == {"organization": "Contoso IT", **({"name": name} if name else {})}
    assert (
        read("requester", {**variables, "maintenance_requester_name": "Front office"}.get)["name"]
        == "Front office"
    )
